//! Gathering small packs, so that readers, who ask every pack in turn, have few to ask.
//!
//! Each batch of commits leaves one pack. Eight of about the same size become one: their objects are put
//! behind one another as they stand, so that nothing is decompressed, and only the index is made anew. The
//! new pack is on the disk before the old ones go; readers that looked into an old one look again.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gix::odb::pack::index::File as Index;
use sha1::{Digest, Sha1};

use super::durable;
use super::pack::{Entry, HEAD, Pack, TAIL};

/// So many packs of a size are gathered; with five sizes that are told apart, readers ask forty at most.
pub(super) const TOGETHER: usize = 8;

/// Larger packs are left to the git binary: eight of these are held in memory at once.
const LARGEST: u64 = 4 << 20;

/// Files that may stand beside a pack and its index without a meaning that gathering would lose.
const HARMLESS: [&str; 3] = ["pack", "idx", "rev"];

/// Gathers until no size has [`TOGETHER`] packs.
///
/// # Errors
/// What the disk says; every object is then still where it was.
pub(super) fn gather(home: &Path) -> io::Result<()> {
    // Somebody gathers with git, across packs: that index names packs that must stay.
    if home.join("multi-pack-index").exists() {
        return Ok(());
    }
    while let Some(alike) = alike(home)? {
        if !fold(home, &alike)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Packs of the smallest size that has enough of them.
fn alike(home: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    let mut suffixes: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for entry in fs::read_dir(home)? {
        let path = entry?.path();
        let suffix = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_owned();
        suffixes.entry(path.with_extension("")).or_default().push(suffix);
    }
    let mut sizes: BTreeMap<u32, Vec<PathBuf>> = BTreeMap::new();
    for (pack, beside) in suffixes {
        let has = |suffix: &str| beside.iter().any(|other| other == suffix);
        let plain = beside.iter().all(|suffix| HARMLESS.contains(&suffix.as_str()));
        if !(plain && has("pack") && has("idx")) {
            continue;
        }
        let bytes = fs::metadata(pack.with_extension("pack"))?.len();
        if bytes <= LARGEST {
            // Each size is eight times the one before.
            sizes.entry(bytes.max(1).ilog2() / 3).or_default().push(pack);
        }
    }
    Ok(sizes.into_values().find(|packs| packs.len() >= TOGETHER))
}

/// Puts packs together and removes them; false when fewer than two of them can be.
fn fold(home: &Path, packs: &[PathBuf]) -> io::Result<bool> {
    let (mut data, mut entries) = (vec![0; HEAD], Vec::new());
    let (mut known, mut folded) = (HashSet::new(), Vec::new());
    for pack in packs.iter().take(TOGETHER) {
        let Some(found) = read(pack)? else { continue };
        // Objects that are there twice would be so in the new pack, which git does not expect.
        if found.entries.iter().any(|entry| known.contains(&entry.id)) {
            continue;
        }
        let moved = u32::try_from(data.len() - HEAD).map_err(io::Error::other)?;
        data.extend_from_slice(&found.data[HEAD..found.data.len() - TAIL]);
        for entry in found.entries {
            known.insert(entry.id);
            entries.push(Entry { offset: entry.offset + moved, ..entry });
        }
        folded.push(pack);
    }
    if folded.len() < 2 {
        return Ok(false);
    }
    durable::place(home, &Pack::seal(data, entries))?;
    for pack in folded {
        // The index first: nobody looks for a pack without one. What stays behind is there twice, no more.
        for suffix in ["idx", "rev", "pack"] {
            let _ = fs::remove_file(pack.with_extension(suffix));
        }
    }
    Ok(true)
}

/// A pack as it stands on the disk.
struct Found {
    data: Vec<u8>,
    entries: Vec<Entry>,
}

/// Reads a pack; `None` when it is not whole, or not of a kind that can be gathered.
fn read(pack: &Path) -> io::Result<Option<Found>> {
    let data = fs::read(pack.with_extension("pack"))?;
    let whole = data.len() >= HEAD + TAIL
        && data[..8] == *b"PACK\0\0\0\x02"
        && Sha1::digest(&data[..data.len() - TAIL])[..] == data[data.len() - TAIL..];
    if !whole {
        return Ok(None);
    }
    let Ok(index) = Index::at(pack.with_extension("idx"), gix::hash::Kind::Sha1) else {
        return Ok(None);
    };
    let entries: Option<Vec<Entry>> = index
        .iter()
        .map(|entry| {
            let offset = u32::try_from(entry.pack_offset).ok()?;
            Some(Entry { id: entry.oid, crc32: entry.crc32?, offset })
        })
        .collect();
    let counted = u32::from_be_bytes([data[8], data[9], data[10], data[11]]);
    let complete = entries.filter(|entries| u32::try_from(entries.len()) == Ok(counted));
    Ok(complete.map(|entries| Found { data, entries }))
}
