//! `values.schema.json`: which values a chart lets in, refused in the words of each Helm's library.
//!
//! Nothing is fetched: a schema that refers to another place cannot be used.

mod four;
mod three;

use std::sync::{Arc, OnceLock};

use jsonschema::{Draft, ValidationError, Validator};

use super::{ChartError, tree::Node};
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

    /// What is wrong with `values`, if something is: the lines that say so, and each fault's place in them.
    fn complaints(&self, values: &serde_json::Value, dialect: Dialect) -> Option<Complaints> {
        let place = match dialect {
            Dialect::Helm3 => &self.0.three,
            Dialect::Helm4 => &self.0.four,
        };
        match place.get_or_init(|| compile(&self.0.bytes, dialect)) {
            Err(error) => {
                let fault = (String::new(), error.clone());
                Some(Complaints { lines: format!("{error}\n"), faults: vec![fault] })
            }
            Ok(Compiled { schema, validator }) => {
                let errors: Vec<_> = validator.iter_errors(values).collect();
                let lines = match dialect {
                    Dialect::Helm3 => three::lines(&errors, schema),
                    Dialect::Helm4 => four::lines(&errors, schema),
                };
                let fault = |error: &ValidationError<'_>| {
                    (error.instance_path().to_string(), error.to_string())
                };
                let faults = errors.iter().map(fault).collect();
                (!lines.is_empty()).then_some(Complaints { lines, faults })
            }
        }
    }
}

/// What is wrong with the values of one chart.
struct Complaints {
    lines: String,
    /// By JSON pointers.
    faults: Vec<(String, String)>,
}

/// One value that a schema does not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFault {
    /// The chart whose schema it is.
    pub chart: String,
    /// A JSON pointer into the values of the outermost chart; empty for all of them.
    pub pointer: String,
    /// What is wrong, in one sentence.
    pub message: String,
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
pub(super) fn check(node: &Node, values: &Map, dialect: Dialect) -> Result<(), ChartError> {
    let mut found = Found { dialect, lines: String::new(), faults: Vec::new() };
    found.collect(node, values, "").map_err(ChartError::Values)?;
    if found.lines.is_empty() {
        return Ok(());
    }
    let text = format!(
        "values don't meet the specifications of the schema(s) in the following chart(s):\n{}",
        found.lines.trim_end_matches('\n')
    );
    Err(ChartError::Schema { text, faults: found.faults })
}

/// What is wrong in a tree of charts, so far.
struct Found {
    dialect: Dialect,
    lines: String,
    faults: Vec<SchemaFault>,
}

impl Found {
    /// `path` points to the chart's values within those of the outermost one.
    fn collect(&mut self, node: &Node, values: &Map, path: &str) -> Result<(), String> {
        if let Some(schema) = &node.chart.schema {
            let json = Value::Map(values.clone()).to_json().map_err(|error| error.to_string())?;
            if let Some(Complaints { lines, faults }) = schema.complaints(&json, self.dialect) {
                self.lines.push_str(&format!("{}:\n{lines}", node.name()));
                self.faults.extend(faults.into_iter().map(|(pointer, message)| SchemaFault {
                    chart: node.name().to_string(),
                    pointer: format!("{path}{pointer}"),
                    message,
                }));
            }
        }
        for child in &node.children {
            if let Some(Value::Map(inner)) = values.get(child.name()) {
                let name = child.name().replace('~', "~0").replace('/', "~1");
                self.collect(child, &inner, &format!("{path}/{name}"))?;
            }
        }
        Ok(())
    }
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
