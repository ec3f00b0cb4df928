//! Numbers as Go's `strconv` writes them.

/// From this power of ten on, `%v` writes an exponent.
const MAX_PLAIN_EXPONENT: i32 = 6;

/// Appends an integer.
pub(crate) fn push_int(out: &mut String, number: i64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        // The remainder is one digit.
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push('-');
    }
    out.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

/// A number as `%v` prints it: the shortest digits that read back as it, with an exponent where it is large or
/// small.
pub(crate) fn float(number: f64) -> String {
    general(number, None)
}

/// Like [`float`], with the power of ten from which on an exponent is written.
pub(crate) fn shortest(number: f64, limit: i32) -> String {
    if let Some(name) = not_finite(number) {
        return name.to_owned();
    }
    if number == 0.0 {
        return if number.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let scientific = format!("{number:e}");
    if (-4..limit).contains(&exponent_of(&scientific)) {
        return format!("{number}");
    }
    go_exponent(&scientific)
}

/// `%e`: one digit before the dot and `precision` after it, or as many as needed.
pub(super) fn scientific(number: f64, precision: Option<usize>) -> String {
    match (not_finite(number), precision) {
        (Some(name), _) => name.to_owned(),
        (None, Some(precision)) => go_exponent(&format!("{number:.precision$e}")),
        (None, None) => go_exponent(&format!("{number:e}")),
    }
}

/// `%f`: `precision` digits after the dot, or as many as needed.
pub(super) fn fixed(number: f64, precision: Option<usize>) -> String {
    match (not_finite(number), precision) {
        (Some(name), _) => name.to_owned(),
        (None, Some(precision)) => format!("{number:.precision$}"),
        (None, None) => format!("{number}"),
    }
}

/// `%g`: that many significant digits, without trailing zeros, or the shortest.
pub(super) fn general(number: f64, precision: Option<usize>) -> String {
    let Some(precision) = precision else { return shortest(number, MAX_PLAIN_EXPONENT) };
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
    let decimals = significant.saturating_sub(1).saturating_add_signed(-exponent as isize);
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

/// A finite number as JSON has it: an exponent only for the very large and small, with one digit if that is enough.
pub(crate) fn json_float(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return format!("{number}");
    }
    go_exponent(&format!("{number:e}")).replace("e-0", "e-")
}
