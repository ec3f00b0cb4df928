//! Nodes: text, control, and what actions print.

use super::super::ast::{Branch, Node, NodeKind};
use super::super::deeper;
use super::{Fault, Frame, NO_VALUE, Render, Slot};
use crate::Dialect;
use crate::format::{push_value, to_text};
use crate::value::{ListKind, MapKind, Value};

/// How a list of nodes was left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl Render<'_> {
    pub(super) fn walk(
        &mut self,
        frame: &mut Frame<'_>,
        dot: &Slot,
        nodes: &[Node],
    ) -> Result<Flow, Fault> {
        for node in nodes {
            let flow = match &node.kind {
                NodeKind::Text(start, end) => {
                    let text = &frame.body.source.text;
                    self.out.push_str(text.get(*start..*end).unwrap_or_default());
                    // A loop around a long text prints much without a single action.
                    self.check_output()?;
                    Flow::Next
                }
                NodeKind::Action(pipe) => {
                    let value = self.pipeline(frame, dot, pipe)?;
                    if pipe.targets.is_empty() {
                        frame.at = node.id;
                        self.print(frame, &value)?;
                    }
                    Flow::Next
                }
                NodeKind::If(branch) => {
                    let value = self.pipeline(frame, dot, &branch.pipe)?;
                    let nodes = chosen(branch, value.is_true());
                    deeper(|| self.walk(frame, dot, nodes))?
                }
                NodeKind::With(branch) => {
                    let value = self.pipeline(frame, dot, &branch.pipe)?;
                    let truth = value.is_true();
                    let inner = if truth { &Slot::from(value) } else { dot };
                    deeper(|| self.walk(frame, inner, chosen(branch, truth)))?
                }
                NodeKind::Range(branch) => {
                    deeper(|| self.range(frame, dot, branch))?;
                    Flow::Next
                }
                NodeKind::Template { .. } => {
                    self.template(frame, dot, node)?;
                    Flow::Next
                }
                NodeKind::Break => Flow::Break,
                NodeKind::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, frame: &Frame<'_>, value: &Value) -> Result<(), Fault> {
        match value {
            Value::Str(text) => self.out.push_str(text),
            Value::Invalid | Value::Nil if self.templates.language.insists_on_names() => {
                return Err(frame.fault("there is no value to print"));
            }
            Value::Invalid | Value::Nil => self.out.push_str(NO_VALUE),
            Value::Object(object) if object.action_text().is_some() => {
                self.out.push_str(object.action_text().map_or("", |text| text));
            }
            // An action follows a pointer before it prints.
            Value::Object(object) if object.is_pointer() && object.text().is_none() => {
                let text = to_text(value).map_err(|message| frame.fault(message))?;
                self.out.push_str(text.strip_prefix('&').unwrap_or(&text));
            }
            other => {
                push_value(&mut self.out, other).map_err(|message| frame.fault(message))?;
            }
        }
        self.check_output()
    }

    fn template(&mut self, frame: &mut Frame<'_>, dot: &Slot, node: &Node) -> Result<(), Fault> {
        let NodeKind::Template { name, pipe } = &node.kind else { return Ok(()) };
        frame.at = node.id;
        let body = self.find(name).map_err(|_| {
            frame.fault(format!("template {} not defined", crate::format::quote(name)))
        })?;
        let data = match pipe {
            Some(pipe) => self.pipeline(frame, dot, pipe)?,
            None => Value::Invalid,
        };
        self.run(&body, data)
    }

    fn range(&mut self, frame: &mut Frame<'_>, dot: &Slot, branch: &Branch) -> Result<(), Fault> {
        let value = self.pipeline(frame, dot, &branch.pipe)?;
        let mut any = false;
        match &value {
            Value::Invalid | Value::Nil => {}
            Value::List(list) => {
                let interface = matches!(list.kind(), ListKind::Any);
                for (index, item) in list.items().iter().enumerate() {
                    any = true;
                    let element = Slot { value: item.clone(), interface };
                    if self.pass(frame, branch, || Value::length(index), element)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                let interface = !matches!(map.kind(), MapKind::Strings | MapKind::Files(_));
                for (key, value) in map.to_vec() {
                    any = true;
                    let element = Slot { value, interface };
                    if self.pass(frame, branch, || Value::Str(key), element)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Bytes(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    any = true;
                    let kind = crate::value::IntKind::Uint8;
                    let element = Slot::from(Value::Other(kind, i64::from(*byte)));
                    if self.pass(frame, branch, || Value::length(index), element)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Int(count) | Value::Int64(count) if self.counts(frame, branch, &value)? => {
                for number in 0..*count {
                    any = true;
                    let element = match value {
                        Value::Int(_) => Value::Int(number),
                        _ => Value::Int64(number),
                    };
                    if self.pass(frame, branch, || Value::Invalid, element.into())? == Flow::Break {
                        break;
                    }
                }
            }
            other => return Err(cannot_range(frame, other)),
        }
        if !any && let Some(nodes) = &branch.otherwise {
            self.walk(frame, dot, nodes)?;
        }
        Ok(())
    }

    /// Whether a number can be ranged over, which Go learned with 1.24.
    fn counts(&self, frame: &Frame<'_>, branch: &Branch, value: &Value) -> Result<bool, Fault> {
        if self.templates.dialect == Dialect::Helm3 {
            return Ok(false);
        }
        if branch.pipe.targets.len() > 1 {
            let text = to_text(value).unwrap_or_default();
            let message = format!("can't use {text} to iterate over more than one variable");
            return Err(frame.fault(message));
        }
        Ok(true)
    }

    /// One pass of a loop.
    fn pass(
        &mut self,
        frame: &mut Frame<'_>,
        branch: &Branch,
        index: impl FnOnce() -> Value,
        element: Slot,
    ) -> Result<Flow, Fault> {
        self.context.step(1).map_err(Fault::plain)?;
        match branch.pipe.targets.as_slice() {
            [] => {}
            [only] => self.slots[frame.base + only.slot] = element.clone(),
            [first, second, ..] => {
                self.slots[frame.base + first.slot] = index().into();
                self.slots[frame.base + second.slot] = element.clone();
            }
        }
        self.walk(frame, &element, &branch.body)
    }
}

fn chosen(branch: &Branch, truth: bool) -> &[Node] {
    if truth { &branch.body } else { branch.otherwise.as_deref().unwrap_or_default() }
}

#[cold]
fn cannot_range(frame: &Frame<'_>, value: &Value) -> Fault {
    match to_text(value) {
        Ok(text) => frame.fault(format!("range can't iterate over {text}")),
        Err(message) => frame.fault(message),
    }
}
