//! Paths with slashes.

use super::{Function, function};
use crate::value::Ty;

const ONE: &[Ty] = &[Ty::Str];

pub(super) const FUNCTIONS: &[Function] = &[
    function("base", ONE, |_, args| Ok(base(args.text(0)).into())),
    function("dir", ONE, |_, args| Ok(dir(args.text(0)).into())),
    function("clean", ONE, |_, args| Ok(clean(args.text(0)).into())),
    function("ext", ONE, |_, args| Ok(ext(args.text(0)).into())),
    function("isAbs", ONE, |_, args| Ok(args.text(0).starts_with('/').into())),
    function("osBase", ONE, |_, args| Ok(base(args.text(0)).into())),
    function("osDir", ONE, |_, args| Ok(dir(args.text(0)).into())),
    function("osClean", ONE, |_, args| Ok(clean(args.text(0)).into())),
    function("osExt", ONE, |_, args| Ok(ext(args.text(0)).into())),
    function("osIsAbs", ONE, |_, args| Ok(args.text(0).starts_with('/').into())),
];

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    match path.trim_end_matches('/') {
        "" => "/",
        path => path.rsplit('/').next().unwrap_or(path),
    }
}

fn dir(path: &str) -> String {
    clean(&path[..path.rfind('/').map_or(0, |slash| slash + 1)])
}

fn ext(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or("", |dot| &name[dot..])
}

/// The shortest path to the same place, without looking at any file.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let cleaned = format!("{}{}", if rooted { "/" } else { "" }, parts.join("/"));
    if cleaned.is_empty() { ".".to_owned() } else { cleaned }
}
