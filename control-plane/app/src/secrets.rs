//! Random secrets and the hashes by which they are known again.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{Rng as _, RngCore as _};
use sha2::{Digest as _, Sha256};

/// 32 random bytes after a prefix that tells the kind, in an alphabet that no shell, header or URL minds.
/// The prefix also keeps a secret from being taken for an option, since the rest may begin with `-`.
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
    let mut random = rand::rng();
    let mut group = || -> String {
        (0..4).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
    };
    format!("{}-{}", group(), group())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_begins_with_its_kind_and_needs_no_quotes() {
        let secret = new_secret("gim");
        let random = secret.strip_prefix("gim_").expect("the prefix");
        assert_eq!(random.len(), 43);
        assert!(random.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
        assert_ne!(secret, new_secret("gim"));
    }

    #[test]
    fn a_code_is_two_groups_of_four_consonants() {
        let code = user_code();
        let (first, second) = code.split_once('-').expect("two groups");
        for group in [first, second] {
            assert_eq!(group.len(), 4);
            assert!(
                group.chars().all(|c| c.is_ascii_uppercase() && !"AEIOUY".contains(c)),
                "{code}"
            );
        }
    }
}
