//! RSA.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use super::der::{OCTETS, Reader, SEQUENCE, bits, integer, null, oid, sequence};
use super::primes::prime;
use crate::functions::Random;

/// A private key.
#[derive(Clone, Debug)]
pub(crate) struct RsaKey {
    modulus: BigUint,
    exponent: BigUint,
    private: BigUint,
    primes: [BigUint; 2],
}

/// The public exponent that everyone uses.
const EXPONENT: u32 = 65_537;

/// The algorithm of the key.
pub(super) fn key_algorithm() -> Vec<u8> {
    sequence(&[oid(&[1, 2, 840, 113_549, 1, 1, 1]), null()])
}

/// The algorithm of its signatures, with SHA-256.
pub(super) fn signature_algorithm() -> Vec<u8> {
    sequence(&[oid(&[1, 2, 840, 113_549, 1, 1, 11]), null()])
}

impl RsaKey {
    pub(super) fn generate(random: &mut Random, size: u64) -> Self {
        let one = BigUint::from(1u8);
        let exponent = BigUint::from(EXPONENT);
        loop {
            let (p, q) = (prime(random, size / 2), prime(random, size / 2));
            let totient = (&p - &one) * (&q - &one);
            if p == q {
                continue;
            }
            if let Some(private) = exponent.modinv(&totient) {
                return Self { modulus: &p * &q, exponent, private, primes: [p, q] };
            }
        }
    }

    /// PKCS #1.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let one = BigUint::from(1u8);
        let [p, q] = &self.primes;
        let numbers = [
            BigUint::from(0u8),
            self.modulus.clone(),
            self.exponent.clone(),
            self.private.clone(),
            p.clone(),
            q.clone(),
            &self.private % (p - &one),
            &self.private % (q - &one),
            q.modinv(p).unwrap_or_default(),
        ];
        sequence(&numbers.iter().map(integer).collect::<Vec<_>>())
    }

    pub(super) fn from_der(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(Reader(bytes).expect(SEQUENCE)?);
        let mut number = || reader.number();
        let _version = number()?;
        let (modulus, exponent, private) = (number()?, number()?, number()?);
        let primes = [number()?, number()?];
        // What does not multiply is no key; what is huge would take forever.
        let sound = &primes[0] * &primes[1] == modulus && (512..=8192).contains(&modulus.bits());
        sound.then_some(Self { modulus, exponent, private, primes })
    }

    pub(super) fn from_pkcs8(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(Reader(bytes).expect(SEQUENCE)?);
        let _version = reader.number()?;
        let algorithm = reader.next()?;
        if algorithm.whole != key_algorithm() {
            return None;
        }
        Self::from_der(reader.expect(OCTETS)?)
    }

    /// The public key as certificates hash it.
    pub(super) fn public_der(&self) -> Vec<u8> {
        sequence(&[integer(&self.modulus), integer(&self.exponent)])
    }

    /// The public key with its algorithm.
    pub(super) fn public_info(&self) -> Vec<u8> {
        sequence(&[key_algorithm(), bits(&self.public_der())])
    }

    /// A signature of SHA-256, padded as PKCS #1 has it.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        const PREFIX: [u8; 19] =
            [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
        let size = usize::try_from(self.modulus.bits().div_ceil(8)).unwrap_or_default();
        let hash = Sha256::digest(message);
        let filling = vec![0xff; size.saturating_sub(3 + PREFIX.len() + hash.len())];
        let padded = [&[0, 1], filling.as_slice(), &[0], &PREFIX, hash.as_slice()].concat();
        let signature = BigUint::from_bytes_be(&padded).modpow(&self.private, &self.modulus);
        let bytes = signature.to_bytes_be();
        [vec![0; size.saturating_sub(bytes.len())], bytes].concat()
    }
}
