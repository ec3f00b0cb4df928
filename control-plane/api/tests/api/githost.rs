//! Another git host on loopback, with a user, a password, and days on which it is away.

use std::path::{Path, PathBuf};

use axum::{
    Router,
    body::Body,
    extract::{Path as UrlPath, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use base64::Engine as _;
use futures::{StreamExt, TryStreamExt};
use gimlet_git::{
    Git,
    smart_http::{self, Limits, Right, SmartHttp},
};
use tokio::{net::TcpListener, task::JoinSet};

use crate::harness::git;

pub(crate) const PASSWORD: &str = "canary-password";

/// Serves the bare repositories of a folder. The users are `bot`, who may push, and `reader`, who may not.
pub(crate) struct GitHost {
    folder: tempfile::TempDir,
    port: u16,
    serving: JoinSet<()>,
}

#[derive(Clone)]
struct Serving {
    root: PathBuf,
    server: SmartHttp,
}

impl GitHost {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut host = Self { folder: tempfile::tempdir().unwrap(), port, serving: JoinSet::new() };
        host.serve(listener);
        host
    }

    /// Makes an empty repository.
    pub(crate) fn given_repository(&self, name: &str) {
        let made = git(self.folder.path(), &["init", "-q", "--bare", "-b", "main", name]);
        assert!(made.status.success());
    }

    pub(crate) fn repository(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// Nobody listens any more.
    pub(crate) async fn go_away(&mut self) {
        self.serving.shutdown().await;
    }

    /// It is there again, at the same address.
    pub(crate) async fn come_back(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        let git = Git::new(self.folder.path().join("home"));
        let root = self.folder.path().to_owned();
        let serving = Serving { root, server: SmartHttp::new(git, Limits::default()) };
        let router = Router::new().route("/{repository}/{*rest}", any(answer)).with_state(serving);
        self.serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
    }
}

async fn answer(
    State(serving): State<Serving>,
    UrlPath((repository, rest)): UrlPath<(String, String)>,
    request: Request,
) -> Response {
    let Some(right) = right_of(request.headers()) else {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")])
            .into_response();
    };
    let repository: &Path = &serving.root.join(repository);
    if !repository.is_dir() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (parts, body) = request.into_parts();
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let asked = smart_http::Request {
        method: match parts.method {
            Method::GET => smart_http::Method::Get,
            Method::POST => smart_http::Method::Post,
            _ => smart_http::Method::Other,
        },
        path_info: rest,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        content_type: text("content-type"),
        content_encoding: text("content-encoding"),
        git_protocol: text("git-protocol"),
        body: body.into_data_stream().map_err(std::io::Error::other).boxed(),
    };
    match serving.server.serve(repository, right, asked).await {
        Ok(answer) => {
            let mut response = Response::builder().status(answer.status);
            for (name, value) in answer.headers {
                response = response.header(name, value);
            }
            response.body(Body::from_stream(answer.body)).unwrap()
        }
        Err(error) => {
            (StatusCode::from_u16(error.status()).unwrap(), error.to_string()).into_response()
        }
    }
}

fn right_of(headers: &HeaderMap) -> Option<Right> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    match String::from_utf8(decoded).ok()?.split_once(':')? {
        ("reader", PASSWORD) => Some(Right::Read),
        ("bot", PASSWORD) => Some(Right::Write),
        _ => None,
    }
}
