//! From text to tokens.

/// A token: what it is, and from and to which byte of the text.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The kinds of tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// With what is wrong. It is the last token.
    Error(String),
    /// What stands outside of actions.
    Text,
    Open,
    Close,
    Space,
    Bool,
    /// A printable character of no other meaning, such as a comma.
    Char,
    /// `'x'`
    CharConstant,
    Number,
    Complex,
    /// In double quotes.
    Quoted,
    /// In back quotes.
    Raw,
    Assign,
    Declare,
    Pipe,
    LeftParenthesis,
    RightParenthesis,
    Field,
    Variable,
    Identifier,
    /// `.`, `nil` and what opens, ends and leaves blocks.
    Keyword(Keyword),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Dot,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Keyword {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "nil" => Self::Nil,
            "range" => Self::Range,
            "template" => Self::Template,
            "with" => Self::With,
            _ => return None,
        })
    }
}

/// Splits a template into tokens, of which the last is an end or an error. White space is trimmed where `{{-` and
/// `-}}` ask for it; comments are gone.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, pos: 0, tokens: Vec::new(), parentheses: 0 };
    if let Err((start, message)) = lexer.run() {
        lexer.tokens.push(Token { kind: Kind::Error(message), start, end: text.len() });
    }
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    pos: usize,
    tokens: Vec<Token>,
    parentheses: usize,
}

