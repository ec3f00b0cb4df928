//! Manifests, templates, JSON and configuration in the pages, read by the code that reads them for users.

use std::collections::{BTreeMap, BTreeSet};

use gimlet_control_plane::config::{Config, Settings};
use gimlet_docs::Use;
use gimlet_manifest::{
    ArtifactFacts, EventKind, RenderInputs, Variables, parse_manifest, render, resolve, template,
};
use serde_json::Value;

use crate::{SITE, each};

#[test]
fn every_manifest_is_read_and_rendered_without_a_warning() {
    each(|text| {
        for block in text.blocks.iter().filter(|block| block.fence.used_as == Use::Manifest) {
            rendered(&block.text).map_err(|error| format!("{error}\n{}", block.text))?;
        }
        Ok(())
    });
}

fn rendered(text: &str) -> Result<(), String> {
    let parsed = parse_manifest("docs.yaml", text).map_err(|error| error.to_string())?;
    let facts = ArtifactFacts {
        repository: "acme/shop",
        event: EventKind::Push,
        branch: "main",
        tag: "",
        sha: "8f31c2a0000000000000000000000000000000a1",
        actor: "",
        job: "",
        url: "",
        message: "Fix tax: \"quoted\"\n\nMore.",
        source_branch: "",
        target_branch: "",
    };
    let variables = Variables::for_artifact(&facts)
        .build(&parsed.manifest)
        .map_err(|error| error.to_string())?;
    let resolved = resolve(&parsed.manifest, &variables).map_err(|error| error.to_string())?;
    let rendered =
        render(&resolved, &RenderInputs::default()).map_err(|error| error.to_string())?;
    let warnings: Vec<_> =
        parsed.warnings.iter().chain(&rendered.warnings).map(ToString::to_string).collect();
    if warnings.is_empty() { Ok(()) } else { Err(warnings.join("; ")) }
}

#[test]
fn every_template_of_the_table_gives_what_stands_beside_it() {
    let page = SITE.find("templates").expect("the page");
    // The page was rendered: its table is read from the HTML.
    let rows: Vec<(String, String)> = page
        .html
        .split("<tr>")
        .filter_map(|row| {
            let mut cells = row.split("<td>").skip(1).filter_map(|cell| {
                let code = cell.split("<code>").nth(1)?.split("</code>").next()?;
                Some(
                    code.replace("&lt;", "<")
                        .replace("&gt;", ">")
                        .replace("&quot;", "\"")
                        .replace("&amp;", "&"),
                )
            });
            Some((cells.next()?, cells.next()?))
        })
        .filter(|(template, _)| template.starts_with("{{"))
        .collect();
    assert!(rows.len() > 10, "{rows:?}");
    for (text, expected) in rows {
        let got = template::render("docs", &text, &BTreeMap::new()).expect(&text);
        assert_eq!(got, expected, "{text}");
    }
}

#[test]
fn every_field_of_the_manifest_has_its_section() {
    let page = SITE.find("manifest").expect("the page");
    let sections: BTreeSet<_> = page.headings.iter().map(|heading| heading.text.as_str()).collect();
    for field in gimlet_manifest::known_fields() {
        assert!(sections.contains(field.as_str()), "`{field}` has no section");
    }
}

#[test]
fn every_cause_has_its_section_in_the_troubleshooting() {
    let page = SITE.find("troubleshooting").expect("the page");
    let described: BTreeSet<_> = page.headings.iter().map(|heading| heading.id.as_str()).collect();
    for code in gimlet_domain::cause::CauseCode::ALL {
        assert!(described.contains(code.as_str()), "`{}` is not explained", code.as_str());
    }
}

#[test]
fn yaml_and_toml_can_be_read_and_json_has_the_shape_that_it_names() {
    let sources = gimlet_control_plane::sources();
    each(|text| {
        for block in &text.blocks {
            let wrong = |error: String| format!("{error}\n{}", block.text);
            match &block.fence.used_as {
                Use::Yaml => {
                    serde_saphyr::from_multiple::<Value>(&block.text)
                        .map_err(|error| wrong(error.to_string()))?;
                }
                Use::Configuration => {
                    read_configuration(&block.text).map_err(wrong)?;
                }
                Use::Json { shape } => {
                    let value: Value = serde_json::from_str(&block.text)
                        .map_err(|error| wrong(error.to_string()))?;
                    if let Some(name) = shape {
                        fits(&value, name, &sources.openapi).map_err(wrong)?;
                    }
                }
                Use::Commands
                | Use::AwaitedCommands { .. }
                | Use::BackgroundCommand
                | Use::StreamCommand
                | Use::RequestCommand
                | Use::ClusterCommands
                | Use::PastedCommand
                | Use::ShownCommands { .. }
                | Use::Output
                | Use::Manifest
                | Use::Text => {}
            }
        }
        Ok(())
    });
}

fn read_configuration(text: &str) -> Result<(), String> {
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::fs::write(file.path(), text).map_err(|error| error.to_string())?;
    Config::load(Settings::of_file(file.path())).map(|_| ()).map_err(|error| error.to_string())
}

/// Holds a value against a shape of the API's description, which is a JSON schema.
fn fits(value: &Value, shape: &str, openapi: &Value) -> Result<(), String> {
    let schema = serde_json::json!({
        "$ref": format!("#/components/schemas/{shape}"),
        "components": openapi["components"],
    });
    let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
    validator.validate(value).map_err(|error| format!("it is no {shape}: {error}"))
}
