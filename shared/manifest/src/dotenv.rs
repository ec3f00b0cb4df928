//! The variables files: `.gimlet/vars` of a repository, and what CI writes.

use std::collections::BTreeMap;

use crate::finding::quoted;
use crate::yaml::MAX_TEXT;

/// Why a variables file is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct DotenvError {
    /// The line from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// Parses `NAME=value` lines. A name that stands twice keeps its last value.
///
/// Blank lines and lines that start with `#` say nothing; `export ` may stand in front. A value in single
/// quotes is taken as it is; one in double quotes knows `\n`, `\r`, `\t`, `\"`, `\\` and `\$`; both may run
/// over lines. Without quotes the value ends at ` #` or the end of the line. Nothing is expanded.
///
/// # Errors
/// The first line that is no variable, with its number.
pub fn parse_dotenv(text: &str) -> Result<BTreeMap<String, String>, DotenvError> {
    if text.len() > MAX_TEXT {
        return Err(DotenvError {
            line: 1,
            message: format!("is larger than {} KiB", MAX_TEXT / 1024),
        });
    }
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut variables = BTreeMap::new();
    while !reader.rest.is_empty() {
        if let Some((name, value)) = reader.variable()? {
            variables.insert(name, value);
        }
    }
    Ok(variables)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    /// Reads one line, or more if a quoted value runs on.
    fn variable(&mut self) -> Result<Option<(String, String)>, DotenvError> {
        let line = self.rest.split('\n').next().unwrap_or_default();
        let start = line.trim_start();
        if start.trim_end().is_empty() || start.starts_with('#') {
            self.end_line();
            return Ok(None);
        }
        let assignment = start.strip_prefix("export ").unwrap_or(start);
        let Some((name, _)) = assignment.split_once('=') else {
            return Err(
                self.fault(format!("{} is no variable; write NAME=value", quoted(line.trim())))
            );
        };
        let name = name.trim().to_owned();
        if !is_name(&name) {
            let message = "is not a name; use letters, digits and `_`, and start with no digit";
            return Err(self.fault(format!("{} {message}", quoted(&name))));
        }
        let equals = line.find('=').unwrap_or_default();
        self.rest = self.rest[equals + 1..].trim_start_matches([' ', '\t']);
        let value = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted_value(quote)?,
            _ => self.plain_value(),
        };
        Ok(Some((name, value)))
    }

    fn plain_value(&mut self) -> String {
        let line = self.rest.split('\n').next().unwrap_or_default();
        let mut end = line.len();
        if line.starts_with('#') {
            end = 0;
        } else if let Some(comment) = line.find(" #").into_iter().chain(line.find("\t#")).min() {
            end = comment;
        }
        let value = line[..end].trim().to_owned();
        self.end_line();
        value
    }

    fn quoted_value(&mut self, quote: char) -> Result<String, DotenvError> {
        let mut value = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        let mut lines = 0;
        let end = loop {
            match chars.next() {
                None => return Err(self.fault(format!("the value's {quote} is not closed"))),
                Some((index, c)) if c == quote => break index,
                Some((_, '\\')) if quote == '"' => match chars.next() {
                    Some((_, c)) => push_escaped(&mut value, c),
                    None => return Err(self.fault(format!("the value's {quote} is not closed"))),
                },
                Some((_, c)) => {
                    lines += usize::from(c == '\n');
                    value.push(c);
                }
            }
        };
        self.rest = &self.rest[end + 1..];
        self.line += lines;
        let after = self.rest.split('\n').next().unwrap_or_default().trim();
        if !after.is_empty() && !after.starts_with('#') {
            return Err(
                self.fault(format!("{} follows the closing {quote}; remove it", quoted(after)))
            );
        }
        self.end_line();
        Ok(value)
    }

    fn end_line(&mut self) {
        self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        self.line += 1;
    }

    fn fault(&self, message: String) -> DotenvError {
        DotenvError { line: self.line, message }
    }
}

fn push_escaped(value: &mut String, c: char) {
    match c {
        'n' => value.push('\n'),
        'r' => value.push('\r'),
        't' => value.push('\t'),
        '"' | '\\' | '$' => value.push(c),
        // An unknown escape keeps its backslash, as in a path of Windows.
        other => value.extend(['\\', other]),
    }
}

fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(inner) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> String {
        parse_dotenv(text).unwrap().remove("A").unwrap()
    }

    #[test]
    fn values_are_read_as_written() {
        for (text, value) in [
            ("A=b", "b"),
            ("A=", ""),
            ("A = b ", "b"),
            ("export A=b", "b"),
            ("  A=b", "b"),
            ("A=b=c", "b=c"),
            ("A=b # c", "b"),
            ("A=b#c", "b#c"),
            ("A=#c", ""),
            ("A=\"b # c\" # d", "b # c"),
            ("A='b\\n'", "b\\n"),
            ("A=\"b\\n\\\"\\\\\\$\\t\\r\"", "b\n\"\\$\t\r"),
            ("A=\"\\x\"", "\\x"),
            ("A='x\ny'", "x\ny"),
            ("A=b\r\nB=c", "b"),
            ("A={{ .SHA }}", "{{ .SHA }}"),
            ("A=$B", "$B"),
            ("A=1\nA=2", "2"),
            ("\u{feff}A=1", "1"),
            ("# c\n\n A=1", "1"),
        ] {
            assert_eq!(one(text), value, "{text:?}");
        }
    }

    #[test]
    fn faults_name_their_line() {
        for (text, line, part) in [
            ("A=1\nnonsense", 2, "NAME=value"),
            ("1A=x", 1, "not a name"),
            ("A B=x", 1, "not a name"),
            ("=x", 1, "not a name"),
            ("A='x\n'\nB=\"x", 3, "not closed"),
            ("A=\"x\\", 1, "not closed"),
            ("\n\nA='x' y", 3, "`y` follows"),
        ] {
            let error = parse_dotenv(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.to_string().contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_huge_file_is_refused() {
        assert!(parse_dotenv(&"#".repeat(MAX_TEXT + 1)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(?s).*", special in "[A=\"'\\\\\n #é]{0,40}") {
            let _ = parse_dotenv(&text);
            let _ = parse_dotenv(&special);
        }
    }
}
