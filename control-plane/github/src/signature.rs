//! The signature of a webhook: HMAC-SHA-256 of the raw body, as GitHub documents `X-Hub-Signature-256`.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What the header's value begins with; the older `sha1=` is not taken.
const SCHEME: &str = "sha256=";

/// Why a body is not taken for GitHub's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no secret to check against; an empty one would let everybody in.
    #[error("this webhook has no secret, so nothing can be signed with it")]
    NoSecret,
    /// No signature came along.
    #[error("`X-Hub-Signature-256` is missing: set the webhook's secret on GitHub")]
    Missing,
    /// The header is no `sha256=` and 64 hexadecimal digits.
    #[error("`X-Hub-Signature-256` must be `sha256=` and 64 hexadecimal digits")]
    Malformed,
    /// The body was signed with another secret, or changed on its way.
    #[error(
        "the signature does not fit the body: compare the webhook's secret on GitHub with ours"
    )]
    Mismatch,
}

/// Checks `header`, the value of `X-Hub-Signature-256`, against the raw `body`, in constant time.
pub fn verify_signature(secret: &str, body: &[u8], header: &str) -> Result<(), SignatureError> {
    let mac = keyed(secret)?;
    if header.is_empty() {
        return Err(SignatureError::Missing);
    }
    let digits = header.strip_prefix(SCHEME).ok_or(SignatureError::Malformed)?;
    let mut signature = [0; 32];
    hex::decode_to_slice(digits, &mut signature).map_err(|_| SignatureError::Malformed)?;
    mac.chain_update(body).verify_slice(&signature).map_err(|_| SignatureError::Mismatch)
}

/// The header's value for `body`: what GitHub would send. For tests, demos and redeliveries.
pub fn sign(secret: &str, body: &[u8]) -> Result<String, SignatureError> {
    let signature = keyed(secret)?.chain_update(body).finalize().into_bytes();
    Ok(format!("{SCHEME}{}", hex::encode(signature)))
}

fn keyed(secret: &str) -> Result<Hmac<Sha256>, SignatureError> {
    if secret.is_empty() {
        return Err(SignatureError::NoSecret);
    }
    // HMAC takes keys of every length, so this fails on nothing but an empty one, which is gone by now.
    Hmac::new_from_slice(secret.as_bytes()).map_err(|_| SignatureError::NoSecret)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's own documentation on validating deliveries.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &str =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn the_documented_example_is_taken() {
        assert_eq!(verify_signature(SECRET, BODY, SIGNATURE), Ok(()));
        assert_eq!(sign(SECRET, BODY).as_deref(), Ok(SIGNATURE));
    }

    #[test]
    fn a_changed_body_or_secret_is_refused() {
        assert_eq!(
            verify_signature(SECRET, b"Hello, World", SIGNATURE),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(verify_signature("other", BODY, SIGNATURE), Err(SignatureError::Mismatch));
    }

    #[test]
    fn an_empty_secret_refuses_even_what_it_would_sign() {
        let signed_with_nothing =
            Hmac::<Sha256>::new_from_slice(b"").unwrap().chain_update(BODY).finalize();
        let header = format!("sha256={}", hex::encode(signed_with_nothing.into_bytes()));
        assert_eq!(verify_signature("", BODY, &header), Err(SignatureError::NoSecret));
        assert_eq!(sign("", BODY), Err(SignatureError::NoSecret));
    }

    #[test]
    fn a_header_of_another_form_is_refused() {
        assert_eq!(verify_signature(SECRET, BODY, ""), Err(SignatureError::Missing));
        for header in [
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "sha1=757107ea0eb2509fc211221cce984b8a37570b6d",
            "sha256=",
            "sha256=757107ea",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17ff",
            "sha256=zz7107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "sha256=é",
        ] {
            assert_eq!(
                verify_signature(SECRET, BODY, header),
                Err(SignatureError::Malformed),
                "{header}"
            );
        }
    }
}
