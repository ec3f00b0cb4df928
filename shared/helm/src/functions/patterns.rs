//! Regular expressions, in RE2's syntax.

use regex::{Regex, RegexBuilder};

use super::{Answer, Args, Function, function};
use crate::context::Context;
use crate::value::{List, ListKind, Ty, Value};

const TWO: &[Ty] = &[Ty::Str, Ty::Str];
const COUNTED: &[Ty] = &[Ty::Str, Ty::Str, Ty::Int];
const THREE: &[Ty] = &[Ty::Str, Ty::Str, Ty::Str];

pub(super) const FUNCTIONS: &[Function] = &[
    function("regexMatch", TWO, |context, args| {
        Ok(matches(context, args).unwrap_or_else(|_| false.into()))
    }),
    function("mustRegexMatch", TWO, matches),
    function("regexFind", TWO, |context, args| find(context, args).map_err(panicked(args))),
    function("mustRegexFind", TWO, find),
    function("regexFindAll", COUNTED, |context, args| {
        find_all(context, args).map_err(panicked(args))
    }),
    function("mustRegexFindAll", COUNTED, find_all),
    function("regexReplaceAll", THREE, |context, args| {
        replace_all(context, args, true).map_err(panicked(args))
    }),
    function("mustRegexReplaceAll", THREE, |context, args| replace_all(context, args, true)),
    function("regexReplaceAllLiteral", THREE, |context, args| {
        replace_all(context, args, false).map_err(panicked(args))
    }),
    function("mustRegexReplaceAllLiteral", THREE, |context, args| {
        replace_all(context, args, false)
    }),
    function("regexSplit", COUNTED, |context, args| split(context, args).map_err(panicked(args))),
    function("mustRegexSplit", COUNTED, split),
    function("regexQuoteMeta", &[Ty::Str], |_, args| Ok(quote_meta(args.text(0)).into())),
];

/// The largest compiled expression, in bytes. It also bounds the time to compile, and to match a byte.
const MAX_COMPILED: usize = 1 << 20;

/// How many bytes of text cost a step: matching is linear in the text, but not cheap.
const BYTES_PER_STEP: usize = 16;

/// Compiles a pattern of Go's.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&to_rust(pattern))
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| format!("error parsing regexp: {}: `{pattern}`", reason(&error)))
}

/// Go's words for what is wrong, where ours can be told apart.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let known = [
        ("unclosed group", "missing closing )"),
        ("unopened group", "unexpected )"),
        ("unclosed character class", "missing closing ]"),
        ("repetition operator missing expression", "missing argument to repetition operator"),
        ("unrecognized escape sequence", "invalid escape sequence"),
        ("look-around", "invalid or unsupported Perl syntax"),
        ("backreferences", "invalid escape sequence"),
        ("invalid character class range", "invalid character class range"),
        ("incomplete escape sequence", "trailing backslash at end of expression"),
    ];
    match known.iter().find(|(ours, _)| text.contains(ours)) {
        Some((_, gos)) => (*gos).to_owned(),
        None => text.lines().last().unwrap_or_default().to_owned(),
    }
}

/// What Go's `MustCompile` says on top.
fn panicked<'a>(args: Args<'a>) -> impl Fn(String) -> String + 'a {
    move |message| {
        if !message.starts_with("error parsing regexp") {
            return message;
        }
        let pattern = args.text(0);
        let quoted = if pattern.contains('`') {
            crate::format::quote(pattern)
        } else {
            format!("`{pattern}`")
        };
        format!("regexp: Compile({quoted}): {message}")
    }
}

/// Pays for a match over `text`, and compiles.
fn prepared<'c>(context: &'c mut Context, args: Args<'_>) -> Result<&'c Regex, String> {
    context.step(1 + args.text(1).len() / BYTES_PER_STEP)?;
    context.charge(args.text(1).len())?;
    context.regex(args.text(0))
}

fn matches(context: &mut Context, args: Args<'_>) -> Answer {
    Ok(prepared(context, args)?.is_match(args.text(1)).into())
}

fn find(context: &mut Context, args: Args<'_>) -> Answer {
    let regex = prepared(context, args)?;
    Ok(Value::str(regex.find(args.text(1)).map_or("", |found| found.as_str())))
}

fn find_all(context: &mut Context, args: Args<'_>) -> Answer {
    let limit = usize::try_from(args.int(2)).unwrap_or(usize::MAX);
    let regex = prepared(context, args)?;
    let found: Vec<&str> =
        regex.find_iter(args.text(1)).take(limit).map(|found| found.as_str()).collect();
    if found.is_empty() {
        return Ok(Value::List(List::nil(ListKind::Strings)));
    }
    Ok(Value::strings(found))
}

fn replace_all(context: &mut Context, args: Args<'_>, expand: bool) -> Answer {
    let (text, replacement) = (args.text(1), args.text(2));
    let regex = prepared(context, args)?.clone();
    let mut replaced = String::with_capacity(text.len());
    let mut end = 0;
    for captures in regex.captures_iter(text) {
        let Some(found) = captures.get(0) else { continue };
        let before = replaced.len();
        replaced.push_str(&text[end..found.start()]);
        if expand {
            captures.expand(replacement, &mut replaced);
        } else {
            replaced.push_str(replacement);
        }
        end = found.end();
        context.charge(replaced.len() - before)?;
    }
    replaced.push_str(&text[end..]);
    Ok(replaced.into())
}

fn split(context: &mut Context, args: Args<'_>) -> Answer {
    let (text, count) = (args.text(1), args.int(2));
    let regex = prepared(context, args)?;
    if count == 0 {
        return Ok(Value::List(List::nil(ListKind::Strings)));
    }
    let cuts = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(1);
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for found in regex.find_iter(text) {
        if parts.len() == cuts {
            break;
        }
        end = found.start();
        // An empty match at the very start splits off nothing.
        if found.end() != 0 {
            parts.push(&text[start..end]);
        }
        start = found.end();
    }
    if end != text.len() || parts.is_empty() {
        parts.push(&text[start..]);
    }
    Ok(Value::strings(parts))
}

fn quote_meta(text: &str) -> String {
    text.chars().fold(String::new(), |mut quoted, c| {
        if "\\.+*?()|[]{}^$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
        quoted
    })
}

/// RE2 in the syntax of our engine: its short classes are ASCII, and its classes know no set operations.
fn to_rust(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => translated.push_str("[0-9]"),
                Some('D') => translated.push_str("[^0-9]"),
                Some('w') => translated.push_str("[0-9A-Za-z_]"),
                Some('W') => translated.push_str("[^0-9A-Za-z_]"),
                Some('s') => translated.push_str("[\\t\\n\\f\\r ]"),
                Some('S') => translated.push_str("[^\\t\\n\\f\\r ]"),
                Some('b') => translated.push_str("(?-u:\\b)"),
                Some(other) => translated.extend(['\\', other]),
                None => translated.push('\\'),
            },
            '[' if in_class && chars.peek() != Some(&':') => translated.push_str("\\["),
            '&' | '~' if in_class => translated.extend(['\\', c]),
            '[' if !in_class => {
                in_class = true;
                translated.push('[');
                if let Some(negation) = chars.next_if_eq(&'^') {
                    translated.push(negation);
                }
                // A bracket that stands first is a member.
                if chars.next_if_eq(&']').is_some() {
                    translated.push_str("\\]");
                }
            }
            '[' => {
                translated.push('[');
                for c in chars.by_ref() {
                    translated.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            ']' => {
                in_class = false;
                translated.push(']');
            }
            c => translated.push(c),
        }
    }
    translated
}
