//! Nothing is served that is not declared: only the declaration adds routes to a router.

use std::path::Path;

/// What adds a route to a router of axum.
const ADDERS: [&str; 5] =
    [".route(", ".route_service(", ".nest_service(", ".fallback_service(", "routes!("];

/// Where that may stand: the declaration itself, and the API's, whose description a test of its own compares
/// with the list.
const MAY: [&str; 2] = ["routes/src/lib.rs", "api/src/v1.rs"];

/// The lines outside of tests that add routes.
fn additions(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            additions(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let source = std::fs::read_to_string(&path).expect("a source");
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            let lines = code.lines().filter(|line| ADDERS.iter().any(|adder| line.contains(adder)));
            let path = path.display();
            found.extend(lines.map(|line| format!("{path}: {}", line.trim())));
        }
    }
}

#[test]
fn routes_are_added_where_they_are_declared_and_nowhere_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["routes/src", "api/src", "web/src", "src", "app/src", "git/src", "docs/src"] {
        additions(&root.join(folder), &mut found);
    }
    assert!(found.len() > 20, "this looks at the wrong place: {found:?}");
    let stray: Vec<&String> = found
        .iter()
        .filter(|line| !MAY.iter().any(|file| line.contains(file)))
        .filter(|line| !line.contains("agents/tls_tests.rs"))
        .collect();
    assert!(stray.is_empty(), "declare these with gimlet_routes::Routes: {stray:#?}");
}
