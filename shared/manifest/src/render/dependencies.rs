//! Dependencies as objects of Flux and of its controller for Terraform.

use gimlet_helm::value::Value;

use super::flux::{git_repository, map, object, yaml};
use super::output::{Origin, Output};
use crate::chart::{GitReference, GitSource};
use crate::dependency::{Dependency, Terraform};
use crate::finding::ManifestError;
use crate::names::label_fault;
use crate::resolve::Resolved;

const FILE: &str = "dependencies.yaml";

/// How often both objects look for changes.
const INTERVAL: &str = "24h";

/// Adds the two objects of each dependency.
pub(super) fn add(resolved: &Resolved, output: &mut Output<'_>) -> Result<(), ManifestError> {
    for (index, dependency) in resolved.dependencies.iter().enumerate() {
        let path = |field: &str| format!("dependencies[{index}].{field}");
        let name = format!("{}-{}", resolved.app, dependency.name);
        if let Some(fault) = label_fault(&name) {
            let place = dependency.name.anchor.place;
            return Err(resolved.source.error_at(place, path("name"), fault));
        }
        let url = &dependency.spec.module.url;
        let source = GitSource::of_module(url).map_err(|message| {
            resolved.source.error_at(url.anchor.place, path("spec.module.url"), message)
        })?;
        for object in [
            repository(resolved, &name, &source, dependency),
            terraform(resolved, &name, &source, &dependency.spec),
        ] {
            output.add(&Origin::Made("dependencies"), FILE, &yaml(&object))?;
        }
    }
    Ok(())
}

fn repository(
    resolved: &Resolved,
    name: &str,
    source: &GitSource,
    dependency: &Dependency,
) -> Value {
    let secret = dependency.spec.module.secret.as_deref();
    git_repository(name, &resolved.namespace, source, INTERVAL, secret)
}

fn terraform(resolved: &Resolved, name: &str, source: &GitSource, spec: &Terraform) -> Value {
    let text = |text: &str| Value::str(text);
    let reference = map([("kind", text("GitRepository")), ("name", text(name))]);
    let mut fields = vec![
        ("interval", text(INTERVAL)),
        ("approvePlan", text("auto")),
        ("path", text(&format!("./{}", source.path))),
        ("sourceRef", reference),
        ("writeOutputsToSecret", map([("name", text(&format!("{name}-output")))])),
    ];
    let vars: Vec<Value> = spec
        .values
        .sorted()
        .into_iter()
        .map(|(name, value)| map([("name", text(name)), ("value", value)]))
        .collect();
    if !vars.is_empty() {
        fields.push(("vars", Value::list(vars)));
    }
    if let Some(secret) = &spec.secret {
        let from = map([("kind", text("Secret")), ("name", text(secret))]);
        fields.push(("varsFrom", Value::list(vec![from])));
    }
    object("infra.contrib.fluxcd.io/v1alpha2", "Terraform", name, &resolved.namespace, map(fields))
}

/// How Flux names a commit.
pub(super) fn reference(reference: &GitReference) -> Option<Value> {
    let (key, name) = match reference {
        GitReference::DefaultBranch => return None,
        GitReference::Branch(name) => ("branch", name),
        GitReference::Tag(name) => ("tag", name),
        GitReference::Commit(hash) => ("commit", hash),
    };
    Some(map([(key, Value::str(name.as_str()))]))
}
