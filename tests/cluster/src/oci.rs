//! Container images as OCI archives: one layer, written from files and bytes, the same bytes each time.
//!
//! An archive is what `ctr images import` and `skopeo copy oci-archive:` read, so an image needs neither a
//! daemon nor a registry nor root. Layout after the OCI image specification 1.0 (image-layout.md,
//! manifest.md, config.md). Not here: compressed layers, several layers, several platforms.

mod layer;
mod layout;

use std::path::{Path, PathBuf};

use serde::Serialize;

/// An image to be written: its name, what runs in it, and its files in the order they were added.
#[derive(Clone, Debug)]
pub struct Image {
    reference: String,
    config: Config,
    entries: Vec<Entry>,
}

/// Why an archive was not written.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The name lacks its tag, which containerd and skopeo need.
    #[error("image reference {reference:?} has no tag; write it as NAME:TAG")]
    NoTag {
        /// The name as it was given.
        reference: String,
    },
    /// A path inside the image climbs out of it or names its root.
    #[error("path {path:?} inside image {reference} must name something below / without `..`")]
    Path {
        /// The image's name.
        reference: String,
        /// The offending path.
        path: PathBuf,
    },
    /// A file that belongs into the image could not be read.
    #[error("could not read {path:?} for image {reference}")]
    Read {
        /// The image's name.
        reference: String,
        /// The file on this machine.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The archive could not be written.
    #[error("could not write the archive of image {reference} to {path:?}")]
    Write {
        /// The image's name.
        reference: String,
        /// The archive's path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The `config` object of an image, as the specification spells it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    env: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entrypoint: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cmd: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    working_dir: String,
}

#[derive(Clone, Debug)]
struct Entry {
    path: PathBuf,
    mode: u32,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    File(PathBuf),
    Bytes(Vec<u8>),
    Directory,
    Symlink(PathBuf),
}

impl Image {
    /// Begins an image named `reference`, such as `ghcr.io/acme/app:v1`.
    pub fn new(reference: impl Into<String>) -> Self {
        Self { reference: reference.into(), config: Config::default(), entries: Vec::new() }
    }

    /// The name the image was begun with.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Runs as `user`, written `UID:GID` so that no user list is needed inside.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.config.user = user.into();
        self
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.config.env.push(format!("{name}={value}"));
        self
    }

    /// What always runs; a pod's `args` are appended to it.
    #[must_use]
    pub fn entrypoint<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.config.entrypoint = words.into_iter().map(Into::into).collect();
        self
    }

    /// Default arguments; a pod's `args` replace them.
    #[must_use]
    pub fn cmd<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.config.cmd = words.into_iter().map(Into::into).collect();
        self
    }

    /// The directory that processes start in.
    #[must_use]
    pub fn working_dir(mut self, path: impl Into<String>) -> Self {
        self.config.working_dir = path.into();
        self
    }

    /// Adds the file `source` of this machine as `path`, owned by root, with permission bits `mode`.
    #[must_use]
    pub fn file(self, source: impl Into<PathBuf>, path: impl Into<PathBuf>, mode: u32) -> Self {
        self.entry(path, mode, Content::File(source.into()))
    }

    /// Adds a file with these bytes.
    #[must_use]
    pub fn bytes(self, bytes: impl Into<Vec<u8>>, path: impl Into<PathBuf>, mode: u32) -> Self {
        self.entry(path, mode, Content::Bytes(bytes.into()))
    }

    /// Adds an empty directory. Parents of what is added appear by themselves, with mode 755.
    #[must_use]
    pub fn directory(self, path: impl Into<PathBuf>, mode: u32) -> Self {
        self.entry(path, mode, Content::Directory)
    }

    /// Adds a symbolic link at `path` that points to `target`.
    #[must_use]
    pub fn symlink(self, path: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        self.entry(path, 0o777, Content::Symlink(target.into()))
    }

    /// Writes the archive to `archive`, which appears whole or not at all, and returns the digest of the
    /// image's manifest (`sha256:…`). The same image gives the same bytes.
    pub fn write_to(&self, archive: &Path) -> Result<String, ImageError> {
        layout::write(self, archive)
    }

    fn entry(mut self, path: impl Into<PathBuf>, mode: u32, content: Content) -> Self {
        self.entries.push(Entry { path: path.into(), mode, content });
        self
    }
}

#[cfg(test)]
mod tests;
