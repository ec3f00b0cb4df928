//! One request as a probe sends it, and everything that comes back.

use std::time::Duration;

use reqwest::{Client, Method, Response, redirect::Policy};

use crate::world::{PATIENCE, World};

/// A stream that says nothing for so long has said what it says at first.
const QUIET: Duration = Duration::from_millis(700);

/// A request, complete.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

/// Status, and headers and body as text.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) text: String,
}

impl Answer {
    /// What was asked was done or shown.
    pub(super) fn is_yes(&self) -> bool {
        match self.status {
            101 | 200..=299 => true,
            300..=399 => !self.leads_to_sign_in(),
            _ => false,
        }
    }

    pub(super) fn leads_to_sign_in(&self) -> bool {
        self.location.as_deref() == Some("/sign-in")
    }
}

/// A client that follows nothing and knows no proxy.
pub(crate) fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .build()
        .expect("a client")
}

/// The same for the agents' port, whose root it trusts.
pub(crate) fn agents_client(world: &World) -> Client {
    let root = std::fs::read(world.data().join("ca/root.pem")).expect("the root");
    let root = reqwest::Certificate::from_pem(&root).expect("a certificate");
    let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(PATIENCE);
    client.tls_certs_only([root]).build().expect("a client")
}

/// Sends it, and reads the answer to its end, or a stream until it falls silent.
pub(super) async fn send(client: &Client, request: &Request) -> Answer {
    let method: Method = request.method.parse().expect("a method");
    let mut built = client.request(method, &request.url);
    for (name, value) in &request.headers {
        built = built.header(*name, value);
    }
    let response = built.body(request.body.clone()).send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let location = headers.get("location").and_then(|it| it.to_str().ok()).map(str::to_owned);
    let text = format!("{headers:?}\n{}", read(response, QUIET).await);
    Answer { status, location, text }
}

/// What comes until the end, or until nothing comes for so long where it is a stream.
pub(super) async fn read(mut response: Response, quiet: Duration) -> String {
    let streams = response
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let limit = if streams { quiet } else { PATIENCE };
    let mut read = Vec::new();
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout(limit, response.chunk()).await {
        read.extend_from_slice(&chunk);
    }
    String::from_utf8_lossy(&read).into_owned()
}
