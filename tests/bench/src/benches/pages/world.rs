//! An organization that has been at it for long: written straight into a database and its gitops
//! repositories, by the same code as the server's, before the server opens them.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result, bail, ensure};
use gimlet_domain::{
    cause::{Cause, CauseCode},
    health::Health,
    release::{Intent, ReleaseState, Trigger},
    role::Role,
    time::Timestamp,
};
use gimlet_git::{
    BranchName,
    gitops::{Change, Committed, DEPLOY_ID, Edit, Message, Repository},
};
use gimlet_shared::ids::{ArtifactId, ReleaseId};
use gimlet_store::{
    AdvanceExtra, ApplicationChange, ClusterCreation, Commit, Environment, EventWord,
    GitopsLocation, IngestBatch, NewArtifact, NewDecision, NewEnrolment, NewEnvironment,
    NewRelease, NewRepository, NewToken, Release, RepositoryAddition, SourceRepository, Store,
    StoredManifest, TenantScope,
};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tokio::{sync::Semaphore, task::JoinSet};

/// Use cases that are written at once, so that they share their fsyncs.
const AT_ONCE: usize = 64;
/// Between two releases.
const PACE_US: i64 = 60 * 1_000_000;

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub(in crate::benches) struct Amount {
    pub(in crate::benches) clusters: usize,
    pub(in crate::benches) repositories: usize,
    pub(in crate::benches) apps: usize,
    pub(in crate::benches) releases_of_each: usize,
    pub(in crate::benches) members: usize,
}

/// What the pages are asked with.
#[derive(Debug)]
pub(in crate::benches) struct World {
    /// Value of the owner's session cookie.
    pub(in crate::benches) cookie: String,
    /// The owner's API token.
    pub(in crate::benches) token: String,
    /// All applications, each with its environment.
    pub(in crate::benches) apps: Vec<(String, String)>,
    /// The first release of each of them.
    pub(in crate::benches) first_releases: Vec<ReleaseId>,
    /// The first application with all of its releases, oldest first, and its environment.
    pub(in crate::benches) app: String,
    pub(in crate::benches) environment: String,
    pub(in crate::benches) releases: Vec<ReleaseId>,
    pub(in crate::benches) cluster: String,
    pub(in crate::benches) artifact: ArtifactId,
    pub(in crate::benches) repository: String,
}

struct Builder {
    store: Store,
    owner: TenantScope,
    environments: Vec<(Environment, Repository)>,
    repositories: Vec<SourceRepository>,
    amount: Amount,
    began: Timestamp,
}

/// Fills the data directory.
pub(in crate::benches) async fn build(data: &Path, amount: Amount) -> Result<World> {
    std::fs::create_dir_all(data)?;
    let store = Store::open(&format!("sqlite://{}", data.join("gimlet.db").display())).await?;
    let began = Timestamp(now().0 - PACE_US * (amount.apps * amount.releases_of_each) as i64);
    let (cookie, token) = ("ses_measured".to_owned(), "gim_measured".to_owned());
    let owner = owner(&store, amount, &cookie, &token).await?;
    let mut builder =
        Builder { store, owner, environments: vec![], repositories: vec![], amount, began };
    builder.add_clusters(data).await?;
    builder.add_repositories().await?;
    let builder = Arc::new(builder);
    let mut last: Vec<Vec<Release>> = Vec::new();
    for version in 0..amount.releases_of_each {
        last.push(builder.clone().release_all(version).await?);
    }
    let (environment, _) = builder.environment_of(0);
    let releases: Vec<ReleaseId> = last.iter().map(|releases| releases[0].id).collect();
    let artifact = last.last().and_then(|releases| releases[0].artifact).context("no artifact")?;
    let place = |app| (app_name(app), builder.environment_of(app).0.name.clone());
    Ok(World {
        cookie,
        token,
        apps: (0..amount.apps).map(place).collect(),
        first_releases: last[0].iter().map(|release| release.id).collect(),
        app: app_name(0),
        environment: environment.name.clone(),
        releases,
        cluster: environment.cluster_id.to_string(),
        artifact,
        repository: builder.repositories[0].name.clone(),
    })
}

/// The owner by a session and a token, and everybody else with a token each.
async fn owner(store: &Store, amount: Amount, cookie: &str, token: &str) -> Result<TenantScope> {
    let (system, at, later) = (store.system(), now(), Timestamp(now().0 + 86_400_000_000));
    let mut owner = None;
    for number in 0..amount.members {
        let login = if number == 0 { "ana".to_owned() } else { format!("member-{number}") };
        let role = if number == 0 { Role::Owner } else { Role::Developer };
        let (organization, user) = store.ensure_member(&system, "acme", &login, role, at).await?;
        let link = format!("link {number}");
        store.create_sign_in_link(&system, organization, user, &link, later).await?;
        let session = if number == 0 { hash(cookie) } else { format!("session {number}") };
        let scope = store.spend_sign_in_link(&link, &session, later, at).await?;
        let scope = scope.context("a link is spent once")?;
        let (hash, name) = if number == 0 {
            (hash(token), "measure".to_owned())
        } else {
            (format!("token {number}"), format!("laptop of {login}"))
        };
        let new = NewToken { hash: &hash, name: &name, expires_at: None };
        store.create_token(&scope, new, at).await?;
        owner = owner.or(Some(scope));
    }
    owner.context("an organization has an owner")
}

