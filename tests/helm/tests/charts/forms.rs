//! What people see of a chart's values: schema, defaults, form and read-me say the same.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use gimlet_helm_cases::charts;
use serde_json::{Map, Value};

fn read(chart: &str, file: &str) -> Result<String> {
    fs::read_to_string(charts::folder(chart).join(file)).with_context(|| format!("{chart}/{file}"))
}

fn properties(chart: &str) -> Result<Map<String, Value>> {
    let schema: Value = serde_json::from_str(&read(chart, "values.schema.json")?)?;
    ensure!(schema["additionalProperties"] == true, "the schema refuses unknown values");
    schema["properties"].as_object().cloned().context("the schema has properties")
}

/// Every value is in the schema with its default, and in the read-me.
pub(crate) fn agree(chart: &str) -> Result<()> {
    let values: Map<String, Value> = serde_saphyr::from_str(&read(chart, "values.yaml")?)?;
    let readme = read(chart, "README.md")?;
    let properties = properties(chart)?;
    let mut known: Vec<&String> = properties.keys().collect();
    let mut there: Vec<&String> = values.keys().collect();
    known.sort();
    there.sort();
    ensure!(known == there, "schema and values.yaml differ: {known:?}, {there:?}");
    for (name, property) in &properties {
        ensure!(
            property["default"] == values[name],
            "the default of {name} in the schema is another"
        );
        let is_told = ["`", "."].iter().any(|end| readme.contains(&format!("| `{name}{end}")));
        ensure!(is_told, "the read-me does not tell of {name}");
        is_described(property, &format!("#/properties/{name}"))?;
    }
    Ok(())
}

/// Forms find a property by its `$id`, and show its title, description and default.
fn is_described(property: &Value, id: &str) -> Result<()> {
    ensure!(property["$id"] == id, "{id} has the $id {}", property["$id"]);
    for field in ["title", "description"] {
        ensure!(property[field].is_string(), "{id} has no {field}");
    }
    ensure!(property.get("default").is_some(), "{id} has no default");
    for (name, inner) in property["properties"].as_object().into_iter().flatten() {
        is_described(inner, &format!("{id}/properties/{name}"))?;
    }
    Ok(())
}

/// Each page has a name and an icon, and each property on it exists, once.
pub(crate) fn shows_what_there_is(chart: &str) -> Result<()> {
    let properties = properties(chart)?;
    let pages: Vec<Value> = serde_json::from_str(&read(chart, "helm-ui.json")?)?;
    ensure!(!pages.is_empty(), "the form has no pages");
    let mut seen = Vec::new();
    for page in &pages {
        for field in ["name", "icon"] {
            ensure!(page["metaData"][field].is_string(), "a page without {field}: {page}");
        }
        let ids = page["schemaIDs"].as_array().context("a page has schemaIDs")?;
        for id in ids {
            let id = id.as_str().context("an id is a text")?;
            let name = id.strip_prefix("#/properties/").context("an id is a place")?;
            ensure!(properties.contains_key(name), "{id} is not in the schema");
            ensure!(!seen.contains(&id), "{id} is on two pages");
            seen.push(id);
        }
        let hints = page["uiSchema"].as_object().context("a page has a uiSchema")?;
        let strange = hints.keys().find(|id| !ids.iter().any(|known| known == id.as_str()));
        ensure!(strange.is_none(), "a hint for {strange:?}, which is not on its page");
    }
    Ok(())
}
