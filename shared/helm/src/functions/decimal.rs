//! Exact decimal arithmetic, as sprig's `addf` and its relatives do it.

use super::Answer;
use super::convert::to_float;
use crate::value::Value;

/// An operation.
#[derive(Clone, Copy)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    Div,
}

/// How many digits after the point a division gives.
const DIVISION_DIGITS: i32 = 16;

/// `mantissa` times ten to the `exponent`.
#[derive(Clone, Copy)]
struct Decimal {
    mantissa: i128,
    exponent: i32,
}

/// Applies an operation to a number and values, one after the other.
pub(super) fn fold(operation: Op, first: f64, rest: &[Value]) -> Answer {
    let mut number = first;
    let mut exact = Decimal::of(first);
    for value in rest {
        let operand = to_float(value);
        if let (Op::Div, 0.0) = (operation, operand) {
            return Err("decimal division by 0".to_owned());
        }
        exact =
            exact.zip(Decimal::of(operand)).and_then(|(left, right)| left.apply(operation, right));
        // Where the digits become too many, the processor's own arithmetic is as good.
        number = match exact {
            Some(exact) => exact.to_float(),
            None => match operation {
                Op::Add => number + operand,
                Op::Sub => number - operand,
                Op::Mul => number * operand,
                Op::Div => number / operand,
            },
        };
        exact = exact.or_else(|| Decimal::of(number));
    }
    Ok(Value::Float(number))
}

impl Decimal {
    /// The shortest decimal number that reads back as `number`.
    fn of(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e')?;
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?;
        Some(Self { mantissa: format!("{whole}{fraction}").parse().ok()?, exponent })
    }

    fn to_float(self) -> f64 {
        format!("{}e{}", self.mantissa, self.exponent).parse().unwrap_or(f64::NAN)
    }

    fn scaled(self, exponent: i32) -> Option<i128> {
        let power = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.mantissa.checked_mul(10i128.checked_pow(power)?)
    }

    fn apply(self, operation: Op, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        Some(match operation {
            Op::Add => {
                let mantissa = self.scaled(exponent)?.checked_add(other.scaled(exponent)?)?;
                Self { mantissa, exponent }
            }
            Op::Sub => {
                let mantissa = self.scaled(exponent)?.checked_sub(other.scaled(exponent)?)?;
                Self { mantissa, exponent }
            }
            Op::Mul => Self {
                mantissa: self.mantissa.checked_mul(other.mantissa)?,
                exponent: self.exponent.checked_add(other.exponent)?,
            },
            Op::Div => self.divide(other)?,
        })
    }

    /// Rounds the last digit half away from zero.
    fn divide(self, other: Self) -> Option<Self> {
        let shift = self.exponent - other.exponent + DIVISION_DIGITS;
        let (mut left, mut right) = (self.mantissa, other.mantissa);
        let power = 10i128.checked_pow(shift.unsigned_abs())?;
        if shift >= 0 {
            left = left.checked_mul(power)?;
        } else {
            right = right.checked_mul(power)?;
        }
        let (quotient, rest) = (left.checked_div(right)?, left.checked_rem(right)?);
        let up = rest.checked_abs()?.checked_mul(2)? >= right.checked_abs()?;
        let away = if up { left.signum() * right.signum() } else { 0 };
        Some(Self { mantissa: quotient + away, exponent: -DIVISION_DIGITS })
    }
}