impl Builder {
    async fn add_clusters(&mut self, data: &Path) -> Result<()> {
        for number in 0..self.amount.clusters {
            let environment = match number {
                0 => "production".to_owned(),
                1 => "staging".to_owned(),
                number => format!("region-{number:02}"),
            };
            let token = format!("enrolment {number}");
            let enrolment = NewEnrolment { token_hash: &token, expires_at: self.began };
            let new = NewEnvironment {
                name: environment,
                namespace: None,
                gitops: GitopsLocation::BuiltIn,
            };
            let name = format!("cluster-{number:02}");
            let made = self.store.create_cluster_with_environment(
                &self.owner,
                &name,
                new,
                enrolment,
                self.began,
            );
            let ClusterCreation::Created { environment, .. } = made.await? else {
                bail!("{name} is taken")
            };
            let folder = data
                .join("gitops")
                .join(self.owner.organization().to_string())
                .join(format!("gitops-{}-apps.git", environment.name));
            let repository = Repository::init(folder, OffsetDateTime::now_utc()).await?;
            self.environments.push((environment, repository));
        }
        Ok(())
    }

    async fn add_repositories(&mut self) -> Result<()> {
        for number in 0..self.amount.repositories {
            let new = NewRepository {
                name: format!("acme/service-{number:02}"),
                url: format!("file:///nowhere/service-{number:02}.git"),
                default_branch: Some("main".to_owned()),
                webhook_secret: "not sealed, and never opened".into(),
                look_token_hash: "none".to_owned(),
            };
            match self.store.add_repository(&self.owner, new, self.began).await? {
                RepositoryAddition::Added(repository) => self.repositories.push(repository),
                RepositoryAddition::NameTaken => bail!("a repository twice"),
            }
        }
        Ok(())
    }

    fn environment_of(&self, app: usize) -> &(Environment, Repository) {
        &self.environments[app % self.environments.len()]
    }

    /// One release of every application, from its commit to healthy.
    async fn release_all(self: Arc<Self>, version: usize) -> Result<Vec<Release>> {
        let (room, mut running) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        for app in 0..self.amount.apps {
            let (builder, room) = (self.clone(), room.clone());
            running.spawn(async move {
                let _turn = room.acquire_owned().await?;
                Ok::<_, anyhow::Error>((app, builder.release(app, version).await?))
            });
        }
        let mut done = running.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
        done.sort_by_key(|(app, _)| *app);
        Ok(done.into_iter().map(|(_, release)| release).collect())
    }

    async fn release(&self, app: usize, version: usize) -> Result<Release> {
        let number = version * self.amount.apps + app;
        let at = Timestamp(self.began.0 + PACE_US * number as i64);
        let queued = self.ingest(app, version, at).await?;
        let commit = self.write(app, version, &queued).await?;
        let moment = |seconds: i64| Some(Timestamp(at.0 + seconds * 1_000_000));
        let in_git = AdvanceExtra { committed_at: moment(1), ..AdvanceExtra::default() };
        let written = ReleaseState::Committed { commit: commit.clone() };
        let written = self.advance(&queued, written, in_git, at).await?;
        let end = AdvanceExtra {
            fetched_at: moment(3),
            applied_at: moment(5),
            finished_at: moment(20),
            application: Some(ApplicationChange {
                current_release: Some(queued.id),
                ..ApplicationChange::default()
            }),
            ..AdvanceExtra::default()
        };
        // One in forty breaks, and an application that is broken last is degraded.
        let broken = number % 40 == 7;
        let state = match broken {
            true => ReleaseState::Degraded { commit, cause: cause() },
            false => ReleaseState::Healthy { commit },
        };
        let ended = self.advance(&written, state, end, at).await?;
        let health = if broken { Health::Degraded { cause: cause() } } else { Health::Healthy };
        let system = self.store.system();
        self.store.set_health(&system, ended.application_id, &health, at).await?;
        Ok(ended)
    }

    async fn advance(
        &self,
        release: &Release,
        next: ReleaseState,
        extra: AdvanceExtra,
        at: Timestamp,
    ) -> Result<Release> {
        let system = self.store.system();
        let moved = self.store.advance_release(&system, release, next, extra, at).await?;
        moved.context("nobody else moves it")
    }

