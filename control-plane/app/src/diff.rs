//! What a release changes in the files that Flux applies, and what going back would change.
//!
//! Both come from git alone: the commit of a release and its parent, or the commits of two releases.
//! Values of Secrets are hidden before lines are compared, and every size is bounded.

mod lines;
mod mask;

use gimlet_git::{
    ChangeLimits, ChangedFile, Changes, CommitId, CommitInfo, ReadError, RepoPath, Side,
    gitops::{DEPLOY_ID, Gitops},
};
use gimlet_shared::{
    api,
    ids::{ParseIdError, ReleaseId},
};
use gimlet_store::{Environment, Release, TenantScope};

use crate::{App, AppError, gitops::branch_of};

/// Files of one difference, and bytes of one side of each: manifests are kilobytes, and a page that
/// shows more is not read.
const LIMITS: ChangeLimits = ChangeLimits { files: 100, file_bytes: 256 * 1024 };

/// What git has no word for.
const UNWRITTEN: &str = "Nothing is written to the gitops repository yet.";
const NEVER_WRITTEN: &str = "This release never reached the gitops repository.";
const UNCHANGED: &str = "This release changed nothing: the gitops repository already had it.";
const VANISHED: &str = "The gitops repository no longer has this commit.";

impl App {
    /// What a release changed in its application's files: its commit against the commit before.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Unavailable`].
    pub async fn release_diff(
        &self,
        scope: &TenantScope,
        id: ReleaseId,
    ) -> Result<api::Diff, AppError> {
        let found = self.parts().store.find_release(scope, id).await?;
        let release = found.ok_or(AppError::NotFound { what: "the release" })?;
        let Some(commit) = commit_of(&release) else {
            let note = if release.state.is_closed() { NEVER_WRITTEN } else { UNWRITTEN };
            return Ok(noted(None, note));
        };
        let environment = self.environment_of(scope, &release).await?;
        let gitops = self.gitops(&environment).await?;
        let Some(info) = known_commit(&gitops, commit).await? else {
            return Ok(noted(Some(commit), VANISHED));
        };
        if info.trailer(DEPLOY_ID) != Some(release.id.to_string().as_str()) {
            return Ok(noted(Some(commit), UNCHANGED));
        }
        let paths = vec![
            path(&release.app)?,
            path(&format!("flux/kustomization-{}.yaml", release.app))?,
            path(&format!("flux/namespace-{}.yaml", release.namespace))?,
        ];
        between(&gitops, info.parents.first().copied(), commit, paths).await
    }

    /// What differs between two releases of one application, or between one and what git has now.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for an unknown application or release, [`AppError::Invalid`] for a release
    /// of another application or one that never reached git, [`AppError::Unavailable`].
    pub async fn compare_releases(
        &self,
        scope: &TenantScope,
        environment: &str,
        app: &str,
        query: &api::CompareQuery,
    ) -> Result<api::Diff, AppError> {
        let found = self.parts().store.find_application(scope, environment, app).await?;
        let application = found.ok_or(AppError::NotFound { what: "the application" })?;
        let found = self.parts().store.find_environment_by_name(scope, environment).await?;
        let environment = found.ok_or(AppError::NotFound { what: "the environment" })?;
        let gitops = self.gitops(&environment).await?;
        let mut sides = [None, None];
        for (side, (field, wanted)) in
            sides.iter_mut().zip([("from", &query.from), ("to", &query.to)])
        {
            *side = match wanted {
                Some(id) => {
                    Some(self.compared(scope, &environment, &application.name, field, id).await?)
                }
                None => head(&gitops, &environment).await?,
            };
        }
        match sides {
            [from, Some(to)] => between(&gitops, from, to, vec![path(app)?]).await,
            [_, None] => Ok(noted(None, UNWRITTEN)),
        }
    }

    /// The commit of one side of a comparison.
    async fn compared(
        &self,
        scope: &TenantScope,
        environment: &Environment,
        app: &str,
        field: &'static str,
        id: &str,
    ) -> Result<CommitId, AppError> {
        let id: ReleaseId = id
            .parse()
            .map_err(|error: ParseIdError| AppError::invalid(field, error.to_string()))?;
        let found = self.parts().store.find_release(scope, id).await?;
        let release = found.ok_or(AppError::NotFound { what: "the release" })?;
        if release.environment_id != environment.id || release.app != app {
            return Err(AppError::invalid(field, "is a release of another application"));
        }
        commit_of(&release).ok_or_else(|| {
            AppError::invalid(
                field,
                "this release never reached the gitops repository; choose one that did",
            )
        })
    }

    async fn environment_of(
        &self,
        scope: &TenantScope,
        release: &Release,
    ) -> Result<Environment, AppError> {
        let of = [release.environment_id];
        let found = self.parts().store.find_environments(scope, &of).await?.pop();
        found.ok_or(AppError::NotFound { what: "the environment" })
    }
}

fn commit_of(release: &Release) -> Option<CommitId> {
    release.state.commit()?.parse().ok()
}

fn noted(to: Option<CommitId>, note: &str) -> api::Diff {
    let to = to.map(|commit| commit.to_string());
    api::Diff { to, note: Some(note.to_owned()), ..api::Diff::default() }
}

fn path(text: &str) -> Result<RepoPath, AppError> {
    text.parse().map_err(|error: gimlet_git::InvalidPath| AppError::unavailable(REPOSITORY, error))
}

const REPOSITORY: &str = "the gitops repository";

