//! Types and kinds by Go's names.

use super::{Function, function};
use crate::value::{Ty, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("typeOf", &[Ty::Any], |_, args| Ok(Value::str(type_of(args.value(0))))),
    function("typeIs", &[Ty::Str, Ty::Any], |_, args| {
        Ok(Value::Bool(args.text(0) == type_of(args.value(1))))
    }),
    function("typeIsLike", &[Ty::Str, Ty::Any], |_, args| {
        let (target, ty) = (args.text(0), type_of(args.value(1)));
        Ok(Value::Bool(target == ty || ty.strip_prefix('*') == Some(target)))
    }),
    function("kindOf", &[Ty::Any], |_, args| Ok(Value::str(args.value(0).kind_name()))),
    function("kindIs", &[Ty::Str, Ty::Any], |_, args| {
        Ok(Value::Bool(args.text(0) == args.value(1).kind_name()))
    }),
    function("deepEqual", &[Ty::Any, Ty::Any], |context, args| {
        Ok(context.equal(args.value(0), args.value(1))?.into())
    }),
];

fn type_of(value: &Value) -> &'static str {
    if value.is_nil() { "<nil>" } else { value.type_name() }
}
