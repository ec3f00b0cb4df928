//! What went wrong at a git host, told from what git prints.

use crate::{HostError, RunError};

/// Why a remote repository could not be used. No text holds credentials.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The host may not be dialled, or has no address.
    #[error("the host of the repository cannot be used")]
    Host {
        /// Why.
        source: HostError,
    },
    /// Nobody answered, or not to the end.
    #[error("{url} could not be reached: {detail}")]
    Unreachable {
        /// The repository.
        url: String,
        /// The end of what git printed.
        detail: String,
    },
    /// Credentials are missing, wrong, or not enough.
    #[error("{url} refused access: {detail}")]
    Denied {
        /// The repository.
        url: String,
        /// The end of what git printed.
        detail: String,
    },
    /// No repository (or no such commit) there, or none that we may know of.
    #[error("{url} was not found: {detail}")]
    NotFound {
        /// The repository.
        url: String,
        /// The end of what git printed.
        detail: String,
    },
    /// The host answers with a redirect, which is never followed.
    #[error("{url} redirects elsewhere; give the repository's present address")]
    Redirected {
        /// The repository.
        url: String,
    },
    /// The host took the push and said no, for a reason of its own such as a protected branch.
    #[error("{url} rejected the push: {detail}")]
    Rejected {
        /// The repository.
        url: String,
        /// Its reason.
        detail: String,
    },
    /// Anything else that git complains of.
    #[error("git {command} failed for {url}: {detail}")]
    Failed {
        /// The git command.
        command: &'static str,
        /// The repository.
        url: String,
        /// The end of what git printed.
        detail: String,
    },
    /// The git binary gave no result; running out of time counts as unreachable.
    #[error("the exchange with {url} did not finish")]
    Run {
        /// The repository.
        url: String,
        /// Why.
        source: RunError,
    },
}

/// The kinds of [`RemoteError`] that call for different actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteErrorKind {
    /// Try again later.
    Unreachable,
    /// Someone must give other credentials or rights.
    Denied,
    /// Someone must correct the address.
    Address,
    /// Someone must change the host's rules.
    Rejected,
    /// Someone must look at this installation.
    Internal,
}

impl RemoteError {
    /// Which action the error calls for.
    pub fn kind(&self) -> RemoteErrorKind {
        use RemoteErrorKind as K;
        match self {
            Self::Host { source: HostError::Unresolved { .. } } | Self::Unreachable { .. } => {
                K::Unreachable
            }
            Self::Run { source: RunError::TimedOut { .. }, .. } => K::Unreachable,
            Self::Host { source: HostError::FileNotAllowed | HostError::NotPublic { .. } } => {
                K::Address
            }
            Self::NotFound { .. } | Self::Redirected { .. } => K::Address,
            Self::Denied { .. } => K::Denied,
            Self::Rejected { .. } => K::Rejected,
            Self::Failed { .. } | Self::Run { .. } => K::Internal,
        }
    }

    /// Reads git's error output, already scrubbed.
    pub fn from_output(command: &'static str, url: String, output: &str) -> Self {
        let detail = last_lines(output);
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| output.contains(phrase));
        if says(REDIRECTED) {
            Self::Redirected { url }
        } else if says(DENIED) {
            Self::Denied { url, detail }
        } else if says(NOT_FOUND) {
            Self::NotFound { url, detail }
        } else if says(UNREACHABLE) {
            Self::Unreachable { url, detail }
        } else {
            Self::Failed { command, url, detail }
        }
    }
}

const REDIRECTED: &[&str] = &["unable to update url base from redirection", "returned error: 30"];
const DENIED: &[&str] = &[
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "returned error: 401",
    "returned error: 403",
    "Permission denied",
];
const NOT_FOUND: &[&str] = &[
    "not found",
    "returned error: 404",
    "returned error: 410",
    "does not appear to be a git repository",
    "not our ref",
    "couldn't find remote ref",
    "no such ref",
];
const UNREACHABLE: &[&str] = &[
    "Could not resolve",
    "Failed to connect",
    "Couldn't connect",
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "timed out",
    "Operation too slow",
    "unable to access",
    "Empty reply",
    "early EOF",
    "unexpected disconnect",
    "hung up unexpectedly",
    "RPC failed",
    "returned error: 429",
    "returned error: 5",
];

/// The last three lines in one, at most 400 characters.
fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let text = lines[lines.len().saturating_sub(3)..].join("; ");
    let skipped = text.chars().count().saturating_sub(400);
    text.chars().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gits_complaints_are_told_apart() {
        use RemoteErrorKind as K;
        for (output, kind) in [
            ("fatal: unable to access 'https://h/r/': Could not resolve host: h", K::Unreachable),
            (
                "fatal: unable to access 'https://h/r/': Failed to connect to h port 443",
                K::Unreachable,
            ),
            (
                "error: RPC failed; HTTP 503\nfatal: expected flush after ref listing",
                K::Unreachable,
            ),
            (
                "fatal: unable to access 'https://h/r/': The requested URL returned error: 403",
                K::Denied,
            ),
            (
                "fatal: could not read Username for 'https://h': terminal prompts disabled",
                K::Denied,
            ),
            ("remote: Invalid\nfatal: Authentication failed for 'https://h/r/'", K::Denied),
            (
                "remote: Repository not found.\nfatal: repository 'https://h/r/' not found",
                K::Address,
            ),
            ("fatal: '/srv/r' does not appear to be a git repository", K::Address),
            (
                "fatal: unable to access 'http://h/r/': The requested URL returned error: 301",
                K::Address,
            ),
            ("fatal: something new", K::Internal),
        ] {
            assert_eq!(
                RemoteError::from_output("fetch", "u".into(), output).kind(),
                kind,
                "{output}"
            );
        }
    }

    #[test]
    fn a_long_complaint_is_cut_to_its_end() {
        let RemoteError::Failed { detail, .. } = RemoteError::from_output(
            "fetch",
            "u".into(),
            &format!("a\nb\nc\n{}end\n", "é".repeat(900)),
        ) else {
            panic!("another kind");
        };
        assert_eq!(detail.chars().count(), 400);
        assert!(detail.ends_with("end"));
    }
}
