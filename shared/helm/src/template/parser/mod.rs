//! From tokens to templates.
//!
//! What is refused, and in which words and at which line, is as in Go, since charts' authors look for those words.

mod control;
mod pipeline;

use std::sync::Arc;

use super::ast::{Body, Id, Node, NodeKind, Source};
use super::lexer::{self, Keyword, Kind, Token};
use super::{Cause, Language, MAX_NESTING, deeper};
use crate::Dialect;
use crate::format::quote;
use crate::value::Str;

/// What a text holds.
pub(crate) struct Parsed {
    /// The text's own body comes last, after those of its `define` and `block`.
    pub(crate) bodies: Vec<Body>,
    /// The functions it calls whose results differ from render to render.
    pub(crate) volatile: Vec<&'static str>,
}

/// Why a text is no template.
#[derive(Debug)]
pub(crate) struct Flaw {
    /// Go's whole error.
    pub(crate) text: String,
    /// The same without file and line.
    pub(crate) message: String,
    /// The byte of the text to look at.
    pub(crate) offset: usize,
    pub(crate) cause: Cause,
}

/// Parses a text.
///
/// # Errors
/// The first flaw.
pub(crate) fn parse(
    name: &Str,
    text: &Str,
    dialect: Dialect,
    language: Language,
) -> Result<Parsed, Flaw> {
    let mut parser = Parser {
        text,
        dialect,
        language,
        volatile: Vec::new(),
        tokens: lexer::tokens(text),
        next: 0,
        furthest: 0,
        source: Arc::new(Source { name: name.clone(), text: text.clone() }),
        bodies: Vec::new(),
        frame: Frame::new(),
        action_start: None,
        next_id: 0,
        nesting: 0,
    };
    let nodes = parser.file()?;
    let slots = parser.frame.slots;
    parser.add(name.clone(), nodes, slots)?;
    Ok(Parsed { bodies: parser.bodies, volatile: parser.volatile })
}

struct Parser<'t> {
    text: &'t str,
    dialect: Dialect,
    language: Language,
    volatile: Vec<&'static str>,
    tokens: Vec<Token>,
    next: usize,
    /// How many tokens were looked at: the last of them gives an error its line.
    furthest: usize,
    source: Arc<Source>,
    bodies: Vec<Body>,
    frame: Frame,
    /// Where the current action starts.
    action_start: Option<usize>,
    next_id: Id,
    nesting: usize,
}

/// What belongs to the body that is being read.
struct Frame {
    /// The variables that are visible, by slot.
    variables: Vec<Str>,
    slots: usize,
    ranges: usize,
}

impl Frame {
    fn new() -> Self {
        Self { variables: vec!["$".into()], slots: 1, ranges: 0 }
    }
}

/// What a list of nodes ended with.
enum Ending {
    End,
    /// With whether an `if` or `with` follows at once.
    Else,
}

