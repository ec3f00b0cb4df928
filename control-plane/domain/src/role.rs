//! What a member of an organization may do.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A member's role; each includes the ones below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees everything, changes nothing.
    Viewer,
    /// Releases, rolls back, deletes applications.
    Developer,
    /// Connects clusters and repositories.
    Admin,
    /// Everything, members included.
    Owner,
}

impl Role {
    /// The word that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Someone of this role may bring another member from one role to the next, or out where there is no
    /// next: admins up to their own level, owners everyone.
    #[must_use]
    pub fn may_change(self, from: Self, to: Option<Self>) -> bool {
        self >= Self::Admin && from <= self && to.is_none_or(|to| to <= self)
    }
}

/// A word that is no role.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is no role; use owner, admin, developer or viewer")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        match word {
            "viewer" => Ok(Self::Viewer),
            "developer" => Ok(Self::Developer),
            "admin" => Ok(Self::Admin),
            "owner" => Ok(Self::Owner),
            other => Err(UnknownRole(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_reaches_above_themselves() {
        use Role::{Admin, Developer, Owner, Viewer};
        assert!(Owner.may_change(Owner, Some(Viewer)) && Owner.may_change(Viewer, Some(Owner)));
        assert!(Admin.may_change(Admin, None) && Admin.may_change(Viewer, Some(Admin)));
        assert!(!Admin.may_change(Owner, None) && !Admin.may_change(Viewer, Some(Owner)));
        assert!(!Developer.may_change(Viewer, None));
    }

    #[test]
    fn a_role_reads_back_from_its_word_and_includes_those_below() {
        let all = [Role::Viewer, Role::Developer, Role::Admin, Role::Owner];
        assert!(all.is_sorted());
        for role in all {
            assert_eq!(role.as_str().parse::<Role>().ok(), Some(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
