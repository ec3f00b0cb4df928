//! A control plane that knows nothing but the installer's questions.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_server::{Handle, tls_rustls::RustlsConfig};
use gimlet_installer::{Fingerprint, TrustedRoot};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::Url;

/// The one token that is good.
pub(crate) const TOKEN: &str = "a-token";

/// A running server; it ends with this.
pub(crate) struct Scripted {
    pub(crate) url: Url,
    pub(crate) root: TrustedRoot,
    pub(crate) fingerprint: Fingerprint,
    /// Hashes of the git passwords that were told.
    pub(crate) passwords: Arc<Mutex<Vec<String>>>,
    _server: JoinSet<std::io::Result<()>>,
}

#[derive(Clone)]
struct Script {
    root_pem: String,
    passwords: Arc<Mutex<Vec<String>>>,
    answer: Answer,
}

/// How it answers a good question.
#[derive(Clone)]
pub(crate) enum Answer {
    /// With this.
    Plan(Value),
    /// By sending the asker elsewhere.
    Redirect,
}

/// What a control plane answers about a cluster with one environment.
pub(crate) fn one_environment() -> Value {
    // Nothing listens there: the sources stay unready.
    let location = json!({"url": "http://127.0.0.1:1/none", "branch": "main"});
    json!({
        "cluster": {"id": "clu_test", "name": "test"},
        "agentImage": "gimlet-agent:none",
        "environments": [{
            "name": "green", "namespace": null, "gitUser": "flux", "infra": location, "apps": location,
        }],
    })
}

impl Scripted {
    pub(crate) async fn start(answer: Answer) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
        let key = made.signing_key.serialize_der();
        let tls = RustlsConfig::from_der(vec![made.cert.der().to_vec()], key).await.unwrap();
        let passwords = Arc::default();
        let script =
            Script { root_pem: made.cert.pem(), passwords: Arc::clone(&passwords), answer };
        let routes = Router::new()
            .route("/root.pem", get(async |State(script): State<Script>| script.root_pem))
            .route("/enrolment/cluster", post(describe))
            .with_state(script);
        let handle = Handle::new();
        let server = axum_server::bind_rustls(SocketAddr::from(([127, 0, 0, 1], 0)), tls)
            .handle(handle.clone())
            .serve(routes.into_make_service());
        let mut task = JoinSet::new();
        task.spawn(server);
        let port = handle.listening().await.unwrap().port();
        Self {
            url: format!("https://127.0.0.1:{port}").parse().unwrap(),
            root: TrustedRoot::from_pem(made.cert.pem().as_bytes()).unwrap(),
            fingerprint: Fingerprint::of(made.cert.der()),
            passwords,
            _server: task,
        }
    }
}

async fn describe(
    State(script): State<Script>,
    headers: HeaderMap,
    Json(question): Json<Value>,
) -> Response {
    if headers.get("authorization").is_none_or(|value| value != "Bearer a-token") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let password = question["gitPasswordSha256"].as_str().unwrap_or_default().to_owned();
    script.passwords.lock().unwrap().push(password);
    match script.answer {
        Answer::Plan(plan) => Json(plan).into_response(),
        Answer::Redirect => Redirect::temporary("/root.pem").into_response(),
    }
}
