//! Typed ids: a `UUIDv7` that says in text what it names (`rel_01926…`).
//!
//! `v7` ids sort by the time they were made, to the millisecond.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// Text that is no id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}_` followed by 32 hexadecimal digits")]
pub struct ParseIdError {
    prefix: &'static str,
    text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What this kind of id begins with in text.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, larger than those made in earlier milliseconds.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default id would be a different one each time")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse($prefix, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An organization, the tenant.
    OrganizationId "org";
    /// A person's account.
    UserId "usr";
    /// An API token.
    TokenId "tok";
    /// A browser session.
    SessionId "ses";
    /// A connected cluster.
    ClusterId "clu";
    /// One enrolment of a cluster, spent once.
    EnrolmentId "enr";
    /// A deploy target.
    EnvironmentId "env";
    /// A source repository.
    RepositoryId "rep";
    /// One releasable version.
    ArtifactId "art";
    /// One application in one environment.
    ApplicationId "app";
    /// One attempt to bring an application to an artifact, back, or away.
    ReleaseId "rel";
    /// One command to an agent.
    CommandId "cmd";
    /// One delivery of a webhook.
    DeliveryId "dlv";
    /// One run of an agent process.
    BootId "boot";
}

fn parse(prefix: &'static str, text: &str) -> Result<Uuid, ParseIdError> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|digits| digits.len() == 32)
        .and_then(|digits| Uuid::try_parse(digits).ok())
        .ok_or_else(|| ParseIdError { prefix, text: text.chars().take(64).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_own_text() {
        let id = ReleaseId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        assert!(ArtifactId::new().to_string().parse::<ReleaseId>().is_err());
        assert!("rel_".parse::<ReleaseId>().is_err());
        assert!("rel_zz".parse::<ReleaseId>().is_err());
    }
}
