//! The words of Helm 3's library.

use std::collections::BTreeSet;

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

use super::type_of;

pub(super) fn lines(errors: &[ValidationError<'_>], schema: &Value) -> String {
    let mut out = String::new();
    let mut all_of: Option<String> = None;
    let mut branches = BTreeSet::new();
    for error in errors {
        // Of what must fit all of several schemas, the faults come first.
        let group = all_of_group(error);
        if all_of.is_some() && group != all_of {
            close_all_of(&mut out, errors, all_of.take());
        }
        all_of = group;
        if let Some(branch) = branch(error).filter(|it| branches.insert(it.clone())) {
            let was = if branch.ends_with("then") { "was" } else { "was not" };
            let name = &branch[branch.len() - 4..];
            let field = field(error);
            out.push_str(&format!("- {field}: Must validate \"{name}\" as \"if\" {was} valid\n"));
        }
        push(&mut out, error, schema);
    }
    close_all_of(&mut out, errors, all_of);
    out
}

/// Where the `then` or `else` stands that an error is in.
fn branch(error: &ValidationError<'_>) -> Option<String> {
    let path = error.schema_path().as_str();
    let at = path.find("/then").or_else(|| path.find("/else"))?;
    Some(path[..at + 5].to_owned())
}

/// Where the `allOf` stands that an error is in.
fn all_of_group(error: &ValidationError<'_>) -> Option<String> {
    let path = error.schema_path().as_str();
    path.find("/allOf/").map(|at| path[..at].to_owned())
}

fn close_all_of(out: &mut String, errors: &[ValidationError<'_>], group: Option<String>) {
    let Some(group) = group else { return };
    let first = errors.iter().find(|error| all_of_group(error).as_ref() == Some(&group));
    if let Some(first) = first {
        let field = field(first);
        out.push_str(&format!("- {field}: Must validate all the schemas (allOf)\n"));
    }
}

fn push(out: &mut String, error: &ValidationError<'_>, schema: &Value) {
    let field = field(error);
    let mut say = |text: String| out.push_str(&format!("- {field}: {text}\n"));
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            for name in unexpected {
                say(format!("Additional property {name} is not allowed"));
            }
        }
        Kind::AnyOf { context } => {
            say("Must validate at least one schema (anyOf)".to_owned());
            best(context).iter().for_each(|error| push(out, error, schema));
        }
        Kind::OneOfNotValid { context } => {
            say("Must validate one and only one schema (oneOf)".to_owned());
            best(context).iter().for_each(|error| push(out, error, schema));
        }
        Kind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default();
            say(format!("Property name of \"{name}\" does not match"));
            say(text(error, &field, schema));
        }
        _ => say(text(error, &field, schema)),
    }
}

/// The last of those schemas that came nearest, as the library shows it.
fn best<'e>(context: &'e [Vec<ValidationError<'static>>]) -> &'e [ValidationError<'static>] {
    let deepest = |errors: &&'e Vec<ValidationError<'static>>| {
        errors.iter().filter(|error| !matches!(error.kind(), Kind::Type { .. })).count()
    };
    let best = context.iter().map(|errors| (deepest(&errors), errors));
    let mut found: Option<(usize, &Vec<_>)> = None;
    for (rank, errors) in best {
        if found.is_none_or(|(before, _)| rank > before) {
            found = Some((rank, errors));
        }
    }
    found.map_or(&[], |(_, errors)| errors)
}

fn text(error: &ValidationError<'_>, field: &str, schema: &Value) -> String {
    let value = error.instance();
    match error.kind() {
        Kind::Type { kind } => {
            format!("Invalid type. Expected: {}, given: {}", expected(kind), given(value))
        }
        Kind::Required { property } if super::dependency(error, property, schema).is_some() => {
            format!("Has a dependency on {}", property.as_str().unwrap_or_default())
        }
        Kind::Required { property } => {
            format!("{} is required", property.as_str().unwrap_or_default())
        }
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let options: Vec<String> = options.iter().map(Value::to_string).collect();
            format!("{field} must be one of the following: {}", options.join(", "))
        }
        Kind::Constant { expected_value } => format!("{field} does not match: {expected_value}"),
        Kind::Minimum { limit } => format!("Must be greater than or equal to {limit}"),
        Kind::Maximum { limit } => format!("Must be less than or equal to {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("Must be greater than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("Must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("Must be a multiple of {multiple_of}"),
        Kind::Pattern { pattern } => format!("Does not match pattern '{pattern}'"),
        Kind::Format { format } => format!("Does not match format '{format}'"),
        Kind::MinLength { limit } => {
            format!("String length must be greater than or equal to {limit}")
        }
        Kind::MaxLength { limit } => format!("String length must be less than or equal to {limit}"),
        Kind::MinItems { limit } => format!("Array must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("Array must have at most {limit} items"),
        Kind::MinProperties { limit } => format!("Must have at least {limit} properties"),
        Kind::MaxProperties { limit } => format!("Must have at most {limit} properties"),
        Kind::UniqueItems => unique(value),
        Kind::Contains => "At least one of the items must match".to_owned(),
        Kind::Not { .. } => "Must not validate the schema (not)".to_owned(),
        Kind::OneOfMultipleValid { .. } => {
            "Must validate one and only one schema (oneOf)".to_owned()
        }
        Kind::FalseSchema => "False always fails validation".to_owned(),
        Kind::AdditionalItems { .. } => "No additional items allowed on array".to_owned(),
        _ => error.to_string(),
    }
}

/// A schema that is none.
pub(super) fn invalid(error: &ValidationError<'_>) -> String {
    match error.instance() {
        value if error.instance_path().as_str().ends_with("/type") => format!(
            "has a primitive type that is NOT VALID -- given: /{}/ Expected valid values are:[array boolean \
             integer number null object string]",
            value.as_str().unwrap_or_default()
        ),
        _ => format!("schema is invalid: {error}"),
    }
}

fn field(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().as_str();
    match path.strip_prefix('/') {
        None => "(root)".to_owned(),
        Some(path) => path.replace('/', ".").replace("~1", "/").replace("~0", "~"),
    }
}

fn expected(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(it) => it.to_string(),
        TypeKind::Multiple(set) => {
            let mut all: Vec<String> = set.iter().map(|it| it.to_string()).collect();
            // The library keeps the order of the schema, which ours does not tell; null is written last.
            all.sort_by_key(|it| it == "null");
            format!("[{}]", all.join(","))
        }
    }
}

fn given(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.as_f64().is_some_and(|it| it.fract() == 0.0) => "integer",
        other => type_of(other),
    }
}

fn unique(value: &Value) -> String {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    for (later, item) in items.iter().enumerate() {
        if let Some(earlier) = items[..later].iter().position(|it| it == item) {
            return format!("array items[{earlier},{later}] must be unique");
        }
    }
    "array items must be unique".to_owned()
}
