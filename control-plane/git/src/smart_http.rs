//! Git's smart HTTP protocol for bare repositories, through `git http-backend`.
//!
//! Three endpoints exist: `info/refs`, `git-upload-pack` and `git-receive-pack`. Files of a repository
//! are never served, no hook runs, what is pushed is checked object by object before it counts, and
//! branches move forward only. Which repository a request means and what its sender may do is decided
//! by the caller; with [`Right::Read`] nothing reaches the receiving side.
//!
//! Bodies stream both ways and are never held whole. No HTTP framework is assumed.

mod backend;
mod error;
mod request;
mod turns;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use gimlet_remote::Settings;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::ServeError;
pub use request::{Method, Request, Right};

use crate::Git;
use turns::Turns;

/// A body, in pieces.
pub type Body = BoxStream<'static, std::io::Result<Bytes>>;

/// An answer.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Header names and values, as the backend gives them.
    pub headers: Vec<(String, String)>,
    /// The body; it ends with an error when the exchange was cut short.
    pub body: Body,
}

/// What one server may use up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Exchanges at the same time; each is a git process of some tens of megabytes. A quarter of them is
    /// kept for folders that have none under way: a few that are busy never take all.
    pub concurrent: usize,
    /// Those of them that the repositories of one folder may have: whoever owns the folder keeps nobody
    /// else waiting.
    pub concurrent_of_one: usize,
    /// How long a request waits for its turn.
    pub patience: Duration,
    /// How long one exchange may take.
    pub time: Duration,
    /// The largest pack that may be pushed, in bytes.
    pub push_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent: 16,
            concurrent_of_one: 4,
            patience: Duration::from_secs(10),
            time: Duration::from_secs(600),
            push_bytes: 64 << 20,
        }
    }
}

/// Serves repositories. Clones share the limits.
#[derive(Clone, Debug)]
pub struct SmartHttp {
    git: Git,
    limits: Limits,
    turns: Turns,
    exchanges: TaskTracker,
    stop: CancellationToken,
}

impl SmartHttp {
    /// A server that runs `git` within `limits`.
    pub fn new(git: Git, limits: Limits) -> Self {
        Self {
            git,
            limits,
            turns: Turns::new(limits.concurrent, limits.concurrent_of_one),
            exchanges: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Answers one request for the bare repository at `repository`.
    ///
    /// The git process ends with the exchange: when the answer is complete, when its body is dropped,
    /// when the time is up, or on [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    /// Each has the HTTP status to answer with, [`ServeError::status`].
    pub async fn serve(
        &self,
        repository: &Path,
        right: Right,
        request: Request,
    ) -> Result<Response, ServeError> {
        let call = request.call(right)?;
        let folder = repository.parent().unwrap_or(repository);
        let turn = tokio::time::timeout(self.limits.patience, self.turns.take(folder));
        let turn = turn.await.map_err(|_| ServeError::Busy)?;
        if self.stop.is_cancelled() {
            return Err(ServeError::Busy);
        }
        let mut command = self.git.command(&self.settings(right));
        call.describe(repository, &mut command);
        let exchange = backend::Exchange {
            largest_body: call.largest_body(self.limits.push_bytes),
            time: self.limits.time,
            stop: self.stop.clone(),
            turn,
        };
        exchange.start(command, request.body, &self.exchanges).await
    }

    /// Ends all exchanges and waits until their processes are gone. Later requests are refused.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.exchanges.close();
        self.exchanges.wait().await;
    }

    fn settings(&self, right: Right) -> Settings {
        let mut settings = Settings::default();
        settings.set("http.uploadpack", "true");
        settings.set("http.getanyfile", "false");
        settings.set("http.receivepack", (right == Right::Write).to_string());
        settings.set("transfer.fsckObjects", "true");
        settings.set("receive.fsckObjects", "true");
        settings.set("receive.denyNonFastForwards", "true");
        settings.set("receive.denyDeletes", "true");
        settings.set("receive.maxInputSize", self.limits.push_bytes.to_string());
        settings.set("receive.advertisePushOptions", "false");
        // Branches and tags are all there is; a pushed `refs/replace` would rewrite histories.
        // A branch called HEAD is taken for the repository's own HEAD by everyone who reads it by name.
        for rule in ["refs/", "!refs/heads/", "!refs/tags/", "refs/heads/HEAD", "refs/tags/HEAD"] {
            settings.set("transfer.hideRefs", rule);
        }
        settings
    }
}
