//! The curve P-256, as far as making a key needs it.

use num_bigint::BigUint;

use super::der::{bits, integer, octets, oid, sequence, tagged};
use super::primes::below;
use crate::functions::Random;

const PRIME: &[u8] = b"ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
const ORDER: &[u8] = b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const BASE: [&[u8]; 2] = [
    b"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
    b"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
];

fn hex(digits: &[u8]) -> BigUint {
    BigUint::parse_bytes(digits, 16).unwrap_or_default()
}

pub(super) fn private_key(random: &mut Random) -> BigUint {
    below(random, &hex(ORDER))
}

/// A point of the curve; none is the one at infinity.
type Point = Option<(BigUint, BigUint)>;

fn add(left: &Point, right: &Point, prime: &BigUint) -> Point {
    let (Some((x1, y1)), Some((x2, y2))) = (left, right) else {
        return left.clone().or_else(|| right.clone());
    };
    let minus = |left: &BigUint, right: &BigUint| (left + prime - right) % prime;
    let (rise, run) = if x1 == x2 {
        if y1 != y2 {
            return None;
        }
        // The curve's a is −3.
        let three = BigUint::from(3u8);
        (minus(&(&three * x1 * x1 % prime), &three), y1 * BigUint::from(2u8) % prime)
    } else {
        (minus(y2, y1), minus(x2, x1))
    };
    let slope = rise * run.modinv(prime)? % prime;
    let x = minus(&minus(&(&slope * &slope % prime), x1), x2);
    let y = minus(&(&slope * minus(x1, &x) % prime), y1);
    Some((x, y))
}

fn public_key(number: &BigUint) -> Point {
    let prime = hex(PRIME);
    let mut sum: Point = None;
    let mut doubled: Point = Some((hex(BASE[0]), hex(BASE[1])));
    for bit in 0..number.bits() {
        if number.bit(bit) {
            sum = add(&sum, &doubled, &prime);
        }
        doubled = add(&doubled, &doubled, &prime);
    }
    sum
}

fn fixed(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; 32usize.saturating_sub(bytes.len())], bytes].concat()
}

/// RFC 5915.
pub(super) fn to_der(number: &BigUint) -> Vec<u8> {
    let (x, y) = public_key(number).unwrap_or_default();
    let public = [vec![4], fixed(&x), fixed(&y)].concat();
    sequence(&[
        integer(&BigUint::from(1u8)),
        octets(&fixed(number)),
        tagged(0xa0, &oid(&[1, 2, 840, 10_045, 3, 1, 7])),
        tagged(0xa1, &bits(&public)),
    ])
}
