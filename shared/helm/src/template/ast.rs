//! What a parsed template consists of.
//!
//! Everything in it is shared by threads. Names are resolved when it is parsed: variables to slots of their frame,
//! functions to their entry of the table.

use std::sync::Arc;

use crate::functions::Function;
use crate::value::Str;

/// A text that templates were parsed from.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name that errors give: the file's.
    pub(crate) name: Str,
    pub(crate) text: Str,
}

/// One template: a file, a `define` or a `block`.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) name: Str,
    pub(crate) source: Arc<Source>,
    pub(crate) nodes: Vec<Node>,
    /// How many variables its frame holds, `$` included.
    pub(crate) slots: usize,
}

/// Where an error is: the number of a node in its source.
pub(crate) type Id = u32;

/// A piece of a template's body.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: Id,
    /// Its byte in the source.
    pub(crate) pos: usize,
    pub(crate) kind: NodeKind,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    /// From and to which byte of the source.
    Text(usize, usize),
    /// Prints its value, unless it declares or assigns.
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template {
        name: Str,
        pipe: Option<Pipe>,
    },
    Break,
    Continue,
}

/// A controlled body.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

/// Commands, of which each gets the value of the one before as its last argument.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) id: Id,
    pub(crate) pos: usize,
    /// Whether its variables exist already (`=`).
    pub(crate) assigns: bool,
    /// Two only in `range`.
    pub(crate) targets: Vec<Variable>,
    pub(crate) commands: Vec<Command>,
}

/// The slot of a variable that is assigned to without being declared.
pub(crate) const UNDEFINED: usize = usize::MAX;

/// A variable by its slot; the name, with its `$`, is for messages.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) slot: usize,
    pub(crate) name: Str,
}

/// An operand, and its arguments if it can be called.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) id: Id,
    pub(crate) pos: usize,
    /// At least one.
    pub(crate) args: Vec<Arg>,
}

/// A value in a command.
#[derive(Debug)]
pub(crate) struct Arg {
    pub(crate) id: Id,
    pub(crate) pos: usize,
    pub(crate) kind: ArgKind,
}

#[derive(Debug)]
pub(crate) enum ArgKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Box<Number>),
    /// A text, and how it is written, with its quotes.
    Text {
        text: Str,
        quoted: Str,
    },
    Variable(Variable, Box<[Str]>),
    Field(Box<[Str]>),
    /// Fields of a function's or pipeline's value.
    Chain(Box<Arg>, Box<[Str]>),
    Function(&'static Function),
    Pipe(Box<Pipe>),
}

/// A number, in each of the types that it fits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    /// The real and the imaginary part.
    pub(crate) complex: Option<(f64, f64)>,
}

/// What an error points at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'a> {
    Node(&'a Node),
    Pipe(&'a Pipe),
    Command(&'a Command),
    Arg(&'a Arg),
}

impl Found<'_> {
    pub(crate) fn pos(&self) -> usize {
        match self {
            Self::Node(node) => node.pos,
            Self::Pipe(pipe) => pipe.pos,
            Self::Command(command) => command.pos,
            Self::Arg(arg) => arg.pos,
        }
    }
}

/// Finds what has `id` among `nodes`.
pub(crate) fn find(nodes: &[Node], id: Id) -> Option<Found<'_>> {
    nodes.iter().find_map(|node| {
        if node.id == id {
            return Some(Found::Node(node));
        }
        match &node.kind {
            NodeKind::Text(..) | NodeKind::Break | NodeKind::Continue => None,
            NodeKind::Action(pipe) => find_in_pipe(pipe, id),
            NodeKind::If(branch) | NodeKind::With(branch) | NodeKind::Range(branch) => {
                find_in_pipe(&branch.pipe, id)
                    .or_else(|| find(&branch.body, id))
                    .or_else(|| find(branch.otherwise.as_deref().unwrap_or_default(), id))
            }
            NodeKind::Template { pipe, .. } => {
                pipe.as_ref().and_then(|pipe| find_in_pipe(pipe, id))
            }
        }
    })
}

fn find_in_pipe(pipe: &Pipe, id: Id) -> Option<Found<'_>> {
    if pipe.id == id {
        return Some(Found::Pipe(pipe));
    }
    pipe.commands.iter().find_map(|command| {
        if command.id == id {
            return Some(Found::Command(command));
        }
        command.args.iter().find_map(|arg| find_in_arg(arg, id))
    })
}

fn find_in_arg(arg: &Arg, id: Id) -> Option<Found<'_>> {
    if arg.id == id {
        return Some(Found::Arg(arg));
    }
    match &arg.kind {
        ArgKind::Pipe(pipe) => find_in_pipe(pipe, id),
        ArgKind::Chain(arg, _) => find_in_arg(arg, id),
        _ => None,
    }
}
