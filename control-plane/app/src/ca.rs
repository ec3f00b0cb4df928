//! The certificate authority of the agent link: one root, short-lived leaves.
//!
//! Who an agent is stands in its leaf's SPIFFE URI and nowhere else.

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use gimlet_domain::time::Timestamp;
use gimlet_shared::{
    crash_point,
    ids::{ClusterId, OrganizationId},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::{durable::write_private, ports::offset};

/// The root outlives any plan to replace it; replacing it by overlap is an operation, not an expiry.
const ROOT_YEARS: i64 = 10;
/// Made anew at each start, and long enough for any uptime.
const SERVER_DAYS: i64 = 825;
/// An agent renews at half of this.
const LEAF_HOURS: i64 = 24;
/// Clocks of clusters may run behind.
const BACKDATE: Duration = Duration::from_secs(300);
/// The trust domain of our SPIFFE URIs.
const SPIFFE_PREFIX: &str = "spiffe://gimlet/organization/";

/// Why a certificate was not made or read.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The authority's files cannot be read or written.
    #[error("cannot use the certificate authority's file {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// One of the authority's files holds something else.
    #[error("the certificate authority's file {} holds no {what} in PEM; restore it from a backup", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A key or certificate could not be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// The request is no PKCS#10 request in PEM.
    #[error("csrPem: not a certificate request in PEM; send a PKCS#10 request")]
    Request(#[source] rcgen::Error),
    /// A client certificate names no cluster.
    #[error("the client certificate names no cluster")]
    Identity,
}

/// A leaf for an agent.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// Leaf first, in PEM.
    pub(crate) chain_pem: String,
    /// Its serial number in hexadecimal.
    pub(crate) serial: String,
    /// Its end.
    pub(crate) not_after: Timestamp,
}

/// Who a client certificate names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The organization.
    pub(crate) organization: OrganizationId,
    /// The cluster.
    pub(crate) cluster: ClusterId,
    /// Serial number of the leaf in hexadecimal.
    pub(crate) serial: String,
    /// The leaf's end.
    pub(crate) not_after: Timestamp,
}

/// The authority with its root key.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    root_pem: String,
    fingerprint: String,
    not_after: Timestamp,
}

/// What is known of an authority without using it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// `sha256:<hex>` of the root's DER.
    pub fingerprint: String,
    /// Whole days until the root ends; below zero after its end.
    pub days_left: i64,
}

impl CertificateAuthority {
    /// Reads the authority in `folder` as [`open`](Self::open) would, and makes nothing; `None` where there
    /// is none yet.
    ///
    /// # Errors
    /// [`CaError::File`] and [`CaError::Broken`] name the file, also where key and root do not belong
    /// together.
    pub fn inspect(folder: &Path) -> Result<Option<Authority>, CaError> {
        let (key_path, root_path) = (folder.join("root.key"), folder.join("root.pem"));
        if !root_path.exists() {
            return Ok(None);
        }
        let opened = Self::open(folder, Timestamp(0))?;
        let (_, pem) = x509_parser::pem::parse_x509_pem(opened.root_pem.as_bytes())
            .map_err(|source| broken(&root_path, "certificate", source))?;
        let root = pem.parse_x509().map_err(|source| broken(&root_path, "certificate", source))?;
        if root.public_key().subject_public_key.data.as_ref()
            != opened.issuer.key().public_key_raw()
        {
            return Err(broken(
                &key_path,
                "key of the root beside it",
                rcgen::Error::CouldNotParseKeyPair,
            ));
        }
        let left = opened.not_after.seconds() - OffsetDateTime::now_utc().unix_timestamp();
        let days_left = left.div_euclid(24 * 3600);
        Ok(Some(Authority { fingerprint: opened.fingerprint, days_left }))
    }

