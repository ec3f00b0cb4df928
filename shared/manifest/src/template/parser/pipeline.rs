//! Pipelines: what stands inside of an action.

use super::super::ast::{Base, Binding, Command, Operand, Pipeline};
use super::super::lexer::{Kind, Token};
use super::super::{Fault, functions};
use super::Parser;

/// How many variables may be in scope at once; each use looks through them.
const MAX_VARIABLES: usize = 500;

impl Parser {
    /// Parses a pipeline that may bind up to `bindable` variables.
    pub(super) fn pipeline(&mut self, bindable: usize) -> Result<Pipeline, Fault> {
        let offset = self.offset();
        let (variables, binding, first) = self.bindings(bindable)?;
        let mut commands = Vec::new();
        let mut first = first;
        loop {
            commands.push(self.command(first.take(), !commands.is_empty())?);
            match self.tokens.peek() {
                Some(Token { kind: Kind::Pipe, .. }) => self.tokens.next(),
                _ => break,
            };
        }
        // The variables are declared only now: their own pipeline cannot see them.
        if binding == Binding::Declare {
            self.variables.extend(variables.iter().cloned());
        }
        if self.variables.len() > MAX_VARIABLES {
            let message = format!("more than {MAX_VARIABLES} variables are in scope");
            return Err(Fault::new(offset, message));
        }
        Ok(Pipeline { offset, variables, binding, commands })
    }

    /// Reads `$x :=`, `$x =` or `$i, $e :=`. A variable that turns out to be a value is given back.
    fn bindings(
        &mut self,
        bindable: usize,
    ) -> Result<(Vec<String>, Binding, Option<Operand>), Fault> {
        let none = (Vec::new(), Binding::Declare, None);
        let Some(Token { kind: Kind::Variable(name), offset, .. }) = self.tokens.peek() else {
            return Ok(none);
        };
        let (name, offset) = (name.clone(), *offset);
        self.tokens.next();
        let mut names = vec![name];
        if matches!(self.tokens.peek(), Some(Token { kind: Kind::Comma, .. })) {
            self.tokens.next();
            let second = self.offset();
            if bindable < 2 {
                return Err(Fault::new(second, "only `range` sets two variables"));
            }
            match self.tokens.next() {
                Some(Token { kind: Kind::Variable(name), .. }) => names.push(name),
                _ => {
                    return Err(Fault::new(
                        second,
                        "`,` is followed by a variable, as in `range $i, $x := …`",
                    ));
                }
            }
        }
        let binding = match self.tokens.peek() {
            Some(Token { kind: Kind::Declare, .. }) => Binding::Declare,
            Some(Token { kind: Kind::Assign, .. }) => Binding::Assign,
            _ if names.len() == 1 => {
                let base = self.variable(offset, names.remove(0))?;
                let fields = self.fields();
                return Ok((Vec::new(), Binding::Declare, Some(Operand { offset, base, fields })));
            }
            _ => {
                return Err(Fault::new(
                    offset,
                    "two variables need `:=`, as in `range $i, $x := …`",
                ));
            }
        };
        if bindable == 0 {
            return Err(Fault::new(offset, "no variable can be set here"));
        }
        self.tokens.next();
        if binding == Binding::Assign {
            for name in &names {
                self.variable(offset, name.clone())?;
            }
        }
        Ok((names, binding, None))
    }

    fn variable(&self, offset: usize, name: String) -> Result<Base, Fault> {
        if self.variables.contains(&name) {
            return Ok(Base::Variable(name));
        }
        Err(Fault::new(
            offset,
            format!("variable `{name}` is not declared; declare it with `{name} := …`"),
        ))
    }

    fn command(&mut self, first: Option<Operand>, piped: bool) -> Result<Command, Fault> {
        let offset = self.offset();
        let head = match first {
            Some(head) => Some(head),
            None => self.operand()?,
        };
        let Some(head) = head else {
            return Err(Fault::new(offset, "a value is missing"));
        };
        let mut arguments = Vec::new();
        while let Some(Token { spaced, .. }) = self.tokens.peek() {
            let (spaced, offset) = (*spaced, self.offset());
            let Some(argument) = self.operand()? else { break };
            if !spaced {
                return Err(Fault::new(offset, "put a space between values"));
            }
            arguments.push(argument);
        }
        let is_function = matches!(head.base, Base::Function(_)) && head.fields.is_empty();
        if !is_function && (piped || !arguments.is_empty()) {
            let message = "this is no function and takes no arguments";
            return Err(Fault::new(head.offset, message));
        }
        if matches!(head.base, Base::Nil) {
            return Err(Fault::new(head.offset, "`nil` is not a value to print or pass on"));
        }
        Ok(Command { head, arguments })
    }

    /// Parses one value with the fields taken from it, if there is one.
    fn operand(&mut self) -> Result<Option<Operand>, Fault> {
        let offset = self.offset();
        let base = match self.tokens.peek().map(|token| token.kind.clone()) {
            Some(Kind::Dot) => Base::Dot,
            Some(Kind::Field(name)) => {
                self.tokens.next();
                let mut fields = vec![name];
                fields.extend(self.fields());
                return Ok(Some(Operand { offset, base: Base::Dot, fields }));
            }
            Some(Kind::Variable(name)) => self.variable(offset, name)?,
            Some(Kind::Text(text)) => Base::Text(text),
            Some(Kind::Int(number)) => Base::Int(number),
            Some(Kind::Float(number)) => Base::Float(number),
            Some(Kind::Word(word)) => word_value(offset, &word)?,
            Some(Kind::LeftParenthesis) => {
                self.tokens.next();
                let pipeline = self.nested(offset, |parser| parser.pipeline(0))?;
                match self.tokens.peek() {
                    Some(Token { kind: Kind::RightParenthesis, .. }) => {
                        Base::Parentheses(Box::new(pipeline))
                    }
                    _ => return Err(Fault::new(offset, "`(` is not closed")),
                }
            }
            _ => return Ok(None),
        };
        self.tokens.next();
        let fields = self.fields();
        let literal = matches!(
            base,
            Base::Nil | Base::Bool(_) | Base::Int(_) | Base::Float(_) | Base::Text(_)
        );
        if literal && !fields.is_empty() {
            return Err(Fault::new(offset, "a constant has no fields"));
        }
        Ok(Some(Operand { offset, base, fields }))
    }

    /// The fields that follow without a space.
    fn fields(&mut self) -> Vec<String> {
        let mut fields = Vec::new();
        while let Some(Token { spaced: false, kind: Kind::Field(name), .. }) = self.tokens.peek() {
            fields.push(name.clone());
            self.tokens.next();
        }
        fields
    }
}

fn word_value(offset: usize, word: &str) -> Result<Base, Fault> {
    match word {
        "true" => Ok(Base::Bool(true)),
        "false" => Ok(Base::Bool(false)),
        "nil" => Ok(Base::Nil),
        "if" | "else" | "end" | "range" | "with" | "define" | "block" | "template" | "break"
        | "continue" => {
            Err(Fault::new(offset, format!("`{word}` stands at the start of an action only")))
        }
        name => functions::find(name)
            .map(Base::Function)
            .ok_or_else(|| Fault::new(offset, format!("function `{name}` is not defined"))),
    }
}
