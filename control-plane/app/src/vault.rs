//! Secrets that are needed again in clear, at rest: credentials of outside gitops repositories and the
//! secrets of webhooks.
//!
//! They are sealed before they reach the store, with AES-256-GCM under a key that lies beside the database
//! and never in it: a copy of the database alone opens nothing. Secrets that are only compared are hashed
//! instead.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gimlet_shared::{crash_point, ids::OrganizationId};
use gimlet_store::SealedSecret;
use secrecy::SecretString;

use crate::durable::create_private;

/// The key's file in the data directory.
const KEY_FILE: &str = "secrets.key";
/// AES-256.
const KEY_BYTES: usize = 32;
/// Names cipher and layout, so that another may follow: nonce and sealed text in URL-safe base64.
const VERSION: &str = "v1:";

/// Seals and opens secrets. `Debug` does not show its key.
pub struct Vault {
    seals: RandomizedNonceKey,
    derives: hmac::Key,
}

/// What a secret is for. A sealed text opens for its own purpose and organization only, so that nobody who
/// writes to the database can have one secret used as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `user:password` to push to an outside gitops repository.
    GitopsCredential,
    /// Signs the deliveries of a webhook.
    WebhookSecret,
    /// An answer that is given again to whoever repeats a request.
    KeptAnswer,
}

/// Why a secret was not sealed or opened. No variant repeats it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key's file cannot be read or written.
    #[error("cannot use the file of the secrets' key, {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key's file holds something else.
    #[error(
        "{} holds no key, which is 64 hexadecimal digits; put the file back from your backup", path.display()
    )]
    Key {
        /// Which file.
        path: PathBuf,
    },
    /// The system has no randomness, or the text is too long.
    #[error("cannot seal a secret")]
    Seal,
    /// What is stored is no sealed text.
    #[error("a stored secret has an unknown form; a newer version may have written it")]
    Form,
    /// Another key sealed it, or it was altered, or it belongs elsewhere.
    #[error(
        "a stored secret does not open: it was sealed with another {KEY_FILE}, or altered; put the file \
         that belongs to this database back from your backup"
    )]
    Open,
}

