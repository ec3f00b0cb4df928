//! Maps that the template makes, and can change. The map of variables is not one of them.

use std::collections::{BTreeMap, BTreeSet};

use super::conversion::to_text;
use super::{ANY, Arguments, Function, Value, function};

pub(super) const FUNCTIONS: &[Function] = &[
    function("dict", 0, ANY, dict),
    function("get", 2, 2, |args| {
        let (id, key) = (args.dict(0)?, args.text(1)?);
        Ok(args.machine.dict(id).get(key).cloned().unwrap_or_else(|| Value::text("")))
    }),
    function("set", 3, 3, |args| {
        let (id, key) = (args.dict(0)?, args.text(1)?);
        let value = args.value(2).clone();
        args.machine.dict_mut(id).insert(key.to_owned(), value);
        Ok(args.value(0).clone())
    }),
    function("unset", 2, 2, |args| {
        let (id, key) = (args.dict(0)?, args.text(1)?);
        args.machine.dict_mut(id).remove(key);
        Ok(args.value(0).clone())
    }),
    function("hasKey", 2, 2, |args| {
        let (id, key) = (args.dict(0)?, args.text(1)?);
        Ok(Value::Bool(args.machine.dict(id).contains_key(key)))
    }),
    function("keys", 1, ANY, keys),
    function("values", 1, 1, |args| {
        Value::list(args.machine.dict(args.dict(0)?).values().cloned().collect())
    }),
    function("pluck", 1, ANY, pluck),
    function("pick", 1, ANY, |args| filtered(args, |wanted| wanted)),
    function("omit", 1, ANY, |args| filtered(args, |wanted| !wanted)),
];

/// Keys and values in turn; a last key without value gets an empty text.
fn dict(args: Arguments<'_, '_>) -> Result<Value, String> {
    let mut entries = BTreeMap::new();
    for pair in args.values.chunks(2) {
        let [key, rest @ ..] = pair else { continue };
        let value = rest.first().cloned().unwrap_or_else(|| Value::text(""));
        entries.insert(to_text(args.machine, key)?, value);
    }
    Ok(args.machine.new_dict(entries))
}

/// The keys of all maps, sorted; sprig leaves their order open.
fn keys(args: Arguments<'_, '_>) -> Result<Value, String> {
    let mut keys = Vec::new();
    for index in 0..args.len() {
        keys.extend(args.machine.dict(args.dict(index)?).keys().map(Value::text));
    }
    Value::list(keys)
}

/// The values of one key in those maps that have it.
fn pluck(args: Arguments<'_, '_>) -> Result<Value, String> {
    let key = args.text(0)?;
    let mut values = Vec::new();
    for index in 1..args.len() {
        values.extend(args.machine.dict(args.dict(index)?).get(key).cloned());
    }
    Value::list(values)
}

fn filtered(args: Arguments<'_, '_>, keep: fn(bool) -> bool) -> Result<Value, String> {
    let named: BTreeSet<&str> =
        (1..args.len()).map(|index| args.text(index)).collect::<Result<_, _>>()?;
    let dict = args.machine.dict(args.dict(0)?);
    let kept = dict.iter().filter(|(key, _)| keep(named.contains(key.as_str())));
    let kept = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    Ok(args.machine.new_dict(kept))
}
