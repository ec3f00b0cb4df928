//! Which commits of a repository are new, and which of them are heads.

use std::{collections::BTreeMap, time::Duration};

use gimlet_git::{
    CommitId, CommitInfo, InvalidCommitId, ReadError, RefKind, RefName,
    mirror::{Mirror, MirrorError},
};
use gimlet_shared::{error_chain::Chain, ids::DeliveryId};
use gimlet_store::{Commit, Delivery, EventWord, RefChange, SourceRepository};
use tracing::warn;

use super::LookError;
use crate::{
    App, Timestamp,
    ports::{BranchMove, PullRequest},
    repositories::{PULL_REQUEST_DELIVERY, REFS_DELIVERY},
};

/// A push of more commits than this shows its newest ones.
const COMMITS_OF_A_PUSH: usize = 100;
/// How long a pull request is remembered whose host is away.
const KEPT: Duration = Duration::from_secs(6 * 3600);
/// What a webhook says of a branch is believed for so long; what waited longer may be over.
const FRESH: Duration = Duration::from_secs(30);
/// What a new repository shows of its past.
const COMMITS_AT_FIRST_SIGHT: usize = 20;

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Oldest first within each ref: artifacts sort by when they were stored.
    pub(super) commits: Vec<Found>,
    /// How the refs have moved since they were last stored.
    pub(super) refs: Vec<RefChange>,
}

/// A commit to ingest.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: CommitId,
    pub(super) commit: Commit,
    /// Whether the policy may be asked.
    pub(super) standing: Standing,
}

/// Whether a commit may meet the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The head of a push, a tag or a pull request.
    Head,
    /// A commit before a head.
    Before,
    /// A head that was there when the repository was added, on another branch than the default one.
    AlreadyThere,
    /// The head of a pull request from another repository.
    Fork,
}

/// Commits that branches and tags brought since they were last stored.
pub(super) async fn of_refs(
    app: &App,
    repository: &SourceRepository,
    mirror: &Mirror,
    default_branch: Option<&str>,
) -> Result<News, LookError> {
    let parts = app.parts();
    let now = mirror.refs().await?;
    let seen: BTreeMap<String, String> = parts
        .store
        .list_seen_refs(&parts.system, repository.id)
        .await?
        .into_iter()
        .map(|seen| (seen.name, seen.sha))
        .collect();
    let refs = changes(&seen, &now);
    // What a repository holds when it is added was not pushed to us; the first push to one that was added
    // empty was.
    let first = seen.is_empty() && repository.last_polled_at.is_none();
    let look = Look { mirror, now: &now, first, default_branch };
    let mut news = News { commits: Vec::new(), refs };
    for change in &news.refs {
        let Some((name, new)) = by_full_name(&now, &change.name) else { continue };
        let old = change.old.as_deref().and_then(|sha| sha.parse().ok());
        news.commits.extend(look.of_ref(name, old, new).await?);
    }
    Ok(news)
}

/// What deliveries say of commits that are here already; `None` where the host has to be asked: when one says
/// something else, is from long ago, or does not follow on what was last seen.
pub(super) async fn of_announcements(
    app: &App,
    repository: &SourceRepository,
    mirror: &Mirror,
    deliveries: &[Delivery],
) -> Result<Option<News>, LookError> {
    let parts = app.parts();
    let Some(ways) = ways(deliveries, app.now()) else { return Ok(None) };
    let seen = parts.store.list_seen_refs(&parts.system, repository.id).await?;
    let (now, default_branch) = (BTreeMap::new(), repository.default_branch.as_deref());
    let look = Look { mirror, now: &now, first: false, default_branch };
    let mut news = News::default();
    for (name, way) in ways {
        let at = seen.iter().find(|seen| seen.name == name.as_str());
        let old = at.and_then(|seen| way.iter().rposition(|id| id.to_string() == seen.sha));
        let (Some(old), Some(new)) = (old.map(|at| way[at]), way.last().copied()) else {
            return Ok(None);
        };
        if old == new {
            continue;
        }
        if !mirror.has(new).await? {
            return Ok(None);
        }
        news.commits.extend(look.of_ref(&name, Some(old), new).await?);
        news.refs.push(RefChange {
            name: name.as_str().to_owned(),
            old: Some(old.to_string()),
            new: Some(new.to_string()),
        });
    }
    Ok(Some(news))
}

