//! The outside as the use cases see it.

use gimlet_domain::time::Timestamp;

/// A webhook's headers that matter.
#[derive(Clone, Copy, Debug)]
pub struct HookHeaders<'a> {
    /// Kind of the event.
    pub event: &'a str,
    /// The sender's id of this delivery, unique.
    pub delivery: &'a str,
    /// Signature over the raw body.
    pub signature: &'a str,
}

/// What a webhook says, as far as it is acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookNews {
    /// Branches or tags moved: the repository is worth a look. How, where it is told of one branch.
    RefsMoved(Option<BranchMove>),
    /// A pull request has a head to look at.
    PullRequest(PullRequest),
    /// Nothing to do.
    Nothing,
}

/// One branch's way from one commit to another.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BranchMove {
    /// Its name, without `refs/heads/`.
    pub branch: String,
    /// The commit it was at.
    pub before: String,
    /// The commit it is at.
    pub after: String,
}

/// A pull request's head.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// The head commit.
    pub head_sha: String,
    /// The branch it comes from.
    pub source_branch: String,
    /// The branch it goes to.
    pub target_branch: String,
    /// It comes from another repository: its code is not trusted.
    pub from_fork: bool,
    /// Its page.
    pub url: String,
}

/// Why a webhook was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookRefusal {
    /// The signature does not fit the body and secret.
    #[error("the webhook's signature is missing or wrong; check the secret")]
    Signature,
    /// The body is not what its kind says.
    #[error("the webhook's body cannot be read: {0}")]
    Body(String),
}

/// Reads the webhooks of a git host.
pub trait HookReader: Send + Sync {
    /// Checks the signature over the raw `body`, and only then reads it.
    ///
    /// # Errors
    /// [`HookRefusal`].
    fn read(
        &self,
        secret: &str,
        headers: &HookHeaders<'_>,
        body: &[u8],
    ) -> Result<HookNews, HookRefusal>;
}

/// Tells the time of day for certificates.
pub(crate) fn offset(now: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(now.seconds())
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}
