//! Texts: cutting, joining, asking.

use super::super::format;
use super::super::machine::Growing;
use super::conversion::{texts, to_text};
use super::{ANY, Arguments, Function, Value, function};
use crate::names::sanitize_dns_name;

pub(super) const FUNCTIONS: &[Function] = &[
    function("sanitizeDNSName", 1, 1, |args| Ok(Value::text(sanitize_dns_name(args.text(0)?)))),
    function("trim", 1, 1, |args| Ok(Value::text(args.text(0)?.trim()))),
    function("trimAll", 2, 2, trim_all),
    function("trimall", 2, 2, trim_all),
    function("trimPrefix", 2, 2, |args| {
        let text = args.text(1)?;
        Ok(Value::text(text.strip_prefix(args.text(0)?).unwrap_or(text)))
    }),
    function("trimSuffix", 2, 2, |args| {
        let text = args.text(1)?;
        Ok(Value::text(text.strip_suffix(args.text(0)?).unwrap_or(text)))
    }),
    function("upper", 1, 1, |args| Ok(Value::text(args.text(0)?.to_uppercase()))),
    function("lower", 1, 1, |args| Ok(Value::text(args.text(0)?.to_lowercase()))),
    function("contains", 2, 2, |args| Ok(Value::Bool(args.text(1)?.contains(args.text(0)?)))),
    function("hasPrefix", 2, 2, |args| Ok(Value::Bool(args.text(1)?.starts_with(args.text(0)?)))),
    function("hasSuffix", 2, 2, |args| Ok(Value::Bool(args.text(1)?.ends_with(args.text(0)?)))),
    function("substr", 3, 3, substr),
    function("trunc", 2, 2, trunc),
    function("abbrev", 2, 2, abbrev),
    function("repeat", 2, 2, |args| {
        let mut text = Growing::default();
        text.push_repeated(args.text(1)?, args.count(0)?)?;
        Ok(Value::text(text.as_str()))
    }),
    function("replace", 3, 3, replace),
    function("indent", 2, 2, |args| indent(&args, "")),
    function("nindent", 2, 2, |args| indent(&args, "\n")),
    function("quote", 0, ANY, |args| quoted_words(args, format::quote)),
    function("squote", 0, ANY, |args| quoted_words(args, |text| format!("'{text}'"))),
    function("cat", 0, ANY, |args| quoted_words(args, str::to_owned)),
    function("nospace", 1, 1, |args| {
        Ok(Value::text(args.text(0)?.chars().filter(|c| !c.is_whitespace()).collect::<String>()))
    }),
    function("plural", 3, 3, |args| Ok(args.value(usize::from(args.int(2)? != 1)).clone())),
    function("join", 2, 2, join),
    function("split", 2, 2, |args| {
        let text = args.text(1)?;
        let parts = split(text, args.text(0)?, usize::MAX);
        numbered(args, parts)
    }),
    function("splitn", 3, 3, |args| {
        let limit = usize::try_from(args.int(1)?).unwrap_or(usize::MAX);
        let parts = split(args.text(2)?, args.text(0)?, limit);
        numbered(args, parts)
    }),
    function("splitList", 2, 2, |args| {
        let parts = split(args.text(1)?, args.text(0)?, usize::MAX);
        args.machine.spend_steps(parts.len())?;
        Value::list(parts.into_iter().map(Value::text).collect())
    }),
    function("base", 1, 1, |args| Ok(Value::text(base_name(args.text(0)?)))),
    function("ext", 1, 1, |args| {
        let path = args.text(0)?;
        let name = path.rsplit('/').next().unwrap_or(path);
        Ok(Value::text(name.rfind('.').map_or("", |dot| &name[dot..])))
    }),
];

fn trim_all(args: Arguments<'_, '_>) -> Result<Value, String> {
    let cut = args.text(0)?;
    Ok(Value::text(args.text(1)?.trim_matches(|c| cut.contains(c))))
}

