//! Actions: those that control, and those that print.

use super::super::ast::{Branch, Node, NodeKind, Pipe};
use super::super::lexer::{Keyword, Kind};
use super::{Ending, Flaw, Item, Parser};

/// What opens a controlled body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    If,
    With,
    Range,
}

impl Control {
    fn word(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::With => "with",
            Self::Range => "range",
        }
    }
}

impl Parser<'_> {
    pub(super) fn action(&mut self) -> Result<Item, Flaw> {
        let start = self.next;
        let token = self.take_after_space();
        let pos = token.start;
        let Kind::Keyword(keyword) = token.kind else { return self.print(start) };
        let kind = match keyword {
            Keyword::Block => return self.block().map(Item::Node),
            Keyword::Break => self.leave("{{break}}", NodeKind::Break)?,
            Keyword::Continue => self.leave("{{continue}}", NodeKind::Continue)?,
            Keyword::Else => return self.else_ending().map(Item::Ending),
            Keyword::End => {
                self.expect_close("end")?;
                return Ok(Item::Ending(Ending::End));
            }
            Keyword::If => return self.control(Control::If).map(Item::Node),
            Keyword::Range => return self.control(Control::Range).map(Item::Node),
            Keyword::With => return self.control(Control::With).map(Item::Node),
            Keyword::Template => return self.template().map(Item::Node),
            Keyword::Define | Keyword::Dot | Keyword::Nil => return self.print(start),
        };
        Ok(Item::Node(Node { id: self.id(), pos, kind }))
    }

    fn print(&mut self, start: usize) -> Result<Item, Flaw> {
        self.next = start;
        let pos = self.peek_after_space().start;
        let id = self.id();
        let pipe = self.pipeline("command", &Kind::Close)?;
        Ok(Item::Node(Node { id, pos, kind: NodeKind::Action(pipe) }))
    }

    fn leave(&mut self, word: &str, kind: NodeKind) -> Result<NodeKind, Flaw> {
        self.expect_close(word)?;
        if self.frame.ranges == 0 {
            return self.error(format!("{word} outside {{{{range}}}}"));
        }
        Ok(kind)
    }

    fn else_ending(&mut self) -> Result<Ending, Flaw> {
        let next = &self.peek_after_space().kind;
        if !matches!(next, Kind::Keyword(Keyword::If | Keyword::With)) {
            self.expect_close("else")?;
        }
        Ok(Ending::Else)
    }

    fn control(&mut self, control: Control) -> Result<Node, Flaw> {
        let visible = self.frame.variables.len();
        let id = self.id();
        let pipe = self.pipeline(control.word(), &Kind::Close)?;
        let pos = pipe.pos;
        let ranges = self.frame.ranges;
        self.frame.ranges += usize::from(control == Control::Range);
        let (body, ending) = self.list()?;
        self.frame.ranges = ranges;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else => Some(self.otherwise(control)?),
        };
        self.frame.variables.truncate(visible);
        Ok(Node { id, pos, kind: node_kind(control, pipe, body, otherwise) })
    }

    /// `else if` and `else with` are a nested node, whose `end` ends both.
    fn otherwise(&mut self, control: Control) -> Result<Vec<Node>, Flaw> {
        let nested = matches!(
            (control, &self.peek().kind),
            (Control::If, Kind::Keyword(Keyword::If))
                | (Control::With, Kind::Keyword(Keyword::With))
        );
        if nested {
            self.take();
            self.nest_deeper()?;
            let node = super::deeper(|| self.control(control))?;
            self.nesting -= 1;
            return Ok(vec![node]);
        }
        let (nodes, ending) = self.list()?;
        match ending {
            Ending::End => Ok(nodes),
            Ending::Else => self.error(format!("expected end; found {}", ending.text())),
        }
    }

    fn nest_deeper(&mut self) -> Result<(), Flaw> {
        if self.nesting >= super::MAX_NESTING {
            let limit = super::MAX_NESTING;
            return self.error(format!("blocks are nested more than {limit} levels deep"));
        }
        self.nesting += 1;
        Ok(())
    }

    fn block(&mut self) -> Result<Node, Flaw> {
        let context = "block clause";
        let id = self.id();
        let token = self.take_after_space();
        let name = self.template_name(&token, context)?;
        let pipe = self.pipeline(context, &Kind::Close)?;
        let action = self.action_start.take();
        self.body(name.clone(), context)?;
        self.action_start = action;
        Ok(Node { id, pos: token.start, kind: NodeKind::Template { name, pipe: Some(pipe) } })
    }

    fn template(&mut self) -> Result<Node, Flaw> {
        let context = "template clause";
        let id = self.id();
        let token = self.take_after_space();
        let name = self.template_name(&token, context)?;
        let pipe = if self.peek_after_space().kind == Kind::Close {
            self.take();
            None
        } else {
            Some(self.pipeline(context, &Kind::Close)?)
        };
        Ok(Node { id, pos: token.start, kind: NodeKind::Template { name, pipe } })
    }
}

fn node_kind(
    control: Control,
    pipe: Pipe,
    body: Vec<Node>,
    otherwise: Option<Vec<Node>>,
) -> NodeKind {
    let branch = Branch { pipe, body, otherwise };
    match control {
        Control::If => NodeKind::If(branch),
        Control::With => NodeKind::With(branch),
        Control::Range => NodeKind::Range(branch),
    }
}
