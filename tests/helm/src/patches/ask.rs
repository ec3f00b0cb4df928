//! Gives a case to `kubectl kustomize`.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{JsonCase, PatchCase};
use crate::{Oracle, Outcome};

/// What kustomize is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The objects.
    pub documents: String,
    /// Strategic merges.
    pub merge: Option<String>,
    /// JSON patches.
    pub json: Vec<JsonCase>,
}

impl From<&PatchCase> for Question {
    fn from(case: &PatchCase) -> Self {
        let PatchCase { documents, merge, json, .. } = case.clone();
        Self { documents, merge, json }
    }
}

/// What kustomize makes of objects and patches: their YAML, or its complaint.
///
/// # Errors
/// When it cannot be run.
pub fn ask(oracle: &Oracle, question: &Question) -> Result<Outcome> {
    let folder = tempfile::tempdir()?;
    lay_out(folder.path(), question)?;
    let mut kubectl = oracle.kubectl();
    kubectl.arg("kustomize").arg(folder.path());
    let output = kubectl.output().context("cannot run kubectl")?;
    if output.status.success() {
        let said = String::from_utf8(output.stdout).context("kubectl prints UTF-8")?;
        return Ok(Outcome::Output(said));
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    // A release that panics prints where it was; only the first line is the same each time.
    let first = complaint.lines().next().unwrap_or_default();
    Ok(Outcome::Refused(first.replace(&folder.path().display().to_string(), "")))
}

fn lay_out(folder: &Path, question: &Question) -> Result<()> {
    std::fs::write(folder.join("objects.yaml"), &question.documents)?;
    let mut patches = Vec::new();
    if let Some(merge) = &question.merge {
        std::fs::write(folder.join("merge.yaml"), merge)?;
        patches.push(json!({"path": "merge.yaml"}));
    }
    for (number, JsonCase { patch, target }) in question.json.iter().enumerate() {
        let name = format!("json-{number}.yaml");
        std::fs::write(folder.join(&name), patch)?;
        patches.push(json!({"path": name, "target": target}));
    }
    let kustomization = json!({
        "resources": ["objects.yaml"],
        "patches": patches,
        // Otherwise it sorts by kind.
        "sortOptions": {"order": "fifo"},
    });
    std::fs::write(folder.join("kustomization.yaml"), kustomization.to_string())?;
    Ok(())
}