/// Where the token starts that is wrong, and what is wrong.
type Wrong = (usize, String);

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn emit(&mut self, kind: Kind, start: usize) {
        self.tokens.push(Token { kind, start, end: self.pos });
    }

    fn run(&mut self) -> Result<(), Wrong> {
        loop {
            let start = self.pos;
            let Some(open) = self.rest().find("{{") else {
                self.pos = self.text.len();
                if self.pos > start {
                    self.emit(Kind::Text, start);
                }
                self.emit(Kind::End, self.pos);
                return Ok(());
            };
            let text = &self.rest()[..open];
            let after = &self.rest()[open + 2..];
            let trims = trims_left(after);
            let kept = if trims { text.trim_end_matches(is_space) } else { text };
            if !kept.is_empty() {
                let end = start + kept.len();
                self.tokens.push(Token { kind: Kind::Text, start, end });
            }
            self.pos = start + open;
            self.action(if trims { 2 } else { 0 })?;
        }
    }

    /// Reads one action, or skips a comment, whose opening takes `marker` bytes more than its braces.
    fn action(&mut self, marker: usize) -> Result<(), Wrong> {
        let start = self.pos;
        self.pos += 2;
        if self.rest()[marker..].starts_with("/*") {
            self.pos += marker;
            return self.comment();
        }
        self.emit(Kind::Open, start);
        self.pos += marker;
        self.parentheses = 0;
        while !self.token()? {}
        Ok(())
    }

    fn comment(&mut self) -> Result<(), Wrong> {
        let start = self.pos;
        let wrong = |message: &str| (start, message.to_owned());
        let end = self.rest()[2..].find("*/").ok_or_else(|| wrong("unclosed comment"))?;
        self.pos += 2 + end + 2;
        let trims =
            self.at_close().ok_or_else(|| wrong("comment ends before closing delimiter"))?;
        self.skip_close(trims);
        Ok(())
    }

    /// Whether the action closes here, and if so whether it trims what follows.
    fn at_close(&self) -> Option<bool> {
        let rest = self.rest();
        if trims_right(rest) && rest[2..].starts_with("}}") {
            Some(true)
        } else if rest.starts_with("}}") {
            Some(false)
        } else {
            None
        }
    }

    fn skip_close(&mut self, trims: bool) {
        self.pos += if trims { 4 } else { 2 };
        if trims {
            self.pos += self.rest().len() - self.rest().trim_start_matches(is_space).len();
        }
    }

    /// Reads one token of an action, and says whether it closed the action.
    fn token(&mut self) -> Result<bool, Wrong> {
        let start = self.pos;
        if let Some(trims) = self.at_close() {
            if self.parentheses > 0 {
                return Err((start, "unclosed left paren".to_owned()));
            }
            let start = if trims { start + 2 } else { start };
            self.tokens.push(Token { kind: Kind::Close, start, end: start + 2 });
            self.skip_close(trims);
            return Ok(true);
        }
        let Some(first) = self.next() else {
            return Err((start, "unclosed action".to_owned()));
        };
        let kind = self.token_kind(first, start)?;
        self.emit(kind, start);
        Ok(false)
    }

    fn token_kind(&mut self, first: char, start: usize) -> Result<Kind, Wrong> {
        let wrong = |message: &str| Err((start, message.to_owned()));
        Ok(match first {
            c if is_space(c) => {
                self.spaces(start);
                Kind::Space
            }
            '=' => Kind::Assign,
            ':' if self.next() == Some('=') => Kind::Declare,
            ':' => return wrong("expected :="),
            '|' => Kind::Pipe,
            '"' => self.quoted('"', Kind::Quoted, "unterminated quoted string", start)?,
            '\'' => {
                self.quoted('\'', Kind::CharConstant, "unterminated character constant", start)?
            }
            '`' => match self.rest().find('`') {
                Some(end) => {
                    self.pos += end + 1;
                    Kind::Raw
                }
                None => return wrong("unterminated raw quoted string"),
            },
            '$' => self.name(Kind::Variable, start)?,
            '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) && self.peek().is_some() => {
                self.name(Kind::Field, start)?
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos = start;
                self.number(start)?
            }
            c if is_name(c) => self.word(start)?,
            '(' => {
                self.parentheses += 1;
                Kind::LeftParenthesis
            }
            ')' if self.parentheses == 0 => return wrong("unexpected right paren"),
            ')' => {
                self.parentheses -= 1;
                Kind::RightParenthesis
            }
            ' '..='~' => Kind::Char,
            c => {
                let message = format!("unrecognized character in action: {}", code_point(Some(c)));
                return Err((start, message));
            }
        })
    }

    /// Goes over white space, but leaves the one that belongs to a trimming `-}}`.
    fn spaces(&mut self, start: usize) {
        while self.peek().is_some_and(is_space) {
            self.pos += 1;
        }
        let last = self.pos - 1;
        if last > start
            && trims_right(&self.text[last..])
            && self.text[last + 2..].starts_with("}}")
        {
            self.pos = last;
        }
    }

    fn quoted(
        &mut self,
        quote: char,
        kind: Kind,
        unclosed: &str,
        start: usize,
    ) -> Result<Kind, Wrong> {
        loop {
            match self.next() {
                Some('\\') if self.peek().is_some_and(|c| c != '\n') => {
                    self.next();
                }
                None | Some('\n' | '\\') => return Err((start, unclosed.to_owned())),
                Some(c) if c == quote => return Ok(kind),
                Some(_) => {}
            }
        }
    }

    /// Reads the name after a `.` or `$`.
    fn name(&mut self, kind: Kind, start: usize) -> Result<Kind, Wrong> {
        if self.at_terminator() {
            return Ok(if kind == Kind::Field { Kind::Keyword(Keyword::Dot) } else { kind });
        }
        self.skip_name();
        if !self.at_terminator() {
            return Err((start, format!("bad character {}", code_point(self.peek()))));
        }
        Ok(kind)
    }

    fn word(&mut self, start: usize) -> Result<Kind, Wrong> {
        self.skip_name();
        if !self.at_terminator() {
            return Err((start, format!("bad character {}", code_point(self.peek()))));
        }
        Ok(match &self.text[start..self.pos] {
            "true" | "false" => Kind::Bool,
            word => Keyword::of(word).map_or(Kind::Identifier, Kind::Keyword),
        })
    }

    fn skip_name(&mut self) {
        while self.peek().is_some_and(is_name) {
            self.next();
        }
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) => is_space(c) || self.rest().starts_with("}}"),
        }
    }

    fn number(&mut self, start: usize) -> Result<Kind, Wrong> {
        let mut kind = Kind::Number;
        let mut good = self.scan_number();
        if good && matches!(self.peek(), Some('+' | '-')) {
            good = self.scan_number() && self.text[..self.pos].ends_with('i');
            kind = Kind::Complex;
        }
        if !good {
            let text = crate::format::quote(&self.text[start..self.pos]);
            return Err((start, format!("bad number syntax: {text}")));
        }
        Ok(kind)
    }

    fn accept(&mut self, set: &str) -> bool {
        let found = self.peek().is_some_and(|c| set.contains(c));
        if found {
            self.next();
        }
        found
    }

    fn accept_run(&mut self, set: &str) {
        while self.accept(set) {}
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        self.accept("+-");
        let mut digits = DECIMAL;
        let mut exponent = "eE";
        if self.accept("0") {
            if self.accept("xX") {
                (digits, exponent) = ("0123456789abcdefABCDEF_", "pP");
            } else if self.accept("oO") {
                (digits, exponent) = ("01234567_", "");
            } else if self.accept("bB") {
                (digits, exponent) = ("01_", "");
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run(DECIMAL);
        }
        self.accept("i");
        if self.peek().is_some_and(is_name) {
            self.next();
            return false;
        }
        true
    }
}

/// A character as `U+0040 '@'`.
fn code_point(c: Option<char>) -> String {
    match c {
        // What Go makes of the end of the text.
        None => "U+FFFFFFFFFFFFFFFF".to_owned(),
        Some(c) if crate::format::is_printable(c) => format!("U+{:04X} '{c}'", u32::from(c)),
        Some(c) => format!("U+{:04X}", u32::from(c)),
    }
}

fn trims_left(rest: &str) -> bool {
    matches!(rest.as_bytes(), [b'-', b' ' | b'\t' | b'\r' | b'\n', ..])
}

fn trims_right(rest: &str) -> bool {
    matches!(rest.as_bytes(), [b' ' | b'\t' | b'\r' | b'\n', b'-', ..])
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
