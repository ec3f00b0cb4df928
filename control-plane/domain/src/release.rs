//! A release's state machine.

use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use gimlet_shared::ids::{ArtifactId, ReleaseId};

/// What a release is to bring about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Intent {
    /// The application as this artifact describes it.
    Deploy {
        /// The artifact.
        artifact: ArtifactId,
    },
    /// The application as it was after an earlier release.
    Rollback {
        /// That release.
        to: ReleaseId,
    },
    /// The application away.
    Delete,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", content = "login", rename_all = "snake_case")]
pub enum Trigger {
    /// The manifest's deploy policy.
    Policy,
    /// A person or a program with a token, by login.
    Person(String),
}

impl Trigger {
    /// The word in `release.json`: `policy`, or the login.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Policy => "policy",
            Self::Person(login) => login,
        }
    }
}

/// Where a release stands. [`ReleaseState::next`] is the only way to move it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ReleaseState {
    /// Waits for its turn to be written to git.
    Queued,
    /// Its commit is in the gitops repository.
    Committed {
        /// The commit that carries the state.
        commit: String,
    },
    /// Flux has seen the commit.
    Observed {
        /// The commit that carries the state.
        commit: String,
    },
    /// Applied, and every workload is healthy.
    Healthy {
        /// The commit that carries the state.
        commit: String,
    },
    /// It does not work, and why.
    Degraded {
        /// The commit that carries the state.
        commit: String,
        /// What is wrong.
        cause: Cause,
    },
    /// Its deadline passed without a verdict.
    TimedOut {
        /// The commit, if it came that far.
        commit: Option<String>,
        /// What was last known.
        cause: Cause,
    },
    /// It never reached git.
    Failed {
        /// What is wrong.
        cause: Cause,
    },
    /// A newer release took its place.
    Superseded {
        /// The commit, if it came that far.
        commit: Option<String>,
        /// The newer one, where one is known.
        by: Option<ReleaseId>,
    },
}

/// What can happen to a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseEvent {
    /// Written to git, or found there.
    Written {
        /// The commit that carries the state.
        commit: String,
    },
    /// Could not be written, and trying again would not help.
    Refused {
        /// What is wrong.
        cause: Cause,
    },
    /// Flux has the commit.
    Seen,
    /// Applied and healthy.
    Healed,
    /// A cause was found that will not go away by waiting.
    Broke {
        /// What is wrong.
        cause: Cause,
    },
    /// The deadline passed.
    DeadlinePassed {
        /// What was last known.
        cause: Cause,
    },
    /// A newer release of the application goes first.
    Overtaken {
        /// The newer one.
        by: Option<ReleaseId>,
    },
}

/// An event that cannot happen in this state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a release that is {from} cannot become anything by {event}")]
pub struct IllegalTransition {
    from: &'static str,
    event: &'static str,
}

impl ReleaseState {
    /// Applies `event`, or says why it cannot happen from here.
    ///
    /// # Errors
    /// [`IllegalTransition`], for every pair that the rules do not name.
    pub fn next(&self, event: ReleaseEvent) -> Result<Self, IllegalTransition> {
        use {ReleaseEvent as E, ReleaseState as S};

        // No `_` arm: a new state or event must not compile until someone decides.
        match (self, event) {
            (S::Queued, E::Written { commit }) => Ok(S::Committed { commit }),
            (S::Queued, E::Refused { cause }) => Ok(S::Failed { cause }),
            (S::Queued, E::Overtaken { by }) => Ok(S::Superseded { commit: None, by }),
            (S::Queued, E::DeadlinePassed { cause }) => Ok(S::TimedOut { commit: None, cause }),
            (S::Committed { commit }, E::Seen) => Ok(S::Observed { commit: commit.clone() }),
            (S::Committed { commit } | S::Observed { commit }, E::Healed) => {
                Ok(S::Healthy { commit: commit.clone() })
            }
            (S::Committed { commit } | S::Observed { commit }, E::Broke { cause }) => {
                Ok(S::Degraded { commit: commit.clone(), cause })
            }
            (S::Committed { commit } | S::Observed { commit }, E::DeadlinePassed { cause }) => {
                Ok(S::TimedOut { commit: Some(commit.clone()), cause })
            }
            (S::Committed { commit } | S::Observed { commit }, E::Overtaken { by }) => {
                Ok(S::Superseded { commit: Some(commit.clone()), by })
            }
            (S::Queued, event @ (E::Seen | E::Healed | E::Broke { .. }))
            | (S::Committed { .. }, event @ (E::Written { .. } | E::Refused { .. }))
            | (S::Observed { .. }, event @ (E::Written { .. } | E::Refused { .. } | E::Seen))
            | (
                S::Healthy { .. }
                | S::Degraded { .. }
                | S::TimedOut { .. }
                | S::Failed { .. }
                | S::Superseded { .. },
                event @ (E::Written { .. }
                | E::Refused { .. }
                | E::Seen
                | E::Healed
                | E::Broke { .. }
                | E::DeadlinePassed { .. }
                | E::Overtaken { .. }),
            ) => Err(IllegalTransition { from: self.word(), event: event.word() }),
        }
    }

