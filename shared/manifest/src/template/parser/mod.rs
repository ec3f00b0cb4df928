//! From tokens to templates.

mod pipeline;

use super::ast::{Branch, Node, Templates};
use super::lexer::{Kind, Token};
use super::{Fault, MAX_DEPTH};

/// Parses the tokens of the template called `name`, and those that it defines.
pub(super) fn parse(name: &str, tokens: Vec<Token>) -> Result<Templates, Fault> {
    let end = tokens.last().map_or(0, |token| token.offset);
    let mut parser = Parser {
        tokens: tokens.into_iter().peekable(),
        end,
        templates: Templates::new(),
        variables: vec!["$".to_owned()],
        loops: 0,
        depth: 0,
    };
    let (body, ending) = parser.body()?;
    if let Some((offset, ending)) = ending {
        return Err(Fault::new(offset, format!("`{}` closes nothing", ending.word())));
    }
    let mut templates = parser.templates;
    templates.insert(name.to_owned(), body);
    Ok(templates)
}

/// What ends a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    End,
    Else,
}

impl Ending {
    fn word(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Else => "else",
        }
    }
}

/// The blocks that have an `else`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    If,
    With,
    Range,
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    /// Where the text ends, for errors.
    end: usize,
    templates: Templates,
    /// The variables in scope, innermost last.
    variables: Vec<String>,
    /// How many `range` stand around, within this template.
    loops: usize,
    depth: usize,
}

type Body = (Vec<Node>, Option<(usize, Ending)>);

impl Parser {
    /// Parses up to the end of the text, or past the word that ends the body.
    fn body(&mut self) -> Result<Body, Fault> {
        let mut nodes = Vec::new();
        while let Some(token) = self.tokens.next() {
            match token.kind {
                Kind::Literal(text) => nodes.push(Node::Text(token.offset, text)),
                _ => match self.action()? {
                    Action::Node(node) => nodes.push(node),
                    Action::Definition => {}
                    Action::Ending(offset, ending) => return Ok((nodes, Some((offset, ending)))),
                },
            }
        }
        Ok((nodes, None))
    }

    /// Parses what follows `{{`.
    fn action(&mut self) -> Result<Action, Fault> {
        let offset = self.offset();
        let Some(Token { kind: Kind::Word(word), .. }) = self.tokens.peek() else {
            return self.print();
        };
        let word = word.clone();
        match word.as_str() {
            "if" => self.control(Control::If, &word),
            "with" => self.control(Control::With, &word),
            "range" => self.control(Control::Range, &word),
            "end" => {
                self.tokens.next();
                self.close()?;
                Ok(Action::Ending(offset, Ending::End))
            }
            // `else if` goes on without a close; the caller looks.
            "else" => {
                self.tokens.next();
                Ok(Action::Ending(offset, Ending::Else))
            }
            "define" => self.define(),
            "block" => self.block(),
            "template" => self.template(),
            "break" | "continue" => self.jump(&word),
            _ => self.print(),
        }
    }

    fn print(&mut self) -> Result<Action, Fault> {
        let pipeline = self.pipeline(1)?;
        self.close()?;
        Ok(Action::Node(Node::Action(pipeline)))
    }

    fn jump(&mut self, word: &str) -> Result<Action, Fault> {
        let offset = self.offset();
        self.tokens.next();
        self.close()?;
        if self.loops == 0 {
            return Err(Fault::new(offset, format!("`{word}` stands outside of `range`")));
        }
        Ok(Action::Node(if word == "break" { Node::Break } else { Node::Continue }))
    }

    fn control(&mut self, control: Control, word: &str) -> Result<Action, Fault> {
        let offset = self.offset();
        self.tokens.next();
        let scope = self.variables.len();
        let branch = self.nested(offset, |parser| parser.branch(control, offset, word))?;
        self.variables.truncate(scope);
        Ok(Action::Node(match control {
            Control::If => Node::If(branch),
            Control::With => Node::With(branch),
            Control::Range => Node::Range(branch),
        }))
    }

    fn branch(&mut self, control: Control, offset: usize, word: &str) -> Result<Branch, Fault> {
        let pipeline = self.pipeline(if control == Control::Range { 2 } else { 1 })?;
        self.close()?;
        let looping = usize::from(control == Control::Range);
        self.loops += looping;
        let (body, ending) = self.scoped_body()?;
        self.loops -= looping;
        let otherwise = match ending {
            Some((_, Ending::End)) => Vec::new(),
            Some((else_offset, Ending::Else)) => {
                self.otherwise(control, else_offset, offset, word)?
            }
            None => return Err(Fault::new(offset, format!("`{word}` has no `{{{{ end }}}}`"))),
        };
        Ok(Branch { pipeline, body, otherwise })
    }

