//! Source repositories that are pushed to often: a push is one run of `git fast-import`.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

/// An application of a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AppName {
    pub(super) environment: String,
    pub(super) app: String,
}

/// A bare repository with some applications, every one of which a push changes.
#[derive(Debug)]
pub(super) struct Source {
    bare: PathBuf,
    pub(super) apps: Vec<AppName>,
    /// The line of the policy that says which branches are released.
    branches: &'static str,
    /// The newest commit.
    pub(super) head: String,
    pushes: u64,
}

impl Source {
    /// Makes the repository and its first commit. Pushes to `main` are released.
    pub(super) fn create(folder: &Path, name: &str, apps: Vec<AppName>) -> Result<Self> {
        Self::create_with(folder, name, apps, "\n  branch: main")
    }

    /// The same, where pushes to every branch are.
    pub(super) fn create_for_all_branches(
        folder: &Path,
        name: &str,
        apps: Vec<AppName>,
    ) -> Result<Self> {
        Self::create_with(folder, name, apps, "")
    }

    fn create_with(
        folder: &Path,
        name: &str,
        apps: Vec<AppName>,
        branches: &'static str,
    ) -> Result<Self> {
        let bare = folder.join(format!("{name}.git"));
        std::fs::create_dir_all(&bare)?;
        run(&bare, &["init", "--quiet", "--bare", "--initial-branch=main"], "")?;
        let mut source = Self { bare, apps, branches, head: "0".repeat(40), pushes: 0 };
        source.push()?;
        Ok(source)
    }

    pub(super) fn url(&self) -> String {
        format!("file://{}", self.bare.display())
    }

    /// Pushes a commit and returns it.
    pub(super) fn push(&mut self) -> Result<String> {
        self.pushes += 1;
        let (number, message) = (self.pushes, format!("Push {}\n", self.pushes));
        let mut script = String::new();
        let who = format!("Ana <ana@example.com> {} +0000", 1_700_000_000 + number);
        write!(script, "commit refs/heads/main\nauthor {who}\ncommitter {who}\n")?;
        data(&mut script, &message)?;
        if number > 1 {
            script.push_str("from refs/heads/main^0\n");
        } else {
            for app in &self.apps {
                writeln!(script, "M 100644 inline .gimlet/{}-{}.yaml", app.environment, app.app)?;
                data(&mut script, &manifest(app, self.branches))?;
            }
        }
        script.push_str("M 100644 inline count\n");
        data(&mut script, &format!("{number}\n"))?;
        run(&self.bare, &["fast-import", "--quiet"], &script)?;
        let head = std::fs::read_to_string(self.bare.join("refs/heads/main"))?;
        self.head = head.trim().to_owned();
        Ok(self.head.clone())
    }

    /// Pushes new branches, each with a commit of its own on top of `main`; returns their heads.
    pub(super) fn push_branches(&self, names: &[String]) -> Result<Vec<String>> {
        let mut script = String::new();
        for name in names {
            let who = "Ana <ana@example.com> 1700001000 +0000";
            write!(script, "commit refs/heads/{name}\nauthor {who}\ncommitter {who}\n")?;
            data(&mut script, &format!("Push {name}\n"))?;
            script.push_str("from refs/heads/main^0\nM 100644 inline count\n");
            data(&mut script, &format!("{name}\n"))?;
        }
        run(&self.bare, &["fast-import", "--quiet"], &script)?;
        let heads = self.bare.join("refs/heads");
        let head = |name: &String| Ok(std::fs::read_to_string(heads.join(name))?.trim().to_owned());
        names.iter().map(head).collect()
    }
}

fn data(script: &mut String, text: &str) -> Result<()> {
    Ok(write!(script, "data {}\n{text}\n", text.len())?)
}

fn manifest(AppName { environment, app }: &AppName, branches: &str) -> String {
    format!(
        r#"app: {app}
env: {environment}
namespace: shop
deploy:
  event: push{branches}
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

fn run(folder: &Path, arguments: &[&str], input: &str) -> Result<()> {
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
