//! What a parsed template consists of.

use std::collections::HashMap;

use super::functions::Function;

/// The bodies of all templates by name.
pub(super) type Templates = HashMap<String, Vec<Node>>;

/// A piece of a template's body.
#[derive(Debug)]
pub(super) enum Node {
    /// With where it starts.
    Text(usize, String),
    /// Prints its value, unless it declares or assigns.
    Action(Pipeline),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template {
        name: String,
        offset: usize,
        argument: Option<Pipeline>,
    },
    Break,
    Continue,
}

/// A controlled body.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) pipeline: Pipeline,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// Commands, of which each gets the value of the one before as its last argument.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) offset: usize,
    /// Variables with their `$`; two only in `range`.
    pub(super) variables: Vec<String>,
    pub(super) binding: Binding,
    pub(super) commands: Vec<Command>,
}

/// What a pipeline does with its variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// `:=`, and also the absence of variables.
    Declare,
    /// `=`
    Assign,
}

/// An operand, and its arguments if it is a function.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) head: Operand,
    pub(super) arguments: Vec<Operand>,
}

/// A value in a command, and the fields taken from it.
#[derive(Debug)]
pub(super) struct Operand {
    pub(super) offset: usize,
    pub(super) base: Base,
    pub(super) fields: Vec<String>,
}

/// Where an operand starts from.
#[derive(Debug)]
pub(super) enum Base {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// With its `$`.
    Variable(String),
    Function(&'static Function),
    Parentheses(Box<Pipeline>),
}