    /// Parses what follows `else`: a body, or `if …` and `with …`, which share the one `end`.
    fn otherwise(
        &mut self,
        control: Control,
        else_offset: usize,
        offset: usize,
        word: &str,
    ) -> Result<Vec<Node>, Fault> {
        if let Some(Token { kind: Kind::Word(next), .. }) = self.tokens.peek() {
            let next = next.clone();
            let chained = match (control, next.as_str()) {
                (Control::If, "if") => Control::If,
                (Control::With, "with") => Control::With,
                _ => {
                    return Err(Fault::new(
                        else_offset,
                        format!("`else {next}` cannot follow `{word}`"),
                    ));
                }
            };
            return match self.control(chained, &next)? {
                Action::Node(node) => Ok(vec![node]),
                Action::Definition | Action::Ending(..) => Ok(Vec::new()),
            };
        }
        self.close()?;
        match self.scoped_body()? {
            (body, Some((_, Ending::End))) => Ok(body),
            (_, Some((second, Ending::Else))) => {
                Err(Fault::new(second, "a second `else`; the first one took the rest"))
            }
            (_, None) => Err(Fault::new(offset, format!("`{word}` has no `{{{{ end }}}}`"))),
        }
    }

    /// A body whose variables end with it.
    fn scoped_body(&mut self) -> Result<Body, Fault> {
        let scope = self.variables.len();
        let body = self.body()?;
        self.variables.truncate(scope);
        Ok(body)
    }

    fn define(&mut self) -> Result<Action, Fault> {
        let offset = self.offset();
        self.tokens.next();
        if self.depth > 0 {
            return Err(Fault::new(offset, "`define` stands inside of another block; move it out"));
        }
        let name = self.template_name("define")?;
        self.close()?;
        self.definition(offset, "define", name)?;
        Ok(Action::Definition)
    }

    /// `block` defines a template and calls it.
    fn block(&mut self) -> Result<Action, Fault> {
        let offset = self.offset();
        self.tokens.next();
        let name = self.template_name("block")?;
        let argument = Some(self.pipeline(0)?);
        self.close()?;
        self.definition(offset, "block", name.clone())?;
        Ok(Action::Node(Node::Template { name, offset, argument }))
    }

    fn definition(&mut self, offset: usize, word: &str, name: String) -> Result<(), Fault> {
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let (body, ending) = self.nested(offset, Self::body)?;
        self.variables = outer;
        self.loops = loops;
        match ending {
            Some((_, Ending::End)) => {
                self.templates.insert(name, body);
                Ok(())
            }
            Some((offset, Ending::Else)) => {
                Err(Fault::new(offset, format!("`{word}` has no `else`")))
            }
            None => Err(Fault::new(offset, format!("`{word}` has no `{{{{ end }}}}`"))),
        }
    }

    fn template(&mut self) -> Result<Action, Fault> {
        let offset = self.offset();
        self.tokens.next();
        let name = self.template_name("template")?;
        let closes = matches!(self.tokens.peek(), Some(Token { kind: Kind::Close, .. }));
        let argument = if closes { None } else { Some(self.pipeline(0)?) };
        self.close()?;
        Ok(Action::Node(Node::Template { name, offset, argument }))
    }

    fn template_name(&mut self, word: &str) -> Result<String, Fault> {
        let offset = self.offset();
        match self.tokens.next() {
            Some(Token { kind: Kind::Text(name), .. }) => Ok(name),
            _ => Err(Fault::new(offset, format!("`{word}` needs a name in quotes"))),
        }
    }

    fn close(&mut self) -> Result<(), Fault> {
        let offset = self.offset();
        match self.tokens.next().map(|token| token.kind) {
            Some(Kind::Close) => Ok(()),
            Some(Kind::RightParenthesis) => Err(Fault::new(offset, "`)` closes nothing")),
            Some(Kind::Word(word)) => {
                Err(Fault::new(offset, format!("`{word}` is not expected here")))
            }
            _ => Err(Fault::new(offset, "the action should end here with `}}`")),
        }
    }

    fn nested<T>(
        &mut self,
        offset: usize,
        parse: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(offset, format!("is nested more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let parsed = parse(self)?;
        self.depth -= 1;
        Ok(parsed)
    }

    fn offset(&mut self) -> usize {
        self.tokens.peek().map_or(self.end, |token| token.offset)
    }
}

enum Action {
    Node(Node),
    /// A template was defined, which leaves nothing in its place.
    Definition,
    Ending(usize, Ending),
}
