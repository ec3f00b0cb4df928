//! A source repository that is pushed to by `git fast-import`.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// A repository with some applications, all of one environment.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its id at the control plane.
    pub(crate) id: String,
    pub(crate) name: String,
    bare: PathBuf,
    environment: String,
    apps: u64,
    pushes: u64,
}

/// What a commit says.
#[derive(Debug)]
pub(crate) struct Commit {
    message: String,
    author: String,
}

impl Commit {
    pub(crate) fn asked_for(asked: &Value) -> Self {
        let word = |key: &str, usual: &str| asked[key].as_str().unwrap_or(usual).to_owned();
        Self { message: word("message", "Begin"), author: word("author", "Ana Nagy") }
    }
}

impl Source {
    /// Makes an empty repository.
    pub(crate) fn create(folder: &Path, name: &str, environment: &str, apps: u64) -> Result<Self> {
        let bare = folder.join(format!("{name}.git"));
        std::fs::create_dir_all(&bare)?;
        git(&bare, &["init", "--quiet", "--bare", "--initial-branch=main"], "")?;
        let (name, environment) = (name.to_owned(), environment.to_owned());
        Ok(Self { id: String::new(), name, bare, environment, apps, pushes: 0 })
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.bare.display())
    }

    /// Pushes a commit and returns its hash.
    pub(crate) fn push(&mut self, commit: &Commit) -> Result<String> {
        self.pushes += 1;
        let mut script = String::new();
        let who =
            format!("{} <ana@example.com> {} +0000", commit.author, 1_700_000_000 + self.pushes);
        write!(script, "commit refs/heads/main\nauthor {who}\ncommitter {who}\n")?;
        data(&mut script, &commit.message)?;
        if self.pushes > 1 {
            script.push_str("from refs/heads/main^0\n");
        }
        for number in 0..self.apps {
            let app =
                if number == 0 { self.name.clone() } else { format!("{}-{number}", self.name) };
            writeln!(script, "M 100644 inline .gimlet/{}-{app}.yaml", self.environment)?;
            data(&mut script, &manifest(&self.environment, &app))?;
        }
        script.push_str("M 100644 inline count\n");
        data(&mut script, &format!("{}\n", self.pushes))?;
        git(&self.bare, &["fast-import", "--quiet"], &script)?;
        Ok(std::fs::read_to_string(self.bare.join("refs/heads/main"))?.trim().to_owned())
    }
}

fn data(script: &mut String, text: &str) -> Result<()> {
    Ok(write!(script, "data {}\n{text}\n", text.len())?)
}

fn manifest(environment: &str, app: &str) -> String {
    format!(
        r#"app: {app}
env: {environment}
namespace: shop
deploy:
  event: push
  branch: main
manifests: |
  apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: {{{{ .APP }}}}
  spec:
    replicas: 1
    selector:
      matchLabels: {{app: {{{{ .APP }}}}}}
    template:
      metadata:
        labels: {{app: {{{{ .APP }}}}}}
      spec:
        containers:
          - name: web
            image: registry.example.com/shop/{app}:{{{{ .SHA }}}}
"#
    )
}

fn git(folder: &Path, arguments: &[&str], input: &str) -> Result<()> {
    let mut child = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run git")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {} failed: {complaint}", arguments[0]);
    Ok(())
}
