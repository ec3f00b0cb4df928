//! Checksums.

use sha2::Digest as _;

use super::{Function, function};
use crate::value::{Ty, Value, to_bytes};

const ONE: &[Ty] = &[Ty::Str];

pub(super) const FUNCTIONS: &[Function] = &[
    function("sha1sum", ONE, |_, args| Ok(hex(&sha1::Sha1::digest(to_bytes(args.text(0)))))),
    function("sha256sum", ONE, |_, args| Ok(hex(&sha2::Sha256::digest(to_bytes(args.text(0)))))),
    function("sha512sum", ONE, |_, args| Ok(hex(&sha2::Sha512::digest(to_bytes(args.text(0)))))),
    function("adler32sum", ONE, |_, args| Ok(adler32(&to_bytes(args.text(0))).to_string().into())),
];

fn hex(bytes: &[u8]) -> Value {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect::<String>().into()
}

/// RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % MODULUS;
        (a, (b + a) % MODULUS)
    });
    b << 16 | a
}
