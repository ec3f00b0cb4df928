//! Texts and numbers as Go writes them.

use super::ast::Number;
use crate::format::quote;
use crate::value::from_bytes;

/// What Go's `strconv` says of a text that it cannot read.
const INVALID: &str = "invalid syntax";

/// The text that a token in double or back quotes stands for.
pub(crate) fn unquote(token: &str) -> Result<String, String> {
    if let Some(raw) = token.strip_prefix('`') {
        // Go drops carriage returns from raw texts.
        return Ok(raw.strip_suffix('`').unwrap_or(raw).replace('\r', ""));
    }
    let inner = token
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(|| INVALID.to_owned())?;
    if !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        unescape(c, &mut rest, '"', &mut bytes)?;
    }
    Ok(from_bytes(&bytes).into_owned())
}

/// Appends one character or escape to `bytes`, and gives its code.
fn unescape(
    first: char,
    rest: &mut std::str::Chars<'_>,
    quote: char,
    bytes: &mut Vec<u8>,
) -> Result<u32, String> {
    let wrong = || INVALID.to_owned();
    let push = |bytes: &mut Vec<u8>, c: char| {
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        u32::from(c)
    };
    if first != '\\' {
        return Ok(push(bytes, first));
    }
    let c = rest.next().ok_or_else(wrong)?;
    let byte = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        '\\' => 92,
        c if c == quote => u32::from(c),
        'x' => digits(rest, 2, 16, 0)?,
        '0'..='7' => digits(rest, 2, 8, c.to_digit(8).unwrap_or_default())?,
        'u' | 'U' => {
            let code = digits(rest, if c == 'u' { 4 } else { 8 }, 16, 0)?;
            return Ok(push(bytes, char::from_u32(code).ok_or_else(wrong)?));
        }
        _ => return Err(wrong()),
    };
    bytes.push(u8::try_from(byte).map_err(|_| wrong())?);
    Ok(byte)
}

fn digits(
    rest: &mut std::str::Chars<'_>,
    count: usize,
    radix: u32,
    first: u32,
) -> Result<u32, String> {
    let mut code = first;
    for _ in 0..count {
        let digit = rest.next().and_then(|c| c.to_digit(radix)).ok_or(INVALID)?;
        code = code.checked_mul(radix).and_then(|code| code.checked_add(digit)).ok_or(INVALID)?;
    }
    Ok(code)
}

/// The number of a character constant with its quotes.
pub(super) fn character(token: &str) -> Result<Number, String> {
    let mut rest = token.get(1..).unwrap_or_default().chars();
    let first = rest.next().filter(|c| *c != '\'').ok_or(INVALID)?;
    let code = unescape(first, &mut rest, '\'', &mut Vec::new())?;
    if rest.as_str() != "'" {
        return Err(format!("malformed character constant: {token}"));
    }
    Ok(Number {
        text: token.to_owned(),
        int: Some(code.into()),
        uint: Some(code.into()),
        float: Some(code.into()),
        complex: None,
    })
}

/// The number of a token, in each type that it fits.
pub(super) fn number(token: &str) -> Result<Number, String> {
    let mut number = Number { text: token.to_owned(), ..Number::default() };
    if let Some(imaginary) = token.strip_suffix('i').and_then(parse_float) {
        simplify(&mut number, 0.0, imaginary);
        return Ok(number);
    }
    number.uint = parse_uint(token);
    number.int = parse_int(token);
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Some(float) = parse_float(token) {
        if !token.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote(token)));
        }
        number.float = Some(float);
        set_whole(&mut number, float);
    } else {
        return Err(format!("illegal number syntax: {}", quote(token)));
    }
    Ok(number)
}

/// The number of a token such as `1+2i`.
pub(super) fn complex(token: &str) -> Result<Number, String> {
    let mut number = Number { text: token.to_owned(), ..Number::default() };
    let split = token.rfind(['+', '-']).filter(|at| *at > 0).ok_or(INVALID)?;
    let real = parse_float(&token[..split]).ok_or(INVALID)?;
    let imaginary = token[split..].strip_suffix('i').and_then(parse_float).ok_or(INVALID)?;
    simplify(&mut number, real, imaginary);
    Ok(number)
}

fn simplify(number: &mut Number, real: f64, imaginary: f64) {
    number.complex = Some((real, imaginary));
    if imaginary == 0.0 {
        number.float = Some(real);
        set_whole(number, real);
    }
}

/// The bounds make the conversions exact.
fn set_whole(number: &mut Number, float: f64) {
    if float.fract() == 0.0 && float.abs() < 9.2e18 {
        number.int = number.int.or(Some(float as i64));
    }
    if float.fract() == 0.0 && (0.0..1.8e19).contains(&float) {
        number.uint = number.uint.or(Some(float as u64));
    }
}

/// Takes off a sign, then the prefix that tells the base; underscores may stand between digits.
fn magnitude(digits: &str) -> Option<u64> {
    let lower = digits.to_ascii_lowercase();
    let (body, radix, prefixed) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16, true),
        [b'0', b'o', ..] => (&lower[2..], 8, true),
        [b'0', b'b', ..] => (&lower[2..], 2, true),
        [b'0', _, ..] => (&lower[1..], 8, true),
        _ => (lower.as_str(), 10, false),
    };
    if !underscores_fit(body, prefixed) {
        return None;
    }
    let plain = body.replace('_', "");
    if !plain.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(&plain, radix).ok()
}

/// An underscore stands only between digits, or between the base's prefix and a digit.
fn underscores_fit(body: &str, prefixed: bool) -> bool {
    !body.contains("__") && !body.ends_with('_') && (prefixed || !body.starts_with('_'))
}

/// An `int64` whose base its prefix tells, as Go's `ParseInt` with base 0 reads it.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = i128::from(magnitude(digits)?);
    i64::try_from(if negative { -number } else { number }).ok()
}

fn parse_uint(text: &str) -> Option<u64> {
    if text.starts_with(['+', '-']) { None } else { magnitude(text) }
}

/// A `float64` as Go's `ParseFloat` reads it, less its words for infinity. Too large ones are refused.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let lower = unsigned.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        let float = hex_float(&hex.replace('_', ""))?;
        return Some(if negative { -float } else { float });
    }
    // Go takes underscores only after a prefix.
    if !lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') || lower.contains('_') {
        return None;
    }
    text.strip_prefix('+').unwrap_or(text).parse().ok().filter(|number: &f64| number.is_finite())
}

/// `hh.hhp±d`, after `0x`.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || whole.len() + fraction.len() > 13 {
        return None;
    }
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    let float = digits as f64 * 2f64.powi(shift);
    float.is_finite().then_some(float)
}
