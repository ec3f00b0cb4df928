//! `merge` and its relatives, as Go's `mergo` library does it.

use super::{Answer, Args};
use crate::context::Context;
use crate::value::{MAX_DEPTH, Map, Value};

/// Which side wins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The destination, unless it is empty.
    Fill,
    /// The source, even if it is empty.
    Overwrite,
}

/// Merges all maps into the first.
pub(super) fn merge(context: &mut Context, args: Args<'_>, mode: Mode) -> Answer {
    let mut destination = args.value(0).clone();
    for source in args.from(1) {
        let Value::Map(source) = source else { continue };
        if let Value::Map(destination) = &destination {
            merge_maps(context, destination, source, mode, 0)?;
        } else {
            // A nil map becomes a new one.
            let new = Map::new(crate::value::MapKind::Any, Default::default());
            merge_maps(context, &new, source, mode, 0)?;
            destination = Value::Map(new);
        }
    }
    Ok(destination)
}

fn merge_maps(
    context: &mut Context,
    destination: &Map,
    source: &Map,
    mode: Mode,
    depth: usize,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!(
            "values are nested more than {MAX_DEPTH} levels deep, or contain themselves"
        ));
    }
    context.charge_items(source.len())?;
    for (key, value) in source.to_vec() {
        let old = destination.get(&key);
        if value.is_nil() {
            if mode == Mode::Overwrite {
                destination.insert(key, value);
            }
            continue;
        }
        let filled = old.as_ref().filter(|old| old.is_true());
        match (&value, &old) {
            (Value::Map(value), Some(Value::Map(old))) => {
                merge_maps(context, old, value, mode, depth + 1)?;
                // The check comes after the merge: an old map that was empty counts as filled by now.
                if !old.is_empty() {
                    continue;
                }
            }
            (Value::List(_), Some(_)) if filled.is_some() && mode == Mode::Fill => continue,
            _ => {}
        }
        if mode == Mode::Overwrite || filled.is_none() {
            context.note_change(destination, &value);
            destination.insert(key, value);
        }
    }
    Ok(())
}