/// The commits that each branch came along, by its name; `None` where deliveries say something else, too.
fn ways(deliveries: &[Delivery], now: Timestamp) -> Option<BTreeMap<RefName, Vec<CommitId>>> {
    let mut ways: BTreeMap<RefName, Vec<CommitId>> = BTreeMap::new();
    for delivery in deliveries {
        if delivery.kind != REFS_DELIVERY || now.since(delivery.received_at) > FRESH {
            return None;
        }
        let moved: BranchMove = serde_json::from_slice(&delivery.body).ok()?;
        let (before, after): (CommitId, CommitId) =
            (moved.before.parse().ok()?, moved.after.parse().ok()?);
        let name = RefName::from_full(&format!("refs/heads/{}", moved.branch))?;
        let way = ways.entry(name).or_insert_with(|| vec![before]);
        if way.last() != Some(&before) {
            return None;
        }
        way.push(after);
    }
    (!ways.is_empty()).then_some(ways)
}

/// What deliveries announce that no ref shows.
#[derive(Debug, Default)]
pub(super) struct Announced {
    /// The head commits of pull requests.
    pub(super) commits: Vec<Found>,
    /// Deliveries whose commit the host did not give just now; they are worth another look.
    pub(super) unread: Vec<DeliveryId>,
    /// Why the last of them could not be read.
    pub(super) failure: Option<MirrorError>,
}

