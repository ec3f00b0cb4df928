//! Large primes.

use std::sync::LazyLock;

use num_bigint::BigUint;

use crate::functions::Random;

/// How often a candidate is tested. For random numbers of 1024 bits five are enough by FIPS 186-4.
const ROUNDS: usize = 8;

/// The small primes by which most candidates are refused at little cost.
static SMALL: LazyLock<Vec<u64>> = LazyLock::new(|| {
    (3..4000)
        .step_by(2)
        .filter(|n| (3..*n).step_by(2).take_while(|d| d * d <= *n).all(|d| n % d != 0))
        .collect()
});

fn one() -> BigUint {
    BigUint::from(1u8)
}

/// A random number of exactly `bits`, of which the two highest are set.
fn number(random: &mut Random, bits: u64) -> BigUint {
    let mut bytes = vec![0; usize::try_from(bits.div_ceil(8)).unwrap_or_default()];
    random.fill(&mut bytes);
    let mut number = BigUint::from_bytes_be(&bytes);
    for bit in bits..bits.div_ceil(8) * 8 {
        number.set_bit(bit, false);
    }
    number.set_bit(bits - 1, true);
    number.set_bit(bits - 2, true);
    number
}

/// A random number from 1 up to, without, `bound`.
pub(super) fn below(random: &mut Random, bound: &BigUint) -> BigUint {
    // So many bits more that no number is noticeably likelier.
    let number = number(random, bound.bits() + 64);
    number % (bound - one()) + one()
}

/// A random prime of `bits`, which are a multiple of 8.
pub(super) fn prime(random: &mut Random, bits: u64) -> BigUint {
    loop {
        let mut start = number(random, bits);
        start.set_bit(0, true);
        if let Some(prime) = next_prime(random, &start, &BigUint::from(2u8), 2000)
            && prime.bits() == bits
        {
            return prime;
        }
    }
}

/// The first prime of `start`, `start + step`, ….
fn next_prime(random: &mut Random, start: &BigUint, step: &BigUint, tries: u64) -> Option<BigUint> {
    let remainders = |number: &BigUint| -> Vec<u64> {
        let digit = |prime: &u64| (number % *prime).iter_u64_digits().next().unwrap_or(0);
        SMALL.iter().map(digit).collect()
    };
    let (starts, steps) = (remainders(start), remainders(step));
    for index in 0..tries {
        let mut parts = SMALL.iter().zip(starts.iter().zip(&steps));
        if parts.any(|(prime, (start, step))| (start + step * index) % prime == 0) {
            continue;
        }
        let candidate = start + step * index;
        if is_prime(random, &candidate) {
            return Some(candidate);
        }
    }
    None
}

/// Miller's and Rabin's test of an odd number.
fn is_prime(random: &mut Random, number: &BigUint) -> bool {
    let last = number - one();
    let zeros = last.trailing_zeros().unwrap_or(0);
    let odd = &last >> zeros;
    (0..ROUNDS).all(|round| {
        // Two alone refuses nearly all.
        let base = if round == 0 { BigUint::from(2u8) } else { below(random, &last) };
        let mut power = base.modpow(&odd, number);
        if power == one() || power == last {
            return true;
        }
        for _ in 1..zeros {
            power = &power * &power % number;
            if power == last {
                return true;
            }
        }
        false
    })
}

/// Two primes p of 2048 and q of 256 bits, such that q divides p − 1.
pub(super) fn dsa_primes(random: &mut Random) -> (BigUint, BigUint) {
    loop {
        let q = prime(random, 256);
        let step = &q * BigUint::from(2u8);
        let start = number(random, 2048);
        let start = &start - &start % &step + one();
        if let Some(p) = next_prime(random, &start, &step, 8000)
            && p.bits() == 2048
        {
            return (p, q);
        }
    }
}
