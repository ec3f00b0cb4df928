//! The `dependencies` field.

use super::fields::{Fields, File};
use super::values;
use crate::chart::GitSource;
use crate::dependency::{Dependency, DependencyKind, Module, Terraform};
use crate::finding::{ManifestError, Warning, quoted};
use crate::values::Values;
use crate::yaml::Node;

const PATH: &str = "dependencies";
pub(super) const NAMES: [&str; 3] = ["name", "kind", "spec"];
pub(super) const SPEC: [&str; 3] = ["module", "values", "secret"];
pub(super) const MODULE: [&str; 2] = ["url", "secret"];

/// Reads the list; null is an empty one.
pub(super) fn read(
    file: File<'_>,
    node: &Node,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Dependency>, ManifestError> {
    let mut all: Vec<Dependency> = Vec::new();
    for (index, item) in file.list(node, PATH, "dependencies")?.iter().enumerate() {
        let fields = file.fields(item, format!("{PATH}[{index}]"))?;
        fields.warn_unknown(&NAMES, warnings);
        let dependency = read_one(&fields, warnings)?;
        if all.iter().any(|before| before.name == dependency.name) {
            let message = format!("{} is the name of two dependencies", quoted(&dependency.name));
            return Err(file.error(item, fields.path_of("name"), message));
        }
        all.push(dependency);
    }
    Ok(all)
}

fn read_one(fields: &Fields<'_>, warnings: &mut Vec<Warning>) -> Result<Dependency, ManifestError> {
    let file = fields.file;
    let name = fields.required_text("name")?;
    let kind = fields.required_text("kind")?;
    if !kind.eq_ignore_ascii_case("terraform") {
        let message = format!("must be `terraform`, but is {}", quoted(&kind));
        let path = fields.path_of("kind");
        return Err(ManifestError::new(file.name, kind.anchor.place, path, message));
    }
    let Some(spec) = fields.find_set("spec") else { return Err(fields.missing("spec")) };
    let spec = file.fields(spec, fields.path_of("spec"))?;
    spec.warn_unknown(&SPEC, warnings);
    let Some(module) = spec.find_set("module") else { return Err(spec.missing("module")) };
    let values = match spec.find_set("values") {
        Some(node) => values::read(file, node, &spec.path_of("values"), warnings)?,
        None => Values::default(),
    };
    let module = read_module(&file.fields(module, spec.path_of("module"))?, warnings)?;
    let secret = spec.filled_text("secret")?;
    let spec = Terraform { module, values, secret };
    Ok(Dependency { name, kind: DependencyKind::Terraform, spec })
}

fn read_module(fields: &Fields<'_>, warnings: &mut Vec<Warning>) -> Result<Module, ManifestError> {
    fields.warn_unknown(&MODULE, warnings);
    let url = fields.required_text("url")?;
    if !url.contains("{{") {
        GitSource::of_module(&url).map_err(|message| {
            let path = fields.path_of("url");
            ManifestError::new(fields.file.name, url.anchor.place, path, message)
        })?;
    }
    Ok(Module { url, secret: fields.filled_text("secret")? })
}
