//! Maps.

use super::merge::{self, Mode};
use super::{Answer, Args, Function, function};
use crate::context::Context;
use crate::format::to_text;
use crate::value::{Entries, List, MAX_DEPTH, Map, Ty, Value};

const MAPS: &[Ty] = &[Ty::Map];
const MAP_AND_KEY: &[Ty] = &[Ty::Map, Ty::Str];

pub(super) const FUNCTIONS: &[Function] = &[
    function("dict", &[], |_, args| dict(args)).rest(Ty::Any),
    function("get", MAP_AND_KEY, |_, args| {
        Ok(args.map(0).and_then(|map| map.get(args.text(1))).unwrap_or_else(|| Value::str("")))
    }),
    function("set", &[Ty::Map, Ty::Str, Ty::Any], set),
    function("unset", MAP_AND_KEY, |_, args| {
        if let Some(map) = args.map(0) {
            map.remove(args.text(1));
        }
        Ok(map_or_empty(args.value(0)))
    }),
    function("hasKey", MAP_AND_KEY, |_, args| {
        Ok(Value::Bool(args.map(0).is_some_and(|map| map.contains(args.text(1)))))
    }),
    function("pluck", &[Ty::Str], |_, args| {
        let maps = args.from(1).iter().filter_map(Value::as_map);
        Ok(Value::list(maps.filter_map(|map| map.get(args.text(0))).collect()))
    })
    .rest(Ty::Map),
    function("keys", &[], |context, args| {
        let mut keys = Vec::new();
        for map in args.0.iter().filter_map(Value::as_map) {
            context.charge_items(map.len())?;
            keys.extend(map.keys());
        }
        Ok(Value::strings(keys))
    })
    .rest(Ty::Map),
    function("values", MAPS, |_, args| {
        let entries = args.map(0).map(Map::to_vec).unwrap_or_default();
        Ok(Value::list(entries.into_iter().map(|(_, value)| value).collect()))
    }),
    function("pick", MAPS, |_, args| {
        let mut picked = Entries::new();
        for key in args.from(1).iter().filter_map(Value::as_str) {
            if let Some(value) = args.map(0).and_then(|map| map.get(key)) {
                picked.insert(key.into(), value);
            }
        }
        Ok(Value::map(picked))
    })
    .rest(Ty::Str),
    function("omit", MAPS, |_, args| {
        let mut kept: Entries = args.map(0).map(|map| map.entries().clone()).unwrap_or_default();
        for key in args.from(1).iter().filter_map(Value::as_str) {
            kept.remove(key);
        }
        Ok(Value::map(kept))
    })
    .rest(Ty::Str),
    function("merge", MAPS, |context, args| merge::merge(context, args, Mode::Fill)).rest(Ty::Map),
    function("mustMerge", MAPS, |context, args| merge::merge(context, args, Mode::Fill))
        .rest(Ty::Map),
    function("mergeOverwrite", MAPS, |context, args| merge::merge(context, args, Mode::Overwrite))
        .rest(Ty::Map),
    function("mustMergeOverwrite", MAPS, |context, args| {
        merge::merge(context, args, Mode::Overwrite)
    })
    .rest(Ty::Map),
    function("dig", &[], |_, args| dig(args)).rest(Ty::Any),
    function("deepCopy", &[Ty::Any], deep_copy),
    function("mustDeepCopy", &[Ty::Any], deep_copy),
];

/// A nil map prints like an empty one.
fn map_or_empty(value: &Value) -> Value {
    if value.is_nil() { Value::map(Entries::new()) } else { value.clone() }
}

fn dict(args: Args<'_>) -> Answer {
    let mut entries = Entries::new();
    for pair in args.0.chunks(2) {
        let value = pair.get(1).cloned().unwrap_or_else(|| Value::str(""));
        entries.insert(to_text(&pair[0])?, value);
    }
    Ok(Value::map(entries))
}

fn set(context: &mut Context, args: Args<'_>) -> Answer {
    let Value::Map(map) = args.value(0) else {
        return Err("assignment to entry in nil map".to_owned());
    };
    let Value::Str(key) = args.value(1) else { return Ok(args.value(0).clone()) };
    let value = args.value(2).clone();
    context.note_change(map, &value);
    context.charge_items(1)?;
    map.insert(key.clone(), value);
    Ok(args.value(0).clone())
}

fn dig(args: Args<'_>) -> Answer {
    let [keys @ .., default, last] = args.0 else {
        return Err("dig needs at least three arguments".to_owned());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".to_owned());
    }
    let mut current = last.clone();
    for (index, key) in keys.iter().enumerate() {
        let map = match &current {
            Value::Map(map) if map.kind() == crate::value::MapKind::Any => map,
            other => return Err(conversion(other, "map[string]interface {}")),
        };
        if index == 0
            && let Some(wrong) = keys.iter().find(|key| key.as_str().is_none())
        {
            return Err(conversion(wrong, "string"));
        }
        match map.get(key.as_str().unwrap_or_default()) {
            Some(value) => current = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(current)
}

fn conversion(value: &Value, wanted: &str) -> String {
    let found = if value.is_nil() { "nil" } else { value.type_name() };
    format!("interface conversion: interface {{}} is {found}, not {wanted}")
}

fn deep_copy(context: &mut Context, args: Args<'_>) -> Answer {
    if args.value(0).is_nil() {
        // Go asks nil for its type, and stumbles.
        return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
    }
    copy(context, args.value(0), 0)
}

/// A copy that shares no map with the original.
fn copy(context: &mut Context, value: &Value, depth: usize) -> Answer {
    if depth > MAX_DEPTH {
        return Err(format!(
            "values are nested more than {MAX_DEPTH} levels deep, or contain themselves"
        ));
    }
    match value {
        Value::Map(map) => {
            context.charge_items(map.len())?;
            let mut entries = Entries::new();
            for (key, value) in map.to_vec() {
                entries.insert(key, copy(context, &value, depth + 1)?);
            }
            Ok(Value::Map(Map::new(map.kind(), entries)))
        }
        Value::List(list) if !list.is_nil() => {
            context.charge_items(list.items().len())?;
            let items = list.items().iter().map(|item| copy(context, item, depth + 1));
            Ok(Value::List(List::new(list.kind(), items.collect::<Result<_, _>>()?)))
        }
        other => Ok(other.clone()),
    }
}
