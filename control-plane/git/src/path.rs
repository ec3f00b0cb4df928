//! Paths inside a repository.
//!
//! A [`RepoPath`] is relative and clean by construction: whatever it names lies below the root of a
//! tree, and a checkout of that tree cannot reach git's own directory on any file system.

use std::fmt;
use std::str::FromStr;

use gix::validate::path::component;

/// The longest path accepted, in bytes; a checkout must fit `PATH_MAX` with room for its own prefix.
const LONGEST: usize = 1024;

/// The longest file or folder name, in bytes, that file systems take.
const LONGEST_NAME: usize = 255;

/// A relative path inside a repository; the empty path is the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(String);

/// A path that may not be used inside a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path {path:?} cannot be used in a repository: {fault}")]
pub struct InvalidPath {
    /// The refused path, cut to 200 characters.
    pub path: String,
    /// What is wrong with it.
    pub fault: PathFault,
}

/// What is wrong with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Nothing, or nothing between two slashes.
    #[error("it has an empty part; remove doubled, leading and trailing slashes")]
    Empty,
    /// More than 1024 bytes, or a name of more than 255.
    #[error("it is too long")]
    TooLong,
    /// `.` or `..`.
    #[error("it has a part '.' or '..'; name files below the root only")]
    Relative,
    /// Control characters, NUL, or a backslash.
    #[error("it has a control character or a backslash")]
    Character,
    /// `.git` or `.gitmodules`, also in the spellings that other file systems take for them.
    #[error("git keeps that name for itself")]
    Reserved,
}

impl RepoPath {
    /// The root of the repository. It can be read, and not edited.
    pub fn root() -> Self {
        Self(String::new())
    }

    /// The path with `/` between its parts, empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path with `below` under it.
    ///
    /// # Errors
    /// When `below`, or the whole, is no valid path.
    pub fn join(&self, below: &str) -> Result<Self, InvalidPath> {
        if self.is_root() { below.parse() } else { format!("{}/{below}", self.0).parse() }
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }
}

impl FromStr for RepoPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |fault| InvalidPath { path: text.chars().take(200).collect(), fault };
        if text.len() > LONGEST {
            return Err(refused(PathFault::TooLong));
        }
        text.split('/').try_for_each(check_name).map_err(refused)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "/" } else { &self.0 })
    }
}

fn check_name(name: &str) -> Result<(), PathFault> {
    if name.is_empty() {
        return Err(PathFault::Empty);
    }
    if name.len() > LONGEST_NAME {
        return Err(PathFault::TooLong);
    }
    if name == "." || name == ".." {
        return Err(PathFault::Relative);
    }
    if name.chars().any(|c| c.is_control() || c == '\\') {
        return Err(PathFault::Character);
    }
    // Windows drops trailing dots and spaces, so `.git. ` would become `.git` in somebody's clone.
    let seen_elsewhere = name.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    if matches!(seen_elsewhere.as_str(), "" | ".git" | ".gitmodules" | "git~1") {
        return Err(PathFault::Reserved);
    }
    // The check for Windows' own illegal names stays off: clusters have files called `aux.yaml`.
    let spellings =
        component::Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };
    gix::validate::path::component(name.into(), None, spellings)
        .map(|_| ())
        .map_err(|_| PathFault::Reserved)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_paths_are_taken() {
        for path in [
            "app",
            "app/deployment.yaml",
            ".gimlet/vars",
            ".sourceignore",
            "aux.yaml",
            "-x",
            "a b/c",
            ".gitignore",
        ] {
            assert_eq!(path.parse::<RepoPath>().unwrap().as_str(), path);
        }
    }

    #[test]
    fn every_way_out_of_the_tree_is_refused() {
        use PathFault as F;
        let long = "a/".repeat(600);
        let long_name = "a".repeat(256);
        for (path, fault) in [
            ("", F::Empty),
            ("/etc/passwd", F::Empty),
            ("a//b", F::Empty),
            ("a/", F::Empty),
            ("..", F::Relative),
            ("../x", F::Relative),
            ("a/../../x", F::Relative),
            ("./a", F::Relative),
            ("a/.", F::Relative),
            ("a\0b", F::Character),
            ("a\nb", F::Character),
            ("a\u{9b}b", F::Character),
            ("a\\..\\b", F::Character),
            (".git", F::Reserved),
            (".GIT/hooks/post-receive", F::Reserved),
            ("a/.Git/config", F::Reserved),
            (".git.", F::Reserved),
            (".git . .", F::Reserved),
            ("git~1/config", F::Reserved),
            (".g\u{200c}it/config", F::Reserved),
            (".git::$INDEX_ALLOCATION/config", F::Reserved),
            (".gitmodules", F::Reserved),
            ("...", F::Reserved),
            (&long, F::TooLong),
            (&long_name, F::TooLong),
        ] {
            assert_eq!(path.parse::<RepoPath>().unwrap_err().fault, fault, "{path:?}");
        }
    }

    #[test]
    fn joining_checks_what_is_joined() {
        let app = "app".parse::<RepoPath>().unwrap();
        assert_eq!(app.join("x/y.yaml").unwrap().as_str(), "app/x/y.yaml");
        assert_eq!(app.join("../other").unwrap_err().fault, PathFault::Relative);
        assert_eq!(RepoPath::root().join("a").unwrap().as_str(), "a");
    }

    proptest! {
        #[test]
        fn what_is_taken_never_leaves_the_root(text in "[./a\\\\gitGIT~1 \u{200c}\0-]{0,24}") {
            if let Ok(path) = text.parse::<RepoPath>() {
                prop_assert!(path.parts().all(|part| part != ".." && part != "." && !part.eq_ignore_ascii_case(".git")));
                prop_assert!(!path.as_str().starts_with('/'));
            }
        }
    }
}
