//! Durable commits into one bare repository, as releases make them: 64 applications, each with its own writer
//! that waits for one commit before it makes the next. Afterwards git itself checks the repository, and a
//! clone has to hold, file for file, what the last acknowledged commits say.
//!
//! Peers, with `core.fsync=all`, so that they promise the same: git's plumbing commands, one chain of them for
//! each commit, as a script would; and `git fast-import`, the fastest that git has, with one checkpoint for
//! every 64 commits.

mod peers;

use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gimlet_git::{
    BranchName,
    gitops::{Change, Committed, DEPLOY_ID, Edit, Message, Repository},
};
use time::OffsetDateTime;
use tokio::task::JoinSet;

use crate::{
    Setting, Size,
    figure::{Figure, Goal},
    usage::own_cpu,
};

/// Commits per second that are promised.
const GOAL: f64 = 5_000.0;

/// How much is done.
struct Load {
    writers: u32,
    /// How long a round lasts.
    time: Duration,
    /// How many commits a peer makes in a round.
    plumbing: u32,
    imported: u32,
}

impl Load {
    fn of(size: Size) -> Self {
        match size {
            Size::Full => {
                Self { writers: 64, time: Duration::from_secs(3), plumbing: 40, imported: 64 * 60 }
            }
            Size::Smoke => {
                Self { writers: 4, time: Duration::from_millis(50), plumbing: 2, imported: 8 }
            }
        }
    }
}

pub(crate) fn measure(setting: &Setting) -> Result<Vec<Figure>> {
    let load = Load::of(setting.size);
    let (mut rates, mut cpu, mut plumbing, mut imported) = (vec![], vec![], vec![], vec![]);
    for round in 1..=setting.rounds {
        let place = tempfile::tempdir()?;
        let ours = ours(place.path(), &load)?;
        rates.push(ours.rate);
        cpu.push(ours.cpu_us);
        plumbing.push(peers::plumbing(&place.path().join("plumbing.git"), load.plumbing)?);
        imported.push(peers::fast_import(
            &place.path().join("imported.git"),
            load.imported,
            load.writers,
        )?);
        setting.progress.say(format_args!(
            "  round {round}: {:.0}/s in {} commits, whole and as acknowledged",
            ours.rate, ours.commits
        ));
    }
    Ok(vec![
        Figure::of("gitops-commits/rate", "1/s", rates.clone())
            .goal(Goal::Min(GOAL))
            .peer("git plumbing", &plumbing),
        Figure::of("gitops-commits/rate-beside-import", "1/s", rates)
            .peer("git fast-import", &imported),
        Figure::of("gitops-commits/cpu", "us", cpu),
    ])
}

struct Done {
    rate: f64,
    /// Processor time of each commit, in microseconds.
    cpu_us: f64,
    commits: u32,
}

fn ours(place: &Path, load: &Load) -> Result<Done> {
    let path = place.join("ours.git");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (began, cpu) = (Instant::now(), own_cpu());
    let (commits, acknowledged) = runtime.block_on(write(&path, load))?;
    let (time, cpu) = (began.elapsed(), own_cpu() - cpu);
    check(place, &path, commits, &acknowledged)?;
    let count = f64::from(commits);
    Ok(Done { rate: count / time.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / count, commits })
}

/// What the repository has to hold: each application's last acknowledged files.
type Acknowledged = BTreeMap<String, Vec<u8>>;

async fn write(path: &Path, load: &Load) -> Result<(u32, Acknowledged)> {
    let repository = Repository::init(path, now()).await?;
    let end = Instant::now() + load.time;
    let mut writers = JoinSet::new();
    for writer in 0..load.writers {
        let repository = repository.clone();
        writers.spawn(async move {
            let mut version = 0;
            while Instant::now() < end || version == 0 {
                version += 1;
                let made = repository.commit(release(writer, version)?).await?;
                ensure!(matches!(made, Committed::Made { .. }), "a release made no commit");
            }
            Ok((writer, version))
        });
    }
    let (mut commits, mut acknowledged) = (0, Acknowledged::new());
    for end in writers.join_all().await {
        let (writer, version) = end?;
        commits += version;
        for (name, content) in files(writer, version) {
            acknowledged.insert(format!("app-{writer}/{name}"), content);
        }
    }
    repository.gathered().await;
    Ok((commits, acknowledged))
}

