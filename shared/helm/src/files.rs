//! A chart's files, as its templates see them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;

use crate::value::{Entries, Map, MapKind, Method, Str, Ty, Value, from_bytes};
use crate::yaml;

/// Go's name of the type.
const TYPE: &str = "engine.files";

/// The value of `.Files`, by path within the chart.
pub fn files(files: impl IntoIterator<Item = (Str, Arc<[u8]>)>) -> Value {
    let entries = files.into_iter().map(|(path, bytes)| (path, Value::Bytes(bytes)));
    Value::Map(Map::new(MapKind::Files(TYPE), entries.collect()))
}

/// What can be asked of files.
pub(crate) const METHODS: &[Method] = &[
    Method { name: "Get", params: &[Ty::Str], run: |files, args| Ok(text(files, &args[0])) },
    Method {
        name: "GetBytes",
        params: &[Ty::Str],
        run: |files, args| {
            Ok(bytes(files, &args[0]).map_or(Value::Bytes(Arc::from([])), Value::Bytes))
        },
    },
    Method { name: "Glob", params: &[Ty::Str], run: |files, args| Ok(glob(files, &args[0])) },
    Method { name: "Lines", params: &[Ty::Str], run: |files, args| lines(files, &args[0]) },
    Method {
        name: "AsConfig",
        params: &[],
        run: |files, _| by_name(files, |bytes| Value::from(from_bytes(bytes).into_owned())),
    },
    Method {
        name: "AsSecrets",
        params: &[],
        run: |files, _| by_name(files, |bytes| Value::from(STANDARD.encode(bytes))),
    },
];

fn bytes(files: &Value, name: &Value) -> Option<Arc<[u8]>> {
    match files.as_map()?.get(name.as_str()?)? {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn text(files: &Value, name: &Value) -> Value {
    bytes(files, name).map_or(Value::str(""), |bytes| Value::str(from_bytes(&bytes)))
}

fn lines(files: &Value, name: &Value) -> Result<Value, String> {
    let Some(bytes) = bytes(files, name) else { return Ok(Value::strings(Vec::<String>::new())) };
    if bytes.is_empty() {
        // Helm looks at the last byte of every file there is.
        return Err("runtime error: index out of range [-1]".to_owned());
    }
    let text = from_bytes(&bytes);
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    Ok(Value::strings(lines))
}

fn glob(files: &Value, pattern: &Value) -> Value {
    // A pattern that is wrong finds everything.
    let pattern = pattern.as_str().and_then(glob_regex);
    let matches = |path: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(path));
    let all = files.as_map().map(Map::to_vec).unwrap_or_default();
    let found = all.into_iter().filter(|(path, _)| matches(path)).collect();
    Value::Map(Map::new(MapKind::Files(TYPE), found))
}

/// YAML of the files by the last part of their paths.
fn by_name(files: &Value, value: fn(&[u8]) -> Value) -> Result<Value, String> {
    let mut entries = Entries::new();
    for (path, content) in files.as_map().map(Map::to_vec).unwrap_or_default() {
        if let Value::Bytes(bytes) = content {
            entries.insert(path.rsplit('/').next().unwrap_or(&path).into(), value(&bytes));
        }
    }
    let text = yaml::to_yaml(&Value::map(entries)).unwrap_or_default();
    Ok(Value::str(text.strip_suffix('\n').unwrap_or(&text)))
}

/// A glob with `/` as its separator: `*` and `?` stop there, `**` does not; `{a,b}`, `[a-c]`, `[!a]`, `\`.
pub(crate) fn glob_regex(glob: &str) -> Option<Regex> {
    let mut pattern = "(?s)^".to_owned();
    let mut chars = glob.chars().peekable();
    let mut depth = 0usize;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => pattern.push_str(".*"),
            '*' => pattern.push_str("[^/]*"),
            '?' => pattern.push_str("[^/]"),
            '{' => {
                depth += 1;
                pattern.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                pattern.push(')');
            }
            ',' if depth > 0 => pattern.push('|'),
            '[' => {
                pattern.push_str(if chars.next_if_eq(&'!').is_some() { "[^" } else { "[" });
                for c in chars.by_ref().take_while(|c| *c != ']') {
                    if c == '-' {
                        pattern.push('-')
                    } else {
                        pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])))
                    }
                }
                pattern.push(']');
            }
            '\\' => pattern.push_str(&regex::escape(chars.next()?.encode_utf8(&mut [0; 4]))),
            c => pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    if depth > 0 {
        return None;
    }
    pattern.push('$');
    Regex::new(&pattern).ok()
}
