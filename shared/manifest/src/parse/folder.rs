//! All manifests of one commit.

use std::collections::BTreeMap;

use super::parse_manifest;
use crate::finding::{Finding, ManifestError, Warning};
use crate::manifest::{Field, Manifest};
use crate::resolve::Resolved;

/// What the files of a folder came to. A bad file does not harm the others.
#[derive(Clone, Debug, Default)]
pub struct FolderOutcome {
    /// The good manifests, in the order of their file names.
    pub manifests: Vec<Manifest>,
    /// One error for each bad file.
    pub errors: Vec<ManifestError>,
    /// What is odd about the good ones.
    pub warnings: Vec<Warning>,
}

/// Parses the files of a manifest folder, given as names and texts in any order.
///
/// Only `*.yaml` and `*.yml` are manifests. Two files with the same `env` and `app` are both errors;
/// see [`clashes`] for names that become the same through variables.
pub fn parse_folder<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> FolderOutcome {
    let mut files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_ref(), text.as_ref())).collect();
    files.sort_unstable();
    let mut outcome = FolderOutcome::default();
    for (name, text) in files {
        if name.ends_with(".cue") {
            let message = "CUE manifests are not read; export it to YAML";
            outcome.warnings.push(Finding::new(name, None, "", message));
        }
        if !name.ends_with(".yaml") && !name.ends_with(".yml") {
            continue;
        }
        match parse_manifest(name, text) {
            Ok(parsed) => {
                outcome.manifests.push(parsed.manifest);
                outcome.warnings.extend(parsed.warnings);
            }
            Err(error) => outcome.errors.push(error),
        }
    }
    let names = |manifest: &Manifest| (manifest.env.clone(), manifest.app.clone());
    let clashing = clashing_files(
        outcome.manifests.iter().map(|manifest| (names(manifest), &manifest.source)),
    );
    outcome
        .manifests
        .retain(|manifest| !clashing.iter().any(|error| error.file() == manifest.file()));
    outcome.errors.extend(clashing);
    outcome
}

/// One error for each manifest that shares `env` and `app` with another one, after variables.
pub fn clashes(resolved: &[Resolved]) -> Vec<ManifestError> {
    clashing_files(resolved.iter().map(|one| ((one.env.clone(), one.app.clone()), &one.source)))
}

fn clashing_files<'a>(
    named: impl Iterator<Item = ((String, String), &'a crate::manifest::Source)>,
) -> Vec<ManifestError> {
    let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, source) in named {
        by_name.entry(name).or_default().push(source);
    }
    let mut errors = Vec::new();
    for ((env, app), sources) in by_name {
        for (index, source) in sources.iter().enumerate() {
            let others = sources.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<&str> = others.map(|(_, source)| source.file.as_str()).collect();
            if others.is_empty() {
                continue;
            }
            let message = format!(
                "`{app}` in `{env}` is described by {} as well; keep one of them or rename it",
                others.join(", ")
            );
            errors.push(source.error(Field::App, message));
        }
    }
    errors
}
