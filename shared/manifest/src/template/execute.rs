//! Runs parsed templates.

use std::collections::BTreeMap;

use super::ast::{Base, Binding, Branch, Command, Node, Operand, Pipeline, Templates};
use super::format;
use super::functions::{self, Function};
use super::machine::{Growing, Machine};
use super::value::Value;
use super::{Fault, MAX_DEPTH};

/// Runs the template called `name` over `variables`.
pub(super) fn run(
    name: &str,
    templates: &Templates,
    variables: &BTreeMap<String, String>,
) -> Result<String, Fault> {
    let mut run =
        Run { templates, machine: Machine::new(variables), output: Growing::default(), depth: 0 };
    let mut frame = Frame::new(Value::Variables);
    if let Some(body) = templates.get(name) {
        run.body(body, &Value::Variables, &mut frame)?;
    }
    Ok(run.output.into_string())
}

struct Run<'a> {
    templates: &'a Templates,
    machine: Machine<'a>,
    output: Growing,
    depth: usize,
}

/// The variables of one template's run, innermost last.
struct Frame(Vec<(String, Value)>);

impl Frame {
    fn new(dot: Value) -> Self {
        Self(vec![("$".to_owned(), dot)])
    }

    fn get(&self, name: &str) -> Value {
        // The parser refuses variables that are not declared.
        self.0
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map_or(Value::Nil, |(_, value)| value.clone())
    }

    fn assign(&mut self, name: &str, value: Value) {
        if let Some((_, slot)) = self.0.iter_mut().rev().find(|(known, _)| known == name) {
            *slot = value;
        }
    }
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Through,
    Break,
    Continue,
}

