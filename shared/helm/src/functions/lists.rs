//! Lists.

use super::convert::{to_int, to_texts};
use super::{Answer, Args, Function, function};
use crate::context::Context;
use crate::value::{List, ListKind, Ty, Value};

const ONE: &[Ty] = &[Ty::Any];
const TWO: &[Ty] = &[Ty::Any, Ty::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    function("list", &[], |_, args| Ok(Value::list(args.0.to_vec()))).rest(Ty::Any),
    function("tuple", &[], |_, args| Ok(Value::list(args.0.to_vec()))).rest(Ty::Any),
    function("append", TWO, append),
    function("mustAppend", TWO, append),
    function("push", TWO, append),
    function("mustPush", TWO, append),
    function("prepend", TWO, prepend),
    function("mustPrepend", TWO, prepend),
    function("first", ONE, |_, args| end(args, "first", <[Value]>::first)),
    function("mustFirst", ONE, |_, args| end(args, "first", <[Value]>::first)),
    function("last", ONE, |_, args| end(args, "last", <[Value]>::last)),
    function("mustLast", ONE, |_, args| end(args, "last", <[Value]>::last)),
    function("rest", ONE, |_, args| without_end(args, "rest", |items| &items[1..])),
    function("mustRest", ONE, |_, args| without_end(args, "rest", |items| &items[1..])),
    function("initial", ONE, |_, args| {
        without_end(args, "initial", |items| &items[..items.len() - 1])
    }),
    function("mustInitial", ONE, |_, args| {
        without_end(args, "initial", |items| &items[..items.len() - 1])
    }),
    function("reverse", ONE, reverse),
    function("mustReverse", ONE, reverse),
    function("compact", ONE, compact),
    function("mustCompact", ONE, compact),
    function("uniq", ONE, uniq),
    function("mustUniq", ONE, uniq),
    function("without", ONE, without).rest(Ty::Any),
    function("mustWithout", ONE, without).rest(Ty::Any),
    function("has", TWO, has),
    function("mustHas", TWO, has),
    function("slice", ONE, |_, args| slice(args)).rest(Ty::Any),
    function("mustSlice", ONE, |_, args| slice(args)).rest(Ty::Any),
    function("concat", &[], concat).rest(Ty::Any),
    function("chunk", &[Ty::Int, Ty::Any], chunk),
    function("mustChunk", &[Ty::Int, Ty::Any], chunk),
    function("sortAlpha", ONE, |context, args| {
        let mut texts = to_texts(context, args.value(0))?;
        if args.value(0).is_nil() {
            texts.push("<nil>".into());
        }
        texts.sort();
        Ok(Value::strings(texts))
    }),
    function("toStrings", ONE, |context, args| {
        Ok(Value::strings(to_texts(context, args.value(0))?))
    }),
    function("join", &[Ty::Str, Ty::Any], |context, args| {
        let texts = to_texts(context, args.value(1))?;
        let size = texts.iter().map(|text| text.len() + args.text(0).len()).sum();
        context.charge(size)?;
        Ok(texts.join(args.text(0)).into())
    }),
];

/// Go's kind of what is no list; it stumbles over nil.
fn kind(value: &Value) -> Result<&'static str, String> {
    if value.is_nil() { Err(NIL.to_owned()) } else { Ok(value.kind_name()) }
}

/// What Go says when it asks nil for its type.
const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";

/// The items of a list.
fn items<'v>(value: &'v Value, doing: &str) -> Result<&'v [Value], String> {
    match value {
        Value::List(list) => Ok(list.items()),
        other => Err(format!("Cannot {doing} type {}", kind(other)?)),
    }
}

fn append(context: &mut Context, args: Args<'_>) -> Answer {
    let items = items(args.value(0), "push on")?;
    context.charge_items(items.len())?;
    Ok(Value::list(items.iter().chain([args.value(1)]).cloned().collect()))
}

