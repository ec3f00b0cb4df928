//! The direction of dependencies, as the README's map draws it.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate of ours may depend on, of ours.
const MAY: &[(&str, &[&str])] = &[
    ("gimlet-shared", &[]),
    ("gimlet-manifest", &["gimlet-shared", "gimlet-helm"]),
    ("gimlet-helm", &[]),
    ("gimlet-remote", &[]),
    ("gimlet-charts", &["gimlet-helm", "gimlet-manifest", "gimlet-remote"]),
    ("gimlet-domain", &["gimlet-shared"]),
    ("gimlet-store", &["gimlet-shared", "gimlet-domain"]),
    ("gimlet-git", &["gimlet-shared", "gimlet-remote"]),
    (
        "gimlet-app",
        &[
            "gimlet-shared",
            "gimlet-manifest",
            "gimlet-helm",
            "gimlet-charts",
            "gimlet-domain",
            "gimlet-store",
            "gimlet-git",
        ],
    ),
    ("gimlet-github", &["gimlet-shared", "gimlet-domain", "gimlet-app"]),
    ("gimlet-routes", &["gimlet-domain"]),
    (
        "gimlet-api",
        &[
            "gimlet-routes",
            "gimlet-shared",
            "gimlet-manifest",
            "gimlet-domain",
            "gimlet-git",
            "gimlet-app",
            "gimlet-github",
        ],
    ),
    ("gimlet-docs", &["gimlet-shared", "gimlet-manifest"]),
    (
        "gimlet-web",
        &[
            "gimlet-shared",
            "gimlet-manifest",
            "gimlet-domain",
            "gimlet-docs",
            "gimlet-app",
            "gimlet-routes",
        ],
    ),
    ("gimlet-cli", &["gimlet-shared", "gimlet-manifest", "gimlet-charts"]),
    ("gimlet-agent", &["gimlet-shared"]),
    ("gimlet-installer", &["gimlet-shared"]),
    (
        "gimlet-control-plane",
        &[
            "gimlet-shared",
            "gimlet-store",
            "gimlet-git",
            "gimlet-app",
            "gimlet-github",
            "gimlet-api",
            "gimlet-web",
            "gimlet-docs",
            "gimlet-cli",
        ],
    ),
];

/// The crates below `tests/`.
const TESTS: &[&str] = &[
    "gimlet-tests",
    "gimlet-cluster",
    "gimlet-bench",
    "gimlet-fuzz",
    "gimlet-helm-cases",
    "gimlet-reflector",
];

/// Libraries that stand for a layer, and the crates of ours that may import them.
const ONLY: &[(&str, &[&str])] = &[
    ("sea-orm", &["gimlet-store"]),
    ("sea-orm-migration", &["gimlet-store"]),
    ("sqlx", &["gimlet-store"]),
    (
        "axum",
        &["gimlet-routes", "gimlet-api", "gimlet-web", "gimlet-agent", "gimlet-control-plane"],
    ),
    ("octocrab", &["gimlet-github"]),
    ("gix", &["gimlet-git"]),
    // The reflector stands beside the agent in a measurement, and is nothing of the product.
    ("kube", &["gimlet-agent", "gimlet-installer", "gimlet-reflector"]),
];

/// What must not reach a crate, by whatever way.
const NEVER: &[(&str, &[&str])] = &[
    ("gimlet-domain", &["tokio", "axum", "sea-orm", "reqwest"]),
    ("gimlet-manifest", &["tokio", "axum", "sea-orm", "reqwest"]),
    ("gimlet-helm", &["tokio", "axum", "sea-orm", "reqwest"]),
    ("gimlet-shared", &["tokio", "axum", "sea-orm", "reqwest"]),
];

/// Direct, non-test dependencies of each crate of ours.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    metadata
        .packages
        .into_iter()
        .map(|package| {
            let normal = package
                .dependencies
                .into_iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal);
            (package.name.to_string(), normal.map(|dependency| dependency.name).collect())
        })
        .collect()
}

#[test]
fn dependencies_between_our_crates_point_inward() {
    for (name, direct) in dependencies() {
        // Tests see everything; no crate of the map may see them.
        if TESTS.contains(&name.as_str()) {
            continue;
        }
        let may = MAY.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, may)| *may);
        let may =
            may.unwrap_or_else(|| panic!("{name} is not in the map: decide what it may depend on"));
        for dependency in direct.iter().filter(|dependency| dependency.starts_with("gimlet-")) {
            assert!(may.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn a_layer_s_library_is_imported_by_that_layer_only() {
    for (name, direct) in dependencies() {
        for (library, users) in ONLY {
            let allowed = users.contains(&name.as_str()) || TESTS.contains(&name.as_str());
            assert!(!direct.contains(*library) || allowed, "{name} must not import {library}");
        }
    }
}

#[test]
fn pure_crates_stay_free_of_runtime_and_io_by_whatever_way() {
    let metadata = MetadataCommand::new().exec().expect("cargo metadata");
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    for (name, never) in NEVER {
        let root = metadata
            .packages
            .iter()
            .find(|package| package.name.as_str() == *name)
            .expect("our crate");
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![root.id.clone()]);
        while let Some(id) = waiting.pop() {
            let Some(node) = resolve.nodes.iter().find(|node| node.id == id) else { continue };
            for dependency in &node.deps {
                let normal =
                    dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
                if normal && seen.insert(dependency.pkg.clone()) {
                    waiting.push(dependency.pkg.clone());
                }
            }
        }
        for package in metadata.packages.iter().filter(|package| seen.contains(&package.id)) {
            assert!(!never.contains(&package.name.as_str()), "{} reaches {name}", package.name);
        }
    }
}
