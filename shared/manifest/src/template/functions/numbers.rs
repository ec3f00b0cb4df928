//! Arithmetic. Integers have 64 bits; what does not fit is an error.

use super::conversion::{to_float, to_int};
use super::{ANY, Arguments, Function, Value, function};

pub(super) const FUNCTIONS: &[Function] = &[
    function("add", 0, ANY, |args| fold(&args, 0, i64::checked_add)),
    function("add1", 1, 1, |args| fold(&args, 1, i64::checked_add)),
    function("sub", 2, 2, |args| two(&args, i64::checked_sub)),
    function("mul", 1, ANY, |args| fold(&args, 1, i64::checked_mul)),
    function("div", 2, 2, |args| two(&args, i64::checked_div)),
    function("mod", 2, 2, |args| two(&args, i64::checked_rem)),
    function("max", 1, ANY, |args| extreme(&args, i64::max)),
    function("biggest", 1, ANY, |args| extreme(&args, i64::max)),
    function("min", 1, ANY, |args| extreme(&args, i64::min)),
    function("addf", 0, ANY, |args| fold_float(&args, 0.0, |sum, number| sum + number)),
    function("add1f", 1, 1, |args| fold_float(&args, 1.0, |sum, number| sum + number)),
    function("mulf", 1, ANY, |args| fold_float(&args, 1.0, |product, number| product * number)),
    function("maxf", 1, ANY, |args| fold_float(&args, f64::NEG_INFINITY, f64::max)),
    function("minf", 1, ANY, |args| fold_float(&args, f64::INFINITY, f64::min)),
    function("floor", 1, 1, |args| Ok(Value::Float(to_float(args.value(0)).floor()))),
    function("ceil", 1, 1, |args| Ok(Value::Float(to_float(args.value(0)).ceil()))),
    function("round", 2, 3, round),
    function("until", 1, 1, |args| {
        let end = args.int(0)?;
        steps(args, 0, end, end.signum())
    }),
    function("untilStep", 3, 3, |args| {
        let (start, end, step) = (args.int(0)?, args.int(1)?, args.int(2)?);
        steps(args, start, end, step)
    }),
];

fn fold(
    args: &Arguments<'_, '_>,
    start: i64,
    apply: fn(i64, i64) -> Option<i64>,
) -> Result<Value, String> {
    let result = args.values.iter().try_fold(start, |result, value| apply(result, to_int(value)));
    result.map(Value::Int).ok_or_else(|| "the result does not fit 64 bits".to_owned())
}

fn two(args: &Arguments<'_, '_>, apply: fn(i64, i64) -> Option<i64>) -> Result<Value, String> {
    let (left, right) = (to_int(args.value(0)), to_int(args.value(1)));
    let result = apply(left, right).map(Value::Int);
    result.ok_or_else(|| format!("{left} and {right} have no result; is it a division by zero?"))
}

fn extreme(args: &Arguments<'_, '_>, pick: fn(i64, i64) -> i64) -> Result<Value, String> {
    let first = to_int(args.value(0));
    Ok(Value::Int(args.values.iter().map(to_int).fold(first, pick)))
}

fn fold_float(
    args: &Arguments<'_, '_>,
    start: f64,
    apply: fn(f64, f64) -> f64,
) -> Result<Value, String> {
    Ok(Value::Float(args.values.iter().map(to_float).fold(start, apply)))
}

/// Rounds to a number of decimals; the third argument is from which fraction on upwards.
fn round(args: Arguments<'_, '_>) -> Result<Value, String> {
    let number = to_float(args.value(0));
    let decimals = i32::try_from(args.int(1)?).map_err(|_| "too many decimals".to_owned())?;
    let upwards = args.get(2).map_or(0.5, to_float);
    let scale = 10_f64.powi(decimals);
    let scaled = scale * number;
    let rounded = if scaled.fract() >= upwards { scaled.ceil() } else { scaled.floor() };
    Ok(Value::Float(rounded / scale))
}

/// The numbers from `start` up or down to before `end`; none if `step` leads away from it.
fn steps(args: Arguments<'_, '_>, start: i64, end: i64, step: i64) -> Result<Value, String> {
    let distance = i128::from(end) - i128::from(start);
    if step == 0 || distance.signum() != i128::from(step.signum()) {
        return Value::list(Vec::new());
    }
    let count =
        (distance.abs() + i128::from(step.unsigned_abs()) - 1) / i128::from(step.unsigned_abs());
    args.machine.spend_steps(usize::try_from(count).unwrap_or(usize::MAX))?;
    let mut next = start;
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(Value::Int(next));
        next = next.saturating_add(step);
    }
    Value::list(numbers)
}
