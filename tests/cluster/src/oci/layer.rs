//! The one layer of an image: a tar whose entries belong to root and carry no time.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::{Content, Image, ImageError};

/// A finished layer: how long it is and what it hashes to.
pub(super) struct Layer {
    pub(super) digest: String,
    pub(super) size: u64,
}

/// Writes the layer of `image` to `out`.
pub(super) fn write(image: &Image, out: &mut File, path: &Path) -> Result<Layer, ImageError> {
    let mut tar = Builder::new(Hashing { out, hasher: Sha256::new(), size: 0 });
    let mut known = BTreeSet::new();
    for entry in &image.entries {
        let inside = inside(image, &entry.path)?;
        add_parents(&mut tar, &inside, &mut known).map_err(|e| write_error(image, path, e))?;
        match &entry.content {
            Content::File(source) => add_file(&mut tar, image, source, &inside, entry.mode, path)?,
            Content::Bytes(bytes) => {
                let mut header = header(EntryType::Regular, entry.mode, bytes.len() as u64);
                tar.append_data(&mut header, &inside, bytes.as_slice())
                    .map_err(|e| write_error(image, path, e))?;
            }
            Content::Directory => {
                known.insert(inside.clone());
                add_directory(&mut tar, &inside, entry.mode)
                    .map_err(|e| write_error(image, path, e))?;
            }
            Content::Symlink(target) => {
                let mut header = header(EntryType::Symlink, entry.mode, 0);
                tar.append_link(&mut header, &inside, target)
                    .map_err(|e| write_error(image, path, e))?;
            }
        }
    }
    let hashing = tar.into_inner().map_err(|e| write_error(image, path, e))?;
    Ok(Layer {
        digest: format!("sha256:{}", hex::encode(hashing.hasher.finalize())),
        size: hashing.size,
    })
}

/// The header of an entry that belongs to root and was made at the epoch.
pub(super) fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

fn add_file(
    tar: &mut Builder<Hashing<'_>>,
    image: &Image,
    source: &Path,
    inside: &Path,
    mode: u32,
    path: &Path,
) -> Result<(), ImageError> {
    let read_error =
        |e| ImageError::Read { reference: image.reference.clone(), path: source.into(), source: e };
    let file = File::open(source).map_err(read_error)?;
    let size = file.metadata().map_err(read_error)?.len();
    let mut header = header(EntryType::Regular, mode, size);
    tar.append_data(&mut header, inside, file).map_err(|e| write_error(image, path, e))
}

fn add_directory(tar: &mut Builder<Hashing<'_>>, inside: &Path, mode: u32) -> io::Result<()> {
    tar.append_data(&mut header(EntryType::Directory, mode, 0), inside, io::empty())
}

fn add_parents(
    tar: &mut Builder<Hashing<'_>>,
    inside: &Path,
    known: &mut BTreeSet<PathBuf>,
) -> io::Result<()> {
    let mut parents: Vec<&Path> =
        inside.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()).collect();
    parents.reverse();
    for parent in parents {
        if known.insert(parent.to_owned()) {
            add_directory(tar, parent, 0o755)?;
        }
    }
    Ok(())
}

/// `path` relative to the image's root, or why it is none.
fn inside(image: &Image, path: &Path) -> Result<PathBuf, ImageError> {
    let refused = || ImageError::Path { reference: image.reference.clone(), path: path.into() };
    let mut inside = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => inside.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(refused()),
        }
    }
    if inside.as_os_str().is_empty() { Err(refused()) } else { Ok(inside) }
}

fn write_error(image: &Image, path: &Path, source: io::Error) -> ImageError {
    ImageError::Write { reference: image.reference.clone(), path: path.into(), source }
}

/// Passes bytes on and hashes and counts them on the way.
struct Hashing<'f> {
    out: &'f mut File,
    hasher: Sha256,
    size: u64,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
