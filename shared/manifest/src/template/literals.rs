//! Texts and numbers as Go writes them.

use super::lexer::Kind;

/// Reads a text or character constant at the start of `rest`, and says how many bytes it takes.
pub(super) fn quoted(rest: &str) -> Result<(Kind, usize), String> {
    if let Some(raw) = rest.strip_prefix('`') {
        let end = raw.find('`').ok_or("the raw text is not closed; add a backquote")?;
        // Go drops carriage returns from raw texts.
        return Ok((Kind::Text(raw[..end].replace('\r', "")), end + 2));
    }
    let quote = if rest.starts_with('"') { '"' } else { '\'' };
    let mut bytes = Vec::new();
    let mut chars = rest.char_indices().skip(1);
    let end = loop {
        match chars.next() {
            None | Some((_, '\n')) => return Err(format!("the text is not closed; add {quote}")),
            Some((end, c)) if c == quote => break end,
            Some((_, '\\')) => escape(&mut chars, quote, &mut bytes)?,
            Some((_, c)) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    };
    let text = String::from_utf8(bytes).map_err(|_| "the text's escapes make no valid UTF-8")?;
    if quote == '"' {
        return Ok((Kind::Text(text), end + 1));
    }
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) => Ok((Kind::Int(i64::from(u32::from(c))), end + 1)),
        _ => Err("a character constant holds one character; put texts in double quotes".to_owned()),
    }
}

fn escape(
    chars: &mut impl Iterator<Item = (usize, char)>,
    quote: char,
    bytes: &mut Vec<u8>,
) -> Result<(), String> {
    let unknown = || "the escape is not known; write `\\\\` for a backslash".to_owned();
    let (_, c) = chars.next().ok_or_else(unknown)?;
    let byte = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        c if c == quote => u8::try_from(c).map_err(|_| unknown())?,
        'x' => u8::try_from(digits(chars, 2, 16, 0)?).map_err(|_| unknown())?,
        '0'..='7' => {
            let first = c.to_digit(8).unwrap_or_default();
            u8::try_from(digits(chars, 2, 8, first)?).map_err(|_| unknown())?
        }
        'u' | 'U' => {
            let code = digits(chars, if c == 'u' { 4 } else { 8 }, 16, 0)?;
            let c = char::from_u32(code).ok_or_else(unknown)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        _ => return Err(unknown()),
    };
    bytes.push(byte);
    Ok(())
}

fn digits(
    chars: &mut impl Iterator<Item = (usize, char)>,
    count: usize,
    radix: u32,
    first: u32,
) -> Result<u32, String> {
    let mut code = first;
    for _ in 0..count {
        let digit =
            chars.next().and_then(|(_, c)| c.to_digit(radix)).ok_or("the escape is too short")?;
        code = code
            .checked_mul(radix)
            .and_then(|code| code.checked_add(digit))
            .ok_or("the escape is too large")?;
    }
    Ok(code)
}

/// Reads a number at the start of `rest`, and says how many bytes it takes.
pub(super) fn number(rest: &str) -> Result<(Kind, usize), String> {
    let mut end = 0;
    let mut previous = ' ';
    for (index, c) in rest.char_indices() {
        let sign = (c == '+' || c == '-') && (index == 0 || matches!(previous, 'e' | 'E'));
        if !sign && !c.is_alphanumeric() && c != '_' && c != '.' {
            break;
        }
        previous = c;
        end = index + c.len_utf8();
    }
    let text = &rest[..end];
    let kind = parse_number(text).ok_or_else(|| format!("`{text}` is not a number"))?;
    Ok((kind, end))
}

fn parse_number(text: &str) -> Option<Kind> {
    if let Some(int) = parse_int(text) {
        return Some(Kind::Int(int));
    }
    let plain = text.replace('_', "");
    let digits = plain.trim_start_matches(['+', '-']);
    let decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(['.', 'e', 'E']);
    plain.parse().ok().filter(|number: &f64| decimal && number.is_finite()).map(Kind::Float)
}

/// Parses an integer as Go does when the base is open: `0x`, `0o`, `0b` and a leading `0` choose it, `_` may
/// separate digits.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase().replace('_', "");
    let (digits, radix) = if let Some(hex) = lower.strip_prefix("0x") {
        (hex, 16)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (octal, 8)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (binary, 2)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (&lower[1..], 8)
    } else {
        (lower.as_str(), 10)
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}
