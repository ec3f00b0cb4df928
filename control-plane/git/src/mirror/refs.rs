//! Branches and tags of a mirror.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::objs::Kind;

use crate::read::failed;
use crate::{CommitId, ReadError, RefName};

/// A branch or tag that came, moved or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefChange {
    /// Which one.
    pub name: RefName,
    /// The commit before; `None` if it is new.
    pub old: Option<CommitId>,
    /// The commit now; `None` if it is gone.
    pub new: Option<CommitId>,
}

/// What lies between two states, by name.
pub fn changes(
    before: &BTreeMap<RefName, CommitId>,
    after: &BTreeMap<RefName, CommitId>,
) -> Vec<RefChange> {
    let mut names: Vec<&RefName> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| RefChange {
            name: name.clone(),
            old: before.get(name).copied(),
            new: after.get(name).copied(),
        })
        .filter(|change| change.old != change.new)
        .collect()
}

/// What branches and tags hold, tag objects included: comparable with a listing of the host.
pub(super) fn unpeeled(repo: &gix::Repository) -> Result<BTreeMap<RefName, ObjectId>, ReadError> {
    let mut found = BTreeMap::new();
    each(repo, |name, reference| {
        if let Some(id) = reference.try_id() {
            found.insert(name, id.detach());
        }
        Ok(())
    })?;
    Ok(found)
}

/// The commits that branches and tags lead to.
pub(super) fn peeled(repo: &gix::Repository) -> Result<BTreeMap<RefName, CommitId>, ReadError> {
    let mut found = BTreeMap::new();
    each(repo, |name, mut reference| {
        let id = reference.peel_to_id().map_err(failed("follow a reference"))?;
        let header = id.header().map_err(failed("read an object"))?;
        if header.kind() == Kind::Commit {
            found.insert(name, id.detach().into());
        }
        Ok(())
    })?;
    Ok(found)
}

/// The branch that `HEAD` names, whether it exists or not.
pub(super) fn head(repo: &gix::Repository) -> Result<Option<RefName>, ReadError> {
    let name = repo.head_name().map_err(failed("read HEAD"))?;
    Ok(name.and_then(|name| RefName::from_full(&name.to_string())))
}

fn each<'repo>(
    repo: &'repo gix::Repository,
    mut see: impl FnMut(RefName, gix::Reference<'repo>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let platform = repo.references().map_err(failed("list the references"))?;
    // Collected first: following a tag needs the packed references that the iterator holds.
    let all: Vec<_> = platform.all().map_err(failed("list the references"))?.collect();
    for reference in all {
        let reference = reference.map_err(|source| ReadError::Objects {
            operation: "read a reference",
            source: Box::new(source),
        })?;
        if let Some(name) = RefName::from_full(&reference.name().as_bstr().to_string()) {
            see(name, reference)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_name_what_came_moved_and_went() {
        let name = |text: &str| RefName::from_full(text).unwrap();
        let id = |digit: &str| digit.repeat(40).parse::<CommitId>().unwrap();
        let before = BTreeMap::from([
            (name("refs/heads/gone"), id("1")),
            (name("refs/heads/main"), id("1")),
            (name("refs/heads/same"), id("1")),
        ]);
        let after = BTreeMap::from([
            (name("refs/heads/main"), id("2")),
            (name("refs/heads/same"), id("1")),
            (name("refs/tags/v1"), id("2")),
        ]);
        let found: Vec<_> = changes(&before, &after)
            .into_iter()
            .map(|c| (c.name.short().to_owned(), c.old, c.new))
            .collect();
        assert_eq!(
            found,
            [
                ("gone".to_owned(), Some(id("1")), None),
                ("main".to_owned(), Some(id("1")), Some(id("2"))),
                ("v1".to_owned(), None, Some(id("2"))),
            ]
        );
    }
}
