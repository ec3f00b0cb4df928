//! A bare repository with one commit of interest, and the files of a folder in it.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gimlet_helm::chart::ChartError;
use gimlet_helm::chart::load::{self, Listed, LoadLimits};
use gimlet_remote::{Finished, Git, RemoteError, Run, Settings};
use tempfile::TempDir;

use crate::error::FetchError;
use crate::shelf;

/// The name that we give to what we fetch.
pub(super) const OURS: &str = "refs/gimlet/chart";

/// How long git may take for what it has here.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The most that a list of files may take, in bytes: twenty thousand of them with long names.
const LARGEST_LIST: usize = 8 << 20;

/// The headers of files in an archive, beside their bytes.
const OVERHEAD: u64 = 64 << 20;

/// Files are to be as they were committed, whatever the repository says of archives and line ends.
const ATTRIBUTES: &str =
    "* !export-ignore !export-subst !text !eol !crlf !filter !ident !working-tree-encoding\n";

/// The repository; its folder goes away with it.
pub(super) struct Checkout {
    folder: TempDir,
    /// The commit, once it was found.
    pub(super) commit: String,
}

impl Checkout {
    pub(super) async fn make(git: &Git, drafts: &Path, place: &str) -> Result<Self, FetchError> {
        let disk = |source| FetchError::Disk {
            place: drafts.display().to_string(),
            source: Arc::new(source),
        };
        let folder = tempfile::Builder::new().prefix("git-").tempdir_in(drafts).map_err(disk)?;
        let options = ["--bare", "--quiet", "--template=", "--"].map(OsString::from);
        let mut arguments = options.to_vec();
        arguments.push(folder.path().into());
        let checkout = Self { folder, commit: String::new() };
        let made = checkout.run(git, None, "init", arguments, LARGEST_LIST, place).await?;
        if !made.success {
            return Err(failed("init", place, &made.stderr));
        }
        let info = checkout.path().join("info");
        std::fs::create_dir_all(&info).map_err(disk)?;
        std::fs::write(info.join("attributes"), ATTRIBUTES).map_err(disk)?;
        Ok(checkout)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Finds a commit by its name, whole or short.
    pub(super) async fn find(
        &mut self,
        git: &Git,
        name: &str,
        place: &str,
    ) -> Result<Option<()>, FetchError> {
        let arguments = ["--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")];
        let arguments = arguments.map(OsString::from).to_vec();
        let done =
            self.run(git, Some(self.path()), "rev-parse", arguments, LARGEST_LIST, place).await?;
        if !done.success {
            return Ok(None);
        }
        self.commit = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        Ok(Some(()))
    }

    /// The files of a folder as a tar archive, after all of them were looked at.
    pub(super) async fn archive(
        &self,
        git: &Git,
        path: &str,
        place: &str,
    ) -> Result<Vec<u8>, FetchError> {
        let tree = if path.is_empty() {
            format!("{}^{{tree}}", self.commit)
        } else {
            format!("{}:{path}", self.commit)
        };
        let arguments = ["-r", "-z", "-l", "--full-tree", &tree].map(OsString::from).to_vec();
        let listed =
            self.run(git, Some(self.path()), "ls-tree", arguments, LARGEST_LIST, place).await?;
        if !listed.success {
            let place = format!("the folder /{path} of {place}");
            return Err(FetchError::NotFound { place });
        }
        let fault = |source| FetchError::Chart { place: place.to_owned(), source };
        check(&listed.stdout).map_err(fault)?;
        let arguments = ["--format=tar", &tree].map(OsString::from).to_vec();
        let most = (LoadLimits::default().bytes + OVERHEAD) as usize;
        let done = self.run(git, Some(self.path()), "archive", arguments, most, place).await?;
        if done.success { Ok(done.stdout) } else { Err(failed("archive", place, &done.stderr)) }
    }

    async fn run(
        &self,
        git: &Git,
        git_dir: Option<&Path>,
        command: &'static str,
        arguments: Vec<OsString>,
        output_limit: usize,
        place: &str,
    ) -> Result<Finished, FetchError> {
        let (settings, time_limit) = (Settings::default(), TIME_LIMIT);
        let run = Run { git_dir, command, arguments, settings, time_limit, output_limit };
        git.run(run).await.map_err(|source| FetchError::Git {
            place: place.to_owned(),
            source: Arc::new(RemoteError::Run { url: place.to_owned(), source }),
        })
    }
}

fn failed(command: &'static str, place: &str, said: &str) -> FetchError {
    let source = RemoteError::from_output(command, place.to_owned(), said);
    FetchError::Git { place: place.to_owned(), source: Arc::new(source) }
}

/// Looks at what `ls-tree -r -z -l` says: plain files only, and no more than a chart may have.
fn check(listed: &[u8]) -> Result<(), ChartError> {
    let refused = |text: String| Err(ChartError::Load(text));
    let limits = LoadLimits::default();
    let (mut count, mut bytes) = (0, 0_u64);
    for line in listed.split(|c| *c == 0).filter(|line| !line.is_empty()) {
        let line = String::from_utf8_lossy(line);
        let (about, path) = line.split_once('\t').unwrap_or((&line, ""));
        let mut words = about.split_ascii_whitespace();
        let (mode, size) = (words.next().unwrap_or_default(), words.nth(2).unwrap_or_default());
        match mode {
            "100644" | "100755" | "100664" => {}
            "120000" => return refused(format!("{path} is a link; put the file itself there")),
            "160000" => {
                return refused(format!("{path} is a submodule; put the files themselves there"));
            }
            _ => return refused(format!("{path} is no plain file")),
        }
        count += 1;
        bytes = bytes.saturating_add(size.parse().unwrap_or(u64::MAX));
        if count > limits.files || bytes > limits.bytes {
            return refused(format!(
                "the chart's folder has more than {} files, or more than {} bytes",
                limits.files, limits.bytes
            ));
        }
    }
    Ok(())
}

/// The files of a tar archive of a chart's folder, those that its `.helmignore` leaves, in one row.
pub(super) fn listed(tar: &[u8]) -> Result<Vec<u8>, ChartError> {
    let failed = |error: std::io::Error| ChartError::Load(error.to_string());
    let mut files: Vec<Listed> = Vec::new();
    for entry in tar::Archive::new(tar).entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| ChartError::Load("the name of a file is no UTF-8".to_owned()))?;
        let mut data = Vec::new();
        entry.read_to_end(&mut data).map_err(failed)?;
        files.push((path, data));
    }
    shelf::listing(load::without_ignored(files)?)
}
