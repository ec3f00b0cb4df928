//! Branch and reference names, checked before git sees them.

use std::fmt;
use std::str::FromStr;

/// The longest name accepted, in bytes; a loose reference must fit a file name with its lock suffix.
const LONGEST: usize = 200;

/// A branch by its short name, such as `main` or `feature/login`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchName(String);

/// A name that git would refuse, or that could be taken for an option.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no valid branch name; use letters, digits, '.', '_', '-' and '/', and begin with no '-'"
)]
pub struct InvalidName {
    /// The refused text, cut to 64 characters.
    pub text: String,
}

impl BranchName {
    /// The branch that our own repositories use.
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The short name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn full(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl FromStr for BranchName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || InvalidName { text: text.chars().take(64).collect() };
        let full = format!("refs/heads/{text}");
        let plausible = !text.is_empty()
            && text.len() <= LONGEST
            && text != "HEAD"
            && !text.starts_with('-')
            && !text.starts_with("refs/");
        if !plausible || gix::validate::reference::name(full.as_str().into()).is_err() {
            return Err(refused());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The full name of a branch or tag, `refs/heads/…` or `refs/tags/…`.
///
/// A remote may call a branch almost anything; because the name is always full, it never begins
/// with `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

/// What a [`RefName`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefKind {
    /// `refs/heads/…`
    Branch,
    /// `refs/tags/…`
    Tag,
}

impl RefName {
    /// Takes a full name; `None` for names outside branches and tags, and for malformed ones.
    pub fn from_full(name: &str) -> Option<Self> {
        let short = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"))?;
        let valid = !short.is_empty() && gix::validate::reference::name(name.into()).is_ok();
        valid.then(|| Self(name.to_owned()))
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Branch or tag.
    pub fn kind(&self) -> RefKind {
        if self.0.starts_with("refs/heads/") { RefKind::Branch } else { RefKind::Tag }
    }

    /// The name as people write it: `main`, `v1.2.0`.
    pub fn short(&self) -> &str {
        self.0.splitn(3, '/').nth(2).unwrap_or(&self.0)
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_branch_names_are_taken() {
        for name in ["main", "feature/login", "release-1.2", "ünïcode", "a", "v1.0_rc"] {
            assert_eq!(name.parse::<BranchName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn hostile_branch_names_are_refused() {
        let long = "a".repeat(201);
        for name in [
            "",
            "-",
            "--force",
            "-u",
            "HEAD",
            "refs/heads/main",
            "a..b",
            "a/../b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a b",
            "a\tb",
            "a\nb",
            "a\0b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[b",
            "a\\b",
            "@{-1}",
            "a@{1}",
            "a.",
            "\u{7f}",
            &long,
        ] {
            assert!(name.parse::<BranchName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn full_names_know_their_kind_and_short_name() {
        let tag = RefName::from_full("refs/tags/v1/rc").unwrap();
        assert_eq!((tag.kind(), tag.short()), (RefKind::Tag, "v1/rc"));
        let branch = RefName::from_full("refs/heads/-x").unwrap();
        assert_eq!((branch.kind(), branch.short()), (RefKind::Branch, "-x"));
    }

    #[test]
    fn names_outside_branches_and_tags_are_no_ref_names() {
        for name in
            ["HEAD", "refs/pull/1/head", "refs/heads/", "refs/heads/a..b", "main", "refs/notes/x"]
        {
            assert_eq!(RefName::from_full(name), None, "{name:?}");
        }
    }
}
