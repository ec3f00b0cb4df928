//! From text to tokens, by the state machine of `libyaml`: what is a key shows only when its colon comes.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::decode::YamlError;

/// A place in the text; line and column count from 0, the column in characters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub(super) pos: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Quoted,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'t> {
    StreamEnd,
    Version(i32, i32),
    TagDirective { handle: String, prefix: String },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'t str),
    Anchor(&'t str),
    Tag { handle: String, suffix: String },
    Scalar(Cow<'t, str>, Style),
}

#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) mark: Mark,
}

/// How deep flow collections and indentation may be nested.
const MAX_LEVELS: usize = 500;

/// A key ends on its line, and after this many bytes.
const MAX_KEY: usize = 1024;

/// Where a key may have begun.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    /// The number of its first token.
    token: usize,
    mark: Mark,
}

pub(super) struct Scanner<'t> {
    pub(super) text: &'t str,
    pub(super) mark: Mark,
    tokens: VecDeque<Token<'t>>,
    /// How many tokens were taken.
    taken: usize,
    /// The column of the current block, -1 outside.
    pub(super) indent: isize,
    indents: Vec<isize>,
    pub(super) key_allowed: bool,
    /// One more than there are flow levels.
    keys: Vec<SimpleKey>,
    ended: bool,
}

pub(super) type Scanned<T> = Result<T, YamlError>;

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            text,
            mark: Mark::default(),
            tokens: VecDeque::new(),
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            key_allowed: true,
            keys: vec![SimpleKey::default()],
            ended: false,
        }
    }

    /// The next token, which stays.
    pub(super) fn peek(&mut self) -> Scanned<&Token<'t>> {
        while self.needs_more()? {
            self.fetch()?;
        }
        // After the end, which stays, nothing is fetched.
        Ok(&self.tokens[0])
    }

    /// Takes the token that [`Self::peek`] showed.
    pub(super) fn take(&mut self) -> Option<Token<'t>> {
        let end = self.tokens.front().is_none_or(|token| token.kind == Kind::StreamEnd);
        if end {
            return self.tokens.front().cloned();
        }
        self.taken += 1;
        self.tokens.pop_front()
    }

    fn needs_more(&mut self) -> Scanned<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.tokens.is_empty() {
            return Ok(true);
        }
        for index in 0..self.keys.len() {
            let key = self.keys[index];
            if key.possible && key.token == self.taken && self.is_valid(index)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn flow_level(&self) -> usize {
        self.keys.len() - 1
    }

    pub(super) fn error<T>(&self, context: Mark, problem: impl Into<String>) -> Scanned<T> {
        Err(YamlError::at_scan(self.mark.line, context.line, problem))
    }

    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.mark.pos + ahead).copied().unwrap_or(0)
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.mark.pos..).unwrap_or_default()
    }

    pub(super) fn at_end(&self) -> bool {
        self.mark.pos >= self.text.len()
    }

    /// Whether a line ends `ahead` bytes from here, or the text does.
    pub(super) fn is_breakz(&self, ahead: usize) -> bool {
        let at = self.mark.pos + ahead;
        at >= self.text.len() || break_length(&self.text.as_bytes()[at..]) > 0
    }

    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    pub(super) fn is_blankz(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_breakz(ahead)
    }

    /// Goes over one character, which is no line break.
    pub(super) fn skip(&mut self) {
        let width = self.rest().chars().next().map_or(0, char::len_utf8);
        self.mark.pos += width;
        self.mark.column += 1;
    }

    /// Goes over ASCII characters that are no line breaks.
    pub(super) fn skip_ascii(&mut self, count: usize) {
        self.mark.pos += count;
        self.mark.column += count;
    }

    /// Goes over a line break, and says what it stands for.
    pub(super) fn skip_line(&mut self) -> &'static str {
        let rest = &self.text.as_bytes()[self.mark.pos.min(self.text.len())..];
        let length = break_length(rest);
        if length == 0 {
            return "";
        }
        let stands_for = match rest {
            [0xe2, 0x80, 0xa8, ..] => "\u{2028}",
            [0xe2, 0x80, 0xa9, ..] => "\u{2029}",
            _ => "\n",
        };
        self.mark.pos += length;
        self.mark.column = 0;
        self.mark.line += 1;
        stands_for
    }

    fn push(&mut self, kind: Kind<'t>, mark: Mark) {
        self.tokens.push_back(Token { kind, mark });
    }

    fn fetch(&mut self) -> Scanned<()> {
        self.skip_to_token();
        self.unroll(isize::try_from(self.mark.column).unwrap_or(isize::MAX));
        let start = self.mark;
        if self.at_end() {
            return self.stream_end();
        }
        let byte = self.byte(0);
        if start.column == 0 {
            if byte == b'%' {
                self.leave_all()?;
                let directive = self.scan_directive()?;
                self.push(directive, start);
                return Ok(());
            }
            if let Some(kind) = self.document_indicator() {
                self.leave_all()?;
                self.skip_ascii(3);
                self.push(kind, start);
                return Ok(());
            }
        }
        let flow = self.flow_level() > 0;
        match byte {
            b'[' => self.flow_start(Kind::FlowSequenceStart),
            b'{' => self.flow_start(Kind::FlowMappingStart),
            b']' => self.flow_end(Kind::FlowSequenceEnd),
            b'}' => self.flow_end(Kind::FlowMappingEnd),
            b',' => {
                self.remove_key()?;
                self.key_allowed = true;
                self.skip_ascii(1);
                self.push(Kind::FlowEntry, start);
                Ok(())
            }
            b'-' if self.is_blankz(1) => self.block_entry(),
            b'?' if flow || self.is_blankz(1) => self.key(),
            b':' if flow || self.is_blankz(1) => self.value(),
            b'*' | b'&' => {
                self.save_key()?;
                self.key_allowed = false;
                let kind = self.scan_anchor(byte == b'*')?;
                self.push(kind, start);
                Ok(())
            }
            b'!' => {
                self.save_key()?;
                self.key_allowed = false;
                let kind = self.scan_tag()?;
                self.push(kind, start);
                Ok(())
            }
            b'|' | b'>' if !flow => {
                self.remove_key()?;
                self.key_allowed = true;
                let value = self.scan_block(byte == b'|')?;
                self.push(Kind::Scalar(value, Style::Quoted), start);
                Ok(())
            }
            b'\'' | b'"' => {
                self.save_key()?;
                self.key_allowed = false;
                let value = self.scan_quoted(byte == b'\'')?;
                self.push(Kind::Scalar(value, Style::Quoted), start);
                Ok(())
            }
            _ if self.starts_plain(byte) => {
                self.save_key()?;
                self.key_allowed = false;
                let value = self.scan_plain()?;
                self.push(Kind::Scalar(value, Style::Plain), start);
                Ok(())
            }
            _ => self.error(start, "found character that cannot start any token"),
        }
    }

    fn starts_plain(&self, byte: u8) -> bool {
        match byte {
            b'-' => !self.is_blank(1),
            b'?' | b':' => self.flow_level() == 0 && !self.is_blankz(1),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`' => false,
            _ => !self.is_blankz(0),
        }
    }

    pub(super) fn document_indicator(&self) -> Option<Kind<'t>> {
        let rest = self.rest();
        if !self.is_blankz(3) {
            return None;
        }
        if rest.starts_with("---") {
            Some(Kind::DocumentStart)
        } else if rest.starts_with("...") {
            Some(Kind::DocumentEnd)
        } else {
            None
        }
    }

    fn skip_to_token(&mut self) {
        loop {
            while self.byte(0) == b' '
                || self.byte(0) == b'\t' && (self.flow_level() > 0 || !self.key_allowed)
            {
                self.skip_ascii(1);
            }
            if self.byte(0) == b'#' {
                self.skip_comment();
            }
            if self.at_end() || !self.is_breakz(0) {
                return;
            }
            self.skip_line();
            if self.flow_level() == 0 {
                self.key_allowed = true;
            }
        }
    }

    pub(super) fn skip_comment(&mut self) {
        while !self.is_breakz(0) {
            self.skip();
        }
    }

    fn stream_end(&mut self) -> Scanned<()> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.leave_all()?;
        self.ended = true;
        self.push(Kind::StreamEnd, self.mark);
        Ok(())
    }

    /// Ends all blocks, as documents and directives do.
    fn leave_all(&mut self) -> Scanned<()> {
        self.unroll(-1);
        self.remove_key()?;
        self.key_allowed = false;
        Ok(())
    }

    fn flow_start(&mut self, kind: Kind<'t>) -> Scanned<()> {
        self.save_key()?;
        self.keys.push(SimpleKey::default());
        if self.flow_level() > MAX_LEVELS {
            return self.error(self.mark, format!("exceeded max depth of {MAX_LEVELS}"));
        }
        self.key_allowed = true;
        self.push(kind, self.mark);
        self.skip_ascii(1);
        Ok(())
    }

    fn flow_end(&mut self, kind: Kind<'t>) -> Scanned<()> {
        self.remove_key()?;
        if self.flow_level() > 0 {
            self.keys.pop();
        }
        self.key_allowed = false;
        self.push(kind, self.mark);
        self.skip_ascii(1);
        Ok(())
    }

    fn block_entry(&mut self) -> Scanned<()> {
        let start = self.mark;
        if self.flow_level() == 0 {
            if !self.key_allowed {
                return self.error(start, "block sequence entries are not allowed in this context");
            }
            self.roll(start, None, Kind::BlockSequenceStart)?;
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.skip_ascii(1);
        self.push(Kind::BlockEntry, start);
        Ok(())
    }

    fn key(&mut self) -> Scanned<()> {
        let start = self.mark;
        if self.flow_level() == 0 {
            if !self.key_allowed {
                return self.error(start, "mapping keys are not allowed in this context");
            }
            self.roll(start, None, Kind::BlockMappingStart)?;
        }
        self.remove_key()?;
        self.key_allowed = self.flow_level() == 0;
        self.skip_ascii(1);
        self.push(Kind::Key, start);
        Ok(())
    }

    fn value(&mut self) -> Scanned<()> {
        let start = self.mark;
        let last = self.keys.len() - 1;
        let key = self.keys[last];
        if self.is_valid(last)? {
            let at = key.token - self.taken;
            self.tokens.insert(at, Token { kind: Kind::Key, mark: key.mark });
            self.roll(key.mark, Some(at), Kind::BlockMappingStart)?;
            self.keys[last].possible = false;
            self.key_allowed = false;
        } else {
            if self.flow_level() == 0 {
                if !self.key_allowed {
                    return self.error(start, "mapping values are not allowed in this context");
                }
                self.roll(start, None, Kind::BlockMappingStart)?;
            }
            self.key_allowed = self.flow_level() == 0;
        }
        self.skip_ascii(1);
        self.push(Kind::Value, start);
        Ok(())
    }

    /// Opens a block if `mark` is further right than the current one.
    fn roll(&mut self, mark: Mark, at: Option<usize>, kind: Kind<'t>) -> Scanned<()> {
        let column = isize::try_from(mark.column).unwrap_or(isize::MAX);
        if self.flow_level() > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_LEVELS {
            return self.error(mark, format!("exceeded max depth of {MAX_LEVELS}"));
        }
        let token = Token { kind, mark };
        match at {
            Some(at) => self.tokens.insert(at, token),
            None => self.tokens.push_back(token),
        }
        Ok(())
    }

    /// Closes the blocks that are further right than `column`.
    fn unroll(&mut self, column: isize) {
        if self.flow_level() > 0 {
            return;
        }
        while self.indent > column {
            self.push(Kind::BlockEnd, self.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn is_valid(&mut self, index: usize) -> Scanned<bool> {
        let key = self.keys[index];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.pos + MAX_KEY < self.mark.pos {
            if key.required {
                return self.error(key.mark, "could not find expected ':'");
            }
            self.keys[index].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    /// Notes that a key may begin here.
    fn save_key(&mut self) -> Scanned<()> {
        if !self.key_allowed {
            return Ok(());
        }
        let column = isize::try_from(self.mark.column).unwrap_or(isize::MAX);
        let required = self.flow_level() == 0 && self.indent == column;
        self.remove_key()?;
        let token = self.taken + self.tokens.len();
        if let Some(last) = self.keys.last_mut() {
            *last = SimpleKey { possible: true, required, token, mark: self.mark };
        }
        Ok(())
    }

    fn remove_key(&mut self) -> Scanned<()> {
        let last = self.keys.len() - 1;
        let key = self.keys[last];
        if key.possible && key.required {
            return self.error(key.mark, "could not find expected ':'");
        }
        self.keys[last].possible = false;
        Ok(())
    }
}

/// How many bytes the line break at the start of `bytes` takes.
pub(super) fn break_length(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] | [0xc2, 0x85, ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
        _ => 0,
    }
}
