//! Embeds the charts of the tree.

#[path = "embed.rs"]
mod embed;

use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let here = std::env!("CARGO_MANIFEST_DIR");
    let charts = Path::new(here).join("../../charts").canonicalize()?;
    println!("cargo::rerun-if-changed={}", charts.display());
    println!("cargo::rerun-if-changed=embed.rs");
    let out = build_folder()?;
    std::fs::write(out.join("embedded.rs"), embed::source(&charts)?)
}

#[expect(clippy::disallowed_methods, reason = "it is how Cargo speaks to build scripts")]
fn build_folder() -> std::io::Result<PathBuf> {
    let folder = std::env::var_os("OUT_DIR");
    folder.map(PathBuf::from).ok_or_else(|| std::io::Error::other("Cargo names no OUT_DIR"))
}
