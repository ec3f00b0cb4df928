//! Packs the charts of the tree's folder `charts` into the crate: a list of names, each with its files.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// What lies beside a chart for its tests is no part of it.
const TESTS: &str = "tests";

fn main() -> io::Result<()> {
    let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts").canonicalize()?;
    println!("cargo::rerun-if-changed={}", charts.display());
    let mut source = String::from("&[\n");
    for chart in entries(&charts)? {
        let name = chart.file_name().unwrap_or_default().to_string_lossy().into_owned();
        source.push_str(&format!("({name:?}, &[\n"));
        add(&chart, &chart, &mut source)?;
        source.push_str("]),\n");
    }
    source.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(Path::new(&out).join("charts.rs"), source)
}

fn add(root: &Path, folder: &Path, source: &mut String) -> io::Result<()> {
    for path in entries(folder)? {
        let inner = path.strip_prefix(root).map_err(io::Error::other)?;
        if inner == Path::new(TESTS) {
            continue;
        }
        if path.is_dir() {
            add(root, &path, source)?;
        } else {
            source.push_str(&format!(
                "({:?}, include_bytes!({:?})),\n",
                inner.display().to_string(),
                path
            ));
        }
    }
    Ok(())
}

/// What is in a folder, in an order that is always the same.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    all.sort();
    Ok(all)
}
