//! A server that answers by script and remembers what it was asked.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response},
};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<String>,
    /// The body never ends.
    hangs: bool,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `GET /api/v1/me?limit=1`.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Default)]
struct Script {
    replies: HashMap<String, VecDeque<Reply>>,
    seen: Vec<Seen>,
}

/// The server; it ends with this value.
pub(crate) struct Server {
    pub(crate) url: String,
    script: Arc<Mutex<Script>>,
    _tasks: JoinSet<()>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    pub(crate) fn of(status: u16, content_type: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: vec![body],
            hangs: false,
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), hangs: false }
    }

    pub(crate) fn problem(status: u16, kind: &str, detail: &str, field: Option<&str>) -> Self {
        let problem = serde_json::json!({
            "type": format!("/docs/problems#{kind}"), "title": "Title", "status": status, "detail": detail,
            "field": field, "request_id": "req-1",
        });
        Self::of(status, "application/problem+json", problem.to_string())
    }

    /// A stream of releases that then ends.
    pub(crate) fn events(releases: &[Value]) -> Self {
        let body =
            releases.iter().map(|release| format!("event: release\ndata: {release}\n\n")).collect();
        Self {
            status: 200,
            headers: vec![("content-type", "text/event-stream".to_owned())],
            body,
            hangs: false,
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends what it has, and never ends.
    pub(crate) fn hanging(self) -> Self {
        Self { hangs: true, ..self }
    }

    fn into_response(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let parts = stream::iter(self.body).map(Ok::<_, Infallible>);
        let body = if self.hangs {
            Body::from_stream(parts.chain(stream::pending()))
        } else {
            Body::from_stream(parts)
        };
        response.body(body).unwrap()
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new().fallback(answer).with_state(script.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script, _tasks: tasks }
    }

    /// Answers `request`, such as `GET /api/v1/me`, with each reply once and the last one ever after.
    pub(crate) fn on(self, request: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.script
            .lock()
            .unwrap()
            .replies
            .insert(request.to_owned(), replies.into_iter().collect());
        self
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    /// The requests without headers and bodies.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// The JSON of the only request of this line.
    pub(crate) fn body_of(&self, line: &str) -> Value {
        let seen = self.seen().into_iter().find(|seen| seen.line == line).expect(line);
        serde_json::from_str(&seen.body).unwrap()
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let route = format!("{} {}", parts.method, parts.uri.path());
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut script = script.lock().unwrap();
    script.seen.push(Seen { line: format!("{route}{query}"), headers: parts.headers, body });
    let reply = match script.replies.get_mut(&route) {
        Some(replies) if replies.len() > 1 => replies.pop_front(),
        Some(replies) => replies.front().cloned(),
        None => None,
    };
    let absent = || Reply::problem(404, "not-found", &format!("no script for {route}"), None);
    reply.unwrap_or_else(absent).into_response()
}
