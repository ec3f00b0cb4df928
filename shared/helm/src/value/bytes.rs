//! Texts that are not UTF-8, as Go allows them.

use std::borrow::Cow;

/// Where the carriers of single bytes begin: the last 128 characters of the private plane 16. Byte 0x80 is the
/// first of them.
const CARRIER: u32 = 0x10_ff80;

/// Makes a text of bytes. Each byte that is part of no UTF-8 becomes one character of U+10FF80…U+10FFFF, which
/// [`to_bytes`] turns back; so texts can be cut within a character or decoded from Base64 without loss.
pub fn from_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() * 2);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.extend(char::from_u32(CARRIER + u32::from(byte & 0x7f)));
        }
    }
    Cow::Owned(text)
}

/// The bytes of a text as Go has them.
pub fn to_bytes(text: &str) -> Cow<'_, [u8]> {
    // All carriers, and few other characters, start with this byte.
    if !text.as_bytes().contains(&0xf4) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c).checked_sub(CARRIER) {
            Some(byte) => bytes.push(u8::try_from(byte & 0x7f).unwrap_or_default() | 0x80),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}
