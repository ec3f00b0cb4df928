//! Packs, written: any number of new objects in two files, and so with two syncs.
//!
//! The format is git's own (`gitformat-pack`, version 2 of both files). Large folders are stored as what
//! differs from a folder just before them in the same pack: of a thousand entries a commit changes two.

use std::collections::VecDeque;

use gix::ObjectId;
use gix::objs::Kind;
use gix::zlib::stream::deflate::{Compress, FlushCompress};
use gix::zlib::{Compression, Status};
use sha1::{Digest, Sha1};

use super::delta;
use super::objects::NewObject;
use crate::ReadError;
use crate::read::failed;

/// Signature and version of a pack, before the number of its objects.
const PACK: [u8; 8] = *b"PACK\0\0\0\x02";
/// The same of an index.
const INDEX: [u8; 8] = *b"\xfftOc\0\0\0\x02";
/// Bytes before the first object of a pack.
pub(super) const HEAD: usize = 12;
/// Bytes after the last one: the checksum.
pub(super) const TAIL: usize = 20;

/// Smaller objects are stored as they are: for each one that is compressed, 128 KiB of tables are cleared first.
const WORTH_COMPRESSING: usize = 512;
/// Smaller folders are compressed as they are; a difference would save nothing.
const WORTH_A_DELTA: usize = 512;
/// Folders that a new one is compared with: a commit touches the root and a few below it.
const REMEMBERED: usize = 4;
/// Differences upon differences; git's own limit is 50.
const DEEPEST: u32 = 48;

/// A pack and its index, whole, in memory.
pub(super) struct Pack {
    /// The pack's checksum, which is its name.
    pub(super) checksum: [u8; 20],
    pub(super) data: Vec<u8>,
    pub(super) index: Vec<u8>,
}

/// One object as the index knows it.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) id: ObjectId,
    pub(super) crc32: u32,
    /// Where it begins; packs of ours stay far below the 2 GiB that fit.
    pub(super) offset: u32,
}

impl Pack {
    /// Packs new objects.
    ///
    /// # Errors
    /// When an object cannot be compressed, which is to say never.
    pub(super) fn of(objects: &[NewObject]) -> Result<Self, ReadError> {
        let mut packing = Packing::default();
        for (id, kind, content) in objects {
            packing.add(*id, *kind, content)?;
        }
        Ok(Self::seal(packing.data, packing.entries))
    }

    /// Completes a pack of `data`, whose head is still empty, and writes its index.
    pub(super) fn seal(mut data: Vec<u8>, mut entries: Vec<Entry>) -> Self {
        data[..PACK.len()].copy_from_slice(&PACK);
        data[PACK.len()..HEAD].copy_from_slice(&count(entries.len()));
        let checksum: [u8; 20] = Sha1::digest(&data).into();
        data.extend_from_slice(&checksum);
        entries.sort_unstable_by_key(|entry| entry.id);
        Self { checksum, index: index(&entries, &checksum), data }
    }
}

/// The number of objects as both files spell it.
fn count(objects: usize) -> [u8; 4] {
    u32::try_from(objects).unwrap_or(u32::MAX).to_be_bytes()
}

fn index(entries: &[Entry], checksum: &[u8; 20]) -> Vec<u8> {
    let mut index = Vec::with_capacity(INDEX.len() + 4 * 256 + 28 * entries.len() + 2 * TAIL);
    index.extend_from_slice(&INDEX);
    let mut upto = 0;
    for first_byte in 0..=u8::MAX {
        let more = entries[upto..].iter().take_while(|entry| entry.id.as_slice()[0] == first_byte);
        upto += more.count();
        index.extend_from_slice(&count(upto));
    }
    for entry in entries {
        index.extend_from_slice(entry.id.as_slice());
    }
    for entry in entries {
        index.extend_from_slice(&entry.crc32.to_be_bytes());
    }
    for entry in entries {
        index.extend_from_slice(&entry.offset.to_be_bytes());
    }
    index.extend_from_slice(checksum);
    let own: [u8; 20] = Sha1::digest(&index).into();
    index.extend_from_slice(&own);
    index
}

/// A pack in the making.
struct Packing {
    data: Vec<u8>,
    entries: Vec<Entry>,
    deflate: Compress,
    folders: VecDeque<Folder>,
}

/// A folder in this pack that others may be stored against.
struct Folder {
    content: Vec<u8>,
    offset: usize,
    depth: u32,
}

impl Default for Packing {
    fn default() -> Self {
        Self {
            data: vec![0; HEAD],
            entries: Vec::new(),
            deflate: Compress::new(Compression::BEST_SPEED),
            folders: VecDeque::new(),
        }
    }
}