impl Ending {
    fn text(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

enum Item {
    Node(Node),
    Ending(Ending),
}

impl Parser<'_> {
    fn peek(&mut self) -> &Token {
        self.furthest = self.furthest.max(self.next + 1);
        // The last token is an end or an error, after which nothing is read.
        let last = self.tokens.len() - 1;
        &self.tokens[self.next.min(last)]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
    }

    fn peek_after_space(&mut self) -> &Token {
        self.skip_space();
        self.peek()
    }

    fn take_after_space(&mut self) -> Token {
        self.skip_space();
        self.take()
    }

    fn token_text(&self, token: &Token) -> &str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    fn id(&mut self) -> Id {
        self.next_id += 1;
        self.next_id
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.text.get(..offset).unwrap_or(self.text).matches('\n').count()
    }

    /// An error at the last token that was looked at.
    fn error<T>(&self, message: impl AsRef<str>) -> Result<T, Flaw> {
        Err(self.flaw(message.as_ref(), self.last_seen(), Cause::Other))
    }

    /// An error whose line is that of the last token that was looked at, and whose place is `offset`.
    fn flaw(&self, message: &str, offset: usize, cause: Cause) -> Flaw {
        let line = self.line(self.last_seen());
        let text = format!("template: {}:{line}: {message}", self.source.name);
        Flaw { text, message: message.to_owned(), offset, cause }
    }

    fn last_seen(&self) -> usize {
        self.tokens[self.furthest.clamp(1, self.tokens.len()) - 1].start
    }

    fn unexpected<T>(&self, token: &Token, context: &str) -> Result<T, Flaw> {
        if let Kind::Error(message) = &token.kind {
            let started = self.action_start.map(|start| self.line(start));
            let extra = match started {
                Some(line) if line != self.line(token.start) => {
                    let action = if message.ends_with(" action") { "" } else { " in action" };
                    format!("{action} started at {}:{line}", self.source.name)
                }
                _ => String::new(),
            };
            return self.error(format!("{message}{extra}"));
        }
        self.error(format!("unexpected {} in {context}", self.describe(token)))
    }

    fn describe(&self, token: &Token) -> String {
        let text = self.token_text(token);
        match &token.kind {
            Kind::End => "EOF".to_owned(),
            Kind::Error(message) => message.clone(),
            Kind::Keyword(_) => format!("<{text}>"),
            _ if text.len() > 10 => {
                format!("{}...", quote(&text.chars().take(10).collect::<String>()))
            }
            _ => quote(text),
        }
    }

    fn expect_close(&mut self, context: &str) -> Result<Token, Flaw> {
        let token = self.take_after_space();
        if token.kind == Kind::Close { Ok(token) } else { self.unexpected(&token, context) }
    }

    /// The whole text: like any list of nodes, but `define` is allowed.
    fn file(&mut self) -> Result<Vec<Node>, Flaw> {
        let mut nodes = Vec::new();
        while self.peek().kind != Kind::End {
            let start = self.next;
            if self.peek().kind == Kind::Open {
                self.take();
                if self.take_after_space().kind == Kind::Keyword(Keyword::Define) {
                    self.define()?;
                    continue;
                }
                self.next = start;
            }
            match self.item()? {
                Item::Node(node) => nodes.push(node),
                Item::Ending(ending) => {
                    return self.error(format!("unexpected {}", ending.text()));
                }
            }
        }
        Ok(nodes)
    }

    fn define(&mut self) -> Result<(), Flaw> {
        let context = "define clause";
        let token = self.take_after_space();
        let action = self.action_start.take();
        let name = self.template_name(&token, context)?;
        self.expect_close(context)?;
        self.body(name, context)?;
        self.action_start = action;
        Ok(())
    }

    /// Reads the body of a `define` or `block`, with variables of its own.
    fn body(&mut self, name: Str, context: &str) -> Result<(), Flaw> {
        let outer = std::mem::replace(&mut self.frame, Frame::new());
        let (nodes, ending) = self.list()?;
        if !matches!(ending, Ending::End) {
            return self.error(format!("unexpected {} in {context}", ending.text()));
        }
        let inner = std::mem::replace(&mut self.frame, outer);
        self.add(name, nodes, inner.slots)
    }

    /// Of two bodies of one name in a text, one must be empty.
    fn add(&mut self, name: Str, nodes: Vec<Node>, slots: usize) -> Result<(), Flaw> {
        let body = Body { name, source: self.source.clone(), nodes, slots };
        match self.bodies.iter().position(|other| other.name == body.name) {
            None => self.bodies.push(body),
            Some(index) if self.bodies[index].is_empty() => {
                // The text's own body stays the last.
                self.bodies.remove(index);
                self.bodies.push(body);
            }
            Some(_) if body.is_empty() => {}
            Some(_) => {
                let name = quote(&body.name);
                return self.error(format!("template: multiple definition of template {name}"));
            }
        }
        Ok(())
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Result<Str, Flaw> {
        if !matches!(token.kind, Kind::Quoted | Kind::Raw) {
            return self.unexpected(token, context);
        }
        match super::literals::unquote(self.token_text(token)) {
            Ok(name) => Ok(name.into()),
            Err(message) => self.error(message),
        }
    }

    /// Nodes up to an `end` or `else`.
    fn list(&mut self) -> Result<(Vec<Node>, Ending), Flaw> {
        if self.nesting >= MAX_NESTING {
            return self.error(format!("blocks are nested more than {MAX_NESTING} levels deep"));
        }
        self.nesting += 1;
        let result = deeper(|| self.list_here());
        self.nesting -= 1;
        result
    }

    fn list_here(&mut self) -> Result<(Vec<Node>, Ending), Flaw> {
        let opened = self.action_start;
        let mut nodes = Vec::new();
        while self.peek_after_space().kind != Kind::End {
            match self.item()? {
                Item::Node(node) => nodes.push(node),
                Item::Ending(ending) => return Ok((nodes, ending)),
            }
        }
        let offset = opened.unwrap_or_else(|| self.last_seen());
        Err(self.flaw("unexpected EOF", offset, Cause::Unclosed))
    }

    fn item(&mut self) -> Result<Item, Flaw> {
        let token = self.take_after_space();
        match token.kind {
            Kind::Text => {
                let kind = NodeKind::Text(token.start, token.end);
                Ok(Item::Node(Node { id: self.id(), pos: token.start, kind }))
            }
            Kind::Open => {
                self.action_start = Some(token.start);
                let item = self.action();
                if item.is_ok() {
                    self.action_start = None;
                }
                item
            }
            _ => self.unexpected(&token, "input"),
        }
    }
}

impl Body {
    /// Whether it holds nothing but white space: it then replaces no other body of its name.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.iter().all(|node| match node.kind {
            NodeKind::Text(start, end) => {
                self.source.text[start..end].chars().all(char::is_whitespace)
            }
            _ => false,
        })
    }
}
