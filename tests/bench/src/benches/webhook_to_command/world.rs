//! Applications, each with its repository, environment and agent.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};

use super::Passed;
use crate::{
    agent::Agent,
    benches::gitops_commits::{git, git_command},
    hook::{Hook, push},
    http::Connection,
    server::Server,
};

/// Bytes of a webhook's body.
const BODY: usize = 8 * 1024;

/// One application.
pub(super) struct Lane {
    number: u32,
    name: String,
    source: PathBuf,
    /// Where `main` is, and goes.
    commits: Vec<String>,
    hook: Hook,
    connection: Connection,
    agent: Agent,
    pushed: usize,
}

/// Sets them up, until each one's first release has reached its agent.
pub(super) async fn build(
    server: &Server,
    place: &Path,
    lanes: u32,
    commits: u32,
) -> Result<Vec<Lane>> {
    let token = server.token().await?;
    let mut all = Vec::new();
    for number in 0..lanes {
        let name = format!("lane-{number}");
        let source = place.join(format!("{name}.git"));
        let commits = make_source(&source, &name, commits)?;
        let mut agent = Agent::connect(server, &token, &name).await?;
        let hook = Hook::add(server, &token, &format!("acme/{name}"), &source).await?;
        agent.command().await?;
        let connection = Connection::open(server.address).await?;
        all.push(Lane { number, name, source, commits, hook, connection, agent, pushed: 0 });
    }
    Ok(all)
}

impl Lane {
    /// Moves `main` to its next commit, tells the server, and waits for the command.
    pub(super) async fn push(&mut self, number: u32) -> Result<Passed> {
        let (before, after) = (&self.commits[self.pushed], &self.commits[self.pushed + 1]);
        // As git does it: whoever reads the branch meanwhile finds the old value or the new one.
        let value = self.source.join("value");
        fs::write(&value, format!("{after}\n"))?;
        fs::rename(&value, self.source.join("refs/heads/main"))?;
        let body = push(&format!("acme/{}", self.name), before, after, BODY);
        let signature = self.hook.signature(&body)?;
        let trace = u128::from(self.number + 1) << 64 | u128::from(number + 1);
        let parent = format!("00-{trace:032x}-{:016x}-01", number + 1);
        let delivery = format!("{}-{number}", self.name);
        let request = self.hook.request(&delivery, &signature, &body, &[("traceparent", &parent)]);
        let began = Instant::now();
        let sent = SystemTime::now();
        let (connection, agent) = (&mut self.connection, &mut self.agent);
        let (answer, command) = tokio::join!(
            async {
                let answer = connection.send(&request).await;
                answer.map(|answer| (answer, sent + began.elapsed()))
            },
            agent.command()
        );
        let ((answer, acknowledged), (_, arrived)) = (answer?, command?);
        ensure!(answer.status == 202, "a push was answered {}", answer.status);
        self.pushed += 1;
        Ok(Passed { trace, sent, acknowledged, arrived, late: false })
    }

    /// The gitops repository holds the last commit's release, and is whole.
    pub(super) fn check(&self, data: &Path) -> Result<()> {
        let organizations = fs::read_dir(data.join("gitops"))?;
        let name = format!("gitops-{}-apps.git", self.name);
        let repository = organizations
            .flatten()
            .map(|folder| folder.path().join(&name))
            .find(|path| path.exists())
            .with_context(|| format!("there is no {name}"))?;
        git(&repository, &["fsck", "--strict", "--full"])?;
        let found = git(&repository, &["grep", "-c", &self.commits[self.pushed], "main"]);
        ensure!(found.is_ok(), "{name} does not hold the last commit");
        Ok(())
    }
}

/// A repository whose branch `work` is ahead of `main` by so many commits; returns them all.
fn make_source(path: &Path, name: &str, ahead: u32) -> Result<Vec<String>> {
    fs::create_dir_all(path)?;
    git(path, &["init", "-q", "--bare", "-b", "main"])?;
    let mut child = git_command(path)
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run git")?;
    let mut history = String::new();
    let file = |history: &mut String, path: &str, text: &str| {
        // Writing to a string cannot fail.
        let _ = write!(history, "M 644 inline {path}\ndata {}\n{text}\n", text.len());
    };
    let commit = |history: &mut String, branch: &str, from: &str, time: u32| {
        let time = 1_700_000_000 + time;
        let _ = write!(
            history,
            "commit refs/heads/{branch}\ncommitter Ana <ana@example.com> {time} +0000\ndata 1\nx\n{from}"
        );
    };
    commit(&mut history, "main", "", 0);
    file(&mut history, ".gimlet/app.yaml", &manifest(name));
    for version in 1..=ahead {
        let from = if version == 1 { "from refs/heads/main\n" } else { "" };
        commit(&mut history, "work", from, version);
        file(&mut history, "version", &version.to_string());
    }
    child.stdin.take().context("no standard input")?.write_all(history.as_bytes())?;
    ensure!(child.wait()?.success(), "git fast-import failed");
    let listed = git(path, &["rev-list", "--reverse", "work"])?;
    Ok(listed.lines().map(str::to_owned).collect())
}

fn manifest(name: &str) -> String {
    format!(
        "app: web\nenv: {name}\nnamespace: shop\ndeploy:\n  event: push\n  branch: main\nmanifests: |\n  \
         apiVersion: apps/v1\n  kind: Deployment\n  metadata: {{name: web}}\n  spec:\n    selector: \
         {{matchLabels: {{app: web}}}}\n    template:\n      metadata: {{labels: {{app: web}}}}\n      spec:\n        \
         containers:\n          - {{name: web, image: \"registry.example.com/acme/web:{{{{ .SHA }}}}\"}}\n"
    )
}
