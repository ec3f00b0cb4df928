//! Brings a queued release into its environment's gitops repository: render, commit, hand over to Flux.
//!
//! Each step may be cut off and run again: the commit carries the release's id as its `Deploy-Id`, and is
//! looked for before another one is made.

mod change;

use gimlet_domain::{
    cause::{Cause, CauseCode},
    names::FluxNames,
    order::{Waiting, next_turn},
    release::{Intent, ReleaseEvent, ReleaseState},
};
use gimlet_git::{
    CommitId,
    gitops::{CommitError, Committed},
};
use gimlet_shared::{
    crash_point, error_chain::Chain, ids::CommandId, link::CommandBody, namespaces::FLUX_NAMESPACE,
    observed::ObjectKey,
};
use gimlet_store::{
    AdvanceExtra, ApplicationChange, Environment, GitopsLocation, NewCommand, QueuedGroup, Release,
};
use tracing::{info, warn};

use crate::{
    App, AppError, Timestamp,
    gitops::branch_of,
    live::Subject,
    reconcile::{COMMAND_LIFETIME, retry_delay},
};

/// How far back an earlier attempt's commit is looked for: more than are ever written within a deadline.
const LOOK_BACK: usize = 2_000;

/// Why a release was not written.
enum NotWritten {
    /// Trying again would not help.
    Refused(Box<Cause>),
    /// Something was in the way.
    Later(AppError),
}

impl NotWritten {
    fn refused(cause: Cause) -> Self {
        Self::Refused(Box::new(cause))
    }
}

impl From<AppError> for NotWritten {
    fn from(error: AppError) -> Self {
        Self::Later(error)
    }
}

/// A release that is in git.
struct Written {
    commit: CommitId,
    note: Option<String>,
}

impl App {
    /// Writes the release of one application whose turn it is.
    pub(crate) async fn write_next(&self, mut group: QueuedGroup) -> Result<(), AppError> {
        // Where only one waits, writing it finds the same out.
        if group.releases.len() > 1 && self.settle_early(&mut group).await? {
            return Ok(());
        }
        let waiting = self.waiting(&group).await?;
        let turn = next_turn(waiting);
        let find = |id| group.releases.iter().find(|release| release.id == id);
        for (overtaken, by) in &turn.overtaken {
            if let Some(release) = find(*overtaken) {
                self.move_release(
                    release,
                    ReleaseEvent::Overtaken { by: *by },
                    AdvanceExtra::default(),
                )
                .await?;
            }
        }
        let Some(release) = turn.write.and_then(find) else { return Ok(()) };
        match self.write(&group, release).await {
            Ok(written) => self.hand_over(&group, release, written).await,
            Err(NotWritten::Refused(cause)) => self
                .move_release(
                    release,
                    ReleaseEvent::Refused { cause: *cause },
                    AdvanceExtra::default(),
                )
                .await
                .map(drop),
            Err(NotWritten::Later(error)) => {
                self.try_later(&group.environment, release, &error).await
            }
        }
    }

    /// What must not take a turn: a release that a killed run left in git is handed over as what it is, and
    /// then true is returned, for the others are the next round's; those of a repository that does not own
    /// the application are refused, so that none of them overtakes one that may.
    async fn settle_early(&self, group: &mut QueuedGroup) -> Result<bool, AppError> {
        let gitops = self.gitops(&group.environment).await?;
        let branch = branch_of(&group.environment)?;
        let mut own = Vec::with_capacity(group.releases.len());
        for release in std::mem::take(&mut group.releases) {
            let found = gitops.find_deploy(&branch, &release.id.to_string(), None, LOOK_BACK).await;
            let found =
                found.map_err(|error| AppError::unavailable("the gitops repository", error))?;
            if let Some(commit) = found {
                self.hand_over(group, &release, Written { commit, note: None }).await?;
                return Ok(true);
            }
            match self.check_owner_of(group, &release).await {
                Ok(()) => own.push(release),
                Err(NotWritten::Later(error)) => return Err(error),
                Err(NotWritten::Refused(cause)) => {
                    let event = ReleaseEvent::Refused { cause: *cause };
                    self.move_release(&release, event, AdvanceExtra::default()).await?;
                }
            }
        }
        group.releases = own;
        Ok(false)
    }

