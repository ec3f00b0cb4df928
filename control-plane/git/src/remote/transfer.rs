//! Listing, fetching and pushing with the git binary.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use gimlet_remote::{Finished, Resolver, Run, Settings};
use gix::ObjectId;

use super::{Credentials, HostPolicy, RemoteError, RemoteUrl, locks};
use crate::{BranchName, CommitId, Git, RefName};

/// How long one exchange with a host may take.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// The most that a listing may hold, in bytes: about 200,000 references.
const LARGEST_LISTING: usize = 16 << 20;

/// The most that fetch and push may print, in bytes.
const LARGEST_REPORT: usize = 4 << 20;

/// A repository on another host, and how we talk to it.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) git: Git,
    pub(crate) url: RemoteUrl,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) policy: HostPolicy,
    pub(crate) resolver: Resolver,
}

/// What a host has: branches and tags (unpeeled), and which branch its `HEAD` names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) head: Option<RefName>,
    pub(crate) refs: BTreeMap<RefName, ObjectId>,
}

/// How a push ended that the host answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Done,
    /// The branch is not where it was expected.
    Raced,
}

impl Remote {
    pub(crate) fn new(
        git: Git,
        url: RemoteUrl,
        credentials: Option<Credentials>,
        policy: HostPolicy,
    ) -> Self {
        Self { git, url, credentials, policy, resolver: Resolver::System }
    }

    pub(crate) async fn list(&self, git_dir: &Path) -> Result<Listing, RemoteError> {
        let patterns = ["HEAD", "refs/heads/*", "refs/tags/*"];
        let done = self
            .run(git_dir, "ls-remote", &["--symref", "--quiet"], &patterns, LARGEST_LISTING)
            .await?;
        if !done.success {
            return Err(self.complaint("ls-remote", &done.stderr));
        }
        Ok(parse_listing(&String::from_utf8_lossy(&done.stdout)))
    }

    /// Fetches by full refspecs, such as `+refs/heads/*:refs/heads/*`; references that a refspec covers
    /// and the host no longer has are removed. No other fetch may go on in this repository: locks that stand
    /// in the way are then those of a killed run, and are removed.
    pub(crate) async fn fetch(&self, git_dir: &Path, refspecs: &[&str]) -> Result<(), RemoteError> {
        let options =
            ["--prune", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--quiet"];
        let run = || self.run(git_dir, "fetch", &options, refspecs, LARGEST_REPORT);
        let mut done = run().await?;
        if !done.success && locks::is_locked(&done.stderr) {
            locks::remove_left_over(git_dir).await;
            done = run().await?;
        }
        if done.success { Ok(()) } else { Err(self.complaint("fetch", &done.stderr)) }
    }

    /// Moves a branch of the host from `expected` (`None`: it must not exist) to `commit`.
    pub(crate) async fn push(
        &self,
        git_dir: &Path,
        commit: CommitId,
        branch: &BranchName,
        expected: Option<CommitId>,
    ) -> Result<Pushed, RemoteError> {
        let full = branch.full();
        let expected = expected.map(|id| id.to_string()).unwrap_or_default();
        // The lease makes the host compare and swap; our commit is a child of what is expected, so
        // nothing is ever overwritten.
        let lease = format!("--force-with-lease={full}:{expected}");
        let options =
            ["--porcelain", "--no-verify", "--recurse-submodules=no", "--no-follow-tags", &lease];
        let refspec = format!("{commit}:{full}");
        let done = self.run(git_dir, "push", &options, &[&refspec], LARGEST_REPORT).await?;
        if done.success {
            return Ok(Pushed::Done);
        }
        match self.rejection(&String::from_utf8_lossy(&done.stdout)) {
            Some(Rejection::Race) => Ok(Pushed::Raced),
            Some(Rejection::Other(detail)) => {
                Err(RemoteError::Rejected { url: self.url.to_string(), detail })
            }
            None => Err(self.complaint("push", &done.stderr)),
        }
    }

    async fn run(
        &self,
        git_dir: &Path,
        command: &'static str,
        options: &[&str],
        operands: &[&str],
        output_limit: usize,
    ) -> Result<Finished, RemoteError> {
        let settings = self.settings().await?;
        let mut arguments: Vec<OsString> = options.iter().map(OsString::from).collect();
        arguments.extend(["--".into(), self.url.as_str().into()]);
        arguments.extend(operands.iter().map(OsString::from));
        let run = Run {
            git_dir: Some(git_dir),
            command,
            arguments,
            settings,
            time_limit: TIME_LIMIT,
            output_limit,
        };
        let url = || self.url.to_string();
        self.git.run(run).await.map_err(|source| RemoteError::Run { url: url(), source })
    }

    /// Resolves the host anew and says what git may use for this one exchange.
    async fn settings(&self) -> Result<Settings, RemoteError> {
        let mut settings = Settings::default();
        let pinned = self.policy.pin(&self.url, &self.resolver).await;
        if let Some(pin) = pinned.map_err(|source| RemoteError::Host { source })? {
            settings.set("http.curloptResolve", pin);
        }
        if self.url.directory().is_some() {
            settings.set("protocol.file.allow", "always");
        } else {
            settings.set("protocol.http.allow", "always");
            settings.set("protocol.https.allow", "always");
        }
        if let Some(credentials) = &self.credentials {
            settings.set("http.extraHeader", credentials.header());
        }
        Ok(settings)
    }

    fn complaint(&self, command: &'static str, stderr: &str) -> RemoteError {
        RemoteError::from_output(command, self.url.to_string(), &self.scrub(stderr))
    }

    fn scrub(&self, text: &str) -> String {
        self.credentials
            .as_ref()
            .map_or_else(|| text.to_owned(), |credentials| credentials.scrub(text))
    }

    fn rejection(&self, porcelain: &str) -> Option<Rejection> {
        let line = porcelain.lines().find(|line| line.starts_with('!'))?;
        let summary = line.splitn(3, '\t').nth(2).unwrap_or(line);
        let race = RACES.iter().any(|phrase| summary.contains(phrase));
        Some(if race {
            Rejection::Race
        } else {
            let printable = summary.chars().filter(|c| !c.is_control()).take(400);
            Rejection::Other(self.scrub(&printable.collect::<String>()))
        })
    }
}

enum Rejection {
    Race,
    Other(String),
}

/// How git and hosts say that the branch moved, or is being moved, by someone else.
const RACES: &[&str] = &[
    "stale info",
    "fetch first",
    "non-fast-forward",
    "failed to update ref",
    "cannot lock ref",
    "failed to lock",
    "incorrect old value provided",
    "reference already exists",
];

fn parse_listing(text: &str) -> Listing {
    let mut listing = Listing::default();
    for line in text.lines() {
        let Some((value, name)) = line.split_once('\t') else { continue };
        if let Some(target) = value.strip_prefix("ref: ") {
            if name == "HEAD" {
                listing.head = RefName::from_full(target);
            }
        } else if let (Some(name), Ok(id)) =
            (RefName::from_full(name), ObjectId::from_hex(value.as_bytes()))
        {
            listing.refs.insert(name, id);
        }
    }
    listing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::RemoteErrorKind;

    #[test]
    fn a_listing_leaves_out_peeled_tags_and_foreign_names() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        let text = format!(
            "ref: refs/heads/trunk\tHEAD\n{id}\tHEAD\n{id}\trefs/heads/trunk\n{id}\trefs/tags/v1\n\
             {id}\trefs/tags/v1^{{}}\n{id}\trefs/pull/1/head\nnonsense\nxyz\trefs/heads/bad\n"
        );
        let listing = parse_listing(&text);
        assert_eq!(listing.head.unwrap().short(), "trunk");
        let names: Vec<&str> = listing.refs.keys().map(RefName::as_str).collect();
        assert_eq!(names, ["refs/heads/trunk", "refs/tags/v1"]);
    }

