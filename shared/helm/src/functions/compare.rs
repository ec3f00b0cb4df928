//! Go's logic and comparison.

use std::cmp::Ordering;

use super::{Answer, Args, Does, Function, function, special};
use crate::Dialect;
use crate::value::{Ty, Value, deep_equal};

const TWO: &[Ty] = &[Ty::Reflect, Ty::Reflect];

pub(super) const FUNCTIONS: &[Function] = &[
    special("and", &[Ty::Reflect], Does::And).rest(Ty::Reflect),
    special("or", &[Ty::Reflect], Does::Or).rest(Ty::Reflect),
    function("not", &[Ty::Reflect], |_, args| Ok(Value::Bool(!args.value(0).is_true()))),
    function("eq", &[Ty::Reflect], |context, args| equal(context.dialect, args)).rest(Ty::Reflect),
    function("ne", TWO, |context, args| match equal(context.dialect, args)? {
        Value::Bool(truth) => Ok(Value::Bool(!truth)),
        other => Ok(other),
    }),
    function("lt", TWO, |context, args| Ok(less(context.dialect, args)?.into())),
    function("le", TWO, |context, args| Ok(less_or_equal(context.dialect, args)?.into())),
    function("gt", TWO, |context, args| Ok((!less_or_equal(context.dialect, args)?).into())),
    function("ge", TWO, |context, args| Ok((!less(context.dialect, args)?).into())),
];

/// The kinds that Go compares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Bool,
    Int,
    Uint,
    Float,
    Str,
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Bool(_) => Kind::Bool,
        Value::Int(_) | Value::Int64(_) => Kind::Int,
        Value::Other(kind, _) => {
            if kind.is_unsigned() {
                Kind::Uint
            } else {
                Kind::Int
            }
        }
        Value::Float(_) => Kind::Float,
        Value::Str(_) => Kind::Str,
        _ => Kind::None,
    }
}

fn bits(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) | Value::Other(_, number) => *number,
        _ => 0,
    }
}

/// Go names the types since 1.24.
fn incompatible(dialect: Dialect, left: &Value, right: &Value) -> String {
    if dialect == Dialect::Helm3 {
        return "incompatible types for comparison".to_owned();
    }
    format!("incompatible types for comparison: {} and {}", left.type_name(), right.type_name())
}

/// Whether the first is equal to one of the others.
fn equal(dialect: Dialect, args: Args<'_>) -> Answer {
    let first = args.value(0);
    if args.0.len() < 2 {
        return Err("missing argument for comparison".to_owned());
    }
    for other in args.from(1) {
        if equal_two(dialect, first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn equal_two(dialect: Dialect, left: &Value, right: &Value) -> Result<bool, String> {
    match (kind(left), kind(right)) {
        (Kind::Int, Kind::Uint) => Ok(bits(left) >= 0 && bits(left) == bits(right)),
        (Kind::Uint, Kind::Int) => Ok(bits(right) >= 0 && bits(left) == bits(right)),
        (one, two) if one != two => {
            if left.is_nil() || right.is_nil() {
                return Ok(false);
            }
            Err(incompatible(dialect, left, right))
        }
        (Kind::Int | Kind::Uint, _) => Ok(bits(left) == bits(right)),
        (Kind::None, _) => equal_others(left, right),
        _ => Ok(deep_equal(left, right)),
    }
}

/// Values that Go has no order for.
fn equal_others(left: &Value, right: &Value) -> Result<bool, String> {
    if left.is_nil() || right.is_nil() {
        return Ok(is_nil(left) && is_nil(right));
    }
    if left.kind_name() != right.kind_name() {
        let texts = (crate::format::to_text(left)?, crate::format::to_text(right)?);
        let types = (left.type_name(), right.type_name());
        return Err(format!(
            "non-comparable types {}: {}, {}: {}",
            described(left, &texts.0),
            types.0,
            types.1,
            texts.1
        ));
    }
    if is_nil(left) || is_nil(right) {
        return Ok(is_nil(left) == is_nil(right));
    }
    match (left, right) {
        (Value::Object(left), Value::Object(right)) if left.is_pointer() => Ok(left.is(right)),
        (Value::Object(_), Value::Object(_)) => Ok(deep_equal(left, right)),
        _ => {
            let text = crate::format::to_text(right)?;
            Err(format!("non-comparable type {}: {}", described(right, &text), right.type_name()))
        }
    }
}

/// `%s` of a reflected value.
fn described(value: &Value, text: &str) -> String {
    crate::format::printf("%s", std::slice::from_ref(value)).unwrap_or_else(|_| text.to_owned())
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::List(list) => list.is_nil(),
        value => value.is_nil(),
    }
}

fn less_or_equal(dialect: Dialect, args: Args<'_>) -> Result<bool, String> {
    Ok(less(dialect, args)? || equal(dialect, args)?.is_true())
}

fn less(dialect: Dialect, args: Args<'_>) -> Result<bool, String> {
    let (left, right) = (args.value(0), args.value(1));
    let unordered = || "invalid type for comparison".to_owned();
    match (kind(left), kind(right)) {
        (Kind::None, _) | (_, Kind::None) => Err(unordered()),
        (Kind::Int, Kind::Uint) => Ok(bits(left) < 0 || (bits(left) as u64) < bits(right) as u64),
        (Kind::Uint, Kind::Int) => Ok(bits(right) >= 0 && (bits(left) as u64) < bits(right) as u64),
        (one, two) if one != two => Err(incompatible(dialect, left, right)),
        (Kind::Bool, _) => Err(unordered()),
        (Kind::Uint, _) => Ok((bits(left) as u64) < bits(right) as u64),
        (Kind::Int, _) => Ok(bits(left) < bits(right)),
        _ => Ok(match (left, right) {
            (Value::Float(left), Value::Float(right)) => left < right,
            (Value::Str(left), Value::Str(right)) => left.cmp(right) == Ordering::Less,
            _ => false,
        }),
    }
}
