//! ASN.1 in its distinguished encoding, as far as keys and certificates need it.

use num_bigint::BigUint;

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;

/// A value with its tag and length.
pub(super) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => out.push(length),
        _ => {
            let bytes = content.len().to_be_bytes();
            let used = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            out.push(0x80 | u8::try_from(used.len()).unwrap_or_default());
            out.extend_from_slice(used);
        }
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(SEQUENCE, &parts.concat())
}

pub(super) fn integer(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    // The first bit is a sign.
    if bytes[0] >= 0x80 {
        bytes.insert(0, 0);
    }
    tagged(INTEGER, &bytes)
}

pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    tagged(OCTETS, bytes)
}

/// Whole bytes as a string of bits.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    tagged(0x03, &[&[0], bytes].concat())
}

pub(super) fn oid(arcs: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let first =
        arcs.first().copied().unwrap_or_default() * 40 + arcs.get(1).copied().unwrap_or_default();
    for arc in [first].iter().chain(arcs.get(2..).unwrap_or_default()) {
        let groups = (32 - arc.leading_zeros()).div_ceil(7).max(1);
        for group in (0..groups).rev() {
            let more = if group > 0 { 0x80 } else { 0 };
            bytes.push(more | u8::try_from(arc >> (7 * group) & 0x7f).unwrap_or_default());
        }
    }
    tagged(0x06, &bytes)
}

pub(super) fn null() -> Vec<u8> {
    vec![5, 0]
}

/// Reads values one after the other.
pub(super) struct Reader<'d>(pub(super) &'d [u8]);

/// A value: its tag, its content, and all of its bytes.
pub(super) struct Read<'d> {
    pub(super) tag: u8,
    pub(super) content: &'d [u8],
    pub(super) whole: &'d [u8],
}

impl<'d> Reader<'d> {
    pub(super) fn next(&mut self) -> Option<Read<'d>> {
        let (tag, first) = (*self.0.first()?, *self.0.get(1)?);
        let (length, start) = if first < 0x80 {
            (usize::from(first), 2)
        } else {
            let count = usize::from(first & 0x7f);
            let bytes = self.0.get(2..2 + count).filter(|_| count <= 4)?;
            let length = bytes.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte));
            (length, 2 + count)
        };
        let whole = self.0.get(..start.checked_add(length)?)?;
        self.0 = &self.0[whole.len()..];
        Some(Read { tag, content: &whole[start..], whole })
    }

    /// The content of the next value, if it has `tag`.
    pub(super) fn expect(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.next().filter(|read| read.tag == tag).map(|read| read.content)
    }

    pub(super) fn number(&mut self) -> Option<BigUint> {
        self.expect(INTEGER).map(BigUint::from_bytes_be)
    }
}
