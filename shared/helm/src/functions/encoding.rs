//! Base64 and Base32.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::{Function, function};
use crate::value::{Ty, Value, from_bytes, to_bytes};

const ONE: &[Ty] = &[Ty::Str];

pub(super) const FUNCTIONS: &[Function] = &[
    function("b64enc", ONE, |_, args| Ok(STANDARD.encode(to_bytes(args.text(0))).into())),
    function("b64dec", ONE, |_, args| {
        Ok(match from_base64(args.text(0)) {
            Ok(bytes) => Value::str(from_bytes(&bytes)),
            Err(message) => message.into(),
        })
    }),
    function("b32enc", ONE, |_, args| Ok(base32(&to_bytes(args.text(0))).into())),
    function("b32dec", ONE, |_, args| {
        Ok(match from_base32(args.text(0)) {
            Ok(bytes) => Value::str(from_bytes(&bytes)),
            Err(at) => format!("illegal base32 data at input byte {at}").into(),
        })
    }),
];

/// Go does not mind bits that are left over.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The bytes of a text in Base64, or Go's error. Line ends are skipped.
pub(super) fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    let plain: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    LENIENT.decode(&plain).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                // Go stops where the last, incomplete group begins or ends.
                let body = plain.trim_end_matches('=').len();
                if body < plain.len() { plain.len() } else { body / 4 * 4 }
            }
        };
        format!("illegal base64 data at input byte {at}")
    })
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

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

/// RFC 4648, with padding. An error is the byte that is wrong.
fn from_base32(text: &str) -> Result<Vec<u8>, usize> {
    let plain: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let body = plain.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(body.len() * 5 / 8);
    let (mut bits, mut held) = (0u32, 0);
    for (at, byte) in body.bytes().enumerate() {
        let value = BASE32.iter().position(|letter| *letter == byte).ok_or(at)?;
        bits = (bits << 5 | u32::try_from(value).unwrap_or_default()) & 0xfff;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
        }
    }
    if !plain.len().is_multiple_of(8) || !matches!(plain.len() - body.len(), 0 | 1 | 3 | 4 | 6) {
        return Err(plain.len());
    }
    Ok(bytes)
}