    /// The stored and shown word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Committed { .. } => "committed",
            Self::Observed { .. } => "observed",
            Self::Healthy { .. } => "healthy",
            Self::Degraded { .. } => "degraded",
            Self::TimedOut { .. } => "timed_out",
            Self::Failed { .. } => "failed",
            Self::Superseded { .. } => "superseded",
        }
    }

    /// The commit, once there is one.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        match self {
            Self::Queued | Self::Failed { .. } => None,
            Self::Committed { commit }
            | Self::Observed { commit }
            | Self::Healthy { commit }
            | Self::Degraded { commit, .. } => Some(commit),
            Self::TimedOut { commit, .. } | Self::Superseded { commit, .. } => commit.as_deref(),
        }
    }

    /// The cause of a bad end.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Degraded { cause, .. }
            | Self::TimedOut { cause, .. }
            | Self::Failed { cause } => Some(cause),
            Self::Queued
            | Self::Committed { .. }
            | Self::Observed { .. }
            | Self::Healthy { .. }
            | Self::Superseded { .. } => None,
        }
    }

    /// Nothing moves it any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !matches!(self, Self::Queued | Self::Committed { .. } | Self::Observed { .. })
    }

    /// In git and not closed: at most one per application.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        matches!(self, Self::Committed { .. } | Self::Observed { .. })
    }
}

impl ReleaseEvent {
    fn word(&self) -> &'static str {
        match self {
            Self::Written { .. } => "being written",
            Self::Refused { .. } => "being refused",
            Self::Seen => "being seen",
            Self::Healed => "healing",
            Self::Broke { .. } => "breaking",
            Self::DeadlinePassed { .. } => "its deadline",
            Self::Overtaken { .. } => "being overtaken",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::CauseCode;

    fn cause() -> Cause {
        Cause::new(CauseCode::Other, "it broke", "look")
    }

    fn events() -> Vec<ReleaseEvent> {
        vec![
            ReleaseEvent::Written { commit: "c1".into() },
            ReleaseEvent::Refused { cause: cause() },
            ReleaseEvent::Seen,
            ReleaseEvent::Healed,
            ReleaseEvent::Broke { cause: cause() },
            ReleaseEvent::DeadlinePassed { cause: cause() },
            ReleaseEvent::Overtaken { by: None },
        ]
    }

    fn reached(state: &ReleaseState) -> Vec<&'static str> {
        events()
            .into_iter()
            .map(|event| state.next(event).map_or("-", |next| next.word()))
            .collect()
    }

    #[test]
    fn a_queued_release_is_written_refused_overtaken_or_late() {
        assert_eq!(
            reached(&ReleaseState::Queued),
            ["committed", "failed", "-", "-", "-", "timed_out", "superseded"]
        );
    }

    #[test]
    fn a_followed_release_ends_one_way_only() {
        let committed = ReleaseState::Committed { commit: "c1".into() };
        assert_eq!(
            reached(&committed),
            ["-", "-", "observed", "healthy", "degraded", "timed_out", "superseded"]
        );
        let observed = ReleaseState::Observed { commit: "c1".into() };
        assert_eq!(
            reached(&observed),
            ["-", "-", "-", "healthy", "degraded", "timed_out", "superseded"]
        );
    }

    #[test]
    fn nothing_moves_a_closed_release() {
        for closed in [
            ReleaseState::Healthy { commit: "c".into() },
            ReleaseState::Degraded { commit: "c".into(), cause: cause() },
            ReleaseState::TimedOut { commit: None, cause: cause() },
            ReleaseState::Failed { cause: cause() },
            ReleaseState::Superseded { commit: None, by: None },
        ] {
            assert!(closed.is_closed());
            assert_eq!(reached(&closed), ["-"; 7], "{closed:?}");
        }
    }
}
