//! Keys and certificates, all from the render's seed: the same seed gives the same key, as no library that is at hand
//! lets one ask for. They are for development, as those of Helm are.

mod certificate;
mod der;
mod elliptic;
mod pem;
mod primes;
mod rsa;

pub(crate) use certificate::{Certificate, Request, check_certificate};
pub(crate) use pem::decode as decode_pem;

use num_bigint::BigUint;

use crate::functions::Random;
use der::{integer, octets, oid, sequence};

/// A private key.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    /// The only kind that signs here.
    Rsa(rsa::RsaKey),
    /// Of the curve P-256: the number.
    Ecdsa(BigUint),
    /// The seed.
    Ed25519([u8; 32]),
    /// p, q, g, y, x.
    Dsa(Box<[BigUint; 5]>),
}

impl Key {
    /// A new RSA key.
    pub(crate) fn rsa(random: &mut Random, bits: u64) -> Self {
        Self::Rsa(rsa::RsaKey::generate(random, bits))
    }

    pub(crate) fn ecdsa(random: &mut Random) -> Self {
        Self::Ecdsa(elliptic::private_key(random))
    }

    pub(crate) fn ed25519(random: &mut Random) -> Self {
        let mut seed = [0; 32];
        random.fill(&mut seed);
        Self::Ed25519(seed)
    }

    /// A DSA key with parameters of its own, of 2048 and 256 bits.
    pub(crate) fn dsa(random: &mut Random) -> Self {
        let one = BigUint::from(1u8);
        let (p, q) = primes::dsa_primes(random);
        let exponent = (&p - &one) / &q;
        let g = BigUint::from(2u8).modpow(&exponent, &p);
        let x = primes::below(random, &q);
        let y = g.modpow(&x, &p);
        Self::Dsa(Box::new([p, q, g, y, x]))
    }

    /// As Go writes it.
    pub(crate) fn to_pem(&self) -> String {
        match self {
            Self::Rsa(key) => pem::encode("RSA PRIVATE KEY", &key.to_der()),
            Self::Ecdsa(number) => pem::encode("EC PRIVATE KEY", &elliptic::to_der(number)),
            Self::Ed25519(seed) => {
                let algorithm = sequence(&[oid(&[1, 3, 101, 112])]);
                let key = octets(&octets(seed));
                let whole = sequence(&[integer(&BigUint::from(0u8)), algorithm, key]);
                pem::encode("PRIVATE KEY", &whole)
            }
            Self::Dsa(numbers) => {
                let parts: Vec<Vec<u8>> = [integer(&BigUint::from(0u8))]
                    .into_iter()
                    .chain(numbers.iter().map(integer))
                    .collect();
                pem::encode("DSA PRIVATE KEY", &sequence(&parts))
            }
        }
    }

    /// Reads an RSA key.
    ///
    /// # Errors
    /// sprig's words; and for keys of other kinds, that they cannot sign here.
    pub(crate) fn from_pem(text: &str) -> Result<Self, String> {
        let (label, bytes) = pem::decode(text).ok_or("no PEM data in input")?;
        let Some(kind) = label.strip_suffix("PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {label}"));
        };
        match kind {
            "RSA " => rsa::RsaKey::from_der(&bytes).map(Self::Rsa).ok_or_else(|| {
                "parsing RSA private key from PEM: asn1: structure error".to_owned()
            }),
            "" => rsa::RsaKey::from_pkcs8(&bytes)
                .map(Self::Rsa)
                .ok_or_else(|| "decoding PEM as PKCS#8: only RSA keys can sign here".to_owned()),
            "EC " | "DSA " => Err("only RSA keys can sign here".to_owned()),
            other => Err(format!("invalid private key type {other}")),
        }
    }
}

#[cfg(test)]
mod tests;
