//! Numbers.

use super::convert::{to_float, to_int};
use super::decimal::{self, Op};
use super::{Answer, Args, Function, function};
use crate::context::Context;
use crate::format::to_text;
use crate::value::{List, ListKind, Ty, Value};

const ONE: &[Ty] = &[Ty::Any];
const TWO: &[Ty] = &[Ty::Any, Ty::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    function("atoi", &[Ty::Str], |_, args| {
        // Unlike in Rust, a text that is too large gives the nearest number.
        Ok(Value::Int(atoi(args.text(0))))
    }),
    function("int", ONE, |_, args| Ok(Value::Int(to_int(args.value(0))))),
    function("int64", ONE, |_, args| Ok(Value::Int64(to_int(args.value(0))))),
    function("float64", ONE, |_, args| Ok(Value::Float(to_float(args.value(0))))),
    function("toDecimal", ONE, |_, args| {
        let text = to_text(args.value(0))?;
        Ok(Value::Int64(i64::from_str_radix(&text, 8).unwrap_or(0)))
    }),
    function("add1", ONE, |_, args| Ok(Value::Int64(to_int(args.value(0)).wrapping_add(1)))),
    function("add", &[], |_, args| {
        Ok(Value::Int64(args.0.iter().map(to_int).fold(0, i64::wrapping_add)))
    })
    .rest(Ty::Any),
    function("sub", TWO, |_, args| {
        Ok(Value::Int64(to_int(args.value(0)).wrapping_sub(to_int(args.value(1)))))
    }),
    function("mul", ONE, |_, args| {
        Ok(Value::Int64(args.0.iter().map(to_int).fold(1, i64::wrapping_mul)))
    })
    .rest(Ty::Any),
    function("div", TWO, |_, args| divide(args, i64::wrapping_div)),
    function("mod", TWO, |_, args| divide(args, i64::wrapping_rem)),
    function("max", ONE, |_, args| extreme(args, i64::max)).rest(Ty::Any),
    function("biggest", ONE, |_, args| extreme(args, i64::max)).rest(Ty::Any),
    function("min", ONE, |_, args| extreme(args, i64::min)).rest(Ty::Any),
    function("maxf", ONE, |_, args| extreme_float(args, max_float)).rest(Ty::Any),
    function("minf", ONE, |_, args| extreme_float(args, |a, b| -max_float(-a, -b))).rest(Ty::Any),
    function("add1f", ONE, |_, args| {
        decimal::fold(Op::Add, to_float(args.value(0)), &[Value::Int(1)])
    }),
    function("addf", &[], |_, args| decimal::fold(Op::Add, 0.0, args.0)).rest(Ty::Any),
    function("subf", ONE, |_, args| decimal_fold(Op::Sub, args)).rest(Ty::Any),
    function("mulf", ONE, |_, args| decimal_fold(Op::Mul, args)).rest(Ty::Any),
    function("divf", ONE, |_, args| decimal_fold(Op::Div, args)).rest(Ty::Any),
    function("ceil", ONE, |_, args| Ok(Value::Float(to_float(args.value(0)).ceil()))),
    function("floor", ONE, |_, args| Ok(Value::Float(to_float(args.value(0)).floor()))),
    function("round", &[Ty::Any, Ty::Int], |_, args| Ok(Value::Float(round(args)))).rest(Ty::Float),
    function("until", &[Ty::Int], |context, args| {
        let count = args.int(0);
        numbers(context, 0, count, if count < 0 { -1 } else { 1 }).map(ints)
    }),
    function("untilStep", &[Ty::Int, Ty::Int, Ty::Int], |context, args| {
        numbers(context, args.int(0), args.int(1), args.int(2)).map(ints)
    }),
    function("seq", &[], seq).rest(Ty::Int),
];

fn atoi(text: &str) -> i64 {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn divide(args: Args<'_>, operation: fn(i64, i64) -> i64) -> Answer {
    match to_int(args.value(1)) {
        0 => Err("runtime error: integer divide by zero".to_owned()),
        divisor => Ok(Value::Int64(operation(to_int(args.value(0)), divisor))),
    }
}

fn extreme(args: Args<'_>, choose: fn(i64, i64) -> i64) -> Answer {
    Ok(Value::Int64(args.0.iter().map(to_int).reduce(choose).unwrap_or(0)))
}

fn extreme_float(args: Args<'_>, choose: fn(f64, f64) -> f64) -> Answer {
    Ok(Value::Float(args.0.iter().map(to_float).reduce(choose).unwrap_or(0.0)))
}

/// The larger one; whatever is no number wins.
fn max_float(left: f64, right: f64) -> f64 {
    if left.is_nan() || right.is_nan() { f64::NAN } else { left.max(right) }
}

fn decimal_fold(operation: Op, args: Args<'_>) -> Answer {
    decimal::fold(operation, to_float(args.value(0)), args.from(1))
}

fn round(args: Args<'_>) -> f64 {
    let at = if let Value::Float(at) = args.value(2) { *at } else { 0.5 };
    let power = 10f64.powf(args.int(1) as f64);
    let digit = power * to_float(args.value(0));
    (if digit.fract() >= at { digit.ceil() } else { digit.floor() }) / power
}

/// From a start up to, or down to, but without a stop.
fn numbers(context: &mut Context, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, String> {
    let descends = stop < start;
    if step == 0 || descends != (step < 0) {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    context.charge_items(count)?;
    let mut numbers = Vec::with_capacity(count);
    let mut number = start;
    for _ in 0..count {
        numbers.push(number);
        number = number.wrapping_add(step);
    }
    Ok(numbers)
}

fn ints(numbers: Vec<i64>) -> Value {
    Value::List(List::new(ListKind::Ints, numbers.into_iter().map(Value::Int).collect()))
}

fn seq(context: &mut Context, args: Args<'_>) -> Answer {
    let (start, end, step) = match args.0.len() {
        1 => (1, args.int(0), None),
        2 => (args.int(0), args.int(1), None),
        3 => (args.int(0), args.int(2), Some(args.int(1))),
        _ => return Ok(Value::str("")),
    };
    let direction = if end < start { -1 } else { 1 };
    if direction < 0 && step.is_some_and(|step| step > 0) {
        return Ok(Value::str(""));
    }
    let stop = end.wrapping_add(direction);
    let numbers = numbers(context, start, stop, step.unwrap_or(direction))?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(texts.join(" ").into())
}