/// The bytes from a start to an end; a negative start or end is the text's own. Characters stay whole.
fn substr(args: Arguments<'_, '_>) -> Result<Value, String> {
    let (start, end, text) = (args.int(0)?, args.int(1)?, args.text(2)?);
    let start = usize::try_from(start).unwrap_or(0);
    let end = usize::try_from(end).unwrap_or(text.len()).min(text.len());
    if start > end {
        return Err(format!("{start} to {end} is outside of the text"));
    }
    Ok(Value::text(&text[text.floor_char_boundary(start)..text.floor_char_boundary(end)]))
}

/// The first bytes, or the last ones for a negative count. Characters stay whole.
fn trunc(args: Arguments<'_, '_>) -> Result<Value, String> {
    let (count, text) = (args.int(0)?, args.text(1)?);
    let length = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(text.len());
    Ok(Value::text(if count < 0 {
        &text[text.ceil_char_boundary(text.len() - length)..]
    } else {
        &text[..text.floor_char_boundary(length)]
    }))
}

/// Shortens to a width of bytes, the last three of which are dots.
fn abbrev(args: Arguments<'_, '_>) -> Result<Value, String> {
    let (width, text) = (args.int(0)?, args.text(1)?);
    let width = usize::try_from(width).unwrap_or_default();
    if width < 4 || text.len() <= width {
        return Ok(Value::text(text));
    }
    Ok(Value::text(format!("{}...", &text[..text.floor_char_boundary(width - 3)])))
}

fn replace(args: Arguments<'_, '_>) -> Result<Value, String> {
    let (old, new, text) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let mut replaced = Growing::default();
    let mut end = 0;
    for (start, found) in text.match_indices(old) {
        replaced.push(&text[end..start])?;
        replaced.push(new)?;
        end = start + found.len();
    }
    replaced.push(&text[end..])?;
    Ok(Value::text(replaced.as_str()))
}

fn indent(args: &Arguments<'_, '_>, first: &str) -> Result<Value, String> {
    let (spaces, text) = (args.count(0)?, args.text(1)?);
    let mut indented = Growing::default();
    indented.push(first)?;
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            indented.push("\n")?;
        }
        indented.push_repeated(" ", spaces)?;
        indented.push(line)?;
    }
    Ok(Value::text(indented.as_str()))
}

/// Each value that is not nil, dressed, with spaces between.
fn quoted_words(args: Arguments<'_, '_>, dress: fn(&str) -> String) -> Result<Value, String> {
    let mut words = Growing::default();
    let mut first = true;
    for value in args.values.iter().filter(|value| !matches!(value, Value::Nil)) {
        if !std::mem::take(&mut first) {
            words.push(" ")?;
        }
        words.push(&dress(&to_text(args.machine, value)?))?;
    }
    Ok(Value::text(words.as_str()))
}

fn join(args: Arguments<'_, '_>) -> Result<Value, String> {
    let separator = args.text(0)?;
    let mut joined = Growing::default();
    for (index, text) in texts(args.machine, args.value(1))?.iter().enumerate() {
        if index > 0 {
            joined.push(separator)?;
        }
        joined.push(text)?;
    }
    Ok(Value::text(joined.as_str()))
}

/// Splits into at most `limit` parts. An empty separator splits into characters.
fn split<'t>(text: &'t str, separator: &str, limit: usize) -> Vec<&'t str> {
    if limit == 0 {
        return Vec::new();
    }
    if !separator.is_empty() {
        return text.splitn(limit, separator).collect();
    }
    let starts: Vec<usize> = text.char_indices().map(|(start, _)| start).take(limit).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| &text[start..end]).collect()
}

/// Parts as a map with the keys `_0`, `_1`, ….
fn numbered(args: Arguments<'_, '_>, parts: Vec<&str>) -> Result<Value, String> {
    args.machine.spend_steps(parts.len())?;
    let parts =
        parts.into_iter().enumerate().map(|(index, part)| (format!("_{index}"), Value::text(part)));
    Ok(args.machine.new_dict(parts.collect()))
}

fn base_name(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    match path.trim_end_matches('/') {
        "" => "/",
        path => path.rsplit('/').next().unwrap_or(path),
    }
}
