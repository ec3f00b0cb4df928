//! X.509 certificates with the fields that sprig gives them.

use std::net::IpAddr;

use num_bigint::BigUint;
use sha1::{Digest as _, Sha1};

use super::der::{OCTETS, Reader, SEQUENCE, bits, integer, octets, oid, sequence, tagged};
use super::rsa::{RsaKey, signature_algorithm};
use super::{Key, pem};
use crate::functions::Random;
use crate::time::Time;

/// What a certificate is asked for with.
pub(crate) struct Request<'r> {
    pub(crate) name: &'r str,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) hosts: Vec<String>,
    pub(crate) days: i64,
    pub(crate) authority: bool,
    /// In microseconds since 1970.
    pub(crate) now: i64,
}

/// A certificate and its key, as PEM.
pub(crate) struct Certificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// What a certificate takes from its issuer.
struct Issuer {
    subject: Vec<u8>,
    key_id: Option<Vec<u8>>,
}

impl Certificate {
    /// A certificate that vouches for itself.
    pub(crate) fn self_signed(
        request: &Request<'_>,
        key: &Key,
        random: &mut Random,
    ) -> Result<Self, String> {
        let rsa = rsa_of(key)?;
        Ok(Self::make(request, rsa, rsa, None, random))
    }

    /// A certificate of an authority, which is given as PEM.
    pub(crate) fn signed(
        request: &Request<'_>,
        key: &Key,
        authority: (&str, &str),
        random: &mut Random,
    ) -> Result<Self, String> {
        let (_, bytes) = pem::decode(authority.0).ok_or("unable to decode certificate")?;
        let issuer = issuer_of(&bytes).ok_or(
            "error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate",
        )?;
        let signer = Key::from_pem(authority.1)
            .map_err(|error| format!("error parsing private key: {error}"))?;
        Ok(Self::make(request, rsa_of(key)?, rsa_of(&signer)?, Some(&issuer), random))
    }

    fn make(
        request: &Request<'_>,
        key: &RsaKey,
        signer: &RsaKey,
        issuer: Option<&Issuer>,
        random: &mut Random,
    ) -> Self {
        let subject = name(request.name);
        let mut serial = [0; 16];
        random.fill(&mut serial);
        let start = Time::from_micros(request.now);
        let end = start.add(request.days.saturating_mul(86_400_000_000_000));
        let body = sequence(&[
            tagged(0xa0, &integer(&BigUint::from(2u8))),
            integer(&BigUint::from_bytes_be(&serial)),
            signature_algorithm(),
            issuer.map_or_else(|| subject.clone(), |issuer| issuer.subject.clone()),
            sequence(&[time(&start), time(&end)]),
            subject.clone(),
            key.public_info(),
            tagged(0xa3, &sequence(&extensions(request, key, issuer, &subject))),
        ]);
        let signature = bits(&signer.sign(&body));
        let whole = sequence(&[body, signature_algorithm(), signature]);
        Self {
            certificate: pem::encode("CERTIFICATE", &whole),
            key: Key::Rsa(key.clone()).to_pem(),
        }
    }
}

fn rsa_of(key: &Key) -> Result<&RsaKey, String> {
    match key {
        Key::Rsa(key) => Ok(key),
        _ => Err("only RSA keys can sign here".to_owned()),
    }
}

fn name(common: &str) -> Vec<u8> {
    if common.is_empty() {
        return sequence(&[]);
    }
    let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
    let tag = if common.chars().all(printable) { 0x13 } else { 0x0c };
    let attribute = sequence(&[oid(&[2, 5, 4, 3]), tagged(tag, common.as_bytes())]);
    sequence(&[tagged(0x31, &attribute)])
}

fn time(time: &Time) -> Vec<u8> {
    if (1950..2050).contains(&time.civil().year) {
        tagged(0x17, time.format("060102150405Z").as_bytes())
    } else {
        tagged(0x18, time.format("20060102150405Z").as_bytes())
    }
}

fn extension(id: u32, critical: bool, content: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid(&[2, 5, 29, id])];
    if critical {
        parts.push(tagged(1, &[0xff]));
    }
    parts.push(octets(content));
    sequence(&parts)
}

fn extensions(
    request: &Request<'_>,
    key: &RsaKey,
    issuer: Option<&Issuer>,
    subject: &[u8],
) -> Vec<Vec<u8>> {
    // The bits for signatures and encipherment, and for certificates of others.
    let usage: [u8; 2] = if request.authority { [2, 0xa4] } else { [5, 0xa0] };
    let purpose = |last: u32| oid(&[1, 3, 6, 1, 5, 5, 7, 3, last]);
    let constraints =
        if request.authority { sequence(&[tagged(1, &[0xff])]) } else { sequence(&[]) };
    let mut all = vec![
        extension(15, true, &tagged(3, &usage)),
        extension(37, false, &sequence(&[purpose(1), purpose(2)])),
        extension(19, true, &constraints),
    ];
    if request.authority {
        all.push(extension(14, false, &octets(&Sha1::digest(key.public_der()))));
    }
    if let Some(Issuer { subject: other, key_id: Some(id) }) = issuer
        && other != subject
    {
        all.push(extension(35, false, &sequence(&[tagged(0x80, id)])));
    }
    let mut names: Vec<Vec<u8>> =
        request.hosts.iter().map(|host| tagged(0x82, host.as_bytes())).collect();
    names.extend(request.addresses.iter().map(|address| match address {
        IpAddr::V4(address) => tagged(0x87, &address.octets()),
        IpAddr::V6(address) => tagged(0x87, &address.octets()),
    }));
    if !names.is_empty() {
        all.push(extension(17, false, &sequence(&names)));
    }
    all
}

/// Whether bytes look like a certificate.
pub(crate) fn check_certificate(bytes: &[u8]) -> bool {
    issuer_of(bytes).is_some()
}

fn issuer_of(bytes: &[u8]) -> Option<Issuer> {
    let mut certificate = Reader(Reader(bytes).expect(SEQUENCE)?);
    let mut body = Reader(certificate.expect(SEQUENCE)?);
    let mut next = body.next()?;
    if next.tag == 0xa0 {
        next = body.next()?;
    }
    // After the serial number: algorithm, issuer, validity.
    let _serial = next;
    for _ in 0..3 {
        body.next()?;
    }
    let subject = body.next()?.whole.to_vec();
    let _key = body.next()?;
    let mut key_id = None;
    while let Some(part) = body.next() {
        if part.tag == 0xa3 {
            key_id = find_key_id(part.content);
        }
    }
    Some(Issuer { subject, key_id })
}

fn find_key_id(extensions: &[u8]) -> Option<Vec<u8>> {
    let mut all = Reader(Reader(extensions).expect(SEQUENCE)?);
    while let Some(content) = all.expect(SEQUENCE) {
        let mut parts = Reader(content);
        if parts.next()?.whole == oid(&[2, 5, 29, 14]) {
            let value = parts.expect(OCTETS)?;
            return Reader(value).expect(OCTETS).map(<[u8]>::to_vec);
        }
    }
    None
}
