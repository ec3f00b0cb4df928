//! Pipelines, commands, fields.

use super::super::ast::{Arg, ArgKind, Command, Number, Pipe, UNDEFINED};
use super::super::{deeper, methods};
use super::{Fault, Frame, Render, Slot};
use crate::value::{IntKind, MapKind, Method, Str, Ty, Value};

impl Render<'_> {
    /// The value of a pipeline. It is never a nil of a map: of those a pipeline makes invalid ones.
    pub(super) fn pipeline(
        &mut self,
        frame: &mut Frame<'_>,
        dot: &Slot,
        pipe: &Pipe,
    ) -> Result<Value, Fault> {
        frame.at = pipe.id;
        let mut last = None;
        for command in &pipe.commands {
            self.context.step(1).map_err(Fault::plain)?;
            let value = self.command(frame, dot, command, last)?;
            last = Some(if matches!(value, Value::Nil) { Value::Invalid } else { value });
        }
        let value = last.unwrap_or_default();
        for target in &pipe.targets {
            if target.slot == UNDEFINED {
                return Err(frame.fault(format!("undefined variable: {}", target.name)));
            }
            self.slots[frame.base + target.slot] = value.clone().into();
        }
        Ok(value)
    }

    fn command(
        &mut self,
        frame: &mut Frame<'_>,
        dot: &Slot,
        command: &Command,
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        let first = &command.args[0];
        let args = &command.args[1..];
        match &first.kind {
            ArgKind::Field(fields) => {
                frame.at = first.id;
                self.fields(frame, dot, dot.clone(), first, fields, args, last)
            }
            ArgKind::Function(function) => {
                frame.at = first.id;
                self.call(frame, dot, function, command.id, args, last)
            }
            ArgKind::Variable(variable, fields) if !fields.is_empty() => {
                frame.at = first.id;
                let start = self.slots[frame.base + variable.slot].clone();
                self.fields(frame, dot, start, first, fields, args, last)
            }
            ArgKind::Chain(inner, fields) => {
                frame.at = first.id;
                let start = self.chain_start(frame, dot, first, inner)?;
                self.fields(frame, dot, start, first, fields, args, last)
            }
            ArgKind::Pipe(pipe) => {
                no_arguments(frame, first, args, last.as_ref())?;
                deeper(|| self.pipeline(frame, dot, pipe))
            }
            ArgKind::Nil => {
                frame.at = first.id;
                no_arguments(frame, first, args, last.as_ref())?;
                Err(frame.fault("nil is not a command"))
            }
            _ => {
                frame.at = first.id;
                no_arguments(frame, first, args, last.as_ref())?;
                self.plain(frame, dot, first)
            }
        }
    }

    /// A value that is not called: the dot, a variable, or a constant.
    fn plain(&mut self, frame: &Frame<'_>, dot: &Slot, arg: &Arg) -> Result<Value, Fault> {
        Ok(match &arg.kind {
            ArgKind::Dot => dot.value.clone(),
            ArgKind::Bool(truth) => Value::Bool(*truth),
            ArgKind::Number(number) => ideal(frame, number)?,
            ArgKind::Text { text, .. } => Value::Str(text.clone()),
            ArgKind::Variable(variable, _) => self.slots[frame.base + variable.slot].value.clone(),
            _ => return Err(frame.fault(format!("can't evaluate command \"{arg}\""))),
        })
    }

    fn chain_start(
        &mut self,
        frame: &mut Frame<'_>,
        dot: &Slot,
        arg: &Arg,
        inner: &Arg,
    ) -> Result<Slot, Fault> {
        if matches!(inner.kind, ArgKind::Nil) {
            return Err(frame.fault(format!("indirection through explicit nil in {arg}")));
        }
        frame.at = inner.id;
        let value = match &inner.kind {
            ArgKind::Pipe(pipe) => deeper(|| self.pipeline(frame, dot, pipe))?,
            ArgKind::Function(function) => self.call(frame, dot, function, inner.id, &[], None)?,
            _ => self.plain(frame, dot, inner)?,
        };
        Ok(value.into())
    }

    /// Takes fields one after the other; a method in the end gets the arguments.
    #[expect(clippy::too_many_arguments, reason = "what an expression consists of")]
    fn fields(
        &mut self,
        frame: &mut Frame<'_>,
        dot: &Slot,
        start: Slot,
        arg: &Arg,
        fields: &[Str],
        args: &[Arg],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        let mut current = start;
        let Some((end, before)) = fields.split_last() else { return Ok(current.value) };
        for field in before {
            current = self.field(frame, dot, current, field, arg, &[], None)?;
        }
        Ok(self.field(frame, dot, current, end, arg, args, last)?.value)
    }

    #[expect(clippy::too_many_arguments, reason = "what an expression consists of")]
    fn field(
        &mut self,
        frame: &mut Frame<'_>,
        dot: &Slot,
        receiver: Slot,
        field: &str,
        arg: &Arg,
        args: &[Arg],
        last: Option<Value>,
    ) -> Result<Slot, Fault> {
        let has_arguments = !args.is_empty() || last.is_some();
        match &receiver.value {
            Value::Invalid => return Ok(Slot::default()),
            Value::Nil => {
                let message = format!("nil pointer evaluating interface {{}}.{field}");
                return Err(frame.fault(message));
            }
            Value::Map(map) if matches!(map.kind(), MapKind::Any | MapKind::Strings) => {}
            value => {
                if let Some(method) = methods::find(value, field) {
                    return self.method(
                        frame,
                        dot,
                        &receiver.value,
                        field,
                        method,
                        arg,
                        args,
                        last,
                    );
                }
            }
        }
        match &receiver.value {
            Value::Map(_) if has_arguments => {
                Err(frame.fault(format!("{field} is not a method but has arguments")))
            }
            Value::Map(map) => Ok(match (map.get(field), map.kind()) {
                (Some(value), MapKind::Strings | MapKind::Files(_)) => value.into(),
                (Some(value), _) => Slot { value, interface: true },
                (None, kind) if self.templates.language.insists_on_names() => {
                    return Err(frame.missing(field, kind));
                }
                (None, MapKind::Strings) => Value::str("").into(),
                (None, _) => Slot { value: Value::Nil, interface: true },
            }),
            Value::Object(object) => match object.field(field) {
                Some(_) if !field.starts_with(char::is_uppercase) => {
                    let message = format!(
                        "{field} is an unexported field of struct type {}",
                        type_name(&receiver)
                    );
                    Err(frame.fault(message))
                }
                Some(_) if has_arguments => {
                    let message =
                        format!("{field} has arguments but cannot be invoked as function");
                    Err(frame.fault(message))
                }
                Some(value) => Ok(value.clone().into()),
                None => Err(no_field(frame, field, &receiver)),
            },
            _ => Err(no_field(frame, field, &receiver)),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what an expression consists of")]
    fn method(
        &mut self,
        frame: &mut Frame<'_>,
        dot: &Slot,
        receiver: &Value,
        name: &str,
        method: &Method,
        arg: &Arg,
        args: &[Arg],
        last: Option<Value>,
    ) -> Result<Slot, Fault> {
        let given = args.len() + usize::from(last.is_some());
        if given != method.params.len() {
            let want = method.params.len();
            let message = format!("wrong number of args for {name}: want {want} got {given}");
            return Err(frame.fault(message));
        }
        let mut values = Vec::with_capacity(given);
        for (arg, ty) in args.iter().zip(method.params) {
            values.push(self.arg(frame, dot, *ty, arg)?);
        }
        if let (Some(last), Some(ty)) = (last, method.params.last()) {
            values.push(validate(frame, *ty, last)?);
        }
        let answer = (method.run)(receiver, &values);
        answer.map(Slot::from).map_err(|message| {
            frame.at = arg.id;
            frame.caused(&format!("error calling {name}"), Fault::plain(message))
        })
    }

    /// The value of an argument, which must fit a parameter's type.
    pub(super) fn arg(
        &mut self,
        frame: &mut Frame<'_>,
        dot: &Slot,
        ty: Ty,
        arg: &Arg,
    ) -> Result<Value, Fault> {
        frame.at = arg.id;
        let value = match &arg.kind {
            ArgKind::Dot => dot.value.clone(),
            ArgKind::Field(fields) => {
                self.fields(frame, dot, dot.clone(), arg, fields, &[], None)?
            }
            ArgKind::Variable(variable, fields) => {
                let start = self.slots[frame.base + variable.slot].clone();
                self.fields(frame, dot, start, arg, fields, &[], None)?
            }
            ArgKind::Pipe(pipe) => deeper(|| self.pipeline(frame, dot, pipe))?,
            ArgKind::Function(function) => self.call(frame, dot, function, arg.id, &[], None)?,
            ArgKind::Chain(inner, fields) => {
                let start = self.chain_start(frame, dot, arg, inner)?;
                self.fields(frame, dot, start, arg, fields, &[], None)?
            }
            ArgKind::Nil => {
                return ty
                    .zero()
                    .ok_or_else(|| frame.fault(format!("cannot assign nil to {}", ty.name())));
            }
            ArgKind::Bool(_) | ArgKind::Number(_) | ArgKind::Text { .. } => {
                return constant(frame, ty, arg);
            }
        };
        validate(frame, ty, value)
    }
}

/// A constant for a parameter of type `ty`.
fn constant(frame: &Frame<'_>, ty: Ty, arg: &Arg) -> Result<Value, Fault> {
    let expected = |what: &str| Err(frame.fault(format!("expected {what}; found {arg}")));
    match (ty, &arg.kind) {
        (Ty::Any | Ty::Reflect | Ty::Bool, ArgKind::Bool(truth)) => Ok(Value::Bool(*truth)),
        (Ty::Any | Ty::Reflect | Ty::Str, ArgKind::Text { text, .. }) => {
            Ok(Value::Str(text.clone()))
        }
        (Ty::Any | Ty::Reflect, ArgKind::Number(number)) => ideal(frame, number),
        (Ty::Int, ArgKind::Number(number)) => match number.int {
            Some(int) => Ok(Value::Int(int)),
            None => expected("integer"),
        },
        (Ty::Uint32, ArgKind::Number(number)) => match number.uint {
            // Go does not mind what does not fit.
            Some(uint) => Ok(Value::Other(IntKind::Uint32, i64::from(uint as u32))),
            None => expected("unsigned integer"),
        },
        (Ty::Duration, ArgKind::Number(number)) => match number.int {
            Some(int) => Ok(Value::Other(IntKind::Duration, int)),
            None => expected("integer"),
        },
        (Ty::Float, ArgKind::Number(number)) => match number.float {
            Some(float) => Ok(Value::Float(float)),
            None => expected("float"),
        },
        (Ty::Bool, _) => expected("bool"),
        (Ty::Str, _) => expected("string"),
        (Ty::Int | Ty::Duration, _) => expected("integer"),
        (Ty::Uint32, _) => expected("unsigned integer"),
        (Ty::Float, _) => expected("float"),
        _ => Err(frame.fault(format!("can't handle {arg} for arg of type {}", ty.name()))),
    }
}

/// A number whose type its form tells.
fn ideal(frame: &Frame<'_>, number: &Number) -> Result<Value, Fault> {
    let text = &number.text;
    let character = text.starts_with('\'');
    let hex = text.len() > 2
        && (text.starts_with("0x") || text.starts_with("0X"))
        && !text.contains(['p', 'P']);
    if number.complex.is_some() {
        return Err(frame.fault(format!("{text}: complex numbers are not supported")));
    }
    match (number.float, number.int) {
        (Some(float), _) if !character && !hex && text.contains(['.', 'e', 'E', 'p', 'P']) => {
            Ok(Value::Float(float))
        }
        (_, Some(int)) => Ok(Value::Int(int)),
        _ => Err(frame.fault(format!("{text} overflows int"))),
    }
}

/// Whether a value fits a parameter, and what the function gets.
pub(super) fn validate(frame: &Frame<'_>, ty: Ty, value: Value) -> Result<Value, Fault> {
    if ty.accepts(&value) {
        return Ok(value);
    }
    match value {
        Value::Invalid => {
            ty.zero().ok_or_else(|| frame.fault(format!("invalid value; expected {}", ty.name())))
        }
        other => Err(frame.fault(format!(
            "wrong type for value; expected {}; got {}",
            ty.name(),
            other.type_name()
        ))),
    }
}

fn no_arguments(
    frame: &Frame<'_>,
    first: &Arg,
    args: &[Arg],
    last: Option<&Value>,
) -> Result<(), Fault> {
    if args.is_empty() && last.is_none() {
        return Ok(());
    }
    Err(frame.fault(format!("can't give argument to non-function {first}")))
}

fn type_name(receiver: &Slot) -> &'static str {
    if receiver.interface { "interface {}" } else { receiver.value.type_name() }
}

#[cold]
fn no_field(frame: &Frame<'_>, field: &str, receiver: &Slot) -> Fault {
    frame.fault(format!("can't evaluate field {field} in type {}", type_name(receiver)))
}
