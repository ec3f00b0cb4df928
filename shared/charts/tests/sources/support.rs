//! Charts to serve, and a place to fetch them to.

use std::path::Path;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use gimlet_charts::{
    Access, Auth, ChartSource, Charts, Credentials, FetchError, Git, Options, Policy,
};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

/// The secret of all tests: no error and no file may hold it.
pub(crate) const SECRET: &str = "canary-secret";

/// A folder for a cache, and fetchers that share it as programs one after another do.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        // Another test may have done so already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A person's, who asks the source each time.
    pub(crate) fn charts(&self) -> Charts {
        self.with(|_| {})
    }

    pub(crate) fn with(&self, change: impl FnOnce(&mut Options)) -> Charts {
        let git = Git::new(self.path().join("home"));
        let mut options = Options::new(self.path().join("cache"), Policy::person(), git);
        options.time_to_live = Duration::ZERO;
        options.retries = Vec::new();
        change(&mut options);
        Charts::open(options).unwrap()
    }
}

/// A chart's archive, with a file that tells it from others.
pub(crate) fn archive(name: &str, version: &str) -> Vec<u8> {
    let head = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    packed(&[
        (&format!("{name}/Chart.yaml"), EntryType::Regular, head.as_bytes()),
        (&format!("{name}/templates/a.yaml"), EntryType::Regular, b"a: {{ .Values.a }}\n"),
        (&format!("{name}/values.yaml"), EntryType::Regular, b"a: 1\n"),
    ])
}

/// An archive of whatever entries; the library's own checks are passed by, as an attacker would.
pub(crate) fn packed(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (path, kind, data) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        if matches!(kind, EntryType::Symlink | EntryType::Link) {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, *data).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

pub(crate) fn in_repository(url: &str, name: &str, version: &str) -> ChartSource {
    ChartSource::Repository { url: url.into(), name: name.into(), version: version.into() }
}

pub(crate) fn anonymous() -> Access {
    Access::anonymous()
}

/// Someone of an organization, with its password.
pub(crate) fn member(organization: &str) -> Access {
    let credentials = Credentials::new("bot", SECRET.into()).unwrap();
    Access::with(organization, Auth::Basic(credentials))
}

/// An error with all its causes, free of secrets.
pub(crate) fn told(error: &FetchError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(!text.contains("canary") && !format!("{error:?}").contains("canary"), "{text}");
    text
}
