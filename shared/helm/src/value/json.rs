//! To and from `serde_json`.

use super::{Entries, MAX_DEPTH, Value};

/// A value that JSON cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// JSON knows neither infinity nor NaN. The text is Go's.
    #[error("json: unsupported value: {number}")]
    Number {
        /// The number as Go prints it.
        number: String,
    },
    /// A character that the YAML library does not let through, once it stands in JSON.
    #[error("yaml: control characters are not allowed")]
    Character,
    /// More than fits into one text: lists that hold each other twice grow without bound.
    #[error("the text grows larger than {} MiB", crate::format::MAX_TEXT >> 20)]
    Size,
    /// A map that contains itself, for instance.
    #[error("values are nested more than {MAX_DEPTH} levels deep, or contain themselves")]
    Depth,
}

impl From<&serde_json::Value> for Value {
    /// As Go decodes JSON into `interface {}`: every number is a `float64`.
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(truth) => Self::Bool(*truth),
            serde_json::Value::Number(number) => Self::Float(number.as_f64().unwrap_or_default()),
            serde_json::Value::String(text) => Self::str(text.as_str()),
            serde_json::Value::Array(items) => Self::list(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(entries) => Self::map(
                entries
                    .iter()
                    .map(|(key, value)| (key.as_str().into(), Self::from(value)))
                    .collect::<Entries>(),
            ),
        }
    }
}

impl Value {
    /// The value as JSON. Whole `float64` become integers where they fit, as Go prints them.
    ///
    /// # Errors
    /// A number or depth that JSON has no room for.
    pub fn to_json(&self) -> Result<serde_json::Value, JsonError> {
        self.json_at(0)
    }

    fn json_at(&self, depth: usize) -> Result<serde_json::Value, JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError::Depth);
        }
        Ok(match self {
            Self::Invalid | Self::Nil => serde_json::Value::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Int(number) | Self::Int64(number) | Self::Other(_, number) => (*number).into(),
            Self::Float(number) => json_number(*number)?,
            Self::Str(text) => text.as_ref().into(),
            Self::Bytes(bytes) => super::from_bytes(bytes).as_ref().into(),
            Self::List(list) => list
                .items()
                .iter()
                .map(|item| item.json_at(depth + 1))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            Self::Map(map) => serde_json::Value::Object(
                map.entries()
                    .iter()
                    .map(|(key, value)| Ok((key.to_string(), value.json_at(depth + 1)?)))
                    .collect::<Result<_, JsonError>>()?,
            ),
            Self::Object(object) => serde_json::Value::Object(
                object
                    .fields()
                    .iter()
                    .map(|(name, value)| Ok(((*name).to_owned(), value.json_at(depth + 1)?)))
                    .collect::<Result<_, JsonError>>()?,
            ),
        })
    }
}

/// A whole number stays whole as long as every neighbour of it is exact.
fn json_number(number: f64) -> Result<serde_json::Value, JsonError> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        // The bound makes the conversion exact.
        return Ok((number as i64).into());
    }
    serde_json::Number::from_f64(number)
        .map(serde_json::Value::Number)
        .ok_or_else(|| JsonError::Number { number: number.to_string() })
}
