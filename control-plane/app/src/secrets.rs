//! Random secrets and the hashes by which they are known again.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};

/// 32 random bytes after a prefix that tells the kind, in an alphabet that no shell, header or URL minds.
///
/// The first character after the prefix is never `-`, so that the secret is never taken for an option.
pub(crate) fn new_secret(prefix: &str) -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// How a secret is stored. It has 256 random bits, so one round of SHA-256 keeps it.
pub(crate) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// A code that a person compares: eight consonants, so that no word appears, in two groups.
pub(crate) fn user_code() -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let mut code = String::with_capacity(9);
    for position in 0..8 {
        if position == 4 {
            code.push('-');
        }
        let letter = rand::Rng::random_range(&mut rand::rng(), 0..LETTERS.len());
        code.push(char::from(LETTERS[letter]));
    }
    code
}
