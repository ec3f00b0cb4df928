//! The functions that a scope opens, read from the sources: a new one cannot be forgotten.

use std::path::Path;

/// Names of the store's public functions that take a member's or a cluster's scope.
pub(crate) fn scoped_functions() -> Vec<String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(functions_in(&std::fs::read_to_string(path).unwrap()));
        }
    }
    found.sort();
    // Fewer would mean that this looks at the wrong place.
    assert!(found.len() > 40, "{found:?}");
    found
}

fn functions_in(source: &str) -> Vec<String> {
    let signatures = source.split("pub async fn ").skip(1);
    let named = signatures.filter_map(|rest| {
        let (signature, _) = rest.split_once('{')?;
        let scoped = signature.contains("&TenantScope") || signature.contains("&ClusterScope");
        let name = signature.split(['(', '<']).next()?;
        scoped.then(|| name.to_owned())
    });
    named.collect()
}
