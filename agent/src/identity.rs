//! Who the agent is: a key made on this cluster and the certificate for it, kept in a Secret.

use std::collections::BTreeMap;

use gimlet_shared::enrol::IssuedCertificate;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{Api, Client, api::PostParams};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use secrecy::{ExposeSecret as _, SecretString};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::{dial::Credential, names};

const KEY: &str = "tls.key";
const CHAIN: &str = "tls.crt";
const ROOTS: &str = "ca.crt";

/// A key that was made for an enrolment and has no certificate yet.
const NEXT_KEY: &str = "next.key";

/// SHA-256 of the token that the certificate came for, so that it is not taken for a new one while the
/// kubelet still shows it.
const SPENT_TOKEN: &str = "spent-token.sha256";

/// How often a write is tried again after another one came between.
const CONFLICTS: u32 = 5;

/// Why the identity could not be read, made or kept.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The API server could not be asked.
    #[error("could not read Secret {name}")]
    Read {
        /// The Secret.
        name: &'static str,
        /// Why.
        source: kube::Error,
    },
    /// The API server did not store it.
    #[error("could not store Secret {name}")]
    Store {
        /// The Secret.
        name: &'static str,
        /// Why.
        source: kube::Error,
    },
    /// No key or request could be made.
    #[error("could not make a key or a certificate request")]
    Make {
        /// Why.
        source: rcgen::Error,
    },
    /// What came or is stored is no certificate.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// The certificate is for another key.
    #[error("the certificate is not for the key that was sent")]
    ForeignKey,
}

/// A key with its certificate, ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    key_pem: SecretString,
    chain_pem: String,
    pub(crate) roots_pem: String,
    /// Unix seconds between which the certificate holds.
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
}

impl Identity {
    /// Joins a key with a certificate that came for it.
    ///
    /// # Errors
    /// [`IdentityError::Unreadable`] and [`IdentityError::ForeignKey`].
    pub(crate) fn join(key: &NewKey, issued: IssuedCertificate) -> Result<Self, IdentityError> {
        let identity = Self::read(key.pem.clone(), issued.chain_pem, issued.roots_pem)?;
        Ok(identity)
    }

    pub(crate) fn credential(&self) -> Credential<'_> {
        Credential { key_pem: &self.key_pem, chain_pem: &self.chain_pem }
    }

    /// When half of the certificate's life is over.
    pub(crate) fn half_life(&self) -> i64 {
        self.not_before + (self.not_after - self.not_before) / 2
    }

    fn read(
        key_pem: SecretString,
        chain_pem: String,
        roots_pem: String,
    ) -> Result<Self, IdentityError> {
        let leaf = CertificateDer::from_pem_slice(chain_pem.as_bytes())
            .map_err(|_| IdentityError::Unreadable)?;
        let (_, leaf) = X509Certificate::from_der(&leaf).map_err(|_| IdentityError::Unreadable)?;
        let key = KeyPair::from_pem(key_pem.expose_secret())
            .map_err(|source| IdentityError::Make { source })?;
        if leaf.public_key().raw != key.subject_public_key_info() {
            return Err(IdentityError::ForeignKey);
        }
        let validity = leaf.validity();
        let (not_before, not_after) =
            (validity.not_before.timestamp(), validity.not_after.timestamp());
        Ok(Self { key_pem, chain_pem, roots_pem, not_before, not_after })
    }
}

/// A key without a certificate, and the request for one.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    pem: SecretString,
    pub(crate) csr_pem: String,
}

impl NewKey {
    /// Makes a P-256 key.
    pub(crate) fn make() -> Result<Self, IdentityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
            .map_err(|source| IdentityError::Make { source })?;
        Self::of(&key)
    }

    fn of(key: &KeyPair) -> Result<Self, IdentityError> {
        let request = CertificateParams::default()
            .serialize_request(key)
            .and_then(|request| request.pem())
            .map_err(|source| IdentityError::Make { source })?;
        Ok(Self { pem: key.serialize_pem().into(), csr_pem: request })
    }
}

/// What the Secret holds.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) identity: Option<Identity>,
    pub(crate) next: Option<NewKey>,
    pub(crate) spent_token_sha256: Option<String>,
}

/// The two Secrets: the identity, and the enrolment token that it came for.
#[derive(Clone, Debug)]
pub(crate) struct IdentityStore {
    api: Api<Secret>,
}

