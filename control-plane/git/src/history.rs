//! Walking histories, newest first.

use gix::ObjectId;
use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;

use crate::gitops::DEPLOY_ID;
use crate::read::{self, failed};
use crate::{CommitId, CommitInfo, ReadError, RepoPath};

/// How many commits one call looks at before it gives what it has: about a second of work.
const MOST_COMMITS: usize = 50_000;

/// Memory for decoded objects during a walk, in bytes: neighbours share most of their trees.
const OBJECT_CACHE: usize = 8 << 20;

/// Commits in the history of `from` that changed what stands at `path`, at most `limit`.
pub(crate) fn touching(
    repo: &gix::Repository,
    from: CommitId,
    path: &RepoPath,
    limit: usize,
) -> Result<Vec<CommitInfo>, ReadError> {
    let mut found = Vec::new();
    for commit in walk(repo, from, None)?.take(MOST_COMMITS) {
        if found.len() == limit {
            break;
        }
        let commit = commit.map_err(failed("walk the history"))?;
        let now = standing(repo, commit.id, path)?;
        // A merge that takes one side as it is has changed nothing.
        let mut changed = now.is_some() || !commit.parent_ids.is_empty();
        for parent in &commit.parent_ids {
            changed &= standing(repo, *parent, path)? != now;
        }
        if changed {
            found.push(read::commit_info(repo, commit.id.into())?);
        }
    }
    Ok(found)
}

/// The newest commit in the history of `from`, but not of `since`, whose trailer names the deploy;
/// looks at no more than `limit` commits.
pub(crate) fn find_deploy(
    repo: &gix::Repository,
    from: CommitId,
    deploy_id: &str,
    since: Option<CommitId>,
    limit: usize,
) -> Result<Option<CommitId>, ReadError> {
    for commit in walk(repo, from, since)?.take(limit) {
        let commit = commit.map_err(failed("walk the history"))?;
        let info = read::commit_info(repo, commit.id.into())?;
        if info.trailer(DEPLOY_ID) == Some(deploy_id) {
            return Ok(Some(info.id));
        }
    }
    Ok(None)
}

/// Commits in the history of `from`, but not of `hidden`, by commit time, at most `limit`.
pub(crate) fn between(
    repo: &gix::Repository,
    hidden: Option<CommitId>,
    from: CommitId,
    limit: usize,
) -> Result<Vec<CommitInfo>, ReadError> {
    walk(repo, from, hidden)?
        .take(limit)
        .map(|commit| {
            read::commit_info(repo, commit.map_err(failed("walk the history"))?.id.into())
        })
        .collect()
}

/// The history of `from` without that of `hidden`, by commit time.
pub(crate) fn walk(
    repo: &gix::Repository,
    from: CommitId,
    hidden: Option<CommitId>,
) -> Result<gix::revision::Walk<'_>, ReadError> {
    read::commit(repo, from)?;
    hidden.map(|hidden| read::commit(repo, hidden)).transpose()?;
    repo.rev_walk([from.object()])
        .sorting(Sorting::ByCommitTime(CommitTimeOrder::NewestFirst))
        .with_hidden(hidden.map(CommitId::object))
        .all()
        .map_err(failed("walk the history"))
}

/// What stands at a path, comparable between commits.
fn standing(
    repo: &gix::Repository,
    commit: ObjectId,
    path: &RepoPath,
) -> Result<Option<(u16, ObjectId)>, ReadError> {
    let tree = read::tree_of(repo, commit.into())?;
    Ok(read::entry(repo, tree, path)?.map(|(mode, id)| (mode.value(), id)))
}

/// A handle for walks: with memory for what neighbouring commits share.
pub(crate) fn handle(repo: &gix::ThreadSafeRepository) -> gix::Repository {
    let mut repo = repo.to_thread_local();
    repo.object_cache_size(OBJECT_CACHE);
    repo
}
