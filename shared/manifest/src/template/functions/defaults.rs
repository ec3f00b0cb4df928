//! Choosing between values.

use super::{ANY, Function, Value, function};

pub(super) const FUNCTIONS: &[Function] = &[
    function("default", 1, 2, |args| {
        let given = args.value(1);
        Ok(if args.machine.is_true(given) { given } else { args.value(0) }.clone())
    }),
    function("empty", 1, 1, |args| Ok(Value::Bool(!args.machine.is_true(args.value(0))))),
    function("coalesce", 0, ANY, |args| {
        Ok(args
            .values
            .iter()
            .find(|value| args.machine.is_true(value))
            .cloned()
            .unwrap_or(Value::Nil))
    }),
    function("all", 0, ANY, |args| {
        Ok(Value::Bool(args.values.iter().all(|value| args.machine.is_true(value))))
    }),
    function("any", 0, ANY, |args| {
        Ok(Value::Bool(args.values.iter().any(|value| args.machine.is_true(value))))
    }),
    function("ternary", 3, 3, |args| Ok(args.value(usize::from(!args.truth(2)?)).clone())),
    function("fail", 1, 1, |args| Err(args.text(0)?.to_owned())),
];
