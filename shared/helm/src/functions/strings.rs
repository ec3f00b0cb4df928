//! Texts: cutting, joining, asking.

use super::builtin::byte_slice;
use super::words::{lower, upper};
use super::{Answer, Args, Function, function};
use crate::context::Context;
use crate::format::{quote, to_text};
use crate::value::{Map, MapKind, Ty, Value, to_bytes};

const ONE: &[Ty] = &[Ty::Str];
const TWO: &[Ty] = &[Ty::Str, Ty::Str];
const COUNT: &[Ty] = &[Ty::Int, Ty::Str];

pub(super) const FUNCTIONS: &[Function] = &[
    function("trim", ONE, |_, args| keep(args, 0, str::trim)),
    function("trimAll", TWO, |_, args| trim_all(args)),
    function("trimall", TWO, |_, args| trim_all(args)),
    function("trimPrefix", TWO, |_, args| {
        keep(args, 1, |text| text.strip_prefix(args.text(0)).unwrap_or(text))
    }),
    function("trimSuffix", TWO, |_, args| {
        keep(args, 1, |text| text.strip_suffix(args.text(0)).unwrap_or(text))
    }),
    function("upper", ONE, |_, args| {
        Ok(args.text(0).chars().map(upper).collect::<String>().into())
    }),
    function("lower", ONE, |_, args| {
        Ok(args.text(0).chars().map(lower).collect::<String>().into())
    }),
    function("contains", TWO, |_, args| Ok(args.text(1).contains(args.text(0)).into())),
    function("hasPrefix", TWO, |_, args| Ok(args.text(1).starts_with(args.text(0)).into())),
    function("hasSuffix", TWO, |_, args| Ok(args.text(1).ends_with(args.text(0)).into())),
    function("substr", &[Ty::Int, Ty::Int, Ty::Str], |_, args| substr(args)),
    function("trunc", COUNT, |_, args| trunc(args)),
    function("abbrev", COUNT, |_, args| Ok(abbreviate(args.text(1), 0, args.int(0)))),
    function("abbrevboth", &[Ty::Int, Ty::Int, Ty::Str], |_, args| {
        let (left, right) = (args.int(0), args.int(1));
        if left > 0 && right < 7 {
            return Ok(args.value(2).clone());
        }
        Ok(abbreviate(args.text(2), left, right))
    }),
    function("repeat", COUNT, |context, args| {
        let text = args.text(1);
        let count = count(args, "strings: negative Repeat count")?;
        context.charge(text.len().saturating_mul(count))?;
        Ok(text.repeat(count).into())
    }),
    function("replace", &[Ty::Str, Ty::Str, Ty::Str], replace),
    function("indent", COUNT, |context, args| indent(context, args, "")),
    function("nindent", COUNT, |context, args| indent(context, args, "\n")),
    function("quote", &[], |_, args| {
        words(args, |out, value| {
            out.push_str(&quote(&to_text(value)?));
            Ok(())
        })
    })
    .rest(Ty::Any),
    function("squote", &[], |_, args| {
        words(args, |out, value| {
            out.push('\'');
            crate::format::push_value(out, value)?;
            out.push('\'');
            Ok(())
        })
    })
    .rest(Ty::Any),
    function("cat", &[], |_, args| words(args, crate::format::push_value)).rest(Ty::Any),
    function("toString", &[Ty::Any], |_, args| Ok(Value::Str(to_text(args.value(0))?))),
    function("nospace", ONE, |_, args| Ok(no_space(args.text(0)))),
    function("plural", &[Ty::Str, Ty::Str, Ty::Int], |_, args| {
        Ok(args.value(usize::from(args.int(2) != 1)).clone())
    }),
    function("split", TWO, |context, args| {
        numbered(context, split(args.text(1), args.text(0), usize::MAX))
    }),
    function("splitn", &[Ty::Str, Ty::Int, Ty::Str], |context, args| {
        let limit = usize::try_from(args.int(1)).unwrap_or(usize::MAX);
        numbered(context, split(args.text(2), args.text(0), limit))
    }),
    function("splitList", TWO, |context, args| {
        let parts = split(args.text(1), args.text(0), usize::MAX);
        context.charge_items(parts.len())?;
        Ok(Value::strings(parts))
    }),
    function("wrap", COUNT, |context, args| wrap(context, args.text(1), args.int(0), "\n", false)),
    function("wrapWith", &[Ty::Int, Ty::Str, Ty::Str], |context, args| {
        wrap(context, args.text(2), args.int(0), args.text(1), true)
    }),
];

/// A part of an argument, or the argument itself if all of it is kept.
fn keep(args: Args<'_>, index: usize, cut: impl Fn(&str) -> &str) -> Answer {
    let text = args.text(index);
    let kept = cut(text);
    Ok(if kept.len() == text.len() { args.value(index).clone() } else { Value::str(kept) })
}

fn trim_all(args: Args<'_>) -> Answer {
    let set = args.text(0);
    keep(args, 1, |text| text.trim_matches(|c| set.contains(c)))
}

fn count(args: Args<'_>, negative: &str) -> Result<usize, String> {
    usize::try_from(args.int(0)).map_err(|_| negative.to_owned())
}