/// The newest commit, as well as our copy knows it: an outside host that is away leaves us the last one.
async fn head(gitops: &Gitops, environment: &Environment) -> Result<Option<CommitId>, AppError> {
    if let Err(error) = gitops.refresh().await {
        tracing::debug!(%error, "a comparison goes by the last known state of an outside repository");
    }
    let head = gitops.head(&branch_of(environment)?).await;
    head.map_err(|error| AppError::unavailable(REPOSITORY, error))
}

/// A commit, if the repository has it. Our copy of an outside one may have to learn of it first.
async fn known_commit(gitops: &Gitops, id: CommitId) -> Result<Option<CommitInfo>, AppError> {
    let unknown = |error: &ReadError| matches!(error, ReadError::UnknownCommit { .. });
    let mut found = gitops.commit_info(id).await;
    if found.as_ref().is_err_and(unknown) && gitops.refresh().await.is_ok() {
        found = gitops.commit_info(id).await;
    }
    match found {
        Ok(info) => Ok(Some(info)),
        Err(error) if unknown(&error) => Ok(None),
        Err(error) => Err(AppError::unavailable(REPOSITORY, error)),
    }
}

async fn between(
    gitops: &Gitops,
    from: Option<CommitId>,
    to: CommitId,
    paths: Vec<RepoPath>,
) -> Result<api::Diff, AppError> {
    for commit in [from, Some(to)].into_iter().flatten() {
        if known_commit(gitops, commit).await?.is_none() {
            return Ok(noted(Some(to), VANISHED));
        }
    }
    let changes = gitops.changes(from, to, paths, LIMITS).await;
    let changes = changes.map_err(|error| AppError::unavailable(REPOSITORY, error))?;
    // Comparing takes the processor's time: not on the threads that answer everyone.
    let shown = tokio::task::spawn_blocking(move || shown(changes)).await;
    let (files, files_left_out) =
        shown.map_err(|error| AppError::unavailable(REPOSITORY, error))?;
    let note = (files.is_empty() && files_left_out == 0)
        .then(|| "The files of the application are the same.".to_owned());
    let (from, to) = (from.map(|commit| commit.to_string()), Some(to.to_string()));
    Ok(api::Diff { from, to, files, files_left_out, note })
}

fn shown(changes: Changes) -> (Vec<api::FileDiff>, u32) {
    let mut room = lines::Room::default();
    let files = changes
        .files
        .into_iter()
        // It names the release, not what is deployed.
        .filter(|file| !file.path.ends_with("release.json"))
        .filter_map(|file| file_diff(file, &mut room))
        .collect();
    (files, u32::try_from(changes.left_out).unwrap_or(u32::MAX))
}

/// `None` where nothing that is shown differs.
fn file_diff(file: ChangedFile, room: &mut lines::Room) -> Option<api::FileDiff> {
    let change = match (&file.before, &file.after) {
        (Side::Absent, _) => "added",
        (_, Side::Absent) => "removed",
        (Side::Content(_) | Side::TooLarge(_), Side::Content(_) | Side::TooLarge(_)) => "changed",
    };
    let bare = api::FileDiff {
        path: file.path.clone(),
        change: change.to_owned(),
        ..api::FileDiff::default()
    };
    let noted = |note: String| Some(api::FileDiff { note: Some(note), ..bare.clone() });
    if !mask::is_shown(&file.path) {
        return noted("Only YAML and JSON files are shown.".to_owned());
    }
    match (text(&file.before), text(&file.after)) {
        (Ok(before), Ok(after)) => {
            let (before, after) = mask::hide_secrets(before, after);
            Some(lines::compare(bare, &before, &after, room))
        }
        (Err(note), _) | (_, Err(note)) => noted(note),
    }
}

/// A side as text, or why it is not shown.
fn text(side: &Side) -> Result<&str, String> {
    match side {
        Side::Absent => Ok(""),
        Side::Content(bytes) => std::str::from_utf8(bytes)
            .map_err(|_| "Not shown: the file is no UTF-8 text.".to_owned()),
        Side::TooLarge(size) => Err(format!(
            "Not shown: the file has {} KiB, more than the {} KiB that are compared.",
            size.div_ceil(1024),
            LIMITS.file_bytes / 1024
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, before: Side, after: Side) -> Changes {
        Changes { files: vec![ChangedFile { path: path.into(), before, after }], left_out: 0 }
    }

    fn content(text: &str) -> Side {
        Side::Content(text.into())
    }

    #[test]
    fn a_secret_s_values_are_in_no_part_of_a_difference() {
        let secret = |value: &str| {
            content(&format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  password: {value}\n"
            ))
        };
        let (files, _) = shown(file("web/a.yaml", secret("canary-one"), secret("canary-two")));
        let json = serde_json::to_string(&files).expect("text");
        assert!(!json.contains("canary"), "{json}");
        assert!(json.contains("hidden"), "{json}");
        assert_eq!((files[0].added, files[0].removed), (1, 1));
    }

    #[test]
    fn what_is_too_large_or_no_text_is_named_with_the_reason() {
        let (files, _) = shown(file("web/a.yaml", Side::Absent, Side::TooLarge(300 * 1024)));
        assert_eq!(files[0].change, "added");
        assert!(files[0].note.as_deref().is_some_and(|note| note.contains("300 KiB")));
        let (files, _) = shown(file("web/a.yaml", content("a"), Side::Content(vec![0xff])));
        assert!(files[0].note.as_deref().is_some_and(|note| note.contains("UTF-8")));
        let (files, _) = shown(file("web/key.pem", content("canary"), Side::Absent));
        assert!(files[0].hunks.is_empty() && files[0].note.is_some());
    }

    #[test]
    fn the_record_of_the_release_is_no_change() {
        assert!(shown(file("web/release.json", content("{}"), content("[]"))).0.is_empty());
    }
}
