//! Reads values into fields as Go's JSON does: a scalar goes into a text, anything else is an error in Go's
//! words.

use crate::value::{Map, Str, Value};

/// The map of a whole document; `None` for nil, which leaves a structure as it is.
pub(super) fn root<'v>(value: &'v Value, type_name: &str) -> Result<Option<&'v Map>, String> {
    match value {
        Value::Map(map) => Ok(Some(map)),
        Value::Nil | Value::Invalid => Ok(None),
        other => Err(wrong(other, &format!("value of type {type_name}"))),
    }
}

/// Reads the fields of one structure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    structure: &'static str,
    /// The field that the structure lies in, with its dot.
    inside: &'static str,
}

impl Reader {
    pub(super) fn new(structure: &'static str) -> Self {
        Self { structure, inside: "" }
    }

    /// The same for a structure that lies in the field `inside` of another.
    pub(super) fn inside(self, inside: &'static str) -> Self {
        Self { inside, ..self }
    }

    fn wrong(&self, key: &str, value: &Value, type_name: &str) -> String {
        let dot = if self.inside.is_empty() { "" } else { "." };
        let path = format!("{}.{}{dot}{key}", self.structure, self.inside);
        wrong(value, &format!("struct field {path} of type {type_name}"))
    }

    /// A text, or a scalar as one; nil changes nothing.
    pub(super) fn text(&self, key: &str, value: &Value, to: &mut Str) -> Result<(), String> {
        match scalar(value) {
            Some(text) => *to = text,
            None if value.is_nil() => {}
            None => return Err(self.wrong(key, value, "string")),
        }
        Ok(())
    }

    /// A truth; nil changes nothing.
    pub(super) fn truth(&self, key: &str, value: &Value, to: &mut bool) -> Result<(), String> {
        match value {
            Value::Bool(truth) => *to = *truth,
            Value::Nil | Value::Invalid => {}
            other => return Err(self.wrong(key, other, "bool")),
        }
        Ok(())
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str, value: &Value, to: &mut Vec<Str>) -> Result<(), String> {
        match value {
            Value::List(list) => {
                to.clear();
                for item in list.items() {
                    let mut text = Str::from("");
                    self.text(key, item, &mut text)?;
                    to.push(text);
                }
            }
            Value::Nil | Value::Invalid => to.clear(),
            other => return Err(self.wrong(key, other, "[]string")),
        }
        Ok(())
    }

    /// A map of texts; `None` for nil.
    pub(super) fn annotations(
        &self,
        key: &str,
        value: &Value,
    ) -> Result<Option<Vec<(Str, Str)>>, String> {
        match value {
            Value::Map(map) => {
                let mut found = Vec::new();
                for (name, value) in map.to_vec() {
                    let mut text = Str::from("");
                    self.text(key, &value, &mut text)?;
                    found.push((name, text));
                }
                Ok(Some(found))
            }
            Value::Nil | Value::Invalid => Ok(None),
            other => Err(self.wrong(key, other, "map[string]string")),
        }
    }

    /// A list of pointers to structures.
    pub(super) fn structures<T>(
        &self,
        key: &str,
        value: &Value,
        type_name: &str,
        read: impl Fn(&Map) -> Result<T, String>,
    ) -> Result<Vec<Option<T>>, String> {
        let items = match value {
            Value::List(list) => list.items(),
            Value::Nil | Value::Invalid => &[],
            other => return Err(self.wrong(key, other, &format!("[]*{type_name}"))),
        };
        let each = items.iter().map(|item| match item {
            Value::Map(map) => read(map).map(Some),
            Value::Nil | Value::Invalid => Ok(None),
            other => Err(self.wrong(key, other, type_name)),
        });
        each.collect()
    }
}

/// What kind of JSON does not fit where.
pub(super) fn wrong(value: &Value, place: &str) -> String {
    let kind = match value {
        Value::List(_) => "array",
        Value::Map(_) => "object",
        Value::Bool(_) => "bool",
        Value::Str(_) => "string",
        _ => "number",
    };
    format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go {place}"
    )
}

/// A scalar as the text that it becomes where a text is wanted.
pub(super) fn scalar(value: &Value) -> Option<Str> {
    match value {
        Value::Str(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string().into()),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Some(format!("{number:.0}").into())
        }
        Value::Float(number) => Some(number.to_string().into()),
        Value::Int(number) | Value::Int64(number) => Some(number.to_string().into()),
        _ => None,
    }
}
