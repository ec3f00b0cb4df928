//! A host that serves what it is told to, and notes who asks for what.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, ETAG, IF_NONE_MATCH};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A request as a host sees it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: b"canary of the body".to_vec() }
    }

    pub(crate) fn redirect(to: impl Into<String>) -> Self {
        Self::status(302).header("location", to)
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

type Script = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

/// A running host.
pub(crate) struct Host {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Mutex<Script>>,
    _task: JoinSet<()>,
}

impl Host {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Arc::new(script)));
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let mut task = JoinSet::new();
        let (scripted, noted) = (Arc::clone(&script), Arc::clone(&seen));
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (scripted, noted) = (Arc::clone(&scripted), Arc::clone(&noted));
                let service = service_fn(move |request| {
                    answer(Arc::clone(&scripted), Arc::clone(&noted), request)
                });
                connections.spawn(async move {
                    // A client may break off.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { port, seen, script, _task: task }
    }

    /// One that serves these paths.
    pub(crate) async fn of(files: &[(&str, Vec<u8>)]) -> Self {
        Self::start(serving(files)).await
    }

    /// From now on it behaves like this.
    pub(crate) fn becomes(&self, script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Arc::new(script);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The paths that were asked for since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.requests().into_iter().map(|seen| seen.path).collect()
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// A script that serves these paths, with tags.
pub(crate) fn serving(files: &[(&str, Vec<u8>)]) -> impl Fn(&Seen) -> Answer + Send + Sync + use<> {
    let files: HashMap<String, Vec<u8>> =
        files.iter().map(|(path, body)| ((*path).to_owned(), body.clone())).collect();
    move |seen| match files.get(&seen.path) {
        Some(body) => {
            let tag = format!("\"{}\"", body.len());
            Answer::ok(body.clone()).header(ETAG.as_str(), tag)
        }
        None => Answer::status(404),
    }
}

async fn answer(
    script: Arc<Mutex<Script>>,
    noted: Arc<Mutex<Vec<Seen>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let text = |name| head.headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let seen = Seen {
        method: head.method.to_string(),
        path: head.uri.to_string(),
        authorization: text(AUTHORIZATION),
        headers: headers.collect(),
        body: body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default(),
    };
    noted.lock().unwrap().push(seen.clone());
    let script = Arc::clone(&script.lock().unwrap());
    let given = script(&seen);
    let tag = given.headers.iter().find(|(name, _)| *name == ETAG.as_str()).map(|(_, tag)| tag);
    if tag.is_some() && tag == text(IF_NONE_MATCH).as_ref() {
        let unchanged = Response::builder().status(StatusCode::NOT_MODIFIED);
        return Ok(unchanged.body(Full::default()).unwrap());
    }
    let mut response = Response::builder().status(given.status);
    for (name, value) in &given.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(Bytes::from(given.body))).unwrap())
}