    /// The commit with its manifest, what was decided about it, and the release.
    async fn ingest(&self, app: usize, version: usize, at: Timestamp) -> Result<Release> {
        let (environment, _) = self.environment_of(app);
        let repository = &self.repositories[app % self.repositories.len()];
        let (name, id) = (app_name(app), ArtifactId::new());
        let manifest = StoredManifest {
            file: format!(".gimlet/{}-{name}.yaml", environment.name),
            app: name.clone(),
            env: environment.name.clone(),
            text: manifest(&name, &environment.name),
        };
        let decision = NewDecision {
            artifact: id,
            env: environment.name.clone(),
            app: name.clone(),
            file: manifest.file.clone(),
            releases: true,
            reason: "a push to the branch `main` matches".to_owned(),
        };
        let artifact = NewArtifact {
            id,
            commit: commit(app, version, at),
            manifests: vec![manifest],
            problems: Vec::new(),
            is_head: true,
        };
        let release = NewRelease {
            environment: environment.id,
            app: name,
            namespace: "shop".to_owned(),
            repository: Some(repository.id),
            artifact: None,
            intent: Intent::Deploy { artifact: id },
            trigger: Trigger::Policy,
            deadline_at: Timestamp(at.0 + 300_000_000),
            idempotency_key: None,
            note: None,
        };
        let batch = IngestBatch {
            artifacts: vec![artifact],
            decisions: vec![decision],
            releases: vec![release],
            ..IngestBatch::default()
        };
        let system = self.store.system();
        let mut stored = self.store.record_ingest(&system, repository, batch, at).await?;
        ensure!(stored.releases.len() == 1, "one release is asked for");
        stored.releases.pop().context("one release")
    }

    /// The release's commit in its gitops repository.
    async fn write(&self, app: usize, version: usize, release: &Release) -> Result<String> {
        let (environment, repository) = self.environment_of(app);
        let name = app_name(app);
        let files = [("deployment.yaml".to_owned(), deployment(&name, version).into_bytes())];
        let change = Change {
            branch: BranchName::main(),
            message: Message::new(format!(
                "[Gimlet] {}/{name} automated deploy",
                environment.name
            ))?
            .with_trailer(DEPLOY_ID, release.id.to_string())?,
            time: OffsetDateTime::now_utc(),
            edits: vec![Edit::ReplaceFolder { path: name.parse()?, files: files.into() }],
            compare_without: Vec::new(),
        };
        match repository.commit(change).await? {
            Committed::Made { commit, .. } => Ok(commit.to_string()),
            Committed::Unchanged { .. } => bail!("a release changed nothing"),
        }
    }
}

fn app_name(app: usize) -> String {
    const WORDS: [&str; 8] =
        ["checkout", "search", "billing", "catalog", "mailer", "gateway", "report", "image"];
    format!("{}-{app:04}", WORDS[app % WORDS.len()])
}

fn commit(app: usize, version: usize, at: Timestamp) -> Commit {
    const DEEDS: [&str; 4] =
        ["Round the tax", "Retry the upload", "Cache the menu", "Drop a column"];
    let sha = hash(&format!("{app} {version}"))[..40].to_owned();
    // One branch in a hundred is nobody's usual one.
    let branch = if app % 100 == 99 { "hotfix" } else { "main" };
    Commit {
        sha,
        event: EventWord::Push,
        branch: Some(branch.to_owned()),
        tag: None,
        source_branch: None,
        target_branch: None,
        message: format!(
            "{} of {} for the {version}th time\n\nIt was wrong on the last day of a month.",
            DEEDS[(app + version) % DEEDS.len()],
            app_name(app)
        ),
        author_name: format!("Member {}", app % 300),
        author_email: format!("member-{}@example.com", app % 300),
        committer_name: "Git host".to_owned(),
        committer_email: "noreply@example.com".to_owned(),
        committed_at: at,
        url: None,
    }
}

fn manifest(app: &str, environment: &str) -> String {
    format!(
        "app: {app}\nenv: {environment}\nnamespace: shop\ndeploy:\n  event: push\n  branch: main\n\
         manifests: |\n  {}",
        deployment(app, 0).replace('\n', "\n  ")
    )
}

fn deployment(app: &str, version: usize) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {app}\n  namespace: shop\nspec:\n  \
         replicas: 2\n  selector:\n    matchLabels:\n      app: {app}\n  template:\n    metadata:\n      \
         labels:\n        app: {app}\n    spec:\n      containers:\n        - name: web\n          \
         image: registry.example.com/acme/{app}:{version}\n          ports:\n            - containerPort: 8080\n"
    )
}

fn cause() -> Cause {
    Cause::new(
        CauseCode::CrashLoop,
        "container web of pod web-7d4b ends again and again",
        "Look at its last lines, mend it, and push.",
    )
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

fn now() -> Timestamp {
    let since = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000;
    Timestamp(i64::try_from(since).unwrap_or(i64::MAX))
}
