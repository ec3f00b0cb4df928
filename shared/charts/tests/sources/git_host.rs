//! A git host: `git http-backend` over HTTP, and what people push to it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::hosts::{Answer, Host, Seen};

/// Repositories in a folder, and the host that serves them.
pub(crate) struct GitHost {
    pub(crate) host: Host,
    root: PathBuf,
}

impl GitHost {
    pub(crate) async fn start(root: &Path) -> Self {
        let root = root.join("repositories");
        std::fs::create_dir_all(&root).unwrap();
        let served = root.clone();
        let host = Host::start(move |seen| backend(&served, seen)).await;
        Self { host, root }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        self.host.url(&format!("/{name}.git"))
    }

    /// Commits files to a branch of a repository, which is made if it is not there, and returns the commit.
    pub(crate) fn push(&self, name: &str, branch: &str, files: &[(&str, &str)]) -> String {
        let work = self.work(name);
        git(&work, &["checkout", "-q", "-B", branch]);
        for (path, text) in files {
            let place = work.join(path);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        }
        self.commit(name, branch)
    }

    /// The work tree of whoever pushes.
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        let (bare, work) =
            (self.root.join(format!("{name}.git")), self.root.join(format!("{name}-work")));
        if !work.exists() {
            git(&self.root, &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
            git(&self.root, &["init", "-q", "-b", "main", work.to_str().unwrap()]);
        }
        work
    }

    pub(crate) fn commit(&self, name: &str, branch: &str) -> String {
        let work = self.work(name);
        git(&work, &["add", "-A"]);
        git(&work, &["commit", "-q", "--allow-empty", "-m", "change"]);
        self.push_ref(name, &format!("refs/heads/{branch}"));
        git(&work, &["rev-parse", "HEAD"])
    }

    pub(crate) fn push_ref(&self, name: &str, reference: &str) {
        let bare = self.root.join(format!("{name}.git"));
        git(&self.work(name), &["push", "-q", "-f", bare.to_str().unwrap(), reference]);
    }
}

/// Runs git as a person would.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.test"])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// One request to the real program.
pub(crate) fn backend(root: &Path, seen: &Seen) -> Answer {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let header = |name: &str| seen.headers.get(name).map(String::as_str).unwrap_or_default();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", &seen.method)
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // What is asked is small.
    child.stdin.take().unwrap().write_all(&seen.body).unwrap();
    let output = child.wait_with_output().unwrap().stdout;
    let end = output.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let mut answer = Answer::ok(&output[end + 4..]);
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        match name {
            "Status" => answer.status = value[..3].parse().unwrap(),
            _ => answer = answer.header(name, value),
        }
    }
    answer
}
