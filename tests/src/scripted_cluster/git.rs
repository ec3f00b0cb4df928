//! Flux's reading of a gitops repository, with the git command line.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use tokio::{io::AsyncWriteExt as _, process::Command};

/// A clone that follows one branch.
#[derive(Debug)]
pub(super) struct Clone {
    folder: PathBuf,
    url: String,
    branch: String,
}

impl Clone {
    pub(super) async fn make(folder: PathBuf, url: String, branch: String) -> Result<Self> {
        let clone = Self { folder, url, branch };
        tokio::fs::create_dir_all(&clone.folder).await?;
        clone.git(&["init", "--quiet", "--bare"], "").await?;
        Ok(clone)
    }

    /// Fetches the branch and returns its commit.
    pub(super) async fn fetch(&self) -> Result<String> {
        let refspec = format!("+refs/heads/{}:refs/heads/main", self.branch);
        self.git(&["fetch", "--quiet", "--no-tags", &self.url, &refspec], "").await?;
        Ok(self.git(&["rev-parse", "refs/heads/main"], "").await?.trim().to_owned())
    }

    /// The blobs of a commit by path.
    pub(super) async fn files(&self, commit: &str) -> Result<BTreeMap<String, String>> {
        let listing = self.git(&["ls-tree", "-r", "--full-tree", commit], "").await?;
        let file = |line: &str| {
            let (head, path) = line.split_once('\t')?;
            Some((path.to_owned(), head.split(' ').nth(2)?.to_owned()))
        };
        Ok(listing.lines().filter_map(file).collect())
    }

    /// The texts of blobs, in their order.
    pub(super) async fn texts(&self, blobs: &[&str]) -> Result<Vec<String>> {
        if blobs.is_empty() {
            return Ok(Vec::new());
        }
        let input: String = blobs.iter().map(|blob| format!("{blob}\n")).collect();
        let output = self.git(&["cat-file", "--batch"], &input).await?;
        let mut rest = output.as_str();
        let mut texts = Vec::with_capacity(blobs.len());
        for _ in blobs {
            let (head, after) = rest.split_once('\n').context("git cat-file said too little")?;
            let size: usize = head.rsplit(' ').next().unwrap_or_default().parse()?;
            texts.push(after.get(..size).context("git cat-file said too little")?.to_owned());
            rest = after.get(size + 1..).unwrap_or_default();
        }
        Ok(texts)
    }

    async fn git(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(&self.folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot run git")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "git {} failed: {complaint}", arguments[0]);
        Ok(String::from_utf8(output.stdout)?)
    }
}
