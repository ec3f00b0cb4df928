//! Commit ids: full SHA-1 names, nothing shorter, nothing symbolic.

use std::fmt;
use std::str::FromStr;

use gix::ObjectId;

/// The full id of a commit, 40 lowercase hexadecimal digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(ObjectId);

/// Text that is no full commit id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no commit id; give all 40 hexadecimal digits")]
pub struct InvalidCommitId {
    /// The refused text, cut to 64 characters.
    pub text: String,
}

impl CommitId {
    pub(crate) fn object(self) -> ObjectId {
        self.0
    }
}

impl From<ObjectId> for CommitId {
    fn from(id: ObjectId) -> Self {
        Self(id)
    }
}

impl FromStr for CommitId {
    type Err = InvalidCommitId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ObjectId::from_hex(text.as_bytes())
            .ok()
            .filter(|id| !id.is_null())
            .map(Self)
            .ok_or_else(|| InvalidCommitId { text: text.chars().take(64).collect() })
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.to_hex())
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommitId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_id_survives_a_round_trip() {
        let text = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(text.parse::<CommitId>().unwrap().to_string(), text);
    }

    #[test]
    fn anything_but_a_full_id_is_refused() {
        for text in [
            "",
            "HEAD",
            "0123",
            "--upload-pack=x",
            &"0".repeat(40),
            &"g".repeat(40),
            &"a".repeat(41),
        ] {
            assert!(text.parse::<CommitId>().is_err(), "{text:?}");
        }
    }
}