/// git finds nothing wrong, and a clone holds every acknowledged file.
fn check(place: &Path, path: &Path, commits: u32, acknowledged: &Acknowledged) -> Result<()> {
    git(path, &["fsck", "--strict", "--full"])?;
    let counted: u32 = git(path, &["rev-list", "--count", "main"])?.parse()?;
    // The repository's first commit is nobody's release.
    ensure!(counted == commits + 1, "{commits} were acknowledged, {counted} are there");
    let clone = place.join("clone");
    git(place, &["clone", "-q", &path.display().to_string(), &clone.display().to_string()])?;
    for (name, content) in acknowledged {
        let found = std::fs::read(clone.join(name)).with_context(|| format!("{name} is lost"))?;
        ensure!(&found == content, "{name} is not what was acknowledged");
    }
    Ok(())
}

/// One release of one application, with the files that a release writes.
fn release(writer: u32, version: u32) -> Result<Change> {
    let app = format!("app-{writer}");
    let list = files(writer, version);
    let record = list.get("release.json").cloned().unwrap_or_default();
    Ok(Change {
        branch: BranchName::main(),
        message: Message::new(format!("[Gimlet] bench/{app} automated deploy"))?
            .with_trailer(DEPLOY_ID, format!("rel_{writer}_{version}"))?,
        time: now(),
        edits: vec![
            Edit::ReplaceFolder { path: app.parse()?, files: list },
            Edit::PutFile { path: "release.json".parse()?, content: record },
            Edit::PutFile {
                path: format!("flux/kustomization-{app}.yaml").parse()?,
                content: format!("kind: Kustomization\nmetadata: {{name: {app}}}\n").into_bytes(),
            },
        ],
        compare_without: vec!["release.json".parse()?, format!("{app}/release.json").parse()?],
    })
}

/// The files of an application's folder.
fn files(writer: u32, version: u32) -> BTreeMap<String, Vec<u8>> {
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{writer}\nspec:\n  replicas: 2\n  \
         selector:\n    matchLabels:\n      app: app-{writer}\n  template:\n    metadata:\n      labels:\n        \
         app: app-{writer}\n    spec:\n      containers:\n      - name: web\n        image: \
         registry.example.com/acme/app-{writer}:{version}\n        ports:\n        - containerPort: 8080\n        \
         readinessProbe:\n          httpGet: {{path: /ready, port: 8080}}\n"
    );
    let service = format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: app-{writer}\nspec:\n  selector:\n    app: app-{writer}\n  \
         ports:\n  - port: 80\n    targetPort: 8080\n"
    );
    let record = format!(
        "{{\"app\":\"app-{writer}\",\"env\":\"bench\",\"artifactId\":\"art_{writer}_{version}\",\"triggeredBy\":\
         \"policy\",\"version\":{{\"repositoryName\":\"acme/app-{writer}\",\"sha\":\"{version:040x}\",\"branch\":\
         \"main\",\"authorName\":\"Ana\",\"message\":\"Version {version}\"}}}}\n"
    );
    BTreeMap::from([
        ("deployment.yaml".to_owned(), deployment.into_bytes()),
        ("service.yaml".to_owned(), service.into_bytes()),
        ("release.json".to_owned(), record.into_bytes()),
    ])
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Runs git, and returns what it says.
pub(super) fn git(directory: &Path, arguments: &[&str]) -> Result<String> {
    let output = git_command(directory).args(arguments).output().context("cannot run git")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {}: {complaint}", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// git without anybody's configuration.
pub(super) fn git_command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Ana")
        .env("GIT_AUTHOR_EMAIL", "ana@example.com")
        .env("GIT_COMMITTER_NAME", "Ana")
        .env("GIT_COMMITTER_EMAIL", "ana@example.com");
    command
}
