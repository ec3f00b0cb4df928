//! Calls of functions.

use std::rc::Rc;
use std::sync::Arc;

use super::super::ast::{Arg, Id};
use super::eval::validate;
use super::{Fault, Frame, NO_VALUE, Render, Scope, Slot};
use crate::functions::{Args, Does, Function};
use crate::value::{Str, Ty, Value};

/// How often a template may be included within itself, Helm's limit.
const MAX_INCLUDES: usize = 1001;

impl Render<'_> {
    /// Calls `function`. An error of its own is at the node `place`.
    pub(super) fn call(
        &mut self,
        frame: &mut Frame<'_>,
        dot: &Slot,
        function: &'static Function,
        place: Id,
        args: &[Arg],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        check_count(frame, function, args.len(), last.is_some())?;
        if let Does::And | Does::Or = function.does {
            return self.short_circuit(frame, dot, function, args, last);
        }
        let base = self.args.len();
        for (index, arg) in args.iter().enumerate() {
            let value = self.arg(frame, dot, function.param(index), arg)?;
            self.args.push(value);
        }
        if let Some(last) = last {
            let value = validate(frame, function.param(args.len()), last)?;
            self.args.push(value);
        }
        let answer = match function.does {
            Does::Plain(run) => run(&mut self.context, Args(&self.args[base..]))
                .and_then(|value| self.context.charge_value(&value).map(|()| value))
                .map_err(Fault::plain),
            Does::Include => self.include(base),
            Does::Tpl => self.tpl(base),
            Does::Call => Err(call_refusal(&self.args[base], args)),
            Does::Words(run) => Ok(run(Args(&self.args[base..]).text(0)).into()),
            Does::And | Does::Or => Ok(Value::Invalid),
        };
        self.args.truncate(base);
        answer.map_err(|fault| {
            frame.at = place;
            frame.caused(&format!("error calling {}", function.name), fault)
        })
    }

    /// `and` and `or` evaluate no more than they need.
    fn short_circuit(
        &mut self,
        frame: &mut Frame<'_>,
        dot: &Slot,
        function: &Function,
        args: &[Arg],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        let wanted = matches!(function.does, Does::Or);
        let mut value = Value::Invalid;
        for arg in args {
            value = self.arg(frame, dot, Ty::Reflect, arg)?;
            if value.is_true() == wanted {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn text_arg(&self, index: usize) -> Str {
        match &self.args[index] {
            Value::Str(text) => text.clone(),
            _ => Str::from(""),
        }
    }

    fn include(&mut self, base: usize) -> Result<Value, Fault> {
        let name = self.text_arg(base);
        let data = self.args[base + 1].clone();
        if self.includes.len() >= MAX_INCLUDES
            && self.includes.iter().filter(|included| **included == name).count() >= MAX_INCLUDES
        {
            let words = format!("rendering template has a nested reference name: {name}");
            return Err(Fault::plain("unable to execute template").wrap(&words));
        }
        let body = self.find(&name)?;
        self.includes.push(name);
        let text = self.capture(&body, data)?;
        self.includes.pop();
        self.context.charge(text.len()).map_err(Fault::plain)?;
        Ok(Value::Str(text))
    }

    fn tpl(&mut self, base: usize) -> Result<Value, Fault> {
        let text = self.text_arg(base);
        let data = self.args[base + 1].clone();
        if !text.contains("{{") {
            if text.contains(NO_VALUE) {
                return Ok(Value::Str(text.replace(NO_VALUE, "").into()));
            }
            return Ok(Value::Str(text));
        }
        self.context.step(1 + text.len() / 64).map_err(Fault::plain)?;
        let parsed = self
            .templates
            .cache
            .parse(&text, self.templates.dialect, self.templates.language)
            .map_err(|message| {
                Fault::plain(message)
                    .wrap(&format!("cannot parse template {}", crate::format::quote(&text)))
            })?;
        let Some(own) = parsed.last().cloned() else { return Ok(Value::str("")) };
        let outer = self.scope.clone();
        if parsed.len() > 1 || self.scope.is_some() {
            self.enter(&parsed);
        }
        let written = self.capture(&own, data).map_err(|fault| {
            let words =
                format!("error during tpl function execution for {}", crate::format::quote(&text));
            fault.wrap(&words)
        })?;
        self.scope = outer;
        self.context.charge(written.len()).map_err(Fault::plain)?;
        let missing = written.contains(NO_VALUE);
        Ok(Value::Str(if missing { written.replace(NO_VALUE, "").into() } else { written }))
    }

    /// Makes what a text for `tpl` defines visible; an empty body replaces none.
    fn enter(&mut self, parsed: &[Arc<super::Body>]) {
        let visible =
            parsed.iter().filter(|body| !body.is_empty() || self.find(&body.name).is_err());
        let bodies = visible.map(|body| (body.name.clone(), body.clone())).collect();
        self.scope = Some(Rc::new(Scope { bodies, outer: self.scope.clone() }));
    }
}

fn check_count(
    frame: &Frame<'_>,
    function: &Function,
    args: usize,
    has_last: bool,
) -> Result<(), Fault> {
    let given = args + usize::from(has_last);
    let (name, want) = (function.name, function.params.len());
    if function.rest.is_some() {
        if given < want {
            return Err(frame.fault(format!(
                "wrong number of args for {name}: want at least {want} got {args}"
            )));
        }
    } else if given != want {
        return Err(
            frame.fault(format!("wrong number of args for {name}: want {want} got {given}"))
        );
    }
    Ok(())
}

/// No value of a chart can be called.
fn call_refusal(callee: &Value, args: &[Arg]) -> Fault {
    if callee.is_nil() {
        return Fault::plain("call of nil");
    }
    let name = args.first().map(ToString::to_string).unwrap_or_default();
    Fault::plain(format!("non-function {name} of type {}", callee.type_name()))
}
