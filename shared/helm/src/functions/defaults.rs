//! What stands in for what is missing, and refusals.

use super::{Function, function};
use crate::template::mark_warning;
use crate::value::{Ty, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("default", &[Ty::Any], |_, args| {
        let given = args.value(1);
        Ok(if given.is_true() { given } else { args.value(0) }.clone())
    })
    .rest(Ty::Any),
    function("empty", &[Ty::Any], |_, args| Ok(Value::Bool(!args.value(0).is_true()))),
    function("coalesce", &[], |_, args| {
        Ok(args.0.iter().find(|value| value.is_true()).cloned().unwrap_or(Value::Nil))
    })
    .rest(Ty::Any),
    function("all", &[], |_, args| Ok(Value::Bool(args.0.iter().all(Value::is_true))))
        .rest(Ty::Any),
    function("any", &[], |_, args| Ok(Value::Bool(args.0.iter().any(Value::is_true))))
        .rest(Ty::Any),
    function("ternary", &[Ty::Any, Ty::Any, Ty::Bool], |_, args| {
        Ok(args.value(usize::from(!args.value(2).is_true())).clone())
    }),
    function("fail", &[Ty::Str], |_, args| Err(mark_warning(args.text(0)))),
    function("required", &[Ty::Str, Ty::Any], |_, args| {
        let value = args.value(1);
        if value.is_nil() || value.as_str() == Some("") {
            return Err(mark_warning(args.text(0)));
        }
        Ok(value.clone())
    }),
    function("hello", &[], |_, _| Ok(Value::str("Hello!"))),
];
