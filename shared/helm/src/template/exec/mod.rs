//! Runs parsed templates.

mod call;
mod eval;
mod walk;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::{self, Body, Id};
use super::error::{Cause, Fault, RenderError, Spot, line_and_column};
use super::{Language, Templates, deeper};
use crate::Settings;
use crate::context::Context;
use crate::format::quote;
use crate::value::{MapKind, Str, Value};

/// How deep templates may call each other. Helm's limit is 1000 calls of the same one.
const MAX_CALLS: usize = 4000;

/// What Go prints for a missing value, and Helm erases again.
pub(crate) const NO_VALUE: &str = "<no value>";

/// One render: its files share a budget, randomness, and the values that templates change.
pub struct Render<'t> {
    templates: &'t Templates,
    context: Context,
    out: String,
    /// How many bytes the finished files take.
    written: usize,
    /// The arguments of the calls that are being made.
    args: Vec<Value>,
    /// The variables of all frames.
    slots: Vec<Slot>,
    /// What `tpl` defined, if it is running.
    scope: Option<Rc<Scope>>,
    /// The names of the templates that are being included.
    includes: Vec<Str>,
    calls: usize,
}

/// A value, and whether Go holds it as an interface: its type's name is then unknown to errors.
#[derive(Clone, Debug, Default)]
struct Slot {
    value: Value,
    interface: bool,
}

impl From<Value> for Slot {
    fn from(value: Value) -> Self {
        Self { value, interface: false }
    }
}

/// The templates that a text for `tpl` defines, visible only inside.
struct Scope {
    bodies: HashMap<Str, Arc<Body>>,
    outer: Option<Rc<Self>>,
}

impl Scope {
    fn find(&self, name: &str) -> Option<&Arc<Body>> {
        self.bodies.get(name).or_else(|| self.outer.as_ref()?.find(name))
    }
}

/// A template that is running.
struct Frame<'b> {
    body: &'b Body,
    /// Where its variables begin.
    base: usize,
    /// The last node that was evaluated, at which an error then is.
    at: Id,
}

impl Frame<'_> {
    /// An error at the current node.
    #[cold]
    fn fault(&self, message: impl AsRef<str>) -> Fault {
        let message = message.as_ref();
        Fault::placed(self.place(message), self.spot(), message, None)
    }

    /// An error at the current node because of another.
    #[cold]
    fn caused(&self, message: &str, cause: Fault) -> Fault {
        let text = self.place(&format!("{message}: {}", cause.text()));
        Fault::placed(text, self.spot(), message, Some(cause))
    }

    /// An error because the current node names what is not there.
    #[cold]
    fn missing(&self, name: &str, kind: MapKind) -> Fault {
        let fault = self.fault(format!("map has no entry for key {}", quote(name)));
        match kind {
            MapKind::Strings => fault.because(Cause::MissingName(name.to_owned())),
            _ => fault,
        }
    }

    /// Where the current node is.
    fn spot(&self) -> Spot {
        let source = &self.body.source;
        let offset = ast::find(&self.body.nodes, self.at).map_or(0, |found| found.pos());
        let (line, column) = line_and_column(&source.text, offset);
        Spot { file: source.name.to_string(), line, column, template: self.body.name.to_string() }
    }

    fn place(&self, message: &str) -> String {
        let name = &self.body.name;
        let Some(found) = ast::find(&self.body.nodes, self.at) else {
            return format!("template: {name}: {message}");
        };
        let source = &self.body.source;
        let before = source.text.get(..found.pos()).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        let place = format!("{}:{line}:{column}", source.name);
        format!("template: {place}: executing {} at <{found}>: {message}", quote(name))
    }
}

impl<'t> Render<'t> {
    /// A render that has done nothing yet.
    pub fn new(templates: &'t Templates, settings: &Settings) -> Self {
        Self {
            templates,
            context: Context::new(settings),
            out: String::new(),
            written: 0,
            args: Vec::new(),
            slots: Vec::new(),
            scope: None,
            includes: Vec::new(),
            calls: 0,
        }
    }

    /// Runs the template called `name` over `data`.
    ///
    /// # Errors
    /// The templates' own refusals and errors, as Helm words them, or a spent budget. Nothing more can be rendered
    /// then.
    pub fn file(&mut self, name: &str, data: &Value) -> Result<String, RenderError> {
        self.out.clear();
        let result = self.execute(name, data);
        self.slots.clear();
        self.args.clear();
        self.includes.clear();
        self.scope = None;
        self.calls = 0;
        if let Some(why) = self.context.spent {
            return Err(RenderError::spent(name, why));
        }
        result.map_err(|fault| fault.into_error(name, self.templates.dialect))?;
        let out = std::mem::take(&mut self.out);
        self.written += out.len();
        Ok(match self.templates.language {
            Language::Charts => without_no_value(out),
            Language::Variables { .. } => out,
        })
    }

    fn execute(&mut self, name: &str, data: &Value) -> Result<(), Fault> {
        let body = self.find(name)?;
        self.run(&body, data.clone())
    }

    fn find(&self, name: &str) -> Result<Arc<Body>, Fault> {
        let scoped = self.scope.as_ref().and_then(|scope| scope.find(name));
        scoped.or_else(|| self.templates.find(name)).cloned().ok_or_else(|| {
            let name = quote(name);
            Fault::plain(format!("template: no template {name} associated with template \"gotpl\""))
        })
    }

    /// Runs a body in a frame of its own; its output goes to the end of `out`.
    fn run(&mut self, body: &Body, data: Value) -> Result<(), Fault> {
        if self.calls >= MAX_CALLS {
            return self
                .context
                .end("the templates call each other too deep")
                .map_err(Fault::plain);
        }
        self.calls += 1;
        let base = self.slots.len();
        self.slots.resize(base + body.slots, Slot::default());
        let dot = Slot::from(if data.is_nil() { Value::Invalid } else { data });
        self.slots[base] = dot.clone();
        let mut frame = Frame { body, base, at: 0 };
        deeper(|| self.walk(&mut frame, &dot, &body.nodes))?;
        self.slots.truncate(base);
        self.calls -= 1;
        Ok(())
    }

    /// Runs a body and takes what it wrote.
    fn capture(&mut self, body: &Body, data: Value) -> Result<Str, Fault> {
        let start = self.out.len();
        self.run(body, data)?;
        let text = Str::from(&self.out[start..]);
        self.out.truncate(start);
        Ok(text)
    }

    fn check_output(&mut self) -> Result<(), Fault> {
        if self.written + self.out.len() > self.context.output_limit() {
            return self.context.end("the output grows too large").map_err(Fault::plain);
        }
        Ok(())
    }
}

/// Erases what Go printed for missing values.
fn without_no_value(text: String) -> String {
    if text.contains(NO_VALUE) { text.replace(NO_VALUE, "") } else { text }
}
