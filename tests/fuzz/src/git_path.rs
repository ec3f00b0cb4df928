//! Paths, branches and references, as repositories and requests name them.

use std::path::{Component, Path};

use gimlet_git::{BranchName, CommitId, RefName, RepoPath};

/// Takes the input for a path, a branch, a reference and a commit id.
///
/// # Panics
/// When something is taken that git, a file system or a command line could understand as more than it says.
pub fn git_path(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(path) = text.parse::<RepoPath>() {
        stays_inside(&path);
    }
    // Both halves of a joined path come from different people.
    if let Some((above, below)) = text.split_once('\n')
        && let Ok(above) = above.parse::<RepoPath>()
        && let Ok(joined) = above.join(below)
    {
        stays_inside(&joined);
        assert!(joined.as_str().starts_with(&format!("{above}/")), "{joined} is not below {above}");
    }
    if let Ok(branch) = text.parse::<BranchName>() {
        plain(branch.as_str());
        assert!(!branch.as_str().starts_with('-'), "{branch} could be an option");
        let full = format!("refs/heads/{branch}");
        let name = RefName::from_full(&full).expect("a branch has a full name");
        assert_eq!(name.short(), branch.as_str());
    }
    if let Some(name) = RefName::from_full(&text) {
        plain(name.as_str());
        assert!(name.as_str().starts_with("refs/"), "{name} is not full");
    }
    if let Ok(id) = text.parse::<CommitId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase(), "another commit than was named");
    }
}

fn stays_inside(path: &RepoPath) {
    let below = Path::new(path.as_str());
    for component in below.components() {
        let Component::Normal(name) = component else { panic!("{path:?} leaves the root") };
        let name = name.to_string_lossy().to_ascii_lowercase();
        assert!(name != ".git" && name != "git~1", "{path:?} reaches git's own files");
    }
    assert!(!path.as_str().contains(['\0', '\n', '\\']), "{path:?} holds a control character");
}

/// The rules of git-check-ref-format(1), written down a second time.
fn plain(name: &str) {
    let forbidden = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
    assert!(!name.contains(forbidden), "{name:?} holds a character that git keeps for itself");
    assert!(!name.contains("..") && !name.contains("@{"), "{name:?} is an expression");
    for part in name.split('/') {
        let bad = part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
        assert!(!bad, "{name:?} has the part {part:?}");
    }
    assert!(!name.ends_with('.'), "{name:?} ends with a dot");
}