fn prepend(context: &mut Context, args: Args<'_>) -> Answer {
    let items = items(args.value(0), "prepend on")?;
    context.charge_items(items.len())?;
    Ok(Value::list([args.value(1)].into_iter().chain(items).cloned().collect()))
}

fn end(args: Args<'_>, name: &str, get: fn(&[Value]) -> Option<&Value>) -> Answer {
    let items = items(args.value(0), &format!("find {name} on"))?;
    Ok(get(items).cloned().unwrap_or(Value::Nil))
}

fn without_end(args: Args<'_>, name: &str, cut: fn(&[Value]) -> &[Value]) -> Answer {
    let items = items(args.value(0), &format!("find {name} on"))?;
    if items.is_empty() {
        return Ok(Value::List(List::nil(ListKind::Any)));
    }
    Ok(Value::list(cut(items).to_vec()))
}

fn reverse(_: &mut Context, args: Args<'_>) -> Answer {
    let items = items(args.value(0), "find reverse on")?;
    Ok(Value::list(items.iter().rev().cloned().collect()))
}

fn compact(_: &mut Context, args: Args<'_>) -> Answer {
    let items = items(args.value(0), "compact on")?;
    Ok(Value::list(items.iter().filter(|item| item.is_true()).cloned().collect()))
}

fn uniq(context: &mut Context, args: Args<'_>) -> Answer {
    let items = items(args.value(0), "find uniq on")?;
    let mut found: Vec<Value> = Vec::new();
    for item in items {
        if !contains(context, &found, item)? {
            found.push(item.clone());
        }
    }
    Ok(Value::list(found))
}

fn without(context: &mut Context, args: Args<'_>) -> Answer {
    let items = items(args.value(0), "find without on")?;
    let mut kept = Vec::new();
    for item in items {
        if !contains(context, args.from(1), item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn has(context: &mut Context, args: Args<'_>) -> Answer {
    if args.value(1).is_nil() {
        return Ok(Value::Bool(false));
    }
    let items = items(args.value(1), "find has on")?;
    Ok(contains(context, items, args.value(0))?.into())
}

fn contains(context: &mut Context, items: &[Value], wanted: &Value) -> Result<bool, String> {
    context.step(items.len() / 8)?;
    for item in items {
        if context.equal(wanted, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn slice(args: Args<'_>) -> Answer {
    let list = match args.value(0) {
        Value::List(list) => list,
        other => {
            return Err(format!("list should be type of slice or array but {}", kind(other)?));
        }
    };
    let items = list.items();
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.0.get(1).map_or(0, to_int);
    let end = args.0.get(2).map_or_else(|| items.len() as i64, to_int);
    let bounds = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    match bounds.and_then(|(start, end)| items.get(start..end)) {
        Some(part) => Ok(Value::List(List::new(list.kind(), part.to_vec()))),
        None => Err("reflect.Value.Slice: slice index out of bounds".to_owned()),
    }
}

fn concat(context: &mut Context, args: Args<'_>) -> Answer {
    let mut all = Vec::new();
    for list in args.0 {
        let Value::List(list) = list else {
            return Err(format!("Cannot concat type {} as list", kind(list)?));
        };
        context.charge_items(list.items().len())?;
        all.extend(list.items().iter().cloned());
    }
    if all.is_empty() {
        return Ok(Value::List(List::nil(ListKind::Any)));
    }
    Ok(Value::list(all))
}

fn chunk(_: &mut Context, args: Args<'_>) -> Answer {
    let items = items(args.value(1), "chunk")?;
    let size = match usize::try_from(args.int(0)) {
        Ok(size) if size > 0 => size,
        _ => return Err("runtime error: makeslice: len out of range".to_owned()),
    };
    let chunks = items.chunks(size).map(|chunk| Value::list(chunk.to_vec()));
    Ok(Value::List(List::new(ListKind::Lists, chunks.collect())))
}