    /// A host that notes what it is asked, and knows no repository.
    async fn deaf_host() -> (u16, tokio::task::JoinHandle<String>) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(socket.read_u8().await.unwrap());
            }
            socket.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            String::from_utf8(request).unwrap()
        };
        #[expect(clippy::disallowed_methods, reason = "the test owns the task by its handle")]
        (port, tokio::spawn(host))
    }

    fn remote(home: &Path, url: &str, policy: HostPolicy, addresses: &[&str]) -> Remote {
        let credentials = Credentials::new("bot", "canary-token".into()).unwrap();
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let mut remote =
            Remote::new(Git::new(home), url.parse().unwrap(), Some(credentials), policy);
        remote.resolver = Resolver::Fixed(addresses);
        remote
    }

    #[tokio::test]
    async fn git_dials_the_address_that_was_checked_and_asks_no_resolver() {
        let home = tempfile::tempdir().unwrap();
        crate::testing::git(home.path(), &["init", "--bare", "-q", "."]);
        let (port, host) = deaf_host().await;
        let open = HostPolicy { allow_private: true, allow_file: false };
        // A name of RFC 6761 that no resolver answers: only the pinned address can lead there.
        let url = format!("http://git.gimlet.test:{port}/r.git");
        let error =
            remote(home.path(), &url, open, &["127.0.0.1"]).list(home.path()).await.unwrap_err();

        let request =
            tokio::time::timeout(Duration::from_secs(20), host).await.expect("no visit").unwrap();
        assert!(request.contains(&format!("Host: git.gimlet.test:{port}")), "{request}");
        assert!(request.contains("Authorization: Basic "), "{request}");
        assert_eq!(error.kind(), RemoteErrorKind::Address, "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }

    #[tokio::test]
    async fn a_name_with_a_private_address_is_not_dialled() {
        let home = tempfile::tempdir().unwrap();
        let error =
            remote(home.path(), "http://git.gimlet.test/r", HostPolicy::default(), &["10.0.0.1"])
                .list(home.path())
                .await
                .unwrap_err();
        assert!(matches!(error, RemoteError::Host { .. }), "{error}");
    }
}