impl Packing {
    fn add(&mut self, id: ObjectId, kind: Kind, content: &[u8]) -> Result<(), ReadError> {
        let offset = self.data.len();
        let depth = match self.difference(kind, content) {
            Some((base, delta)) => {
                self.head(6, delta.len());
                self.distance(offset - base.0);
                self.compress(&delta)?;
                base.1 + 1
            }
            None => {
                self.head(number(kind), content.len());
                self.compress(content)?;
                0
            }
        };
        let crc32 = crc32fast::hash(&self.data[offset..]);
        let begins = u32::try_from(offset).unwrap_or(u32::MAX);
        self.entries.push(Entry { id, crc32, offset: begins });
        if kind == Kind::Tree && content.len() >= WORTH_A_DELTA {
            self.folders.truncate(REMEMBERED - 1);
            self.folders.push_front(Folder { content: content.to_vec(), offset, depth });
        }
        Ok(())
    }

    /// Offset and depth of the folder that `content` is stored against, and how they differ.
    fn difference(&self, kind: Kind, content: &[u8]) -> Option<((usize, u32), Vec<u8>)> {
        if kind != Kind::Tree || content.len() < WORTH_A_DELTA {
            return None;
        }
        let bases = self.folders.iter().filter(|folder| folder.depth < DEEPEST);
        let differences = bases.map(|folder| {
            ((folder.offset, folder.depth), delta::between(&folder.content, content))
        });
        let (base, delta) = differences.min_by_key(|(_, delta)| delta.len())?;
        (delta.len() < content.len() / 2).then_some((base, delta))
    }

    /// Type and unpacked size of the next object.
    fn head(&mut self, number: u8, size: usize) {
        let mut byte = number << 4 | (size & 0x0f) as u8;
        let mut rest = size >> 4;
        while rest > 0 {
            self.data.push(byte | 0x80);
            byte = (rest & 0x7f) as u8;
            rest >>= 7;
        }
        self.data.push(byte);
    }

    /// How far before this object its base begins.
    fn distance(&mut self, distance: usize) {
        let mut bytes = vec![(distance & 0x7f) as u8];
        let mut rest = distance >> 7;
        while rest > 0 {
            rest -= 1;
            bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.data.extend(bytes.iter().rev());
    }

    /// A zlib stream of one block that is stored as it is (RFC 1951, section 3.2.4).
    fn store(&mut self, content: &[u8]) {
        // Shorter than `WORTH_COMPRESSING`, so it fits.
        let length = content.len() as u16;
        self.data.extend_from_slice(&[0x78, 0x01, 0x01]);
        self.data.extend_from_slice(&length.to_le_bytes());
        self.data.extend_from_slice(&(!length).to_le_bytes());
        self.data.extend_from_slice(content);
        self.data.extend_from_slice(&adler32(content).to_be_bytes());
    }

    fn compress(&mut self, content: &[u8]) -> Result<(), ReadError> {
        if content.len() < WORTH_COMPRESSING {
            self.store(content);
            return Ok(());
        }
        self.deflate.reset();
        let mut read = 0;
        loop {
            let written = self.data.len();
            // What deflate needs at worst for all that is left.
            let room = (content.len() - read) + (content.len() - read) / 1000 + 64;
            self.data.resize(written + room, 0);
            let (in_before, out_before) = (self.deflate.total_in(), self.deflate.total_out());
            let status = self.deflate.compress(
                &content[read..],
                &mut self.data[written..],
                FlushCompress::Finish,
            );
            let status = status.map_err(failed("compress an object"))?;
            read += taken(in_before, self.deflate.total_in());
            self.data.truncate(written + taken(out_before, self.deflate.total_out()));
            if status == Status::StreamEnd {
                return Ok(());
            }
        }
    }
}

/// The checksum at the end of a zlib stream (RFC 1950, section 8.2).
fn adler32(content: &[u8]) -> u32 {
    /// So many bytes can be summed up before the sums have to be reduced.
    const AT_ONCE: usize = 5_552;
    const BASE: u32 = 65_521;

    let (mut a, mut b) = (1_u32, 0_u32);
    for chunk in content.chunks(AT_ONCE) {
        for byte in chunk {
            a += u32::from(*byte);
            b += a;
        }
        (a, b) = (a % BASE, b % BASE);
    }
    b << 16 | a
}

/// Bytes that went through in one step, which fit in memory.
fn taken(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}

fn number(kind: Kind) -> u8 {
    match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    }
}
