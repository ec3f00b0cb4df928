//! Random values, all drawn from the render's seed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{Answer, Args, Function, function};
use crate::context::Context;
use crate::value::Ty;

pub(super) const FUNCTIONS: &[Function] = &[
    function("randAlphaNum", &[Ty::Int], |context, args| draw(context, args, ALPHANUMERIC)),
    function("randAlpha", &[Ty::Int], |context, args| draw(context, args, ALPHABETIC)),
    function("randNumeric", &[Ty::Int], |context, args| draw(context, args, NUMERIC)),
    function("randAscii", &[Ty::Int], |context, args| draw(context, args, &ascii())),
    function("randBytes", &[Ty::Int], |context, args| {
        let count = count(args)?;
        context.charge(count)?;
        context.step(count / 32)?;
        let mut bytes = vec![0; count];
        context.random.fill(&mut bytes);
        Ok(STANDARD.encode(bytes).into())
    }),
    function("randInt", &[Ty::Int, Ty::Int], |context, args| {
        let (least, bound) = (args.int(0), args.int(1));
        let width = bound.wrapping_sub(least);
        match u64::try_from(width) {
            Ok(width) if width > 0 => {
                let number = context.random.below(width);
                Ok(crate::value::Value::Int(least.wrapping_add_unsigned(number)))
            }
            _ => Err("invalid argument to Intn".to_owned()),
        }
    }),
    function("shuffle", &[Ty::Str], |context, args| {
        let mut chars: Vec<char> = args.text(0).chars().collect();
        for last in (1..chars.len()).rev() {
            let other = context.random.below(last as u64 + 1);
            chars.swap(last, usize::try_from(other).unwrap_or_default());
        }
        Ok(chars.into_iter().collect::<String>().into())
    }),
    function("uuidv4", &[], |context, _| {
        let mut bytes = [0; 16];
        context.random.fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = format!("{:032x}", u128::from_be_bytes(bytes));
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        Ok(parts.join("-").into())
    }),
    // Nothing is asked on the network.
    function("getHostByName", &[Ty::Str], |_, _| Ok("".into())),
];

const ALPHABETIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const NUMERIC: &[u8] = b"0123456789";
const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn ascii() -> Vec<u8> {
    (b' '..=b'~').collect()
}

/// The most random characters that are drawn at once.
const MAX_COUNT: usize = 1 << 20;

fn count(args: Args<'_>) -> Result<usize, String> {
    let count = args.int(0);
    usize::try_from(count)
        .ok()
        .filter(|count| *count <= MAX_COUNT)
        .ok_or_else(|| "runtime error: makeslice: len out of range".to_owned())
}

fn draw(context: &mut Context, args: Args<'_>, letters: &[u8]) -> Answer {
    if args.int(0) < 0 {
        return Ok("".into());
    }
    let count = count(args)?;
    context.charge(count)?;
    context.step(count / 4)?;
    let mut text = String::with_capacity(count);
    for _ in 0..count {
        let at = context.random.below(letters.len() as u64);
        text.push(char::from(letters[usize::try_from(at).unwrap_or_default()]));
    }
    Ok(text.into())
}

/// A stream of random bytes: SHA-256 of the seed and a counter.
pub(crate) struct Random {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0, block: [0; 32], used: 32 }
    }

    /// A stream of its own, so that how much of it is used does not show in this one.
    pub(crate) fn fork(&mut self) -> Self {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        Self::new(seed)
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used == self.block.len() {
                let hash =
                    Sha256::new().chain_update(self.seed).chain_update(self.counter.to_be_bytes());
                self.block = hash.finalize().into();
                self.counter += 1;
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
    }

    /// A number from 0 up to, without, `bound`, each as likely as the other.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let bound = bound.max(1);
        // The numbers above the last whole multiple would favour the small ones.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let mut bytes = [0; 8];
            self.fill(&mut bytes);
            let number = u64::from_be_bytes(bytes);
            if number < limit {
                return number % bound;
            }
        }
    }
}
