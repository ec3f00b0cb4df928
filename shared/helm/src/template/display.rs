//! Parsed templates as texts, for the place in an error.

use std::fmt::{self, Display, Formatter};

use super::ast::{Arg, ArgKind, Branch, Command, Found, Node, NodeKind, Pipe};
use crate::format::quote;
use crate::value::Str;

impl Display for Found<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => node.fmt(f),
            Self::Pipe(pipe) => pipe.fmt(f),
            Self::Command(command) => command.fmt(f),
            Self::Arg(arg) => arg.fmt(f),
        }
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            // No error points at a text.
            NodeKind::Text(..) => Ok(()),
            NodeKind::Action(pipe) => write!(f, "{{{{{pipe}}}}}"),
            NodeKind::If(branch) => write_branch(f, "if", branch),
            NodeKind::With(branch) => write_branch(f, "with", branch),
            NodeKind::Range(branch) => write_branch(f, "range", branch),
            NodeKind::Template { name, pipe } => {
                write!(f, "{{{{template {}", quote(name))?;
                if let Some(pipe) = pipe {
                    write!(f, " {pipe}")?;
                }
                f.write_str("}}")
            }
            NodeKind::Break => f.write_str("{{break}}"),
            NodeKind::Continue => f.write_str("{{continue}}"),
        }
    }
}

/// Errors point at a branch only before it is entered, so its opening is enough.
fn write_branch(f: &mut Formatter<'_>, word: &str, branch: &Branch) -> fmt::Result {
    write!(f, "{{{{{word} {}}}}}", branch.pipe)
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, variable) in self.targets.iter().enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            f.write_str(&variable.name)?;
        }
        if !self.targets.is_empty() {
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            f.write_str(if index > 0 { " | " } else { "" })?;
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.args.iter().enumerate() {
            f.write_str(if index > 0 { " " } else { "" })?;
            write_enclosed(f, arg)?;
        }
        Ok(())
    }
}

fn write_enclosed(f: &mut Formatter<'_>, arg: &Arg) -> fmt::Result {
    if matches!(arg.kind, ArgKind::Pipe(_)) { write!(f, "({arg})") } else { arg.fmt(f) }
}

impl Display for Arg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ArgKind::Dot => f.write_str("."),
            ArgKind::Nil => f.write_str("nil"),
            ArgKind::Bool(truth) => truth.fmt(f),
            ArgKind::Number(number) => f.write_str(&number.text),
            ArgKind::Text { quoted, .. } => f.write_str(quoted),
            ArgKind::Variable(variable, fields) => {
                f.write_str(&variable.name)?;
                write_fields(f, fields)
            }
            ArgKind::Field(fields) => write_fields(f, fields),
            ArgKind::Chain(arg, fields) => {
                write_enclosed(f, arg)?;
                write_fields(f, fields)
            }
            ArgKind::Function(function) => f.write_str(function.name),
            ArgKind::Pipe(pipe) => pipe.fmt(f),
        }
    }
}

fn write_fields(f: &mut Formatter<'_>, fields: &[Str]) -> fmt::Result {
    fields.iter().try_for_each(|field| write!(f, ".{field}"))
}