    async fn waiting(&self, group: &QueuedGroup) -> Result<Vec<Waiting>, AppError> {
        let parts = self.parts();
        let last = parts.store.last_released_artifact(&parts.system, group.application.id).await?;
        let mut waiting = Vec::with_capacity(group.releases.len());
        for release in &group.releases {
            let older_than_released = match (&last, release.artifact) {
                (Some(last), Some(artifact)) => self.is_older(artifact, last).await?,
                _ => false,
            };
            waiting.push(Waiting {
                id: release.id,
                trigger: release.trigger.clone(),
                older_than_released,
            });
        }
        Ok(waiting)
    }

    async fn write(&self, group: &QueuedGroup, release: &Release) -> Result<Written, NotWritten> {
        let environment = &group.environment;
        let gitops = self.gitops(environment).await?;
        gitops
            .refresh()
            .await
            .map_err(|error| AppError::unavailable("the gitops repository", error))?;
        let branch = branch_of(environment)?;
        let git = |error| NotWritten::Later(AppError::unavailable("the gitops repository", error));
        let deploy_id = release.id.to_string();
        if let Some(commit) =
            gitops.find_deploy(&branch, &deploy_id, None, LOOK_BACK).await.map_err(git)?
        {
            return Ok(Written { commit, note: None });
        }
        let began = self.now();
        let change = self.change(group, release, &gitops, branch).await?;
        self.trace_part(release, "render", began);
        let began = self.now();
        crash_point!("git.commit.before");
        let committed = gitops.commit(change).await;
        crash_point!("git.commit.after");
        self.trace_part(release, "gitops commit", began);
        match committed {
            Ok(Committed::Made { commit, .. }) => Ok(Written { commit, note: None }),
            Ok(Committed::Unchanged { head }) => Ok(Written {
                commit: head,
                note: Some("Already there: it changes nothing that is deployed.".into()),
            }),
            Err(error) => Err(commit_refusal(error)),
        }
    }

    /// In one transaction: the release is in git, earlier ones are overtaken, and Flux is to be poked.
    async fn hand_over(
        &self,
        group: &QueuedGroup,
        release: &Release,
        written: Written,
    ) -> Result<(), AppError> {
        let now = self.now();
        let deadline = now.after(self.parts().config.release_deadline);
        let overtaken = match &group.followed {
            Some(followed) => {
                let next = followed.state.next(ReleaseEvent::Overtaken { by: Some(release.id) });
                let next = next.map_err(|error| AppError::unavailable("the release", error))?;
                vec![(followed.clone(), next)]
            }
            None => Vec::new(),
        };
        let application = match release.intent {
            Intent::Delete => {
                ApplicationChange { deleted_at: Some(now), ..ApplicationChange::default() }
            }
            Intent::Deploy { .. } | Intent::Rollback { .. } => ApplicationChange {
                current_release: Some(release.id),
                namespace: Some(release.namespace.clone()),
                ..ApplicationChange::default()
            },
        };
        let unchanged = written.note.is_some();
        let extra = AdvanceExtra {
            deadline_at: Some(deadline),
            committed_at: Some(now),
            due_at: Some(deadline),
            commands: self.pokes(&group.environment, release, unchanged, now),
            overtaken,
            application: Some(application),
            note: written.note,
            ..AdvanceExtra::default()
        };
        let event = ReleaseEvent::Written { commit: written.commit.to_string() };
        crash_point!("push-recorded.before");
        self.move_release(release, event, extra).await?;
        crash_point!("push-recorded.after");
        self.trace_part(release, "handed over", now);
        if let Some(followed) = &group.followed {
            self.tell(followed.organization_id, Subject::release(followed));
        }
        self.parts().sessions.wake(group.environment.cluster_id);
        self.parts().views.changed.notify_one();
        Ok(())
    }

