//! Why a command did not do what it was told, what to do about it, and with which code it ends.

use std::{io, path::PathBuf};

use gimlet_shared::{
    api::{Problem, Release},
    error_chain::Chain,
};

use crate::{rows::release::outcome, server_url::ServerUrl};

/// Something did not work.
const ERROR: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// A release did not become healthy.
const NOT_HEALTHY: u8 = 3;
/// The time of `--wait` is over.
const TIMEOUT: u8 = 4;
/// A comparison found a difference, as `diff` says it.
const DIFFERS: u8 = 1;
/// A comparison could not be made, as `diff` says it.
const NOT_COMPARED: u8 = 2;
/// What shells say of a program that ended by an interrupt.
const INTERRUPTED: u8 = 130;

/// Why a command failed. `Display` never repeats the source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{problem}")]
    Usage { problem: String, advice: Option<String> },
    #[error("{problem}")]
    Local { problem: String, advice: Option<String> },
    #[error("not logged in to {server}")]
    NotLoggedIn { server: ServerUrl },
    #[error("{}", if problem.detail.is_empty() { &problem.title } else { &problem.detail })]
    Refused { problem: Box<Problem>, advice: Option<String> },
    #[error("cannot reach {server}")]
    Unreachable { server: ServerUrl, source: reqwest::Error },
    #[error("{server} was silent for too long")]
    Silent { server: ServerUrl },
    #[error("{server} answered with status {status} and no explanation")]
    Unexplained { server: ServerUrl, status: u16, request_id: Option<String> },
    #[error("{server} does not answer as a Gimlet server does: {what}")]
    Foreign { server: ServerUrl, what: String },
    #[error("{server} is not the place; it sends to {to}")]
    Moved { server: ServerUrl, to: String },
    #[error("cannot {verb} {}", path.display())]
    File { verb: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot write to standard output")]
    Output { source: io::Error },
    #[error("{}", releases.iter().map(outcome).collect::<Vec<_>>().join("; "))]
    NotHealthy { releases: Vec<Release> },
    #[error("{problem}")]
    WaitedTooLong { problem: String, advice: String },
    #[error("interrupted")]
    Interrupted,
    #[error("the two sides differ")]
    Differs,
    #[error(transparent)]
    NotCompared(Box<CliError>),
}

impl CliError {
    /// The command line is wrong.
    pub(crate) fn usage(problem: impl Into<String>) -> Self {
        Self::Usage { problem: problem.into(), advice: None }
    }

    /// Something on this side does not work.
    pub(crate) fn local(problem: impl Into<String>) -> Self {
        Self::Local { problem: problem.into(), advice: None }
    }

    /// The same error, with the code of a comparison that could not be made: 1 means a difference there.
    pub(crate) fn while_comparing(self) -> Self {
        match self {
            Self::Interrupted => Self::Interrupted,
            error => Self::NotCompared(Box::new(error)),
        }
    }

    /// The same error with the code that existing CI plugins expect: 1, whatever did not work.
    pub(crate) fn into_older(self) -> Self {
        match self {
            Self::WaitedTooLong { problem, advice } => {
                Self::Local { problem, advice: Some(advice) }
            }
            error => error,
        }
    }

    /// Says what to do, where that can be said better here.
    pub(crate) fn advise(mut self, text: impl Into<String>) -> Self {
        if let Self::Usage { advice, .. }
        | Self::Local { advice, .. }
        | Self::Refused { advice, .. } = &mut self
        {
            *advice = Some(text.into());
        }
        self
    }

    /// Says what else can be done.
    pub(crate) fn advise_also(self, text: &str) -> Self {
        match self.advice() {
            Some(known) => self.advise(format!("{known}; or {text}")),
            None => self.advise(text),
        }
    }

    /// Says what to do when the server gave this status.
    pub(crate) fn advise_on(self, status: u16, text: &str) -> Self {
        if self.status() == Some(status) { self.advise(text) } else { self }
    }

    /// The status of the server's answer, where there was one that refused.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { problem, .. } => Some(problem.status),
            Self::Unexplained { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The last part of the problem's type, `invalid-field`.
    pub(crate) fn kind(&self) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => problem.kind.rsplit(['#', '/']).next(),
            _ => None,
        }
    }

    /// The field that the server finds wrong.
    pub(crate) fn field(&self) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => problem.field.as_deref(),
            _ => None,
        }
    }

    /// The same question may be answered a moment later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } => true,
            // The first of two requests with one key is still being carried out.
            error if error.kind() == Some("idempotency-key-in-use") => true,
            error => matches!(error.status(), Some(429 | 502 | 503 | 504)),
        }
    }

    /// The code that the process ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => USAGE,
            Self::NotHealthy { .. } => NOT_HEALTHY,
            Self::WaitedTooLong { .. } => TIMEOUT,
            Self::Interrupted => INTERRUPTED,
            Self::Differs => DIFFERS,
            Self::NotCompared(_) => NOT_COMPARED,
            Self::Local { .. }
            | Self::NotLoggedIn { .. }
            | Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::Unexplained { .. }
            | Self::Foreign { .. }
            | Self::Moved { .. }
            | Self::File { .. }
            | Self::Output { .. } => ERROR,
        }
    }

    /// The error with its causes, on one line.
    pub(crate) fn sentence(&self) -> String {
        Chain(self).to_string()
    }

    /// What a person or the server's operator can look up.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let (field, request) = match self {
            Self::Refused { problem, .. } => (problem.field.clone(), problem.request_id.clone()),
            Self::Unexplained { request_id, .. } => (None, request_id.clone()),
            Self::NotCompared(error) => return error.facts(),
            _ => (None, None),
        };
        let facts = [("field", field), ("request", request)];
        facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// What to do.
    pub(crate) fn advice(&self) -> Option<String> {
        match self {
            Self::Usage { advice, .. } | Self::Local { advice, .. } | Self::Refused { advice, .. } => advice.clone(),
            Self::NotLoggedIn { server } => {
                Some(format!("run `gimlet auth login --server {server}`, or set GIMLET_TOKEN"))
            }
            Self::Unreachable { server, .. } if server.is_encrypted() => Some(
                "check the URL, HTTPS_PROXY and NO_PROXY; an authority of your own is named with --ca-file".to_owned(),
            ),
            Self::Unreachable { .. } => Some("check the URL, HTTP_PROXY and NO_PROXY".to_owned()),
            Self::Silent { .. } => Some("try again; the server or a proxy before it is overloaded".to_owned()),
            Self::Unexplained { status: 500.., .. } => {
                Some("try again; if it stays, give the server's operator the time and the request".to_owned())
            }
            Self::Unexplained { .. } | Self::Foreign { .. } => {
                Some("check that the URL is the server's own, without the path of a page".to_owned())
            }
            Self::Moved { .. } => Some("if that is your server, set it with --server or GIMLET_SERVER".to_owned()),
            Self::WaitedTooLong { advice, .. } => Some(advice.clone()),
            Self::NotCompared(error) => error.advice(),
            Self::File { .. } | Self::Output { .. } | Self::NotHealthy { .. } | Self::Interrupted | Self::Differs => None,
        }
    }
}
