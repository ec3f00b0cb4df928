//! A certificate authority for tests, beside the agent's own key handling.

use gimlet_shared::enrol::IssuedCertificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, SanType,
};
use rustls_pki_types::PrivateKeyDer;
use time::{Duration, OffsetDateTime};

pub(crate) struct TestCa {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) root_pem: String,
}

impl TestCa {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root_pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), root_pem }
    }

    /// A client certificate for the key of a request.
    pub(crate) fn issue(&self, csr_pem: &str) -> IssuedCertificate {
        self.sign(csr_pem, |_| {})
    }

    /// A client certificate that has more of its life behind it than before it.
    pub(crate) fn issue_past_half_life(&self, csr_pem: &str) -> IssuedCertificate {
        self.sign(csr_pem, |params| {
            let now = OffsetDateTime::now_utc();
            params.not_before = now - Duration::hours(2);
            params.not_after = now + Duration::hours(1);
        })
    }

    fn sign(
        &self,
        csr_pem: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> IssuedCertificate {
        let mut request = CertificateSigningRequestParams::from_pem(csr_pem).unwrap();
        let uri = "spiffe://gimlet/org_1/clu_1".try_into().unwrap();
        request.params.subject_alt_names = vec![SanType::URI(uri)];
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut request.params);
        let chain_pem = request.signed_by(&self.issuer).unwrap().pem();
        IssuedCertificate { chain_pem, roots_pem: self.root_pem.clone() }
    }

    /// Key and certificate of a server on loopback.
    pub(crate) fn server(
        &self,
    ) -> (rustls_pki_types::CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }
}