    /// Flux is asked to fetch now; where nothing changed, to apply again what it may have given up on.
    fn pokes(
        &self,
        environment: &Environment,
        release: &Release,
        unchanged: bool,
        now: Timestamp,
    ) -> Vec<NewCommand> {
        let names = FluxNames::of(&environment.name);
        let mut objects = vec![("GitRepository", names.apps())];
        if unchanged {
            objects.push(("Kustomization", names.application(&release.namespace, &release.app)));
        }
        objects
            .into_iter()
            .map(|(kind, name)| NewCommand {
                id: CommandId::new(),
                cluster: environment.cluster_id,
                body: CommandBody::Reconcile {
                    object: ObjectKey {
                        kind: kind.to_owned(),
                        namespace: FLUX_NAMESPACE.to_owned(),
                        name,
                    },
                },
                expires_at: now.after(COMMAND_LIFETIME),
            })
            .collect()
    }

    /// Moves a release by an event, tells pages and counts; false if someone else moved it meanwhile.
    pub(crate) async fn move_release(
        &self,
        release: &Release,
        event: ReleaseEvent,
        extra: AdvanceExtra,
    ) -> Result<bool, AppError> {
        let next = release
            .state
            .next(event)
            .map_err(|error| AppError::unavailable("the release", error))?;
        let (parts, now) = (self.parts(), self.now());
        let moved = parts.store.advance_release(&parts.system, release, next, extra, now).await?;
        let Some(moved) = moved else { return Ok(false) };
        info!(
            release.id = %moved.id,
            organization.id = %moved.organization_id,
            app = %moved.app,
            state = moved.state.word(),
            "release moved"
        );
        self.trace_release(release, &moved);
        if moved.state.is_closed() {
            parts.troubles.forget(moved.id);
            parts.metrics.releases_closed.with_label_values(&[moved.state.word()]).inc();
            if matches!(moved.state, ReleaseState::Healthy { .. }) {
                parts.metrics.release_seconds.observe(now.since(moved.requested_at).as_secs_f64());
            }
        }
        crash_point!("notify.before");
        self.tell(moved.organization_id, Subject::release(&moved));
        crash_point!("notify.after");
        Ok(true)
    }

    async fn try_later(
        &self,
        environment: &Environment,
        release: &Release,
        error: &AppError,
    ) -> Result<(), AppError> {
        let (parts, attempts) = (self.parts(), release.attempts.saturating_add(1));
        let due = self.now().after(retry_delay(attempts));
        warn!(release.id = %release.id, attempts, error = %Chain(error), "a release could not be written yet");
        let told = match &environment.gitops {
            GitopsLocation::BuiltIn => error.to_string(),
            // What its host says is for those who own the repository; it holds no credentials.
            GitopsLocation::Outside { .. } => Chain(error).to_string(),
        };
        parts.store.postpone_release(&parts.system, release, due, attempts, Some(&told)).await?;
        self.tell(release.organization_id, Subject::release(release));
        Ok(())
    }
}

fn commit_refusal(error: CommitError) -> NotWritten {
    match error {
        CommitError::InvalidPath { .. }
        | CommitError::Root
        | CommitError::NotAFolder { .. }
        | CommitError::NotAFile { .. }
        | CommitError::NotInHistory { .. }
        | CommitError::NothingToRestore { .. } => NotWritten::refused(
            Cause::new(
                CauseCode::GitopsWrite,
                "the gitops repository cannot take this release",
                "The message names the path; correct the repository by hand, or choose another release.",
            )
            .with_detail(Chain(&error).to_string()),
        ),
        CommitError::Contended { .. }
        | CommitError::Locked { .. }
        | CommitError::Together { .. }
        | CommitError::Read(_)
        | CommitError::Write { .. }
        | CommitError::Remote(_) => {
            NotWritten::Later(AppError::unavailable("the gitops repository", error))
        }
    }
}
