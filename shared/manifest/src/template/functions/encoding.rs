//! Encodings and digests.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest as _;

use super::{Arguments, Function, Value, function};

pub(super) const FUNCTIONS: &[Function] = &[
    function("b64enc", 1, 1, |args| Ok(Value::text(STANDARD.encode(args.text(0)?)))),
    function("b64dec", 1, 1, |args| {
        let bytes = STANDARD
            .decode(args.text(0)?.trim())
            .map_err(|_| "the text is not base64".to_owned())?;
        decoded(bytes)
    }),
    function("b32enc", 1, 1, |args| Ok(Value::text(base32(args.text(0)?.as_bytes())))),
    function("b32dec", 1, 1, |args| {
        decoded(from_base32(args.text(0)?).ok_or("the text is not base32")?)
    }),
    function("sha1sum", 1, 1, |args| Ok(Value::text(hex(&sha1::Sha1::digest(args.text(0)?))))),
    function("sha256sum", 1, 1, |args| Ok(Value::text(hex(&sha2::Sha256::digest(args.text(0)?))))),
    function("sha512sum", 1, 1, |args| Ok(Value::text(hex(&sha2::Sha512::digest(args.text(0)?))))),
    function("adler32sum", 1, 1, adler32),
];

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn decoded(bytes: Vec<u8>) -> Result<Value, String> {
    String::from_utf8(bytes).map(Value::text).map_err(|_| "what is encoded is no text".to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// RFC 4648, with padding.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut group = [0; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(group);
        let letters = (chunk.len() * 8).div_ceil(5);
        for index in 0..8 {
            let value = usize::try_from((bits >> (35 - 5 * index)) & 31).unwrap_or_default();
            text.push(if index < letters { char::from(BASE32[value]) } else { '=' });
        }
    }
    text
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if !text.len().is_multiple_of(8) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 8 * 5);
    for group in text.trim_end_matches('=').as_bytes().chunks(8) {
        let mut bits: u64 = 0;
        for letter in group {
            let value = BASE32.iter().position(|known| known == letter)?;
            bits = (bits << 5) | u64::try_from(value).ok()?;
        }
        let length = group.len() * 5 / 8;
        bits <<= 40 - group.len() * 5;
        bytes.extend_from_slice(&bits.to_be_bytes()[3..3 + length]);
    }
    Some(bytes)
}

/// RFC 1950, as a decimal number.
fn adler32(args: Arguments<'_, '_>) -> Result<Value, String> {
    const MODULUS: u32 = 65_521;
    let (low, high) = args.text(0)?.bytes().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(byte)) % MODULUS;
        (low, (high + low) % MODULUS)
    });
    Ok(Value::text(((high << 16) | low).to_string()))
}