    /// Opens the authority in `folder`, and makes it on first use.
    ///
    /// # Errors
    /// [`CaError::File`] and [`CaError::Broken`] name the file.
    pub fn open(folder: &Path, now: Timestamp) -> Result<Self, CaError> {
        let now = offset(now);
        let (key_path, root_path) = (folder.join("root.key"), folder.join("root.pem"));
        if !root_path.exists() {
            fs::create_dir_all(folder)
                .map_err(|source| CaError::File { path: folder.to_owned(), source })?;
            let key = KeyPair::generate()?;
            let root = root_params(now).self_signed(&key)?;
            // The key first: a root without its key would be taken for a whole authority.
            crash_point!("authority.key.before");
            write_durably(&key_path, &key.serialize_pem())?;
            crash_point!("authority.key.after");
            crash_point!("authority.root.before");
            write_durably(&root_path, &root.pem())?;
            crash_point!("authority.root.after");
        }
        let read = |path: &Path| {
            fs::read_to_string(path)
                .map_err(|source| CaError::File { path: path.to_owned(), source })
        };
        let root_pem = read(&root_path)?;
        let key = KeyPair::from_pem(&read(&key_path)?)
            .map_err(|source| broken(&key_path, "private key", source))?;
        let issuer = Issuer::from_ca_cert_pem(&root_pem, key)
            .map_err(|source| broken(&root_path, "certificate", source))?;
        let (_, root) = x509_parser::pem::parse_x509_pem(root_pem.as_bytes())
            .map_err(|source| broken(&root_path, "certificate", source))?;
        let fingerprint = format!("sha256:{}", hex::encode(Sha256::digest(&root.contents)));
        let parsed =
            root.parse_x509().map_err(|source| broken(&root_path, "certificate", source))?;
        let not_after = Timestamp::from_seconds(parsed.validity().not_after.timestamp());
        Ok(Self { issuer, root_pem, fingerprint, not_after })
    }

    /// When the root ends.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The root in PEM.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// `sha256:<hex>` of the root's DER, for people and installers to compare.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Certificate chain and key, in PEM, for the agent port's own name.
    ///
    /// # Errors
    /// [`CaError::Make`] where `host` can stand in no certificate.
    pub fn server_certificate(
        &self,
        host: &str,
        now: Timestamp,
    ) -> Result<(String, String), CaError> {
        let mut params = leaf_params(offset(now), time::Duration::days(SERVER_DAYS));
        params.subject_alt_names = CertificateParams::new([host.to_owned()])?.subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((format!("{}{}", certificate.pem(), self.root_pem), key.serialize_pem()))
    }