impl IdentityStore {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self { api: Api::namespaced(client, namespace) }
    }

    /// Reads what there is. Parts that cannot be used count as absent.
    pub(crate) async fn load(&self) -> Result<Stored, IdentityError> {
        let name = names::IDENTITY;
        let secret =
            self.api.get(name).await.map_err(|source| IdentityError::Read { name, source })?;
        let data = secret.data.unwrap_or_default();
        let text = |key: &str| {
            let bytes = &data.get(key)?.0;
            Some(String::from_utf8_lossy(bytes).into_owned()).filter(|text| !text.is_empty())
        };
        let identity = match (text(KEY), text(CHAIN)) {
            (Some(key), Some(chain)) => {
                Identity::read(key.into(), chain, text(ROOTS).unwrap_or_default()).ok()
            }
            _ => None,
        };
        let next = text(NEXT_KEY)
            .and_then(|pem| KeyPair::from_pem(&pem).ok())
            .and_then(|key| NewKey::of(&key).ok());
        Ok(Stored { identity, next, spent_token_sha256: text(SPENT_TOKEN) })
    }

    /// Keeps a new key, before anyone is asked for its certificate.
    pub(crate) async fn keep_next(&self, key: &NewKey) -> Result<(), IdentityError> {
        self.update(names::IDENTITY, |data| {
            put(data, NEXT_KEY, key.pem.expose_secret());
        })
        .await
    }

    /// Keeps an identity in place of the one before; `spent_token_sha256` if it came by enrolment.
    pub(crate) async fn keep(
        &self,
        identity: &Identity,
        spent_token_sha256: Option<&str>,
    ) -> Result<(), IdentityError> {
        self.update(names::IDENTITY, |data| {
            put(data, KEY, identity.key_pem.expose_secret());
            put(data, CHAIN, &identity.chain_pem);
            put(data, ROOTS, &identity.roots_pem);
            if let Some(hash) = spent_token_sha256 {
                data.remove(NEXT_KEY);
                put(data, SPENT_TOKEN, hash);
            }
        })
        .await
    }

    /// Empties the enrolment Secret.
    pub(crate) async fn drop_token(&self) -> Result<(), IdentityError> {
        self.update(names::ENROLMENT, BTreeMap::clear).await
    }

    /// Reads, changes and replaces a Secret; begins anew if it changed in between.
    async fn update(
        &self,
        name: &'static str,
        change: impl Fn(&mut BTreeMap<String, ByteString>),
    ) -> Result<(), IdentityError> {
        let mut conflicts = 0;
        loop {
            let mut secret =
                self.api.get(name).await.map_err(|source| IdentityError::Read { name, source })?;
            change(secret.data.get_or_insert_default());
            match self.api.replace(name, &PostParams::default(), &secret).await {
                Ok(_) => return Ok(()),
                Err(kube::Error::Api(status)) if status.is_conflict() && conflicts < CONFLICTS => {
                    conflicts += 1;
                }
                Err(source) => return Err(IdentityError::Store { name, source }),
            }
        }
    }
}

fn put(data: &mut BTreeMap<String, ByteString>, key: &str, text: &str) {
    data.insert(key.to_owned(), ByteString(text.as_bytes().to_vec()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fake_api::FakeApi, test_ca::TestCa};

    #[tokio::test]
    async fn key_and_certificate_read_back_after_they_were_kept() {
        let api = FakeApi::with_own_objects();
        let store = IdentityStore::new(api.client(), "infrastructure");
        assert!(store.load().await.unwrap().identity.is_none());

        let key = NewKey::make().unwrap();
        store.keep_next(&key).await.unwrap();
        let next = store.load().await.unwrap().next.unwrap();
        assert_eq!(next.pem.expose_secret(), key.pem.expose_secret());

        let ca = TestCa::new();
        let identity = Identity::join(&next, ca.issue(&key.csr_pem)).unwrap();
        store.keep(&identity, Some("abc")).await.unwrap();
        let stored = store.load().await.unwrap();
        assert_eq!(stored.identity.unwrap().chain_pem, identity.chain_pem);
        assert_eq!(stored.spent_token_sha256.as_deref(), Some("abc"));
        assert!(stored.next.is_none());
    }

    #[test]
    fn a_certificate_for_another_key_is_not_taken() {
        let (ours, theirs) = (NewKey::make().unwrap(), NewKey::make().unwrap());
        let issued = TestCa::new().issue(&theirs.csr_pem);
        assert!(matches!(Identity::join(&ours, issued), Err(IdentityError::ForeignKey)));
        let nonsense = IssuedCertificate { chain_pem: "x".into(), roots_pem: String::new() };
        assert!(matches!(Identity::join(&ours, nonsense), Err(IdentityError::Unreadable)));
    }

    #[tokio::test]
    async fn a_write_that_meets_another_one_is_done_again() {
        let api = FakeApi::with_own_objects();
        let store = IdentityStore::new(api.client(), "infrastructure");
        api.fail_next("PUT", 409);
        store.keep_next(&NewKey::make().unwrap()).await.unwrap();
        assert!(store.load().await.unwrap().next.is_some());
    }

    #[tokio::test]
    async fn the_token_is_emptied() {
        let api = FakeApi::with_own_objects();
        let token = serde_json::json!({"data": {"token": "YWJj"}});
        api.set("secrets", names::ENROLMENT, &token);
        let store = IdentityStore::new(api.client(), "infrastructure");
        store.drop_token().await.unwrap();
        let data = &api.get("secrets", names::ENROLMENT)["data"];
        assert!(data.as_object().is_none_or(serde_json::Map::is_empty), "{data}");
    }

    #[test]
    fn no_key_shows_in_a_debug_text() {
        let key = NewKey::make().unwrap();
        assert!(!format!("{key:?}").contains("PRIVATE KEY"));
    }
}
