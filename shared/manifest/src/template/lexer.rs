//! From text to tokens.

use super::Fault;
use super::literals;

/// A token, and where it starts.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) offset: usize,
    /// Whether white space stands before it, which separates arguments.
    pub(super) spaced: bool,
    pub(super) kind: Kind,
}

/// The kinds of tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// What stands outside of actions.
    Literal(String),
    Open,
    Close,
    /// A function or a keyword.
    Word(String),
    /// Without its dot.
    Field(String),
    Dot,
    /// With its `$`.
    Variable(String),
    Text(String),
    Int(i64),
    Float(f64),
    Pipe,
    Comma,
    Assign,
    Declare,
    LeftParenthesis,
    RightParenthesis,
}

/// Splits a template into tokens. White space is trimmed where `{{-` and `-}}` ask for it.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer { text, offset: 0, tokens: Vec::new(), spaced: false };
    let mut trim_start = false;
    while let Some(open) = lexer.rest().find("{{") {
        let literal = &lexer.rest()[..open];
        let after = &lexer.rest()[open + 2..];
        let trims = after.strip_prefix('-').is_some_and(|rest| rest.starts_with(is_space));
        lexer.literal(literal, trim_start, trims);
        lexer.offset += open;
        trim_start = lexer.action(if trims { "{{-".len() } else { "{{".len() })?;
    }
    let rest = lexer.rest();
    lexer.literal(rest, trim_start, false);
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    offset: usize,
    tokens: Vec<Token>,
    spaced: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { offset: self.offset, spaced: self.spaced, kind });
        self.offset += length;
        self.spaced = false;
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.offset, message)
    }

    fn literal(&mut self, literal: &str, trim_start: bool, trim_end: bool) {
        let literal = if trim_start { literal.trim_start_matches(is_space) } else { literal };
        let literal = if trim_end { literal.trim_end_matches(is_space) } else { literal };
        if !literal.is_empty() {
            self.tokens.push(Token {
                offset: self.offset,
                spaced: false,
                kind: Kind::Literal(literal.to_owned()),
            });
        }
    }

    /// Reads one action and says whether the text after it is trimmed.
    fn action(&mut self, opening: usize) -> Result<bool, Fault> {
        let start = self.offset;
        let body = &self.text[start + opening..];
        if body.trim_start_matches(is_space).starts_with("/*")
            && (opening == 3 || body.starts_with("/*"))
        {
            return self.comment(opening);
        }
        self.push(Kind::Open, opening);
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(is_space);
            self.spaced = trimmed.len() < rest.len();
            self.offset += rest.len() - trimmed.len();
            if self.spaced && trimmed.starts_with("-}}") {
                self.push(Kind::Close, "-}}".len());
                return Ok(true);
            }
            if trimmed.starts_with("}}") {
                self.push(Kind::Close, "}}".len());
                return Ok(false);
            }
            if trimmed.is_empty() {
                return Err(Fault::new(start, "the action is not closed; add `}}`"));
            }
            self.token(trimmed)?;
        }
    }

    /// Skips a comment, which produces nothing, and says whether the text after it is trimmed.
    fn comment(&mut self, opening: usize) -> Result<bool, Fault> {
        let body = &self.text[self.offset + opening..];
        let Some(end) = body.find("*/") else {
            return Err(self.fault("the comment is not closed; add `*/}}`"));
        };
        let after = &body[end + 2..];
        let spaces = after.len() - after.trim_start_matches(is_space).len();
        let (length, trims) = if after.starts_with("}}") {
            (2, false)
        } else if spaces > 0 && after[spaces..].starts_with("-}}") {
            (spaces + 3, true)
        } else {
            return Err(self.fault("a comment stands alone in its action: `{{/* … */}}`"));
        };
        self.offset += opening + end + 2 + length;
        Ok(trims)
    }

    fn token(&mut self, rest: &'a str) -> Result<(), Fault> {
        let Some(first) = rest.chars().next() else { return Ok(()) };
        let second = rest[first.len_utf8()..].chars().next();
        match first {
            '"' | '`' | '\'' => {
                let (kind, length) =
                    literals::quoted(rest).map_err(|message| self.fault(message))?;
                self.push(kind, length);
            }
            '|' => self.push(Kind::Pipe, 1),
            ',' => self.push(Kind::Comma, 1),
            '(' => self.push(Kind::LeftParenthesis, 1),
            ')' => self.push(Kind::RightParenthesis, 1),
            '=' => self.push(Kind::Assign, 1),
            ':' if second == Some('=') => self.push(Kind::Declare, 2),
            '$' => self.name(1, Kind::Variable, 0)?,
            '.' if second.is_some_and(|c| c.is_ascii_digit()) => self.number(rest)?,
            '.' if second.is_some_and(is_name) => self.name(1, Kind::Field, 1)?,
            '.' => self.push(Kind::Dot, 1),
            '+' | '-' | '0'..='9' => self.number(rest)?,
            c if is_name(c) => self.name(0, Kind::Word, 0)?,
            c => return Err(self.fault(format!("`{}` has no meaning here", c.escape_default()))),
        }
        Ok(())
    }

    /// Reads a name after `prefix` bytes; the token's text leaves out the first `dropped`.
    fn name(
        &mut self,
        prefix: usize,
        kind: fn(String) -> Kind,
        dropped: usize,
    ) -> Result<(), Fault> {
        let rest = self.rest();
        let end = rest[prefix..].find(|c| !is_name(c)).map_or(rest.len(), |end| prefix + end);
        let after = &rest[end..];
        let ends = after.is_empty()
            || after.starts_with("}}")
            || after.starts_with(|c: char| is_space(c) || ".,|:()=".contains(c));
        if !ends {
            let name = &rest[dropped..end];
            return Err(Fault::new(
                self.offset + end,
                format!(
                    "`{}` cannot follow `{name}`; names have letters, digits and `_` only, others are read by `index`",
                    after.chars().next().unwrap_or_default().escape_default()
                ),
            ));
        }
        self.push(kind(rest[dropped..end].to_owned()), end);
        Ok(())
    }

    fn number(&mut self, rest: &str) -> Result<(), Fault> {
        let (kind, length) = literals::number(rest).map_err(|message| self.fault(message))?;
        self.push(kind, length);
        Ok(())
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