impl Run<'_> {
    fn body(&mut self, nodes: &[Node], dot: &Value, frame: &mut Frame) -> Result<Flow, Fault> {
        let scope = frame.0.len();
        for node in nodes {
            let flow = self.node(node, dot, frame)?;
            if flow != Flow::Through {
                frame.0.truncate(scope);
                return Ok(flow);
            }
        }
        frame.0.truncate(scope);
        Ok(Flow::Through)
    }

    fn node(&mut self, node: &Node, dot: &Value, frame: &mut Frame) -> Result<Flow, Fault> {
        match node {
            Node::Text(offset, text) => {
                self.output.push(text).map_err(|message| Fault::new(*offset, message))?
            }
            Node::Action(pipeline) => {
                let value = self.pipeline(pipeline, dot, frame)?;
                if pipeline.variables.is_empty() {
                    self.print(pipeline.offset, &value)?;
                }
            }
            Node::If(branch) | Node::With(branch) => {
                let rebinds = matches!(node, Node::With(_));
                return self
                    .nested(branch.pipeline.offset, |run| run.choose(branch, rebinds, dot, frame));
            }
            Node::Range(branch) => {
                return self.nested(branch.pipeline.offset, |run| run.range(branch, dot, frame));
            }
            Node::Template { name, offset, argument } => {
                let dot = match argument {
                    Some(pipeline) => self.pipeline(pipeline, dot, frame)?,
                    None => Value::Nil,
                };
                self.nested(*offset, |run| run.call_template(name, *offset, dot))?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Through)
    }

    fn print(&mut self, offset: usize, value: &Value) -> Result<(), Fault> {
        if matches!(value, Value::Nil) {
            return Err(Fault::new(
                offset,
                "there is no value to print here; give one with `default`",
            ));
        }
        let text = format::display(&mut self.machine, value);
        text.and_then(|text| self.output.push(&text)).map_err(|message| Fault::new(offset, message))
    }

    fn choose(
        &mut self,
        branch: &Branch,
        rebinds: bool,
        dot: &Value,
        frame: &mut Frame,
    ) -> Result<Flow, Fault> {
        let scope = frame.0.len();
        let value = self.pipeline(&branch.pipeline, dot, frame)?;
        let flow = if self.machine.is_true(&value) {
            self.body(&branch.body, if rebinds { &value } else { dot }, frame)
        } else {
            self.body(&branch.otherwise, dot, frame)
        };
        frame.0.truncate(scope);
        flow
    }

    fn range(&mut self, branch: &Branch, dot: &Value, frame: &mut Frame) -> Result<Flow, Fault> {
        let scope = frame.0.len();
        let pipeline = &branch.pipeline;
        let value = self.commands(pipeline, dot, frame)?;
        let entries = self.entries(pipeline.offset, &value)?;
        let mut flow = Flow::Through;
        if entries.is_empty() {
            flow = self.body(&branch.otherwise, dot, frame)?;
        }
        for (key, element) in entries {
            self.machine.spend(0).map_err(|message| Fault::new(pipeline.offset, message))?;
            self.bind_loop(pipeline, key, &element, frame);
            let ended = self.body(&branch.body, &element, frame)?;
            if pipeline.binding == Binding::Declare {
                frame.0.truncate(scope);
            }
            if ended == Flow::Break {
                break;
            }
        }
        frame.0.truncate(scope);
        Ok(flow)
    }

    fn bind_loop(&mut self, pipeline: &Pipeline, key: Value, element: &Value, frame: &mut Frame) {
        let values = match pipeline.variables.len() {
            1 => vec![element.clone()],
            _ => vec![key, element.clone()],
        };
        for (name, value) in pipeline.variables.iter().zip(values) {
            match pipeline.binding {
                Binding::Declare => frame.0.push((name.clone(), value)),
                Binding::Assign => frame.assign(name, value),
            }
        }
    }

    /// What `range` goes over: keys or indexes, and elements.
    fn entries(&mut self, offset: usize, value: &Value) -> Result<Vec<(Value, Value)>, Fault> {
        let size = self.machine.size(value);
        self.machine.spend(size).map_err(|message| Fault::new(offset, message))?;
        let indexed = |(index, value)| (Value::length(index), value);
        Ok(match value {
            Value::Nil => Vec::new(),
            Value::List(list) => list.items().iter().cloned().enumerate().map(indexed).collect(),
            Value::Dict(id) => self
                .machine
                .dict(*id)
                .iter()
                .map(|(key, value)| (Value::text(key), value.clone()))
                .collect(),
            Value::Variables => self
                .machine
                .variables
                .iter()
                .map(|(key, value)| (Value::text(key), Value::text(value)))
                .collect(),
            Value::Int(count) => {
                let count = usize::try_from(*count).unwrap_or_default();
                self.machine.spend_steps(count).map_err(|message| Fault::new(offset, message))?;
                (0..count).map(Value::length).map(|index| (index.clone(), index)).collect()
            }
            Value::Bool(_) | Value::Float(_) | Value::Text(_) => {
                return Err(Fault::new(offset, format!("`range` cannot go over {}", value.kind())));
            }
        })
    }

    fn call_template(&mut self, name: &str, offset: usize, dot: Value) -> Result<Flow, Fault> {
        self.machine.spend(0).map_err(|message| Fault::new(offset, message))?;
        let templates = self.templates;
        let Some(body) = templates.get(name) else {
            return Err(Fault::new(
                offset,
                format!("template `{}` is not defined", name.escape_debug()),
            ));
        };
        self.body(body, &dot, &mut Frame::new(dot.clone()))
    }

    /// Evaluates a pipeline and binds its variable.
    fn pipeline(
        &mut self,
        pipeline: &Pipeline,
        dot: &Value,
        frame: &mut Frame,
    ) -> Result<Value, Fault> {
        let value = self.commands(pipeline, dot, frame)?;
        for name in &pipeline.variables {
            match pipeline.binding {
                Binding::Declare => frame.0.push((name.clone(), value.clone())),
                Binding::Assign => frame.assign(name, value.clone()),
            }
        }
        Ok(value)
    }

    fn commands(
        &mut self,
        pipeline: &Pipeline,
        dot: &Value,
        frame: &mut Frame,
    ) -> Result<Value, Fault> {
        self.machine.spend(0).map_err(|message| Fault::new(pipeline.offset, message))?;
        let mut piped = None;
        for command in &pipeline.commands {
            piped = Some(self.command(command, piped, dot, frame)?);
        }
        Ok(piped.unwrap_or(Value::Nil))
    }

    fn command(
        &mut self,
        command: &Command,
        piped: Option<Value>,
        dot: &Value,
        frame: &mut Frame,
    ) -> Result<Value, Fault> {
        match command.head.base {
            Base::Function(function) if command.head.fields.is_empty() => {
                self.call(function, command, piped, dot, frame)
            }
            _ => self.operand(&command.head, dot, frame),
        }
    }

    fn call(
        &mut self,
        function: &'static Function,
        command: &Command,
        piped: Option<Value>,
        dot: &Value,
        frame: &mut Frame,
    ) -> Result<Value, Fault> {
        let offset = command.head.offset;
        let count = command.arguments.len() + usize::from(piped.is_some());
        function.check_count(count).map_err(|message| Fault::new(offset, message))?;
        let mut values = Vec::with_capacity(count);
        for argument in &command.arguments {
            let value = self.operand(argument, dot, frame)?;
            if function.settles(self.machine.is_true(&value)) {
                return Ok(value);
            }
            values.push(value);
        }
        values.extend(piped);
        functions::call(function, &values, &mut self.machine)
            .map_err(|message| Fault::new(offset, format!("{}: {message}", function.name)))
    }

    fn operand(
        &mut self,
        operand: &Operand,
        dot: &Value,
        frame: &mut Frame,
    ) -> Result<Value, Fault> {
        let offset = operand.offset;
        let mut value = match &operand.base {
            Base::Dot => dot.clone(),
            Base::Nil => Value::Nil,
            Base::Bool(truth) => Value::Bool(*truth),
            Base::Int(number) => Value::Int(*number),
            Base::Float(number) => Value::Float(*number),
            Base::Text(text) => {
                self.machine.spend(text.len()).map_err(|message| Fault::new(offset, message))?;
                Value::text(text)
            }
            Base::Variable(name) => frame.get(name),
            Base::Function(function) => {
                function.check_count(0).map_err(|message| Fault::new(offset, message))?;
                functions::call(function, &[], &mut self.machine).map_err(|message| {
                    Fault::new(offset, format!("{}: {message}", function.name))
                })?
            }
            Base::Parentheses(pipeline) => {
                self.nested(offset, |run| run.pipeline(pipeline, dot, frame))?
            }
        };
        for field in &operand.fields {
            value = self.field(&value, field).map_err(|message| Fault::new(offset, message))?;
        }
        Ok(value)
    }

    fn field(&mut self, value: &Value, field: &str) -> Result<Value, String> {
        match value {
            Value::Variables => match self.machine.variables.get(field) {
                Some(text) => {
                    self.machine.spend(text.len())?;
                    Ok(Value::text(text))
                }
                None => Err(format!(
                    "variable `{field}` is not set; set it, or write `index . \"{field}\" | default \"…\"`"
                )),
            },
            Value::Dict(id) => {
                let found = self.machine.dict(*id).get(field).cloned();
                found.ok_or_else(|| {
                    format!("the map has no `{field}`; read it with `get` or `index`")
                })
            }
            other => Err(format!("`.{field}` cannot be taken from {}", other.kind())),
        }
    }

    fn nested<T>(
        &mut self,
        offset: usize,
        run: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.depth == MAX_DEPTH {
            let message = format!(
                "templates and blocks nest more than {MAX_DEPTH} levels deep; do they call themselves?"
            );
            return Err(Fault::new(offset, message));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }
}
