//! The archive: a plain tar file whose last entry lists the others with size and SHA-256.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use super::manifest::{Entry, FORMAT, Manifest, NAME};

/// A manifest of a hundred thousand repositories has some ten megabytes.
const LARGEST_MANIFEST: u64 = 64 << 20;

pub(super) struct ArchiveWriter {
    tar: Builder<File>,
    entries: Vec<Entry>,
}

impl ArchiveWriter {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { tar: Builder::new(file), entries: Vec::new() })
    }

    /// Adds a file that does not change any more.
    pub(super) fn add(&mut self, name: &str, path: &Path) -> anyhow::Result<()> {
        let read = || format!("cannot read {}", path.display());
        let file = File::open(path).with_context(read)?;
        let bytes = file.metadata().with_context(read)?.len();
        let mut hashed = Hashed { inner: file.take(bytes), hash: Sha256::new() };
        let mut header = header(bytes);
        self.tar.append_data(&mut header, name, &mut hashed).with_context(read)?;
        let sha256 = hex::encode(hashed.hash.finalize());
        self.entries.push(Entry { name: name.to_owned(), bytes, sha256 });
        Ok(())
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.entries.clone()
    }

    pub(super) fn finish(mut self, manifest: &Manifest) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(manifest)?;
        let mut header = header(text.len() as u64);
        self.tar.append_data(&mut header, NAME, text.as_slice())?;
        self.tar.into_inner()?.sync_all().context("cannot write the backup")
    }
}

fn header(bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_entry_type(EntryType::Regular);
    header
}

/// Passes on what it reads, and hashes it.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// Reads the whole archive and holds every byte against the manifest.
pub(super) fn read_manifest(path: &Path) -> anyhow::Result<Manifest> {
    let broken = || format!("{} is no whole backup", path.display());
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut seen, mut manifest) = (Vec::new(), None);
    for entry in Archive::new(file).entries().with_context(broken)? {
        let entry = entry.with_context(broken)?;
        let name = plain_name(&entry)?;
        ensure!(manifest.is_none(), "{} goes on after its manifest", path.display());
        if name == NAME {
            let mut text = Vec::new();
            entry.take(LARGEST_MANIFEST).read_to_end(&mut text).with_context(broken)?;
            manifest = Some(parse(&text)?);
            continue;
        }
        let bytes = entry.size();
        let mut hashed = Hashed { inner: entry, hash: Sha256::new() };
        let read = io::copy(&mut hashed, &mut io::sink()).with_context(broken)?;
        ensure!(read == bytes, "{name} in {} is cut off", path.display());
        seen.push(Entry { name, bytes, sha256: hex::encode(hashed.hash.finalize()) });
    }
    let manifest = manifest.with_context(|| {
        format!("{} has no manifest: it is no backup, or cut off", path.display())
    })?;
    for (said, found) in manifest.files.iter().zip(&seen) {
        ensure!(said == found, "{} in {} was altered", found.name, path.display());
    }
    ensure!(
        seen.len() == manifest.files.len(),
        "{} lacks files that its manifest lists",
        path.display()
    );
    Ok(manifest)
}

fn parse(text: &[u8]) -> anyhow::Result<Manifest> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        format: u32,
    }
    let versioned: Versioned =
        serde_json::from_slice(text).context("its manifest cannot be read")?;
    let format = versioned.format;
    ensure!(
        format == FORMAT,
        "the backup has format {format}, this server reads {FORMAT}; use the version that made it"
    );
    serde_json::from_slice(text).context("its manifest cannot be read")
}

/// Writes one entry of a verified archive after the other through `place`.
pub(super) fn extract(
    path: &Path,
    mut place: impl FnMut(&str) -> anyhow::Result<std::path::PathBuf>,
) -> anyhow::Result<()> {
    let file = File::open(path)?;
    for entry in Archive::new(file).entries()? {
        let mut entry = entry?;
        let name = plain_name(&entry)?;
        if name == NAME {
            continue;
        }
        let to = place(&name)?;
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&to)?;
        io::copy(&mut entry, &mut file)?;
        file.flush()?;
        file.sync_all()?;
    }
    Ok(())
}

/// A name that can only be one of ours: plain words between slashes, of a plain file.
fn plain_name<R: Read>(entry: &tar::Entry<'_, R>) -> anyhow::Result<String> {
    let path = entry.path_bytes();
    let name = std::str::from_utf8(&path).context("the backup has a file name that is no text")?;
    let word = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(plain)
    };
    if entry.header().entry_type() != EntryType::Regular || !name.split('/').all(word) {
        bail!("the backup has an entry that no backup has: {}", name.escape_debug());
    }
    Ok(name.to_owned())
}
