//! A git host that says back what it was told: header and password, in the forms that git prints.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::any,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::task::JoinSet;

pub(super) struct EchoingHost {
    port: u16,
    _serving: JoinSet<()>,
}

impl EchoingHost {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let router = Router::new().route("/{status}/{*rest}", any(echo));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.expect("served") });
        Self { port, _serving: serving }
    }

    /// A repository whose every request is answered with this status.
    pub(super) fn url(&self, status: u16) -> String {
        format!("http://127.0.0.1:{}/{status}/acme/gitops.git", self.port)
    }
}

async fn echo(Path((status, _)): Path<(u16, String)>, headers: HeaderMap) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(given) = given else {
        // Git asks without a password first where it was not told to send it at once.
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    };
    let encoded = given.split(' ').next_back().unwrap_or_default();
    let decoded = STANDARD.decode(encoded).unwrap_or_default();
    let decoded = String::from_utf8_lossy(&decoded);
    // Text is what git passes on as `remote: …`.
    let body = format!("{given} is {decoded}, which is wrong\n");
    let plain = (header::CONTENT_TYPE, "text/plain".to_owned());
    (status, [plain, (header::WWW_AUTHENTICATE, format!("Basic realm=\"{decoded}\""))], body)
        .into_response()
}
