//! Which release made which of a branch's newest commits, kept in memory: every release asks whether it is in
//! git already, and most are not, which would otherwise be found out by reading thousands of commits.

use std::collections::{HashMap, VecDeque};

use super::DEPLOY_ID;
use crate::read::{self, failed};
use crate::{CommitId, ReadError, history};

/// Commits of a branch that are known at a time; who looks back further reads them.
pub(super) const DEPTH: usize = 2_048;

/// The newest commits of one branch.
#[derive(Default)]
pub(super) struct Deploys {
    /// The commit up to which they are known.
    head: Option<CommitId>,
    /// The trailer of each commit, oldest first; its number is its place since the first one ever known.
    trailers: VecDeque<Option<String>>,
    /// The number of the first one in `trailers`.
    first: u64,
    commits: HashMap<String, (u64, CommitId)>,
}

impl Deploys {
    /// The commit of `deploy_id` among the newest `limit` of `head`, at most [`DEPTH`].
    ///
    /// # Errors
    /// When the repository cannot be read; then nothing is known any more.
    pub(super) fn find(
        &mut self,
        repo: &gix::Repository,
        head: CommitId,
        deploy_id: &str,
        limit: usize,
    ) -> Result<Option<CommitId>, ReadError> {
        if let Err(error) = self.catch_up(repo, head) {
            *self = Self::default();
            return Err(error);
        }
        let end = self.first + self.trailers.len() as u64;
        let found = self.commits.get(deploy_id);
        Ok(found.filter(|(number, _)| end - number <= limit as u64).map(|(_, commit)| *commit))
    }

    /// Notes commits that were just made on `before`, oldest first, where it was known up to there.
    pub(super) fn note(&mut self, before: Option<CommitId>, made: &[(CommitId, Option<&str>)]) {
        if self.head.is_none() || self.head != before {
            return;
        }
        for (commit, trailer) in made {
            // One of another form is read when it is looked for.
            let Some(trailer) = trailer else { return };
            self.add(Some((*trailer).to_owned()), *commit);
            self.head = Some(*commit);
        }
    }

    fn catch_up(&mut self, repo: &gix::Repository, head: CommitId) -> Result<(), ReadError> {
        if self.head == Some(head) {
            return Ok(());
        }
        let (mut newer, mut continues) = (Vec::new(), false);
        for commit in history::walk(repo, head, self.head)?.take(DEPTH) {
            let commit = commit.map_err(failed("walk the history"))?;
            continues |= commit.parent_ids.iter().any(|parent| Some((*parent).into()) == self.head);
            let info = read::commit_info(repo, commit.id.into())?;
            newer.push((info.trailer(DEPLOY_ID).map(str::to_owned), info.id));
        }
        if self.head.is_some() && !continues {
            // The branch was moved elsewhere, or by more than is remembered.
            *self = Self::default();
            return self.catch_up(repo, head);
        }
        for (trailer, commit) in newer.into_iter().rev() {
            self.add(trailer, commit);
        }
        self.head = Some(head);
        Ok(())
    }

    fn add(&mut self, trailer: Option<String>, commit: CommitId) {
        if let Some(id) = &trailer {
            let number = self.first + self.trailers.len() as u64;
            self.commits.insert(id.clone(), (number, commit));
        }
        self.trailers.push_back(trailer);
        if self.trailers.len() > DEPTH {
            if let Some(Some(oldest)) = self.trailers.pop_front()
                && self.commits.get(&oldest).is_some_and(|(number, _)| *number == self.first)
            {
                self.commits.remove(&oldest);
            }
            self.first += 1;
        }
    }
}
