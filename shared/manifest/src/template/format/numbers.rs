//! Decimal numbers as Go's `strconv` writes them.

/// From this power of ten on, `%v` writes an exponent.
const MAX_PLAIN_EXPONENT: i32 = 6;

/// A number as `%v` prints it: the shortest digits that read back as it, with an exponent where it is large or
/// small.
pub(in super::super) fn display_float(number: f64) -> String {
    if let Some(name) = not_finite(number) {
        return name.to_owned();
    }
    let exponent = decimal_exponent(number);
    if number != 0.0 && !(-4..MAX_PLAIN_EXPONENT).contains(&exponent) {
        return go_exponent(&format!("{number:e}"));
    }
    format!("{number}")
}

/// `%e`: one digit before the dot and `precision` after it.
pub(super) fn scientific(number: f64, precision: usize) -> String {
    match not_finite(number) {
        Some(name) => name.to_owned(),
        None => go_exponent(&format!("{number:.precision$e}")),
    }
}

/// `%f`: `precision` digits after the dot.
pub(super) fn fixed(number: f64, precision: usize) -> String {
    not_finite(number).map_or_else(|| format!("{number:.precision$}"), str::to_owned)
}

/// `%g` with a precision: that many significant digits, without trailing zeros.
pub(super) fn general(number: f64, precision: usize) -> String {
    if let Some(name) = not_finite(number) {
        return name.to_owned();
    }
    let significant = precision.max(1);
    let rounded = format!("{number:.*e}", significant - 1);
    let exponent = exponent_of(&rounded);
    let limit = i32::try_from(significant).unwrap_or(i32::MAX);
    if number != 0.0 && (exponent < -4 || exponent >= limit) {
        let (digits, power) = rounded.split_once('e').unwrap_or((&rounded, "0"));
        return go_exponent(&format!("{}e{power}", trim_zeros(digits)));
    }
    let decimals = usize::try_from(limit - 1 - exponent).unwrap_or_default();
    trim_zeros(&format!("{number:.decimals$}")).to_owned()
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

fn not_finite(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number.is_infinite() {
        Some(if number > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        None
    }
}

fn decimal_exponent(number: f64) -> i32 {
    exponent_of(&format!("{number:e}"))
}

fn exponent_of(scientific: &str) -> i32 {
    scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or_default()
}

/// Go writes exponents with a sign and at least two digits.
fn go_exponent(scientific: &str) -> String {
    let exponent = exponent_of(scientific);
    let digits = scientific.split('e').next().unwrap_or_default();
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}
