//! The documentation tells the truth: its commands are run, its manifests rendered, its JSON held against the
//! API's shapes, and its links followed. The README is a page like the others.

mod cluster;
mod requests;
mod run;
mod samples;
mod structure;
mod surroundings;

use std::sync::LazyLock;

use gimlet_docs::{Begins, Block, Page, Site};
use gimlet_tests::programs::workspace_root;

/// All pages.
static SITE: LazyLock<Site> =
    LazyLock::new(|| gimlet_control_plane::docs_site().expect("every page can be made"));

/// A text with code blocks.
struct Text {
    name: String,
    begins: Begins,
    blocks: Vec<Block>,
    links: Vec<String>,
}

/// Every page, and the README.
fn texts() -> Vec<Text> {
    let of = |page: &Page| Text {
        name: page.slug.clone(),
        begins: page.begins,
        blocks: page.blocks.clone(),
        links: page.links.clone(),
    };
    let readme = std::fs::read_to_string(workspace_root().join("README.md")).expect("the README");
    let blocks = gimlet_docs::blocks(&readme).expect("the README's code blocks have heads");
    let readme =
        Text { name: "README".to_owned(), begins: Begins::Programs, blocks, links: Vec::new() };
    SITE.pages().iter().map(of).chain([readme]).collect()
}

/// Runs one check on every text, and tells of all that fail.
fn each(check: impl Fn(&Text) -> Result<(), String>) {
    let faults: Vec<String> = texts()
        .iter()
        .filter_map(|text| check(text).err().map(|fault| format!("{}: {fault}", text.name)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
