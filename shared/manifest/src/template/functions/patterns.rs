//! Regular expressions, in RE2's syntax.

use regex::{Regex, RegexBuilder};

use super::super::machine::Growing;
use super::{Arguments, Function, Value, function};

pub(super) const FUNCTIONS: &[Function] = &[
    function("regexMatch", 2, 2, |mut args| {
        let regex = compile(&mut args)?;
        Ok(Value::Bool(regex.is_match(args.text(1)?)))
    }),
    function("regexFind", 2, 2, |mut args| {
        let regex = compile(&mut args)?;
        Ok(Value::text(regex.find(args.text(1)?).map_or("", |found| found.as_str())))
    }),
    function("regexFindAll", 3, 3, |mut args| {
        let regex = compile(&mut args)?;
        let found = regex.find_iter(args.text(1)?).take(limit(args.int(2)?));
        let found: Vec<Value> = found.map(|found| Value::text(found.as_str())).collect();
        args.machine.spend_steps(found.len())?;
        Value::list(found)
    }),
    function("regexReplaceAll", 3, 3, |args| replace_all(args, true)),
    function("regexReplaceAllLiteral", 3, 3, |args| replace_all(args, false)),
    function("regexSplit", 3, 3, split),
    function("regexQuoteMeta", 1, 1, |args| Ok(Value::text(quote_meta(args.text(0)?)))),
];

/// The largest compiled expression, in bytes. It also bounds the time to compile, and to match a byte.
const MAX_COMPILED: usize = 1 << 17;

/// What compiling costs, in steps.
const COMPILE_STEPS: usize = 200;

/// How many bytes of text cost a step: matching is linear in the text, but not cheap.
const BYTES_PER_STEP: usize = 4;

fn compile(args: &mut Arguments<'_, '_>) -> Result<Regex, String> {
    args.machine.spend_steps(COMPILE_STEPS + args.text(1)?.len() / BYTES_PER_STEP)?;
    let pattern = args.text(0)?;
    RegexBuilder::new(&to_rust(pattern)).size_limit(MAX_COMPILED).build().map_err(|_| {
        format!("{} is not a regular expression, or is too large", crate::finding::quoted(pattern))
    })
}

fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn replace_all(mut args: Arguments<'_, '_>, expand: bool) -> Result<Value, String> {
    let regex = compile(&mut args)?;
    let (text, replacement) = (args.text(1)?, args.text(2)?);
    let mut replaced = Growing::default();
    let mut end = 0;
    for captures in regex.captures_iter(text) {
        let Some(found) = captures.get(0) else { continue };
        replaced.push(&text[end..found.start()])?;
        if expand {
            let mut expanded = String::new();
            captures.expand(replacement, &mut expanded);
            replaced.push(&expanded)?;
        } else {
            replaced.push(replacement)?;
        }
        end = found.end();
    }
    replaced.push(&text[end..])?;
    Ok(Value::text(replaced.as_str()))
}

fn split(mut args: Arguments<'_, '_>) -> Result<Value, String> {
    let regex = compile(&mut args)?;
    let (text, count) = (args.text(1)?, args.int(2)?);
    if count == 0 {
        return Value::list(Vec::new());
    }
    let cuts = limit(count).saturating_sub(1);
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for found in regex.find_iter(text) {
        if parts.len() == cuts {
            break;
        }
        end = found.start();
        // An empty match at the very start splits off nothing.
        if found.end() != 0 {
            parts.push(Value::text(&text[start..end]));
        }
        start = found.end();
    }
    if end != text.len() || parts.is_empty() {
        parts.push(Value::text(&text[start..]));
    }
    args.machine.spend_steps(parts.len())?;
    Value::list(parts)
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
