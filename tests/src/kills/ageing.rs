//! A certificate as it is after most of its life, so that its agent asks for a newer one.

use std::path::Path;

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose, SanType,
    SerialNumber,
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::scripted_cluster::{AGENT_NAMESPACE, Objects, SECRETS};

const SECRET: &str = "gimlet-agent-identity";

/// Past the half of a day, and far from its end.
const AGE: Duration = Duration::hours(16);
const LEFT: Duration = Duration::hours(8);

/// Puts a certificate for the same key, cluster and serial into the agent's Secret, which `authority`, the
/// folder of the control plane's root, might have issued hours ago.
///
/// # Errors
/// When the agent has no certificate yet, or the root cannot be read.
pub(super) fn age_certificate(authority: &Path, objects: &Objects) -> Result<()> {
    let secret = objects.get(SECRETS, AGENT_NAMESPACE, SECRET);
    let secret = secret.context("the agent has no Secret")?;
    let text = |key: &str| -> Result<String> {
        let encoded = secret["data"][key].as_str().context("the agent has no identity yet")?;
        Ok(String::from_utf8(STANDARD.decode(encoded)?)?)
    };
    let aged = aged(authority, &text("tls.key")?, &text("tls.crt")?)?;
    objects.change(SECRETS, AGENT_NAMESPACE, SECRET, |secret| {
        secret["data"]["tls.crt"] = Value::from(STANDARD.encode(&aged));
    });
    Ok(())
}

fn aged(authority: &Path, key_pem: &str, chain_pem: &str) -> Result<String> {
    let root_key = KeyPair::from_pem(&std::fs::read_to_string(authority.join("root.key"))?)?;
    let root_pem = std::fs::read_to_string(authority.join("root.pem"))?;
    let issuer = Issuer::from_ca_cert_pem(&root_pem, root_key)?;
    let leaf = CertificateDer::from_pem_slice(chain_pem.as_bytes())?;
    let (_, leaf) = X509Certificate::from_der(&leaf)?;
    let names = leaf.subject_alternative_name()?.context("the certificate names nobody")?;
    let [GeneralName::URI(uri)] = names.value.general_names.as_slice() else {
        anyhow::bail!("the certificate does not name one cluster");
    };
    let (mut params, now) = (CertificateParams::default(), OffsetDateTime::now_utc());
    params.subject_alt_names = vec![SanType::URI((*uri).try_into()?)];
    params.serial_number = Some(SerialNumber::from_slice(leaf.raw_serial()));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (now - AGE, now + LEFT);
    Ok(params.signed_by(&KeyPair::from_pem(key_pem)?, &issuer)?.pem())
}
