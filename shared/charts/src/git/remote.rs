//! A repository on another host: what its names stand for, and one commit of it.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gimlet_manifest::{GitSource, GitTransport};
use gimlet_remote::{
    Finished, HostError, RemoteError, RemoteUrl, Resolver, Run, RunError, Settings,
};
use url::Url;

use super::Wanted;
use super::checkout::{Checkout, OURS};
use crate::access::Access;
use crate::error::FetchError;
use crate::source::Shown;
use crate::work::Workshop;

/// How long one exchange with a host may take.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// The most that git may print, in bytes.
const LARGEST_REPORT: usize = 4 << 20;

/// The most that a commit may bring with it, in bytes: beside a chart there may be all of an application.
const LARGEST_FETCH: u64 = 1 << 30;

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// What ssh may not do: ask people, or wait for a dead host.
const SSH: &str = "ssh -o BatchMode=yes -o ConnectTimeout=10";

/// A repository, and how we talk to it.
pub(super) struct Remote<'a> {
    shop: &'a Workshop,
    access: &'a Access,
    source: &'a GitSource,
    address: Address,
    place: &'a str,
}

enum Address {
    Web(RemoteUrl),
    Ssh,
}

impl<'a> Remote<'a> {
    pub(super) fn new(
        shop: &'a Workshop,
        access: &'a Access,
        source: &'a GitSource,
        place: &'a str,
    ) -> Result<Self, FetchError> {
        let refused = |fault: &str| Err(FetchError::not_allowed(place, fault));
        let address = match source.transport {
            GitTransport::Ssh if !shop.policy.allow_ssh => {
                return refused(
                    "a server has no ssh keys; use the repository's https address, with an access token if it \
                     is private",
                );
            }
            GitTransport::Ssh => {
                check_ssh(&source.url, place)?;
                Address::Ssh
            }
            GitTransport::Http => {
                let url: RemoteUrl = source.url.parse().map_err(|fault| {
                    FetchError::source_fault(place, format!("its address: {fault}"))
                })?;
                let is_bare = Url::parse(url.as_str())
                    .is_ok_and(|url| url.scheme() == "http" && !shop.policy.is_plain(&url));
                if is_bare && access.auth().is_some() {
                    return refused("credentials are sent over https only; change the address");
                }
                Address::Web(url)
            }
        };
        Ok(Self { shop, access, source, address, place })
    }

    /// The commit that a reference names.
    pub(super) async fn resolve(&self, name: &str) -> Result<String, FetchError> {
        let peeled = format!("{name}^{{}}");
        let done = self.exchange(None, "ls-remote", &["--quiet"], &[name, &peeled]).await?;
        let text = String::from_utf8_lossy(&done.stdout);
        let listed = |wanted: &str| {
            let of_line = |line: &str| {
                let (commit, name) = line.split_once('\t')?;
                (name == wanted && is_commit(commit)).then(|| commit.to_owned())
            };
            text.lines().find_map(of_line)
        };
        // What a tag of its own kind names, rather than the tag.
        let found = listed(&peeled).or_else(|| listed(name));
        found.ok_or_else(|| FetchError::NotFound { place: self.named(name) })
    }

    /// Fetches one commit, alone if the host gives it so.
    pub(super) async fn check_out(&self, wanted: &Wanted) -> Result<Checkout, FetchError> {
        let mut checkout = Checkout::make(&self.shop.git, &self.shop.drafts, self.place).await?;
        let name = match wanted {
            Wanted::Short(name) => {
                self.fetch(checkout.path(), &[], ALL).await?;
                name
            }
            Wanted::Whole(name) => {
                let only = format!("+{name}:{OURS}");
                match self.fetch(checkout.path(), &["--depth=1"], &[&only]).await {
                    // Not every host gives a commit that no branch ends with.
                    Err(FetchError::Git { source, .. }) if !is_final(&source) => {
                        self.fetch(checkout.path(), &[], ALL).await?;
                    }
                    fetched => fetched?,
                }
                name
            }
        };
        let found = checkout.find(&self.shop.git, name, self.place).await?;
        found.ok_or_else(|| FetchError::NotFound { place: self.named(name) })?;
        Ok(checkout)
    }

    async fn fetch(
        &self,
        git_dir: &Path,
        options: &[&str],
        refspecs: &[&str],
    ) -> Result<(), FetchError> {
        let fixed =
            ["--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--quiet", "--force"];
        let options: Vec<&str> = fixed.iter().chain(options).copied().collect();
        let fetched = self.exchange(Some(git_dir), "fetch", &options, refspecs);
        tokio::select! {
            fetched = fetched => fetched.map(|_| ()),
            () = outgrown(git_dir) => Err(FetchError::TooLarge {
                place: Shown(&self.source.url).to_string(),
                limit: LARGEST_FETCH,
            }),
        }
    }

