//! The words of Helm 4's library.

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

use super::type_of;

pub(super) fn lines(errors: &[ValidationError<'_>], schema: &Value) -> String {
    let mut out = String::new();
    let mut group: Option<String> = None;
    for error in errors {
        let in_all_of = all_of_group(error);
        if in_all_of.is_some() && in_all_of != group {
            let path = quoted(error.instance_path().as_str());
            out.push_str(&format!("- at {path}: 'allOf' failed\n"));
        }
        push(&mut out, error, usize::from(in_all_of.is_some()), schema);
        group = in_all_of;
    }
    out
}

fn all_of_group(error: &ValidationError<'_>) -> Option<String> {
    let path = error.schema_path().as_str();
    path.find("/allOf/").map(|at| path[..at].to_owned())
}

fn push(out: &mut String, error: &ValidationError<'_>, depth: usize, schema: &Value) {
    let indent = "  ".repeat(depth);
    if let Kind::UnevaluatedProperties { unexpected } = error.kind() {
        for name in unexpected {
            let name = name.replace('~', "~0").replace('/', "~1");
            let path = quoted(&format!("{}/{name}", error.instance_path().as_str()));
            out.push_str(&format!("{indent}- at {path}: false schema\n"));
        }
        return;
    }
    let path = match error.kind() {
        // The library forgets where it was.
        Kind::PropertyNames { .. } => "''".to_owned(),
        _ => quoted(error.instance_path().as_str()),
    };
    out.push_str(&format!("{indent}- at {path}: {}\n", text(error, schema)));
    match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            context.iter().flatten().for_each(|error| push(out, error, depth + 1, schema));
        }
        Kind::PropertyNames { error } => {
            out.push_str(&format!("{indent}  - at '': {}\n", text(error, schema)));
        }
        _ => {}
    }
}

fn text(error: &ValidationError<'_>, schema: &Value) -> String {
    let value = error.instance();
    let length = || value.as_str().map_or(0, |text| text.chars().count());
    let items = || value.as_array().map_or(0, Vec::len);
    let properties = || value.as_object().map_or(0, serde_json::Map::len);
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            let names: Vec<String> = unexpected.iter().map(|name| quoted(name)).collect();
            format!("additional properties {} not allowed", names.join(", "))
        }
        Kind::AnyOf { .. } => "'anyOf' failed".to_owned(),
        Kind::OneOfNotValid { .. } => "'oneOf' failed, none matched".to_owned(),
        Kind::OneOfMultipleValid { context } => {
            let matched = context.iter().enumerate().filter(|(_, errors)| errors.is_empty());
            let matched: Vec<String> =
                matched.map(|(place, _)| place.to_string()).take(2).collect();
            format!("'oneOf' failed, subschemas {} matched", matched.join(", "))
        }
        Kind::Not { .. } => "'not' failed".to_owned(),
        Kind::Type { kind } => format!("got {}, want {}", type_of(value), wanted(kind)),
        Kind::Required { property } => {
            let name = quoted(property.as_str().unwrap_or_default());
            match super::dependency(error, property, schema) {
                Some(of) => format!("properties {name} required, if {} exists", quoted(of)),
                None => format!("missing property {name}"),
            }
        }
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let options: Vec<String> = options.iter().map(display).collect();
            format!("value must be one of {}", options.join(", "))
        }
        Kind::Constant { expected_value } => format!("value must be {}", display(expected_value)),
        Kind::Minimum { limit } => format!("minimum: got {value}, want {limit}"),
        Kind::Maximum { limit } => format!("maximum: got {value}, want {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("exclusiveMinimum: got {value}, want {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("exclusiveMaximum: got {value}, want {limit}"),
        Kind::MultipleOf { multiple_of } => format!("multipleOf: got {value}, want {multiple_of}"),
        Kind::Pattern { pattern } => {
            format!("{} does not match pattern {}", display(value), quoted(pattern))
        }
        Kind::MinLength { limit } => format!("minLength: got {}, want {limit}", length()),
        Kind::MaxLength { limit } => format!("maxLength: got {}, want {limit}", length()),
        Kind::MinItems { limit } => format!("minItems: got {}, want {limit}", items()),
        Kind::MaxItems { limit } => format!("maxItems: got {}, want {limit}", items()),
        Kind::MinProperties { limit } => {
            format!("minProperties: got {}, want {limit}", properties())
        }
        Kind::MaxProperties { limit } => {
            format!("maxProperties: got {}, want {limit}", properties())
        }
        Kind::UniqueItems => unique(value),
        Kind::Contains => "no items match contains schema".to_owned(),
        Kind::FalseSchema => "false schema".to_owned(),
        Kind::PropertyNames { error } => {
            format!("invalid propertyName {}", display(error.instance()))
        }
        _ => error.to_string(),
    }
}

/// A schema that is none. The inner causes are named as our library finds them.
pub(super) fn invalid(error: &ValidationError<'_>, schema: &Value) -> String {
    let named = schema.get("$schema").and_then(Value::as_str);
    let named =
        named.unwrap_or("https://json-schema.org/draft/2020-12/schema").trim_end_matches('#');
    let mut out = format!(
        "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with \
         '{named}#'\n"
    );
    // Newer drafts are made of several schemas, all of which have to fit.
    let is_of_parts = named.contains("/draft/20") && !error.instance_path().as_str().is_empty();
    if is_of_parts {
        out.push_str("- at '': 'allOf' failed\n");
    }
    push(&mut out, error, usize::from(is_of_parts), schema);
    out.trim_end().to_owned()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn display(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

fn wanted(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(it) => it.to_string(),
        TypeKind::Multiple(set) => {
            let mut all: Vec<String> = set.iter().map(|it| it.to_string()).collect();
            all.sort();
            all.join(" or ")
        }
    }
}

fn unique(value: &Value) -> String {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    for (later, item) in items.iter().enumerate() {
        if let Some(earlier) = items[..later].iter().position(|it| it == item) {
            return format!("items at {earlier} and {later} are equal");
        }
    }
    "items are equal".to_owned()
}
