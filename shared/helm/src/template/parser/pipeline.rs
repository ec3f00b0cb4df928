//! Pipelines: declarations, commands, operands.

use super::super::ast::{Arg, ArgKind, Command, Pipe, UNDEFINED, Variable};
use super::super::lexer::{Keyword, Kind, Token};
use super::super::literals;
use super::{Cause, Flaw, MAX_NESTING, Parser, deeper};
use crate::format::quote;
use crate::value::Str;

impl Parser<'_> {
    /// Reads up to a token of kind `end`, which is consumed.
    pub(super) fn pipeline(&mut self, context: &str, end: &Kind) -> Result<Pipe, Flaw> {
        let pos = self.peek_after_space().start;
        let id = self.id();
        let mut pipe = Pipe { id, pos, assigns: false, targets: Vec::new(), commands: Vec::new() };
        while self.declaration(&mut pipe, context)? {}
        loop {
            let token = self.peek_after_space().clone();
            if token.kind == *end {
                self.take();
                self.check(&pipe, context)?;
                return Ok(pipe);
            }
            match token.kind {
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Keyword(Keyword::Dot | Keyword::Nil)
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Raw
                | Kind::Quoted
                | Kind::Variable
                | Kind::LeftParenthesis => {
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => {
                    self.take();
                    return self.unexpected(&token, context);
                }
            }
        }
    }

    /// Reads `$x :=`, `$x =` or `$x,` if it stands here, and says whether another may follow.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str) -> Result<bool, Flaw> {
        let token = self.peek_after_space().clone();
        if token.kind != Kind::Variable {
            return Ok(false);
        }
        let start = self.next;
        self.take();
        let next = self.peek_after_space().clone();
        let comma = next.kind == Kind::Char && self.token_text(&next) == ",";
        if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
            self.next = start;
            return Ok(false);
        }
        self.take();
        if !comma {
            pipe.assigns = next.kind == Kind::Assign;
        }
        let name: Str = self.token_text(&token).into();
        pipe.targets.push(Variable { slot: 0, name });
        if comma {
            if context != "range" || pipe.targets.len() > 1 {
                self.bind(pipe);
                return self.error(format!("too many declarations in {context}"));
            }
            let follows = &self.peek_after_space().kind;
            if !matches!(follows, Kind::Variable | Kind::Close | Kind::RightParenthesis) {
                return self.error("range can only initialize variables");
            }
            return Ok(true);
        }
        self.bind(pipe);
        Ok(false)
    }

    /// Gives the pipeline's variables their slots: new ones, or those of the variables that are assigned.
    fn bind(&mut self, pipe: &mut Pipe) {
        for target in &mut pipe.targets {
            let known = self.frame.variables.iter().rposition(|name| *name == target.name);
            target.slot = match known {
                Some(slot) if pipe.assigns => slot,
                // Go finds out only when it runs.
                None if pipe.assigns => UNDEFINED,
                _ => {
                    let slot = self.frame.variables.len();
                    self.frame.variables.push(target.name.clone());
                    self.frame.slots = self.frame.slots.max(slot + 1);
                    slot
                }
            };
        }
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Result<(), Flaw> {
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let executable = !matches!(
                command.args[0].kind,
                ArgKind::Bool(_)
                    | ArgKind::Dot
                    | ArgKind::Nil
                    | ArgKind::Number(_)
                    | ArgKind::Text { .. }
            );
            if !executable {
                let stage = index + 1;
                return self.error(format!("non executable command in pipeline stage {stage}"));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command, Flaw> {
        let pos = self.peek_after_space().start;
        let id = self.id();
        let mut args = Vec::new();
        loop {
            self.skip_space();
            if let Some(arg) = self.operand()? {
                args.push(arg);
            }
            let token = self.take();
            match token.kind {
                Kind::Space => continue,
                Kind::Close | Kind::RightParenthesis => self.next -= 1,
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if args.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { id, pos, args })
    }

    /// A term and the fields that are taken from it, unless something else stands here.
    fn operand(&mut self) -> Result<Option<Arg>, Flaw> {
        let Some(mut arg) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(arg));
        }
        // Errors point at the first field that follows.
        let (inner_pos, pos) = (arg.pos, self.peek().start);
        let mut fields: Vec<Str> = Vec::new();
        while self.peek().kind == Kind::Field {
            let token = self.take();
            fields.push(self.token_text(&token)[1..].into());
        }
        arg.pos = pos;
        arg.kind = match arg.kind {
            ArgKind::Field(first) => {
                ArgKind::Field(first.into_vec().into_iter().chain(fields).collect())
            }
            ArgKind::Variable(variable, _) => ArgKind::Variable(variable, fields.into()),
            ArgKind::Function(_) | ArgKind::Pipe(_) | ArgKind::Chain(..) => {
                let id = self.id();
                let inner = Arg { id: arg.id, pos: inner_pos, kind: arg.kind };
                arg.id = id;
                ArgKind::Chain(Box::new(inner), fields.into())
            }
            ArgKind::Dot
            | ArgKind::Nil
            | ArgKind::Bool(_)
            | ArgKind::Number(_)
            | ArgKind::Text { .. } => {
                return self.error(format!("unexpected . after term {}", quote(&arg.to_string())));
            }
        };
        Ok(Some(arg))
    }

    fn term(&mut self) -> Result<Option<Arg>, Flaw> {
        let start = self.next;
        let token = self.take_after_space();
        let text = self.token_text(&token).to_owned();
        let kind = match token.kind {
            Kind::Identifier => match self.language.find(&text, self.dialect) {
                Some(function) => {
                    if function.is_volatile() && !self.volatile.contains(&function.name) {
                        self.volatile.push(function.name);
                    }
                    ArgKind::Function(function)
                }
                None => {
                    let message = format!("function {} not defined", quote(&text));
                    return Err(self.flaw(&message, token.start, Cause::UnknownFunction(text)));
                }
            },
            Kind::Keyword(Keyword::Dot) => ArgKind::Dot,
            Kind::Keyword(Keyword::Nil) => ArgKind::Nil,
            Kind::Variable => self.variable(&text, token.start)?,
            Kind::Field => ArgKind::Field([Str::from(&text[1..])].into()),
            Kind::Bool => ArgKind::Bool(text == "true"),
            Kind::CharConstant => self.numeric(literals::character(&text))?,
            Kind::Complex => self.numeric(literals::complex(&text))?,
            Kind::Number => self.numeric(literals::number(&text))?,
            Kind::LeftParenthesis => ArgKind::Pipe(Box::new(self.parenthesized()?)),
            Kind::Quoted | Kind::Raw => match literals::unquote(&text) {
                Ok(value) => ArgKind::Text { text: value.into(), quoted: text.into() },
                Err(message) => return self.error(message),
            },
            _ => {
                self.next = start;
                self.skip_space();
                return Ok(None);
            }
        };
        Ok(Some(self.arg(&token, kind)))
    }

    fn arg(&mut self, token: &Token, kind: ArgKind) -> Arg {
        // A pipeline in parentheses is where its first word is.
        let pos = if let ArgKind::Pipe(pipe) = &kind { pipe.pos } else { token.start };
        Arg { id: self.id(), pos, kind }
    }

    fn numeric(&self, number: Result<super::super::ast::Number, String>) -> Result<ArgKind, Flaw> {
        match number {
            Ok(number) => Ok(ArgKind::Number(Box::new(number))),
            Err(message) => self.error(message),
        }
    }

    fn variable(&self, name: &str, start: usize) -> Result<ArgKind, Flaw> {
        match self.frame.variables.iter().rposition(|variable| &**variable == name) {
            Some(slot) => {
                Ok(ArgKind::Variable(Variable { slot, name: name.into() }, Box::default()))
            }
            None => {
                let message = format!("undefined variable {}", quote(name));
                Err(self.flaw(&message, start, Cause::Other))
            }
        }
    }

    fn parenthesized(&mut self) -> Result<Pipe, Flaw> {
        if self.nesting >= MAX_NESTING {
            return self.error("max expression depth exceeded");
        }
        self.nesting += 1;
        let pipe = deeper(|| self.pipeline("parenthesized pipeline", &Kind::RightParenthesis));
        self.nesting -= 1;
        pipe
    }
}