/// Bytes from a start to an end, a negative one of which is the text's own.
fn substr(args: Args<'_>) -> Answer {
    let (start, end, text) = (args.int(0), args.int(1), args.text(2));
    let length = i64::try_from(to_bytes(text).len()).unwrap_or(i64::MAX);
    let out_of = |range: String| Err(format!("runtime error: slice bounds out of range {range}"));
    let (start, end) = if start < 0 {
        if end < 0 {
            return out_of(format!("[:{end}]"));
        }
        if end > length {
            return out_of(format!("[:{end}] with length {length}"));
        }
        (0, end)
    } else if end < 0 || end > length {
        (start, length)
    } else {
        (start, end)
    };
    if start > end {
        return out_of(format!("[{start}:{end}]"));
    }
    Ok(byte_slice(text, start as usize, end as usize))
}

/// The first bytes, or the last ones for a negative count.
fn trunc(args: Args<'_>) -> Answer {
    let (count, text) = (args.int(0), args.text(1));
    let length = to_bytes(text).len();
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if wanted >= length {
        return Ok(args.value(1).clone());
    }
    Ok(if count < 0 {
        byte_slice(text, length - wanted, length)
    } else {
        byte_slice(text, 0, wanted)
    })
}

/// Shortens to a width of bytes, with dots where something is left out.
fn abbreviate(text: &str, offset: i64, width: i64) -> Value {
    let length = i64::try_from(to_bytes(text).len()).unwrap_or(i64::MAX);
    if text.is_empty() || width < 4 || length <= width {
        return Value::str(text);
    }
    let part = |start: i64, end: i64| {
        let part = byte_slice(text, start as usize, end as usize);
        part.as_str().unwrap_or_default().to_owned()
    };
    let room = width - 3;
    let offset = offset.min(length);
    let offset = if length - offset < room { length - room } else { offset };
    if offset <= 4 {
        return Value::from(part(0, room) + "...");
    }
    if width < 7 {
        return Value::str("");
    }
    if offset + room < length {
        let rest = abbreviate(&part(offset, length), 0, room);
        return Value::from(format!("...{}", rest.as_str().unwrap_or_default()));
    }
    Value::from(format!("...{}", part(length - room, length)))
}

fn replace(context: &mut Context, args: Args<'_>) -> Answer {
    let (old, new, text) = (args.text(0), args.text(1), args.text(2));
    if !old.is_empty() && !text.contains(old) {
        return Ok(args.value(2).clone());
    }
    let found = if old.is_empty() { text.len() + 1 } else { text.len() / old.len() };
    if new.len() > old.len() {
        let times = if old.is_empty() { found } else { text.matches(old).count() };
        context.charge(times.saturating_mul(new.len()))?;
    }
    Ok(text.replace(old, new).into())
}

fn indent(context: &mut Context, args: Args<'_>, first: &str) -> Answer {
    let spaces = count(args, "strings: negative Repeat count")?;
    let text = args.text(1);
    let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let size = text.len().saturating_add(lines.saturating_mul(spaces));
    context.charge(size)?;
    let padding = " ".repeat(spaces);
    let mut out = String::with_capacity(size + 1);
    out.push_str(first);
    out.push_str(&padding);
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        out.push_str(line);
        out.push('\n');
        out.push_str(&padding);
        rest = after;
    }
    out.push_str(rest);
    Ok(out.into())
}

/// Each value that is not nil, dressed, with spaces between.
fn words(args: Args<'_>, dress: fn(&mut String, &Value) -> Result<(), String>) -> Answer {
    let mut out = String::new();
    let mut first = true;
    for value in args.0.iter().filter(|value| !value.is_nil()) {
        if !std::mem::take(&mut first) {
            out.push(' ');
        }
        dress(&mut out, value)?;
    }
    Ok(out.into())
}

/// Takes white space out. Once there is any, Go's library reads the bytes as Latin-1.
fn no_space(text: &str) -> Value {
    let bytes = to_bytes(text);
    let space = |byte: u8| matches!(byte, b'\t'..=b'\r' | b' ' | 0x85 | 0xa0);
    if !bytes.iter().any(|byte| space(*byte)) {
        return Value::str(text);
    }
    let kept = bytes.iter().filter(|byte| !space(**byte));
    Value::from(kept.map(|byte| char::from(*byte)).collect::<String>())
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
fn numbered(context: &mut Context, parts: Vec<&str>) -> Answer {
    context.charge_items(parts.len())?;
    let parts = parts.into_iter().enumerate();
    let entries = parts.map(|(index, part)| (format!("_{index}").into(), Value::str(part)));
    Ok(Value::Map(Map::new(MapKind::Strings, entries.collect())))
}

/// Breaks a text into lines of at most `width` bytes, at spaces, or within words if `breaks_words`.
fn wrap(
    context: &mut Context,
    text: &str,
    width: i64,
    newline: &str,
    breaks_words: bool,
) -> Answer {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let newline = if newline.is_empty() { "\n" } else { newline };
    let bytes = to_bytes(text);
    context.charge((bytes.len() / width + 1).saturating_mul(newline.len()))?;
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut start = 0;
    while bytes.len() - start > width {
        if bytes[start] == b' ' {
            start += 1;
            continue;
        }
        let line = &bytes[start..=start + width];
        let (end, next) = match line.iter().rposition(|byte| *byte == b' ') {
            Some(space) => (start + space, start + space + 1),
            None if breaks_words => (start + width, start + width),
            None => match bytes[start + width..].iter().position(|byte| *byte == b' ') {
                Some(space) => (start + width + space, start + width + space + 1),
                None => break,
            },
        };
        out.extend_from_slice(&bytes[start..end]);
        out.extend_from_slice(newline.as_bytes());
        start = next;
    }
    out.extend_from_slice(&bytes[start..]);
    Ok(Value::str(crate::value::from_bytes(&out)))
}