impl Vault {
    /// Opens the vault whose key lies in `data_dir`, and makes the key on first use.
    ///
    /// # Errors
    /// [`VaultError::File`] and [`VaultError::Key`] name the file.
    pub fn open(data_dir: &Path) -> Result<Self, VaultError> {
        let path = data_dir.join(KEY_FILE);
        let failed = |source| VaultError::File { path: path.clone(), source };
        if !path.try_exists().map_err(failed)? {
            let mut key = [0; KEY_BYTES];
            aws_lc_rs::rand::fill(&mut key).map_err(|_| VaultError::Seal)?;
            fs::create_dir_all(data_dir).map_err(failed)?;
            crash_point!("vault.key.before");
            create_private(&path, &(hex::encode(key) + "\n")).map_err(failed)?;
            crash_point!("vault.key.after");
        }
        // Read even when just made: another process may have been faster.
        let text = fs::read_to_string(&path).map_err(failed)?;
        let mut key = [0; KEY_BYTES];
        let bad = || VaultError::Key { path: path.clone() };
        hex::decode_to_slice(text.trim_end(), &mut key).map_err(|_| bad())?;
        let seals = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| bad())?;
        Ok(Self { seals, derives: hmac::Key::new(hmac::HMAC_SHA256, &key) })
    }

    /// Whether a stored secret opens with this key. What it holds is not told.
    #[must_use]
    pub fn opens(&self, secret: &SealedSecret) -> bool {
        let opened = match secret {
            SealedSecret::Webhook { organization, sealed } => {
                self.unseal(Purpose::WebhookSecret, *organization, sealed)
            }
            SealedSecret::Gitops { organization, sealed } => {
                self.unseal(Purpose::GitopsCredential, *organization, sealed)
            }
        };
        opened.is_ok()
    }

    /// What the random functions of an application's templates draw from: always the same, and known to nobody
    /// who does not have the key.
    pub(crate) fn draw_seed(
        &self,
        organization: OrganizationId,
        environment: &str,
        app: &str,
    ) -> [u8; KEY_BYTES] {
        // Names are DNS labels, so the slashes stand between them alone.
        let subject = format!("template-draw/{organization}/{environment}/{app}");
        let mut seed = [0; KEY_BYTES];
        seed.copy_from_slice(hmac::sign(&self.derives, subject.as_bytes()).as_ref());
        seed
    }

    /// Seals a secret, as text for the database.
    ///
    /// # Errors
    /// [`VaultError::Seal`].
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        organization: OrganizationId,
        secret: &str,
    ) -> Result<String, VaultError> {
        let mut sealed = secret.as_bytes().to_vec();
        let bound = Aad::from(purpose.bound_to(organization));
        let nonce = self
            .seals
            .seal_in_place_append_tag(bound, &mut sealed)
            .map_err(|_| VaultError::Seal)?;
        let bytes = [nonce.as_ref().as_slice(), &sealed].concat();
        Ok(VERSION.to_owned() + &URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens what [`seal`](Self::seal) made for the same purpose and organization.
    ///
    /// # Errors
    /// [`VaultError::Form`], [`VaultError::Open`].
    pub(crate) fn unseal(
        &self,
        purpose: Purpose,
        organization: OrganizationId,
        sealed: &str,
    ) -> Result<SecretString, VaultError> {
        let encoded = sealed.strip_prefix(VERSION).ok_or(VaultError::Form)?;
        let mut bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| VaultError::Form)?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(VaultError::Form)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Form)?;
        let bound = Aad::from(purpose.bound_to(organization));
        let opened = self.seals.open_in_place(nonce, bound, text).map_err(|_| VaultError::Open)?;
        String::from_utf8(opened.to_vec()).map(SecretString::from).map_err(|_| VaultError::Form)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Purpose {
    fn bound_to(self, organization: OrganizationId) -> String {
        let word = match self {
            Self::GitopsCredential => "gitops-credential",
            Self::WebhookSecret => "webhook-secret",
            Self::KeptAnswer => "kept-answer",
        };
        format!("{word}/{organization}")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    const SECRET: &str = "bot:canary-password";

    fn vault() -> (tempfile::TempDir, Vault) {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        (folder, vault)
    }

    #[test]
    fn a_secret_opens_after_a_restart_and_is_never_sealed_alike() {
        let (folder, vault) = vault();
        let acme = OrganizationId::new();
        let sealed = vault.seal(Purpose::GitopsCredential, acme, SECRET).unwrap();
        assert!(sealed.starts_with("v1:") && !sealed.contains("canary"), "{sealed}");
        assert_ne!(vault.seal(Purpose::GitopsCredential, acme, SECRET).unwrap(), sealed);

        let again = Vault::open(folder.path()).unwrap();
        let opened = again.unseal(Purpose::GitopsCredential, acme, &sealed).unwrap();
        assert_eq!(opened.expose_secret(), SECRET);
    }

    #[test]
    fn an_application_draws_the_same_after_a_restart_and_no_two_of_them_do() {
        let (folder, first) = vault();
        let (acme, other) = (OrganizationId::new(), OrganizationId::new());
        let seed = first.draw_seed(acme, "prod", "web");
        assert_eq!(Vault::open(folder.path()).unwrap().draw_seed(acme, "prod", "web"), seed);
        let (_folder, foreign) = vault();
        for different in [
            first.draw_seed(other, "prod", "web"),
            first.draw_seed(acme, "test", "web"),
            first.draw_seed(acme, "prod", "api"),
            foreign.draw_seed(acme, "prod", "web"),
        ] {
            assert_ne!(different, seed);
        }
    }

    #[test]
    fn a_secret_opens_for_its_own_purpose_and_organization_only() {
        let (_folder, vault) = vault();
        let (acme, rival) = (OrganizationId::new(), OrganizationId::new());
        let sealed = vault.seal(Purpose::GitopsCredential, acme, SECRET).unwrap();
        for (purpose, organization) in
            [(Purpose::WebhookSecret, acme), (Purpose::GitopsCredential, rival)]
        {
            let error = vault.unseal(purpose, organization, &sealed).unwrap_err();
            assert!(matches!(error, VaultError::Open), "{error}");
        }
    }

    #[test]
    fn another_key_and_an_altered_text_open_nothing() {
        let ((_one, vault), (_two, other)) = (vault(), vault());
        let acme = OrganizationId::new();
        let sealed = vault.seal(Purpose::WebhookSecret, acme, SECRET).unwrap();
        let open = |vault: &Vault, text: &str| {
            vault.unseal(Purpose::WebhookSecret, acme, text).unwrap_err()
        };
        assert!(matches!(open(&other, &sealed), VaultError::Open));
        for place in [3, 10, 30, sealed.len() - 5] {
            let mut altered = sealed.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(matches!(open(&vault, &altered), VaultError::Open), "{place}");
        }
        for bad in ["", SECRET, "v2:AAAA", "v1:", "v1:AAAA", "v1:***"] {
            assert!(matches!(open(&vault, bad), VaultError::Form), "{bad}");
        }
        assert!(matches!(open(&vault, &sealed[..20]), VaultError::Form | VaultError::Open));
    }

    #[test]
    fn processes_that_start_at_once_have_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let acme = OrganizationId::new();
        let vaults: Vec<Vault> = std::thread::scope(|scope| {
            let starts: Vec<_> =
                (0..8).map(|_| scope.spawn(|| Vault::open(folder.path()).unwrap())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        let sealed = vaults[0].seal(Purpose::WebhookSecret, acme, SECRET).unwrap();
        for vault in &vaults {
            vault.unseal(Purpose::WebhookSecret, acme, &sealed).unwrap();
        }
    }

    #[test]
    fn the_key_is_its_owners_alone_and_a_damaged_one_is_not_replaced() {
        let (folder, _vault) = vault();
        let path = folder.path().join(KEY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "0123").unwrap();
        let error = Vault::open(folder.path()).unwrap_err();
        assert!(matches!(error, VaultError::Key { .. }), "{error}");
        assert!(error.to_string().contains(KEY_FILE));
        assert_eq!(fs::read_to_string(&path).unwrap(), "0123");
    }
}
