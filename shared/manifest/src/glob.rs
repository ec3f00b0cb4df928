//! Globs of the deploy policy.
//!
//! `*`, `**` and `?` cross every character, `/` and newlines included; `{a,b*}` are alternatives,
//! nested; `[abc]` and `[a-c]` are classes, negated by `!`; `\` takes the next character as it is. In
//! front of the whole, `!` negates. Patterns are compiled to automata, so that matching takes time
//! linear in the text whatever the pattern.

use std::fmt;

use regex::{Regex, RegexBuilder};
use serde::{Serialize, Serializer};

/// The longest pattern, in bytes. Branch names themselves are shorter.
const MAX_PATTERN: usize = 1024;

/// How deep alternatives may be nested.
const MAX_NESTING: usize = 16;

/// The largest automaton, in bytes; thousands of alternatives fit.
const MAX_AUTOMATON: usize = 1 << 20;

/// A glob, possibly negated.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    negated: bool,
    glob: Glob,
}

/// What `[` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brackets {
    /// It opens a class of characters.
    Class,
    /// It is a character like others: commit messages often carry `[tags]`.
    Literal,
}

/// Why a text is no glob. The message says what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GlobError(String);

impl Pattern {
    /// Parses a pattern for branches and tags.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        Self::with_brackets(text, Brackets::Class)
    }

    /// Parses a pattern for commit messages, in which `[` and `]` are ordinary characters.
    pub fn parse_for_messages(text: &str) -> Result<Self, GlobError> {
        Self::with_brackets(text, Brackets::Literal)
    }

    fn with_brackets(text: &str, brackets: Brackets) -> Result<Self, GlobError> {
        let (negated, glob) = match text.strip_prefix('!') {
            Some("") => {
                return Err(fault("nothing follows `!`; write what is excluded, as in `!main`"));
            }
            Some(rest) => (true, rest),
            None => (false, text),
        };
        Ok(Self { text: text.to_owned(), negated, glob: Glob::parse(glob, brackets)? })
    }

    /// Whether the whole of `text` matches: it equals the pattern's own text or fits the glob, and the
    /// reverse of that if the pattern starts with `!`. Case counts.
    pub fn matches(&self, text: &str) -> bool {
        self.glob.matches(text) != self.negated
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.glob.brackets == other.glob.brackets
    }
}

impl Eq for Pattern {}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[derive(Clone, Debug)]
struct Glob {
    text: String,
    brackets: Brackets,
    automaton: Regex,
}

impl Glob {
    fn parse(text: &str, brackets: Brackets) -> Result<Self, GlobError> {
        if text.len() > MAX_PATTERN {
            return Err(fault(format!("is longer than {MAX_PATTERN} bytes")));
        }
        let mut translator = Translator {
            rest: text.chars().peekable(),
            brackets,
            depth: 0,
            regex: String::from("^(?:"),
        };
        translator.sequence()?;
        translator.regex.push_str(")$");
        let automaton = RegexBuilder::new(&translator.regex)
            .dot_matches_new_line(true)
            .size_limit(MAX_AUTOMATON)
            .build()
            .map_err(|_| fault("is too complex; use fewer alternatives"))?;
        Ok(Self { text: text.to_owned(), brackets, automaton })
    }

    fn matches(&self, text: &str) -> bool {
        self.text == text || self.automaton.is_match(text)
    }
}

/// Turns a glob into a regular expression.
struct Translator<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    brackets: Brackets,
    depth: usize,
    regex: String,
}

impl Translator<'_> {
    /// Translates up to the end, or up to the `,` or `}` that ends an alternative, which it leaves.
    fn sequence(&mut self) -> Result<(), GlobError> {
        while let Some(&c) = self.rest.peek() {
            if self.depth > 0 && (c == ',' || c == '}') {
                return Ok(());
            }
            self.rest.next();
            match c {
                '*' => self.any_run(),
                '?' => self.regex.push('.'),
                '{' => self.alternatives()?,
                '[' if self.brackets == Brackets::Class => self.class()?,
                '\\' => {
                    let escaped = self.escaped()?;
                    self.literal(escaped);
                }
                c => self.literal(c),
            }
        }
        Ok(())
    }

    fn any_run(&mut self) {
        while self.rest.next_if_eq(&'*').is_some() {}
        self.regex.push_str(".*");
    }

    fn alternatives(&mut self) -> Result<(), GlobError> {
        if self.depth == MAX_NESTING {
            return Err(fault(format!("nests `{{` more than {MAX_NESTING} levels deep")));
        }
        if self.rest.peek() == Some(&'}') {
            return Err(fault(
                "`{}` has no alternatives; write some, as in `{a,b}`, or `\\{` for the character",
            ));
        }
        self.depth += 1;
        self.regex.push_str("(?:");
        loop {
            self.sequence()?;
            match self.rest.next() {
                Some(',') => self.regex.push('|'),
                Some(_) => break,
                None => {
                    return Err(fault(
                        "`{` is not closed; add `}`, or write `\\{` for the character",
                    ));
                }
            }
        }
        self.regex.push(')');
        self.depth -= 1;
        Ok(())
    }

    /// A class is either one range or a list of characters, in which `-` is a character.
    fn class(&mut self) -> Result<(), GlobError> {
        let negated = self.rest.next_if_eq(&'!').is_some();
        let mut members = Vec::new();
        loop {
            match self.rest.next() {
                Some(']') => break,
                Some('\\') => members.push((self.escaped()?, true)),
                Some(c) => members.push((c, false)),
                None => {
                    return Err(fault(
                        "`[` is not closed; add `]`, or write `\\[` for the character",
                    ));
                }
            }
        }
        self.regex.push_str(if negated { "[^" } else { "[" });
        match members[..] {
            [] => {
                return Err(fault(
                    "`[]` has no characters; write some, as in `[abc]`, or `\\[` for the character",
                ));
            }
            [(low, _), ('-', false), (high, _)] if low > high => {
                return Err(fault(format!(
                    "the range `{low}-{high}` runs backwards; write `{high}-{low}`"
                )));
            }
            [(low, _), ('-', false), (high, _)] => {
                self.member(low);
                self.regex.push('-');
                self.member(high);
            }
            [_, ('-', false), _, ..] => {
                return Err(fault(
                    "a class holds one range or single characters; use `{[a-z],[0-9]}` for more",
                ));
            }
            _ => members.iter().for_each(|&(c, _)| self.member(c)),
        }
        self.regex.push(']');
        Ok(())
    }

    fn escaped(&mut self) -> Result<char, GlobError> {
        self.rest
            .next()
            .ok_or_else(|| fault("nothing follows `\\`; write `\\\\` for the character"))
    }

    fn literal(&mut self, c: char) {
        self.regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }

    /// A character of a class, written so that no set notation can arise from it.
    fn member(&mut self, c: char) {
        self.regex.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
    }
}

fn fault(message: impl Into<String>) -> GlobError {
    GlobError(message.into())
}

#[cfg(test)]
#[path = "glob_tests.rs"]
mod tests;