    /// A leaf for the public key of `csr_pem` that names this cluster; what the request says of itself is
    /// ignored.
    ///
    /// # Errors
    /// [`CaError::Request`] where it is no request, [`CaError::Make`] where signing fails.
    pub(crate) fn issue(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        csr_pem: &str,
        now: Timestamp,
    ) -> Result<Leaf, CaError> {
        let request =
            CertificateSigningRequestParams::from_pem(csr_pem).map_err(CaError::Request)?;
        let mut params = leaf_params(offset(now), time::Duration::hours(LEAF_HOURS));
        let uri = format!("{SPIFFE_PREFIX}{organization}/cluster/{cluster}");
        params.subject_alt_names = vec![SanType::URI(uri.try_into()?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let serial = uuid::Uuid::now_v7();
        params.serial_number = Some(SerialNumber::from_slice(serial.as_bytes()));
        let not_after = Timestamp::from_seconds(params.not_after.unix_timestamp());
        let certificate = params.signed_by(&request.public_key, &self.issuer)?;
        Ok(Leaf { chain_pem: certificate.pem(), serial: serial.simple().to_string(), not_after })
    }
}

fn broken(
    path: &Path,
    what: &'static str,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> CaError {
    CaError::Broken { path: path.to_owned(), what, source: source.into() }
}

/// SHA-256, in hexadecimal, of the public key that a request carries.
pub(crate) fn public_key_hash(csr_pem: &str) -> Result<String, CaError> {
    use rcgen::PublicKeyData as _;
    let request = CertificateSigningRequestParams::from_pem(csr_pem).map_err(CaError::Request)?;
    Ok(hex::encode(Sha256::digest(request.public_key.der_bytes())))
}

/// Reads who a verified client certificate names: exactly one SPIFFE URI of ours.
pub(crate) fn identity(leaf_der: &[u8]) -> Result<Identity, CaError> {
    let (_, certificate) = X509Certificate::from_der(leaf_der).map_err(|_| CaError::Identity)?;
    let names = certificate.subject_alternative_name().ok().flatten().ok_or(CaError::Identity)?;
    let [GeneralName::URI(uri)] = names.value.general_names.as_slice() else {
        return Err(CaError::Identity);
    };
    let (organization, cluster) = uri
        .strip_prefix(SPIFFE_PREFIX)
        .and_then(|rest| rest.split_once("/cluster/"))
        .ok_or(CaError::Identity)?;
    Ok(Identity {
        organization: organization.parse().map_err(|_| CaError::Identity)?,
        cluster: cluster.parse().map_err(|_| CaError::Identity)?,
        serial: serial_text(certificate.raw_serial()),
        not_after: Timestamp::from_seconds(certificate.validity().not_after.timestamp()),
    })
}

/// A serial as we note it, 16 bytes: DER pads one whose highest bit is set with a zero byte, and drops
/// leading zeros.
fn serial_text(raw: &[u8]) -> String {
    let significant = raw.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &raw[first..]);
    format!("{:0>32}", hex::encode(significant))
}

fn root_params(now: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Gimlet agents root");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - BACKDATE;
    params.not_after = now + time::Duration::days(365 * ROOT_YEARS);
    params
}

fn leaf_params(now: OffsetDateTime, lifetime: time::Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Gimlet");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.not_before = now - BACKDATE;
    params.not_after = now + lifetime;
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

fn write_durably(path: &Path, text: &str) -> Result<(), CaError> {
    write_private(path, text).map_err(|source| CaError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(chain_pem: &str) -> Vec<u8> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(chain_pem.as_bytes()).expect("pem");
        pem.contents
    }

    fn csr() -> String {
        let key = KeyPair::generate().expect("key");
        let mut params =
            CertificateParams::new(["someone-else.example".to_owned()]).expect("params");
        params.distinguished_name = named("admin");
        params.serialize_request(&key).expect("request").pem().expect("pem")
    }

    #[test]
    fn a_leaf_names_the_cluster_it_was_issued_to_and_nothing_the_request_asked_for() {
        let folder = tempfile::tempdir().expect("folder");
        let now = Timestamp::from_seconds(1_790_000_000);
        let ca = CertificateAuthority::open(folder.path(), now).expect("authority");
        let (organization, cluster) = (OrganizationId::new(), ClusterId::new());
        for _ in 0..64 {
            let leaf = ca.issue(organization, cluster, &csr(), now).expect("leaf");
            let identity = identity(&der(&leaf.chain_pem)).expect("identity");
            let Leaf { serial, not_after, .. } = leaf;
            assert_eq!(identity, Identity { organization, cluster, serial, not_after });
            assert_eq!(not_after, now.after(Duration::from_secs(24 * 3600)));
        }
    }

    #[test]
    fn the_authority_is_the_same_after_a_restart() {
        let folder = tempfile::tempdir().expect("folder");
        let now = Timestamp::from_seconds(1_790_000_000);
        let first = CertificateAuthority::open(folder.path(), now).expect("authority");
        let again = CertificateAuthority::open(folder.path(), now).expect("authority");
        assert_eq!(first.root_pem(), again.root_pem());
        assert_eq!(first.fingerprint(), again.fingerprint());
    }

    #[test]
    fn a_broken_file_of_the_authority_is_named() {
        let now = Timestamp::from_seconds(1_790_000_000);
        for file in ["root.key", "root.pem"] {
            let folder = tempfile::tempdir().expect("folder");
            CertificateAuthority::open(folder.path(), now).expect("authority");
            fs::write(folder.path().join(file), "no PEM").expect("file");
            let error = CertificateAuthority::open(folder.path(), now).err().expect("an error");
            assert!(error.to_string().contains(file), "{error}");
        }
    }

    #[test]
    fn a_serial_has_sixteen_bytes_however_der_writes_it() {
        let full = "0102030405060708090a0b0c0d0e0f10";
        assert_eq!(serial_text(&hex::decode(full).expect("hex")), full);
        assert_eq!(serial_text(&[[0].as_slice(), &[0xff; 16]].concat()), "ff".repeat(16));
        assert_eq!(serial_text(&[7]), format!("{}07", "0".repeat(30)));
    }

    #[test]
    fn a_server_certificate_and_a_bad_request_are_told_apart() {
        let folder = tempfile::tempdir().expect("folder");
        let now = Timestamp::from_seconds(1_790_000_000);
        let ca = CertificateAuthority::open(folder.path(), now).expect("authority");
        let (chain, _) = ca.server_certificate("172.30.0.1", now).expect("certificate");
        assert!(matches!(identity(&der(&chain)), Err(CaError::Identity)));
        assert!(matches!(
            ca.issue(OrganizationId::new(), ClusterId::new(), "no request", now),
            Err(CaError::Request(_))
        ));
    }
}
