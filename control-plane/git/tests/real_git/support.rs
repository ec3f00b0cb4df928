//! People with git, and a git host to talk to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::{Path as UrlPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures::{StreamExt, TryStreamExt};
use gimlet_git::gitops::{Change, Edit, Message};
use gimlet_git::remote::{HostPolicy, RemoteUrl};
use gimlet_git::smart_http::{self, Limits, Right, SmartHttp};
use gimlet_git::{BranchName, CommitId, Git, RepoPath};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::task::JoinSet;

/// Everything is allowed: the tests' hosts are directories and loopback ports.
pub(crate) const OPEN: HostPolicy = HostPolicy { allow_private: true, allow_file: true };

/// A place for repositories, removed at the end.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The git binary for our side.
    pub(crate) fn git(&self) -> Git {
        Git::new(self.at("home"))
    }

    /// A bare repository with one commit on `main`, as some host would have it.
    pub(crate) fn host(&self, name: &str) -> PathBuf {
        let work = self.at(&format!("{name}-first"));
        git(self.0.path(), &["init", "-q", "-b", "main", work.to_str().unwrap()]);
        write(&work, "README.md", "hello\n");
        commit_all(&work, "first");
        git(self.0.path(), &["clone", "-q", "--bare", work.to_str().unwrap(), name]);
        self.at(name)
    }

    /// A person's clone.
    pub(crate) fn clone_of(&self, url: &str, name: &str) -> PathBuf {
        git(self.0.path(), &["clone", "-q", url, name]);
        self.at(name)
    }
}

pub(crate) fn file_url(path: &Path) -> RemoteUrl {
    format!("file://{}", path.display()).parse().unwrap()
}

/// Runs git as a person would, whatever the outcome.
pub(crate) fn try_git(directory: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .current_dir(directory)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", directory)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .args([
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.test",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .output()
        .unwrap()
}

/// Runs git, asserts success, returns its output.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = try_git(directory, arguments);
    assert!(output.status.success(), "git {arguments:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn write(work: &Path, name: &str, content: &str) {
    let path = work.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

pub(crate) fn commit_all(work: &Path, message: &str) -> CommitId {
    git(work, &["add", "-A"]);
    git(work, &["commit", "-q", "--allow-empty", "-m", message]);
    git(work, &["rev-parse", "HEAD"]).parse().unwrap()
}

/// The files of a checkout, without git's own.
pub(crate) fn checkout(work: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = git(work, &["ls-files"]);
    names.lines().map(|name| (name.to_owned(), std::fs::read(work.join(name)).unwrap())).collect()
}

pub(crate) fn path(text: &str) -> RepoPath {
    text.parse().unwrap()
}

pub(crate) fn files(list: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    list.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec())).collect()
}

/// A fixed time, 2026-01-01, and seconds after it.
pub(crate) fn at_second(second: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_767_225_600 + second).unwrap()
}

pub(crate) fn change(edits: Vec<Edit>) -> Change {
    Change {
        branch: BranchName::main(),
        message: Message::new("[Gimlet] staging/app automated deploy").unwrap(),
        time: at_second(1),
        edits,
        compare_without: Vec::new(),
    }
}

pub(crate) fn put(name: &str, content: &str) -> Edit {
    Edit::PutFile { path: path(name), content: content.into() }
}

/// Serves the bare repositories of a directory, with one user and one password.
pub(crate) struct Host {
    pub(crate) port: u16,
    pub(crate) connections: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

#[derive(Clone)]
struct Serving {
    root: PathBuf,
    server: SmartHttp,
    connections: Arc<AtomicUsize>,
}

pub(crate) const PASSWORD: &str = "canary-password";

impl Host {
    pub(crate) async fn start(root: &Path, limits: Limits) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let server = SmartHttp::new(Git::new(root.join("home")), limits);
        let serving =
            Serving { root: root.to_owned(), server, connections: Arc::clone(&connections) };
        let app = axum::Router::new()
            .route(
                "/moved/{*rest}",
                any(|| async { (StatusCode::FOUND, [(header::LOCATION, "/r.git/info/refs")]) }),
            )
            .route("/{repo}/{*rest}", any(serve))
            .with_state(serving);
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { port, connections, _task: task }
    }

    /// Address for a person; `right` is the user name: `read` or `write`.
    pub(crate) fn as_person(&self, right: &str, repo: &str) -> String {
        format!("http://{right}:{PASSWORD}@127.0.0.1:{}/{repo}", self.port)
    }

    pub(crate) fn url(&self, repo: &str) -> RemoteUrl {
        format!("http://127.0.0.1:{}/{repo}", self.port).parse().unwrap()
    }
}

async fn serve(
    State(serving): State<Serving>,
    UrlPath((repo, rest)): UrlPath<(String, String)>,
    request: Request,
) -> Response {
    serving.connections.fetch_add(1, Ordering::SeqCst);
    let Some(right) = right_of(request.headers()) else {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")])
            .into_response();
    };
    let repository = serving.root.join(&repo);
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
    match serving.server.serve(&repository, right, asked).await {
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
    use base64::Engine;

    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    match String::from_utf8(decoded).ok()?.split_once(':')? {
        ("read", PASSWORD) => Some(Right::Read),
        ("write", PASSWORD) => Some(Right::Write),
        _ => None,
    }
}
