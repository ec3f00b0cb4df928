//! Source text that holds the files of charts.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Makes `EMBEDDED` of the folders of `charts` that have a `Chart.yaml`: the name of each, and its files.
pub(crate) fn source(charts: &Path) -> io::Result<String> {
    let mut text = "static EMBEDDED: &[Embedded] = &[\n".to_owned();
    for chart in names(charts)? {
        let folder = charts.join(&chart);
        if !folder.join("Chart.yaml").is_file() {
            continue;
        }
        let mut files = Vec::new();
        walk(&folder, "", &mut files)?;
        let _ = writeln!(text, "    ({chart:?}, &[");
        for path in files {
            let file = folder.join(&path);
            let _ = writeln!(text, "        ({path:?}, include_bytes!({file:?}) as &[u8]),");
        }
        text.push_str("    ]),\n");
    }
    text.push_str("];\n");
    Ok(text)
}

fn walk(folder: &Path, within: &str, files: &mut Vec<String>) -> io::Result<()> {
    for name in names(folder)? {
        let path = if within.is_empty() { name.clone() } else { format!("{within}/{name}") };
        let place = folder.join(&name);
        let kind = std::fs::symlink_metadata(&place)?.file_type();
        if kind.is_dir() {
            walk(&place, &path, files)?;
        } else if kind.is_file() {
            files.push(path);
        } else {
            return Err(io::Error::other(format!("{} is no plain file", place.display())));
        }
    }
    Ok(())
}

/// In one order, so that one tree gives one program.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().into_string();
        names.push(name.map_err(|name| io::Error::other(format!("{name:?} is no UTF-8")))?);
    }
    names.sort();
    Ok(names)
}
