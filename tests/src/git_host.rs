//! Another git host, for environments whose gitops repository is not ours: git over HTTP, behind a login.

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use gimlet_git::{
    Git,
    smart_http::{self, Limits, Right, SmartHttp},
};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, BodyStream, Empty, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Who may read and push.
#[derive(Clone, Copy, Debug)]
pub struct Login {
    /// The user.
    pub user: &'static str,
    /// The password.
    pub password: &'static str,
}

/// One bare repository behind basic auth; it ends with this value.
#[derive(Debug)]
pub struct GitHost {
    address: SocketAddr,
    repository: PathBuf,
    login: Login,
    _tasks: JoinSet<()>,
}

impl GitHost {
    /// Makes the repository below `folder`, and serves it on a free port of loopback.
    ///
    /// # Errors
    /// When git or the port cannot be had.
    pub async fn start(folder: PathBuf, login: Login) -> Result<Self> {
        let repository = folder.join("gitops.git");
        let made = tokio::process::Command::new("git")
            .args(["init", "--quiet", "--bare", "--initial-branch=main"])
            .arg(&repository)
            .status()
            .await?;
        ensure!(made.success(), "git init failed");
        let git = SmartHttp::new(
            Git::new(folder.join("home")),
            Limits {
                patience: Duration::from_secs(30),
                concurrent_of_one: 16,
                ..Limits::default()
            },
        );
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        let served = repository.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (git, served) = (git.clone(), served.clone());
                let service = service_fn(move |request| {
                    let (git, served) = (git.clone(), served.clone());
                    async move { Ok::<_, Infallible>(answer(&git, &served, login, request).await) }
                });
                connections.spawn(async move {
                    // Whoever breaks off was killed.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, repository, login, _tasks: tasks })
    }

    /// The repository itself.
    #[must_use]
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// Its address for `git clone`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/gitops.git", self.address)
    }

    /// The same with the credential in it.
    #[must_use]
    pub fn url_with_login(&self) -> String {
        let Login { user, password } = self.login;
        format!("http://{user}:{password}@{}/gitops.git", self.address)
    }
}

async fn answer(
    git: &SmartHttp,
    repository: &Path,
    Login { user, password }: Login,
    request: Request<Incoming>,
) -> Response<Body> {
    let login = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    if request.headers().get(header::AUTHORIZATION).is_none_or(|given| *given != *login) {
        let mut refused = empty(StatusCode::UNAUTHORIZED);
        let challenge = http::HeaderValue::from_static("Basic realm=\"git\"");
        refused.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        return refused;
    }
    let (parts, body) = request.into_parts();
    let text = |name: &str| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let body = BodyStream::new(body).try_filter_map(async |frame| Ok(frame.into_data().ok()));
    let asked = smart_http::Request {
        method: match parts.method {
            Method::GET => smart_http::Method::Get,
            Method::POST => smart_http::Method::Post,
            _ => smart_http::Method::Other,
        },
        path_info: parts.uri.path().trim_start_matches("/gitops.git/").to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        content_type: text("content-type"),
        content_encoding: text("content-encoding"),
        git_protocol: text("git-protocol"),
        body: body.map_err(std::io::Error::other).boxed(),
    };
    let Ok(answer) = git.serve(repository, Right::Write, asked).await else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = StreamBody::new(answer.body.map_ok(Frame::data)).boxed_unsync();
    response.body(body).unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
}

fn empty(status: StatusCode) -> Response<Body> {
    let body = Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
