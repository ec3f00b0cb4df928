//! Patches of Kubernetes objects: strategic merges and JSON patches (RFC 6902), as kustomize applies them.
//!
//! [`patch()`] is the whole of it. Which lists are merged, and by which fields of their elements, is in
//! `merge_keys`; how, in `merge`. Where kustomize leaves its own directives in the objects, loses a patch or digits
//! of a number without a word, or takes what names no object, we do what Kubernetes' documentation says of strategic
//! merges, or refuse: the module's tests and the recorded cases name each such place.

mod annotations;
mod directives;
mod error;
mod json_patch;
mod limits;
mod merge;
mod merge_keys;
mod merge_list;
mod objects;
mod operations;
mod pointer;
mod read;
mod target;
mod tree;

use gimlet_helm::yaml;

pub use error::{PatchError, PatchPlace};
use json_patch::JsonPatch;
use limits::Budget;
use objects::Object;

/// What to change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patches<'a> {
    /// Strategic merges: YAML documents, each an incomplete object that names the whole one by `apiVersion`, `kind`,
    /// `metadata.name` and `metadata.namespace`. They come first.
    pub strategic_merge: Option<&'a str>,
    /// JSON patches, applied in their order.
    pub json6902: &'a [Json6902Patch],
}

/// A JSON patch and the objects that it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json6902Patch {
    /// A list of operations, as YAML or JSON.
    pub patch: String,
    /// The objects.
    pub target: Target,
}

/// Which objects a patch changes: each field is a regular expression for the whole text. None, and an empty one,
/// match all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The API group; that of the core is empty.
    pub group: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The name, before or after earlier patches.
    pub name: Option<String>,
}

/// Applies patches to the objects of YAML documents, and gives them back as YAML documents, joined by `---`.
///
/// Objects keep their order; those of lists (`kind: List`, `ConfigMapList` and so on) stand alone, behind the others.
/// Keys are sorted, comments and aliases go. Numbers, truths and texts are what kustomize takes them for: `yes` and
/// `off` are texts, dates become moments; annotations are texts whatever they are written as.
///
/// # Errors
/// Text that is no YAML or no Kubernetes object, a patch without its object, one that does not fit it, a failing
/// `test`, and what is too large. The error names the patch, its place and the object.
pub fn patch(documents: &str, patches: &Patches<'_>) -> Result<String, PatchError> {
    let mut budget = Budget::default();
    let mut objects = objects::read(documents, &objects::DOCUMENTS, &mut budget)?;
    if let Some(text) = patches.strategic_merge {
        for patch in objects::read(text, &objects::MERGES, &mut budget)? {
            merge::apply(&mut objects, patch)?;
        }
    }
    for (index, json) in patches.json6902.iter().enumerate() {
        JsonPatch::read(index, json, &mut budget)?.apply(&mut objects, &mut budget)?;
    }
    write(objects)
}

fn write(objects: Vec<Object>) -> Result<String, PatchError> {
    let mut text = String::new();
    for mut object in objects {
        annotations::finish(&mut object.tree);
        let name = object.name();
        if !text.is_empty() {
            text.push_str("---\n");
        }
        let document = yaml::to_yaml(&object.tree.into_value())
            .map_err(|source| PatchError::Unwritable { object: name, source })?;
        text.push_str(&document);
        limits::check_output(text.len())?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
