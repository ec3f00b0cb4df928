//! What an organization's record of changes tells of: who did what.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::release::{ReleaseState, Trigger};

macro_rules! activity_kinds {
    ($($(#[$doc:meta])* $name:ident $word:literal;)*) => {
        /// What was done. Its word is part of the API and never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ActivityKind {
            $($(#[$doc])* $name,)*
        }

        impl ActivityKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable word, `subject.what`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }

        impl FromStr for ActivityKind {
            type Err = UnknownActivity;

            fn from_str(word: &str) -> Result<Self, UnknownActivity> {
                match word {
                    $($word => Ok(Self::$name),)*
                    other => Err(UnknownActivity(other.chars().take(64).collect())),
                }
            }
        }
    };
}

activity_kinds! {
    /// A release was asked for: a deploy, a rollback, or taking an application away.
    ReleaseRequested "release.requested";
    /// It is in the gitops repository.
    ReleaseCommitted "release.committed";
    /// Flux saw it.
    ReleaseObserved "release.observed";
    /// It became healthy.
    ReleaseHealthy "release.healthy";
    /// It broke.
    ReleaseDegraded "release.degraded";
    /// Its time passed.
    ReleaseTimedOut "release.timed_out";
    /// It could not be written.
    ReleaseFailed "release.failed";
    /// A newer one took its place.
    ReleaseSuperseded "release.superseded";
    /// A cluster was added.
    ClusterAdded "cluster.added";
    /// Its agent came.
    ClusterConnected "cluster.connected";
    /// Its agent went.
    ClusterDisconnected "cluster.disconnected";
    /// It got a new enrolment token.
    ClusterEnrolmentRenewed "cluster.enrolment_renewed";
    /// Its agent's certificates and tokens were revoked.
    ClusterRevoked "cluster.revoked";
    /// A source repository was added.
    RepositoryAdded "repository.added";
    /// An API token was made.
    TokenCreated "token.created";
    /// An API token was revoked.
    TokenRevoked "token.revoked";
    /// A person became a member.
    MemberAdded "member.added";
    /// A member's role changed.
    MemberRoleChanged "member.role_changed";
    /// A member left.
    MemberRemoved "member.removed";
    /// A member signed in, in a browser or on a terminal.
    SignedIn "session.signed_in";
}

/// A word that names no kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of activity")]
pub struct UnknownActivity(String);

impl ActivityKind {
    /// The kind that tells of a release that is now in `state`.
    #[must_use]
    pub fn of_release(state: &ReleaseState) -> Self {
        match state {
            ReleaseState::Queued => Self::ReleaseRequested,
            ReleaseState::Committed { .. } => Self::ReleaseCommitted,
            ReleaseState::Observed { .. } => Self::ReleaseObserved,
            ReleaseState::Healthy { .. } => Self::ReleaseHealthy,
            ReleaseState::Degraded { .. } => Self::ReleaseDegraded,
            ReleaseState::TimedOut { .. } => Self::ReleaseTimedOut,
            ReleaseState::Failed { .. } => Self::ReleaseFailed,
            ReleaseState::Superseded { .. } => Self::ReleaseSuperseded,
        }
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A member, in a browser or by a one-time link.
    Person {
        /// Login.
        login: String,
    },
    /// A member's program.
    Token {
        /// The member's login.
        login: String,
        /// Name of the token.
        token: String,
    },
    /// A cluster's agent.
    Agent {
        /// Name of the cluster.
        cluster: String,
    },
    /// The deploy policy of a manifest.
    Policy,
    /// The control plane, or whoever operates it.
    System,
}

impl Actor {
    /// `person`, `token`, `agent`, `policy` or `system`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Person { .. } => "person",
            Self::Token { .. } => "token",
            Self::Agent { .. } => "agent",
            Self::Policy => "policy",
            Self::System => "system",
        }
    }

    /// What people search for: the login, the cluster, `policy` or `gimlet`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Person { login } | Self::Token { login, .. } => login,
            Self::Agent { cluster } => cluster,
            Self::Policy => "policy",
            Self::System => "gimlet",
        }
    }

    /// Who set a release off.
    #[must_use]
    pub fn of_trigger(trigger: &Trigger) -> Self {
        match trigger {
            Trigger::Policy => Self::Policy,
            Trigger::Person(login) => Self::Person { login: login.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_back_from_its_word() {
        for kind in ActivityKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        assert!("release.burnt".parse::<ActivityKind>().is_err());
    }
}
