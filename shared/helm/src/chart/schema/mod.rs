//! `values.schema.json`: which values a chart lets in, refused in the words of each Helm's library.
//!
//! Nothing is fetched: a schema that refers to another place cannot be used.

mod four;
mod three;

use std::sync::{Arc, OnceLock};

use jsonschema::{Draft, ValidationError, Validator};

use super::tree::Node;
use crate::{
    Dialect,
    value::{Map, Value},
};

/// A schema as it was read; it is compiled when it is first asked.
#[derive(Clone, Debug)]
pub struct Schema(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes: Arc<[u8]>,
    three: OnceLock<Result<Compiled, String>>,
    four: OnceLock<Result<Compiled, String>>,
}

/// A schema that values can be checked against.
#[derive(Debug)]
struct Compiled {
    schema: serde_json::Value,
    validator: Validator,
}

impl Schema {
    /// One of these bytes.
    pub(super) fn new(bytes: Arc<[u8]>) -> Self {
        Self(Arc::new(Inner { bytes, three: OnceLock::new(), four: OnceLock::new() }))
    }

    /// The lines that say what is wrong with `values`; empty where nothing is.
    fn complaints(&self, values: &serde_json::Value, dialect: Dialect) -> String {
        let place = match dialect {
            Dialect::Helm3 => &self.0.three,
            Dialect::Helm4 => &self.0.four,
        };
        match place.get_or_init(|| compile(&self.0.bytes, dialect)) {
            Err(error) => format!("{error}\n"),
            Ok(Compiled { schema, validator }) => {
                let errors: Vec<_> = validator.iter_errors(values).collect();
                match dialect {
                    Dialect::Helm3 => three::lines(&errors, schema),
                    Dialect::Helm4 => four::lines(&errors, schema),
                }
            }
        }
    }
}

fn compile(bytes: &[u8], dialect: Dialect) -> Result<Compiled, String> {
    let parsed: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| {
        match (error.is_eof(), bytes.is_empty()) {
            (true, true) => "EOF".to_owned(),
            (true, false) => "unexpected EOF".to_owned(),
            _ => error.to_string(),
        }
    })?;
    let mut options = jsonschema::options();
    if dialect == Dialect::Helm3 {
        // Its library knows nothing newer, and takes what it does not know for its own.
        let named = parsed.get("$schema").and_then(serde_json::Value::as_str).unwrap_or_default();
        let draft = match () {
            () if named.contains("draft-04") => Draft::Draft4,
            () if named.contains("draft-06") => Draft::Draft6,
            () => Draft::Draft7,
        };
        options = options.with_draft(draft).should_validate_formats(true);
    } else {
        options = options.should_validate_formats(false);
    }
    let built = options.build(&parsed).map_err(|error| match dialect {
        Dialect::Helm3 if !parsed.is_object() && !parsed.is_boolean() => {
            "schema is invalid".to_owned()
        }
        Dialect::Helm3 => three::invalid(&error),
        Dialect::Helm4 => four::invalid(&error, &parsed),
    });
    built.map(|validator| Compiled { schema: parsed, validator })
}

/// Checks what every chart of a tree gets.
pub(super) fn check(node: &Node, values: &Map, dialect: Dialect) -> Result<(), String> {
    let mut complaints = String::new();
    collect(node, values, dialect, &mut complaints)?;
    if complaints.is_empty() {
        return Ok(());
    }
    Err(format!(
        "values don't meet the specifications of the schema(s) in the following chart(s):\n{}",
        complaints.trim_end_matches('\n')
    ))
}

fn collect(node: &Node, values: &Map, dialect: Dialect, into: &mut String) -> Result<(), String> {
    if let Some(schema) = &node.chart.schema {
        let json = Value::Map(values.clone()).to_json().map_err(|error| error.to_string())?;
        let found = schema.complaints(&json, dialect);
        if !found.is_empty() {
            into.push_str(&format!("{}:\n{found}", node.name()));
        }
    }
    for child in &node.children {
        if let Some(Value::Map(inner)) = values.get(child.name()) {
            collect(child, &inner, dialect, into)?;
        }
    }
    Ok(())
}

/// The property whose presence makes another one required, for an error of that kind.
fn dependency<'s>(
    error: &ValidationError<'_>,
    property: &serde_json::Value,
    schema: &'s serde_json::Value,
) -> Option<&'s str> {
    let path = error.schema_path().as_str();
    let keyword = path.rsplit('/').next()?;
    if !matches!(keyword, "dependencies" | "dependentRequired") {
        return None;
    }
    let present = error.instance().as_object()?;
    let lists = schema.pointer(path)?.as_object()?;
    let requires =
        |list: &serde_json::Value| list.as_array().is_some_and(|it| it.contains(property));
    let mut found =
        lists.iter().filter(|(name, list)| present.contains_key(*name) && requires(list));
    found.next().map(|(name, _)| name.as_str())
}

/// The name of a value's type in JSON Schema.
fn type_of(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "boolean",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    }
}
