//! Lists. They are never changed: each function makes a new one.

use super::super::machine::Machine;
use super::conversion::texts;
use super::{ANY, Arguments, Function, Value, function};

pub(super) const FUNCTIONS: &[Function] = &[
    function("list", 0, ANY, |args| Value::list(args.values.to_vec())),
    function("tuple", 0, ANY, |args| Value::list(args.values.to_vec())),
    function("first", 1, 1, |args| {
        Ok(args.list(0)?.items().first().cloned().unwrap_or(Value::Nil))
    }),
    function("last", 1, 1, |args| Ok(args.list(0)?.items().last().cloned().unwrap_or(Value::Nil))),
    function("rest", 1, 1, |args| {
        Value::list(args.list(0)?.items().iter().skip(1).cloned().collect())
    }),
    function("initial", 1, 1, |args| {
        let items = args.list(0)?.items();
        Value::list(items[..items.len().saturating_sub(1)].to_vec())
    }),
    function("append", 2, 2, append),
    function("push", 2, 2, append),
    function("prepend", 2, 2, |args| {
        Value::list(std::iter::once(args.value(1)).chain(args.list(0)?.items()).cloned().collect())
    }),
    function("concat", 0, ANY, concat),
    function("reverse", 1, 1, |args| {
        Value::list(args.list(0)?.items().iter().rev().cloned().collect())
    }),
    function("compact", 1, 1, |args| {
        let items = args.list(0)?.items();
        Value::list(items.iter().filter(|item| args.machine.is_true(item)).cloned().collect())
    }),
    function("uniq", 1, 1, uniq),
    function("without", 1, ANY, without),
    function("has", 2, 2, has),
    function("sortAlpha", 1, 1, |args| {
        let mut texts = texts(args.machine, args.value(0))?;
        args.machine.spend_steps(texts.len())?;
        texts.sort_unstable();
        Value::list(texts.iter().map(Value::text).collect())
    }),
];

fn append(args: Arguments<'_, '_>) -> Result<Value, String> {
    Value::list(args.list(0)?.items().iter().chain([args.value(1)]).cloned().collect())
}

fn concat(args: Arguments<'_, '_>) -> Result<Value, String> {
    let mut all = Vec::new();
    for index in 0..args.len() {
        all.extend_from_slice(args.list(index)?.items());
    }
    Value::list(all)
}

fn uniq(args: Arguments<'_, '_>) -> Result<Value, String> {
    let mut unique: Vec<Value> = Vec::new();
    for item in args.list(0)?.items() {
        if !contains(args.machine, &unique, item)? {
            unique.push(item.clone());
        }
    }
    Value::list(unique)
}

fn without(args: Arguments<'_, '_>) -> Result<Value, String> {
    let mut kept = Vec::new();
    for item in args.list(0)?.items() {
        if !contains(args.machine, &args.values[1..], item)? {
            kept.push(item.clone());
        }
    }
    Value::list(kept)
}

fn has(args: Arguments<'_, '_>) -> Result<Value, String> {
    if matches!(args.value(1), Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let items = args.list(1)?.items();
    contains(args.machine, items, args.value(0)).map(Value::Bool)
}

fn contains(machine: &mut Machine<'_>, items: &[Value], wanted: &Value) -> Result<bool, String> {
    for item in items {
        if machine.deep_equal(item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}