    async fn exchange(
        &self,
        git_dir: Option<&Path>,
        command: &'static str,
        options: &[&str],
        operands: &[&str],
    ) -> Result<Finished, FetchError> {
        let cut_off = |_| FetchError::CutOff { place: self.place.to_owned() };
        let _turn = self.shop.git_turns.acquire().await.map_err(cut_off)?;
        let settings = self.settings().await?;
        let mut arguments: Vec<OsString> = options.iter().map(OsString::from).collect();
        arguments.extend(["--".into(), OsString::from(&self.source.url)]);
        arguments.extend(operands.iter().map(OsString::from));
        let (time_limit, output_limit) = (TIME_LIMIT, LARGEST_REPORT);
        let run = Run { git_dir, command, arguments, settings, time_limit, output_limit };
        let done = self.shop.git.run(run).await;
        let url = || Shown(&self.source.url).to_string();
        let done = done.map_err(|source| self.failed(RemoteError::Run { url: url(), source }))?;
        if done.success {
            return Ok(done);
        }
        let said = match self.access.auth() {
            Some(auth) => auth.scrub(&done.stderr),
            None => done.stderr,
        };
        Err(self.failed(RemoteError::from_output(command, url(), &said)))
    }

    /// Resolves the host anew and says what git may use for this one exchange.
    async fn settings(&self) -> Result<Settings, FetchError> {
        let mut settings = Settings::default();
        let url = match &self.address {
            Address::Ssh => {
                settings.set("protocol.ssh.allow", "always");
                settings.set("core.sshCommand", SSH);
                return Ok(settings);
            }
            Address::Web(url) => url,
        };
        let rule = self.shop.policy.for_git(url.host());
        let pinned = rule.pin(url, &Resolver::System).await;
        if let Some(pin) = pinned.map_err(|source| self.failed(RemoteError::Host { source }))? {
            settings.set("http.curloptResolve", pin);
        }
        for key in ["protocol.http.allow", "protocol.https.allow"] {
            settings.set(key, "always");
        }
        if url.directory().is_some() {
            settings.set("protocol.file.allow", "always");
        }
        if let Some(auth) = self.access.auth() {
            let header = auth.header();
            let value = header.as_ref().and_then(|header| header.to_str().ok());
            let fault = "the token holds characters that no header can carry; copy it again";
            let value = value.ok_or_else(|| FetchError::source_fault(self.place, fault))?;
            settings.set("http.extraHeader", format!("Authorization: {value}"));
        }
        Ok(settings)
    }

    fn failed(&self, error: RemoteError) -> FetchError {
        if let RemoteError::Host { source } = &error
            && !matches!(source, HostError::Unresolved { .. })
        {
            return FetchError::not_allowed(self.place, source.to_string());
        }
        FetchError::Git { place: self.place.to_owned(), source: Arc::new(error) }
    }

    fn named(&self, name: &str) -> String {
        let name = name.trim_start_matches("refs/heads/").trim_start_matches("refs/");
        format!("{name} of {}", Shown(&self.source.url))
    }
}

/// Everything that has a name.
const ALL: &[&str] = &["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// Whether asking otherwise cannot help.
fn is_final(error: &RemoteError) -> bool {
    matches!(
        error,
        RemoteError::Host { .. }
            | RemoteError::Unreachable { .. }
            | RemoteError::Denied { .. }
            | RemoteError::Redirected { .. }
            | RemoteError::Run { source: RunError::TimedOut { .. } | RunError::Spawn { .. }, .. }
    )
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// `git@host:path`, of which nothing can become an option of git or ssh.
fn check_ssh(url: &str, place: &str) -> Result<(), FetchError> {
    let parts = url.strip_prefix("git@").and_then(|rest| rest.split_once(':'));
    let is_host = |host: &str| {
        !host.is_empty()
            && !host.starts_with('-')
            && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    let is_path =
        |path: &str| !path.is_empty() && !path.chars().any(|c| c.is_control() || c == ' ');
    match parts {
        Some((host, path)) if is_host(host) && is_path(path) => Ok(()),
        _ => Err(FetchError::source_fault(place, "write git@host:owner/name.git")),
    }
}

/// Ends when a folder holds too much.
async fn outgrown(folder: &Path) {
    loop {
        tokio::time::sleep(LOOK).await;
        let folder = folder.to_owned();
        let size = tokio::task::spawn_blocking(move || size(&folder)).await;
        if size.is_ok_and(|size| size > LARGEST_FETCH) {
            return;
        }
    }
}

fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of_entry = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of_entry).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_ssh_address_becomes_an_option() {
        assert!(check_ssh("git@github.com:acme/charts.git", "it").is_ok());
        for url in [
            "git@-oProxyCommand=x:r.git",
            "git@h o:r.git",
            "git@:r.git",
            "git@h:",
            "ssh://git@h/r.git",
            "git@h;x:r.git",
            "git@h:a\nb",
        ] {
            assert!(check_ssh(url, "it").is_err(), "{url}");
        }
    }
}
