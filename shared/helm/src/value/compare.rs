//! Whether values are the same in every part, as Go's `reflect.DeepEqual` sees it.

use super::{MAX_DEPTH, Value};

/// How many parts are compared at most.
const MAX_PARTS: usize = 1 << 20;

/// Whether two values are the same in type and in every part. Beyond [`MAX_DEPTH`] and a million parts nothing is the
/// same, so that it also ends for maps that contain themselves.
pub fn deep_equal(left: &Value, right: &Value) -> bool {
    let mut parts = MAX_PARTS;
    equal_within(left, right, &mut parts)
}

/// The same, within a number of parts, which is lowered by those that were compared.
pub(crate) fn equal_within(left: &Value, right: &Value, parts: &mut usize) -> bool {
    equal_at(left, right, 0, parts)
}

fn equal_at(left: &Value, right: &Value, depth: usize, parts: &mut usize) -> bool {
    if depth > MAX_DEPTH || *parts == 0 {
        return false;
    }
    *parts -= 1;
    match (left, right) {
        (Value::Invalid | Value::Nil, Value::Invalid | Value::Nil) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) | (Value::Int64(left), Value::Int64(right)) => {
            left == right
        }
        (Value::Other(kind, left), Value::Other(other, right)) => kind == other && left == right,
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Str(left), Value::Str(right)) => left == right,
        (Value::Bytes(left), Value::Bytes(right)) => left == right,
        (Value::List(left), Value::List(right)) => {
            left.kind() == right.kind()
                && left.is_nil() == right.is_nil()
                && (left.is(right)
                    || left.items().len() == right.items().len()
                        && left
                            .items()
                            .iter()
                            .zip(right.items())
                            .all(|(left, right)| equal_at(left, right, depth + 1, parts)))
        }
        (Value::Map(left), Value::Map(right)) => {
            left.kind() == right.kind()
                && (left.is(right)
                    || left.len() == right.len()
                        && left.entries().iter().zip(right.entries().iter()).all(
                            |((key, left), (other, right))| {
                                key == other && equal_at(left, right, depth + 1, parts)
                            },
                        ))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.type_name() == right.type_name()
                && (left.is(right)
                    || left.text() == right.text()
                        && left
                            .fields()
                            .iter()
                            .zip(right.fields())
                            .all(|((_, left), (_, right))| equal_at(left, right, depth + 1, parts)))
        }
        _ => false,
    }
}
