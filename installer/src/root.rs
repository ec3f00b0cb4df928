//! The root certificate that the control plane is trusted by: given as a file, or fetched and held
//! against a fingerprint.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

/// SHA-256 of a root certificate's DER form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// The only certificates that the control plane's answers are verified against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedRoot(Vec<CertificateDer<'static>>);

/// Why a root or a fingerprint is refused.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// Not of the form of a fingerprint.
    #[error("a fingerprint is 'sha256:' and 64 hexadecimal digits")]
    Fingerprint,
    /// No certificate in the PEM text.
    #[error("there is no PEM certificate in the root file")]
    NoCertificate,
    /// Bad PEM.
    #[error("the root file is not PEM")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// A PEM block that holds no certificate.
    #[error("certificate {position} of the root file is not X.509")]
    NotX509 {
        /// Its place, from 1.
        position: usize,
    },
    /// Nothing that was fetched has the wanted fingerprint.
    #[error(
        "the control plane's root certificate has the fingerprint {found}, but {wanted} is expected; \
         someone may be between this machine and the control plane: copy the command from the fleet \
         page again, and compare"
    )]
    Mismatch {
        /// What `--root-fingerprint` says.
        wanted: Fingerprint,
        /// What came.
        found: Fingerprint,
    },
}

impl Fingerprint {
    /// The fingerprint of a certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for Fingerprint {
    type Err = RootError;

    fn from_str(text: &str) -> Result<Self, RootError> {
        let digits = text.trim().strip_prefix("sha256:").ok_or(RootError::Fingerprint)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| RootError::Fingerprint)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl TrustedRoot {
    /// Takes every certificate of a PEM text.
    ///
    /// # Errors
    /// When there is none, or one cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootError> {
        let certificates = CertificateDer::pem_slice_iter(pem)
            .map(|certificate| certificate.map(CertificateDer::into_owned))
            .collect::<Result<Vec<_>, _>>()
            .map_err(RootError::Pem)?;
        if certificates.is_empty() {
            return Err(RootError::NoCertificate);
        }
        for (index, certificate) in certificates.iter().enumerate() {
            match X509Certificate::from_der(certificate) {
                Ok(([], _)) => {}
                _ => return Err(RootError::NotX509 { position: index + 1 }),
            }
        }
        Ok(Self(certificates))
    }

    /// Keeps the one certificate that has this fingerprint, and forgets the others.
    ///
    /// # Errors
    /// [`RootError::Mismatch`] when there is none.
    pub fn only(self, wanted: Fingerprint) -> Result<Self, RootError> {
        let mut found = None;
        for certificate in self.0 {
            let fingerprint = Fingerprint::of(&certificate);
            if bool::from(fingerprint.0.ct_eq(&wanted.0)) {
                return Ok(Self(vec![certificate]));
            }
            found.get_or_insert(fingerprint);
        }
        Err(found.map_or(RootError::NoCertificate, |found| RootError::Mismatch { wanted, found }))
    }

    /// The certificates, at least one.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0
    }

    /// The certificates as PEM, without whatever text stood around them.
    pub fn to_pem(&self) -> String {
        self.0.iter().map(pem_block).collect()
    }
}

fn pem_block(certificate: &CertificateDer<'_>) -> String {
    let mut block = String::from("-----BEGIN CERTIFICATE-----\n");
    let encoded = STANDARD.encode(certificate);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        // RFC 7468 wraps at 64 characters.
        let (line, remaining) = rest.split_at(rest.len().min(64));
        block.push_str(line);
        block.push('\n');
        rest = remaining;
    }
    block.push_str("-----END CERTIFICATE-----\n");
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap()
    }

    #[test]
    fn a_root_is_kept_without_the_text_around_it() {
        let made = certificate();
        let root =
            TrustedRoot::from_pem(format!("our root\n{}\n", made.cert.pem()).as_bytes()).unwrap();
        assert_eq!(root.certificates(), [made.cert.der().clone()]);
        assert_eq!(TrustedRoot::from_pem(root.to_pem().as_bytes()).unwrap(), root);
        assert!(root.to_pem().starts_with("-----BEGIN"));
    }

    #[test]
    fn only_the_certificate_with_the_fingerprint_is_trusted() {
        let (ours, foreign) = (certificate(), certificate());
        let both =
            TrustedRoot::from_pem((foreign.cert.pem() + &ours.cert.pem()).as_bytes()).unwrap();
        let kept = both.only(Fingerprint::of(ours.cert.der())).unwrap();
        assert_eq!(kept.certificates(), [ours.cert.der().clone()]);

        let error = kept.only(Fingerprint::of(foreign.cert.der())).unwrap_err();
        assert!(matches!(error, RootError::Mismatch { .. }), "{error}");
    }

    #[test]
    fn a_fingerprint_reads_what_it_writes_and_nothing_else() {
        let text = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(text.parse::<Fingerprint>().unwrap().to_string(), text);
        for bad in
            ["", "sha256:", "0a", "sha1:00", &format!("sha256:{}", "0g".repeat(32)), &text[..70]]
        {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(matches!(TrustedRoot::from_pem(b"hello"), Err(RootError::NoCertificate)));
        let junk = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        assert!(matches!(TrustedRoot::from_pem(junk), Err(RootError::NotX509 { position: 1 })));
    }
}
