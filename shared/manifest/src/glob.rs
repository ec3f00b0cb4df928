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
            Some("") => return Err(fault("nothing follows `!`; write what is excluded, as in `!main`")),
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
        let mut translator =
            Translator { rest: text.chars().peekable(), brackets, depth: 0, regex: String::from("^(?:") };
        translator.sequence()?;
        translator.regex.push_str(")$");
        let automaton = RegexBuilder::new(&translator.regex)
            .dot_matches_new_line(true)
            .size_limit(MAX_AUTOMATON)
            .dfa_size_limit(MAX_AUTOMATON)
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
            return Err(fault("`{}` has no alternatives; write some, as in `{a,b}`, or `\\{` for the character"));
        }
        self.depth += 1;
        self.regex.push_str("(?:");
        loop {
            self.sequence()?;
            match self.rest.next() {
                Some(',') => self.regex.push('|'),
                Some(_) => break,
                None => return Err(fault("`{` is not closed; add `}`, or write `\\{` for the character")),
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
                None => return Err(fault("`[` is not closed; add `]`, or write `\\[` for the character")),
            }
        }
        self.regex.push_str(if negated { "[^" } else { "[" });
        match members[..] {
            [] => return Err(fault("`[]` has no characters; write some, as in `[abc]`, or `\\[` for the character")),
            [(low, _), ('-', false), (high, _)] if low > high => {
                return Err(fault(format!("the range `{low}-{high}` runs backwards; write `{high}-{low}`")));
            }
            [(low, _), ('-', false), (high, _)] => {
                self.member(low);
                self.regex.push('-');
                self.member(high);
            }
            [_, ('-', false), _, ..] => {
                return Err(fault("a class holds one range or single characters; use `{[a-z],[0-9]}` for more"));
            }
            _ => members.iter().for_each(|&(c, _)| self.member(c)),
        }
        self.regex.push(']');
        Ok(())
    }

    fn escaped(&mut self) -> Result<char, GlobError> {
        self.rest.next().ok_or_else(|| fault("nothing follows `\\`; write `\\\\` for the character"))
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
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(text)
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text) in [
            ("main", "main"),
            ("*", ""),
            ("*", "feature/a/b"),
            ("**", "feature/a\nb"),
            ("feature/*", "feature/a/b"),
            ("a?c", "a/c"),
            ("a?c", "aßc"),
            ("a?c", "a\nc"),
            ("{main,release-*}", "release-1"),
            ("{main,release-*}", "main"),
            ("{a,b{c,d}}x", "bdx"),
            ("{a,}x", "x"),
            ("{,a}x", "ax"),
            ("[abc]", "b"),
            ("[a-c]", "b"),
            ("[!abc]", "d"),
            ("[!a-c]", "^"),
            ("[^a]", "^"),
            ("[^a]", "a"),
            ("[-a]", "-"),
            ("[a-]", "-"),
            ("[\\]]", "]"),
            ("[\\-a]", "-"),
            ("[&&a]", "&"),
            ("\\*", "*"),
            ("\\{a\\}", "{a}"),
            ("a}", "a}"),
            ("a,b", "a,b"),
            ("a]", "a]"),
            ("v1.*", "v1.2"),
            ("(a|b)", "(a|b)"),
            ("feature[1]", "feature[1]"),
            ("", ""),
        ] {
            assert!(matches(pattern, text), "{pattern:?} should match {text:?}");
        }
    }

    #[test]
    fn patterns_do_not_match_parts_or_other_texts() {
        for (pattern, text) in [
            ("main", "Main"),
            ("main", "main2"),
            ("main", "xmain"),
            ("a?c", "ac"),
            ("a?c", "abbc"),
            ("v1.*", "v112"),
            ("{a,b}", "ab"),
            ("[a-c]", "d"),
            ("[!a-c]", "b"),
            ("[a-c]", "-"),
            ("feature/*", "feature"),
            ("", "a"),
            ("a", "a\n"),
        ] {
            assert!(!matches(pattern, text), "{pattern:?} should not match {text:?}");
        }
    }

    #[test]
    fn a_leading_bang_negates_the_whole() {
        assert!(!matches("!main", "main"));
        assert!(matches("!main", "dev"));
        assert!(!matches("!{main,master}", "master"));
        assert!(matches("!v*", "1.0"));
        assert!(!matches("!v*", "v1"));
        assert!(matches("!!a", "a"));
        assert!(!matches("!!a", "!a"));
    }

    #[test]
    fn malformed_patterns_are_errors_that_say_what_to_do() {
        for (pattern, remedy) in [
            ("[abc", "add `]`"),
            ("[]", "no characters"),
            ("[!]", "no characters"),
            ("[c-a]", "`a-c`"),
            ("[a-z0-9]", "{[a-z],[0-9]}"),
            ("x{}", "no alternatives"),
            ("{main", "add `}`"),
            ("{a,{b}", "add `}`"),
            ("a\\", "nothing follows"),
            ("[a\\", "nothing follows"),
            ("!", "nothing follows"),
        ] {
            let error = Pattern::parse(pattern).unwrap_err().to_string();
            assert!(error.contains(remedy), "{pattern:?}: {error}");
        }
    }

    #[test]
    fn brackets_are_ordinary_in_message_patterns() {
        for (pattern, text) in [
            ("[deploy]*", "[deploy] now"),
            ("*[skip*", "please [skip"),
            ("\\[x\\]", "[x]"),
            ("*[a-c]", "x[a-c]"),
            ("{[a],b}", "[a]"),
        ] {
            assert!(Pattern::parse_for_messages(pattern).unwrap().matches(text), "{pattern:?} {text:?}");
        }
        assert!(!Pattern::parse_for_messages("[a]").unwrap().matches("a"));
    }

    #[test]
    fn oversized_patterns_are_refused() {
        assert!(Pattern::parse(&"a".repeat(MAX_PATTERN + 1)).is_err());
        assert!(Pattern::parse(&"{".repeat(MAX_NESTING + 1)).is_err());
        assert!(Pattern::parse(&format!("{}a{}", "{".repeat(16), "}".repeat(16))).is_ok());
    }

    #[test]
    fn adversarial_patterns_take_linear_time() {
        let text = "a".repeat(100_000);
        let start = std::time::Instant::now();
        for pattern in [
            format!("{}b", "*a".repeat(30)),
            format!("{}b", "{a,aa}".repeat(20)),
            format!("{}b", "{a*,*a}".repeat(20)),
            format!("{}b", "?*".repeat(100)),
        ] {
            assert!(!matches(&pattern, &text), "{pattern:?}");
        }
        // Backtracking would take years; the bound is generous for a busy machine.
        assert!(start.elapsed().as_secs() < 20);
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in ".*", special in "[*?{},!\\\\\\[\\]a-c-]{0,40}", text in ".*") {
            for pattern in [pattern, special] {
                for parsed in [Pattern::parse(&pattern), Pattern::parse_for_messages(&pattern)] {
                    if let Ok(parsed) = parsed {
                        parsed.matches(&text);
                    }
                }
            }
        }

        #[test]
        fn escaped_texts_match_themselves(text in "[ -~]{1,40}") {
            let escaped: String = text.chars().flat_map(|c| ['\\', c]).collect();
            proptest::prop_assert!(matches(&escaped, &text));
        }
    }
}