/// Why the head of a pull request is not there.
#[derive(Debug, thiserror::Error)]
enum PullRequestError {
    #[error("the stored delivery cannot be read")]
    Body(#[from] serde_json::Error),
    #[error("the delivery names no commit")]
    Name(#[from] InvalidCommitId),
    #[error("the commit could not be fetched")]
    Fetch(#[from] MirrorError),
    #[error("the commit could not be read")]
    Read(#[from] ReadError),
}

/// The head commits of pull requests. One that cannot be read is told and left out; where the host was away
/// it is kept for another look, for as long as anyone may wait for it.
pub(super) async fn of_deliveries(
    mirror: &Mirror,
    deliveries: &[Delivery],
    now: Timestamp,
) -> Announced {
    let mut announced = Announced::default();
    for delivery in deliveries.iter().filter(|delivery| delivery.kind == PULL_REQUEST_DELIVERY) {
        let error = match of_pull_request(mirror, &delivery.body).await {
            Ok(commit) => {
                announced.commits.push(commit);
                continue;
            }
            Err(error) => error,
        };
        warn!(
            repository.id = %delivery.repository_id,
            organization.id = %delivery.organization_id,
            error = %Chain(&error),
            "the head of a pull request could not be read"
        );
        match error {
            PullRequestError::Fetch(failure)
                if failure.is_passing() && now.since(delivery.received_at) < KEPT =>
            {
                announced.unread.push(delivery.id);
                announced.failure = Some(failure);
            }
            PullRequestError::Body(_)
            | PullRequestError::Name(_)
            | PullRequestError::Fetch(_)
            | PullRequestError::Read(_) => {}
        }
    }
    announced
}

async fn of_pull_request(mirror: &Mirror, body: &[u8]) -> Result<Found, PullRequestError> {
    let pull: PullRequest = serde_json::from_slice(body)?;
    let id: CommitId = pull.head_sha.parse()?;
    mirror.fetch_sha(id).await?;
    let info = mirror.commit(id).await?;
    let standing = if pull.from_fork { Standing::Fork } else { Standing::Head };
    let mut commit = commit_of(&info, EventWord::PullRequest);
    commit.source_branch = Some(pull.source_branch);
    commit.target_branch = Some(pull.target_branch);
    commit.url = Some(pull.url);
    Ok(Found { id, commit, standing })
}

/// One look at a mirror.
struct Look<'a> {
    mirror: &'a Mirror,
    now: &'a BTreeMap<RefName, CommitId>,
    first: bool,
    default_branch: Option<&'a str>,
}

impl Look<'_> {
    async fn of_ref(
        &self,
        name: &RefName,
        old: Option<CommitId>,
        new: CommitId,
    ) -> Result<Vec<Found>, LookError> {
        let is_default = Some(name.short()) == self.default_branch;
        let head = if self.first && !(is_default && name.kind() == RefKind::Branch) {
            Standing::AlreadyThere
        } else {
            Standing::Head
        };
        match name.kind() {
            RefKind::Tag => {
                let mut commit = commit_of(&self.mirror.commit(new).await?, EventWord::Tag);
                commit.tag = Some(name.short().to_owned());
                Ok(vec![Found { id: new, commit, standing: head }])
            }
            RefKind::Branch => {
                let infos = self.commits(old, new, is_default).await?;
                Ok(infos
                    .into_iter()
                    .rev()
                    .map(|info| {
                        let mut commit = commit_of(&info, EventWord::Push);
                        commit.branch = Some(name.short().to_owned());
                        let standing = if info.id == new { head } else { Standing::Before };
                        Found { id: info.id, commit, standing }
                    })
                    .collect())
            }
        }
    }

    /// The commits that a branch brought, newest first; its head always among them.
    async fn commits(
        &self,
        old: Option<CommitId>,
        new: CommitId,
        is_default: bool,
    ) -> Result<Vec<CommitInfo>, LookError> {
        let default = self.default_branch.and_then(|branch| {
            self.now
                .iter()
                .find(|(name, _)| name.kind() == RefKind::Branch && name.short() == branch)
        });
        let base = old.or_else(|| default.filter(|_| !is_default).map(|(_, id)| *id));
        let limit = if self.first { COMMITS_AT_FIRST_SIGHT } else { COMMITS_OF_A_PUSH };
        let between = match self.mirror.commits_between(base, new, limit).await {
            // What the branch was at before a forced push may be gone by now.
            Err(ReadError::UnknownCommit { .. }) => {
                self.mirror.commits_between(None, new, 1).await?
            }
            result => result?,
        };
        if between.iter().any(|info| info.id == new) {
            return Ok(between);
        }
        let mut all = vec![self.mirror.commit(new).await?];
        all.extend(between);
        Ok(all)
    }
}

/// How refs have moved, come and gone between two looks.
fn changes(seen: &BTreeMap<String, String>, now: &BTreeMap<RefName, CommitId>) -> Vec<RefChange> {
    let moved = now.iter().filter_map(|(name, id)| {
        let (old, new) = (seen.get(name.as_str()), id.to_string());
        (old != Some(&new)).then(|| RefChange {
            name: name.as_str().to_owned(),
            old: old.cloned(),
            new: Some(new),
        })
    });
    let gone = seen
        .iter()
        .filter(|(name, _)| by_full_name(now, name).is_none())
        .map(|(name, sha)| RefChange { name: name.clone(), old: Some(sha.clone()), new: None });
    moved.chain(gone).collect()
}

fn by_full_name<'a>(
    refs: &'a BTreeMap<RefName, CommitId>,
    name: &str,
) -> Option<(&'a RefName, CommitId)> {
    let name = RefName::from_full(name)?;
    refs.get_key_value(&name).map(|(name, id)| (name, *id))
}

fn commit_of(info: &CommitInfo, event: EventWord) -> Commit {
    Commit {
        sha: info.id.to_string(),
        event,
        branch: None,
        tag: None,
        source_branch: None,
        target_branch: None,
        message: info.message.clone(),
        author_name: info.author.name.clone(),
        author_email: info.author.email.clone(),
        committer_name: info.committer.name.clone(),
        committer_email: info.committer.email.clone(),
        committed_at: Timestamp::from_seconds(info.committer.time.unix_timestamp()),
        url: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs(refs: &[(&str, char)]) -> BTreeMap<RefName, CommitId> {
        refs.iter()
            .map(|(name, digit)| {
                let id = digit.to_string().repeat(40).parse().expect("a commit");
                (RefName::from_full(name).expect("a ref"), id)
            })
            .collect()
    }

    fn push(branch: &str, before: char, after: char, at: i64) -> Delivery {
        let id = |digit: char| digit.to_string().repeat(40);
        let moved = BranchMove { branch: branch.to_owned(), before: id(before), after: id(after) };
        Delivery {
            id: DeliveryId::new(),
            organization_id: gimlet_shared::ids::OrganizationId::new(),
            repository_id: gimlet_shared::ids::RepositoryId::new(),
            provider: "github".to_owned(),
            delivery_id: "1".to_owned(),
            kind: REFS_DELIVERY.to_owned(),
            body: serde_json::to_vec(&moved).expect("JSON"),
            received_at: Timestamp::from_seconds(at),
        }
    }

    /// The first digits of the commits that each branch came along.
    fn ways_shown(deliveries: &[Delivery]) -> Option<Vec<String>> {
        let ways = ways(deliveries, Timestamp::from_seconds(100))?;
        let show = |(name, way): (RefName, Vec<CommitId>)| {
            let digits: String =
                way.iter().map(|id| format!(" {}", &id.to_string()[..1])).collect();
            format!("{}{digits}", name.short())
        };
        Some(ways.into_iter().map(show).collect())
    }

    #[test]
    fn pushes_that_follow_on_each_other_are_one_way() {
        let all =
            [push("main", '1', '2', 99), push("next", '7', '8', 99), push("main", '2', '3', 99)];
        assert_eq!(ways_shown(&all).unwrap(), ["main 1 2 3", "next 7 8"]);
    }

    #[test]
    fn the_host_is_asked_about_what_does_not_follow_is_old_or_is_no_move() {
        assert_eq!(ways_shown(&[]), None);
        assert_eq!(ways_shown(&[push("main", '1', '2', 99), push("main", '3', '4', 99)]), None);
        assert_eq!(ways_shown(&[push("main", '1', '2', 50)]), None);
        let plain = Delivery { body: Vec::new(), ..push("main", '1', '2', 99) };
        assert_eq!(ways_shown(&[push("next", '7', '8', 99), plain]), None);
        let pull =
            Delivery { kind: PULL_REQUEST_DELIVERY.to_owned(), ..push("main", '1', '2', 99) };
        assert_eq!(ways_shown(&[pull]), None);
    }

    fn seen(refs: &[(&str, char)]) -> BTreeMap<String, String> {
        refs.iter()
            .map(|(name, digit)| ((*name).to_owned(), digit.to_string().repeat(40)))
            .collect()
    }

    /// Each change as `name old→new`, by the first digit of each commit.
    fn shown(changes: &[RefChange]) -> Vec<String> {
        let digit = |sha: &Option<String>| sha.as_ref().map_or("-", |sha| &sha[..1]).to_owned();
        let show = |change: &RefChange| {
            format!("{} {}→{}", change.name, digit(&change.old), digit(&change.new))
        };
        changes.iter().map(show).collect()
    }

    #[test]
    fn refs_that_came_moved_and_went_are_changes_and_others_are_not() {
        let before = [("refs/heads/gone", '1'), ("refs/heads/main", '2'), ("refs/tags/v1", '3')];
        let after = [("refs/heads/main", '4'), ("refs/heads/new", '5'), ("refs/tags/v1", '3')];
        assert_eq!(
            shown(&changes(&seen(&before), &refs(&after))),
            ["refs/heads/main 2→4", "refs/heads/new -→5", "refs/heads/gone 1→-"]
        );
    }

    #[test]
    fn a_look_that_finds_what_it_knew_changes_nothing() {
        let same = [("refs/heads/main", '1'), ("refs/tags/v1", '2')];
        assert!(changes(&seen(&same), &refs(&same)).is_empty());
    }

    #[test]
    fn a_branch_and_a_tag_of_one_name_are_two_refs() {
        let changed = changes(&seen(&[("refs/heads/v1", '1')]), &refs(&[("refs/tags/v1", '1')]));
        assert_eq!(shown(&changed), ["refs/tags/v1 -→1", "refs/heads/v1 1→-"]);
    }
}
