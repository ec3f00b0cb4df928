//! Where a secret could lie in clear.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use super::{Canary, Heard};
use crate::world::{Database, World};

/// A secret in clear.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kind: &'static str,
    #[expect(dead_code, reason = "a failed test prints it")]
    place: String,
    #[expect(dead_code, reason = "a failed test prints it")]
    canary: &'static str,
    #[expect(dead_code, reason = "a failed test prints it")]
    around: String,
}

/// The files that hold keys, and for that reason are nobody's else.
const KEYS: [&str; 2] = ["secrets.key", "ca/"];

/// Searches everything that the server said or keeps.
pub(super) async fn search_all(world: &World, heard: &Heard, traces: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let log = world.log();
    for canary in &heard.canaries {
        for (label, answer) in &heard.answers {
            if canary.told_in != Some(label.as_str()) {
                found.extend(in_text("answer", label, answer, canary));
            }
        }
        found.extend(in_text("log", "server.log", &log, canary));
        found.extend(in_text("trace", "exported", traces, canary));
    }
    let metrics = world.get(world.health, "/metrics").expect("metrics").1;
    let mut all = vec![("metrics", "/metrics".to_owned(), metrics)];
    all.extend(kept(world));
    let backup = world.folder.path().join("backup.tar");
    let path = backup.to_str().expect("a path");
    let made = world.run(&["backup", "--to", path]);
    assert!(made.status.success(), "{made:?}");
    all.push(("backup", "as it lies".to_owned(), lossy(&fs::read(&backup).expect("a file"))));
    let restored = World::new(world.database.another());
    let unpacked = restored.run(&["restore", "--from", path]);
    assert!(unpacked.status.success(), "{unpacked:?}");
    all.extend(kept(&restored).into_iter().map(|(_, place, text)| ("backup", place, text)));
    for (kind, place, text) in &all {
        for canary in &heard.canaries {
            let by_choice = canary.is_in_manifests && *kind != "metrics";
            let is_key = canary.is_key && *place == "as it lies";
            if !by_choice && !is_key {
                found.extend(in_text(kind, place, text, canary));
            }
        }
    }
    found
}

/// Files, git objects and database of a server.
fn kept(world: &World) -> Vec<(&'static str, String, String)> {
    let mut all: Vec<_> =
        files(&world.data()).into_iter().map(|(place, text)| ("file", place, text)).collect();
    for repository in repositories(&world.data()) {
        all.push(("git", repository.display().to_string(), objects(&repository)));
    }
    if let Database::Postgres { url } = &world.database {
        let dump = Command::new("pg_dump").arg(url).output().expect("pg_dump");
        assert!(dump.status.success(), "{}", lossy(&dump.stderr));
        all.push(("database", "pg_dump".to_owned(), lossy(&dump.stdout)));
    }
    all
}

/// The secret as it is, and in base64 wherever it begins in it, as in a password of HTTP basic.
fn in_text(kind: &'static str, place: &str, text: &str, canary: &Canary) -> Option<Found> {
    let at = forms(&canary.value).into_iter().find_map(|form| text.find(&form))?;
    let before = text[..at].char_indices().rev().nth(160).map_or(0, |(index, _)| index);
    let around = text[before..].chars().take(260).collect();
    Some(Found { kind, place: place.to_owned(), canary: canary.name, around })
}

fn forms(value: &str) -> Vec<String> {
    // Without the ends, which depend on what stands beside it.
    let inner = |encoded: String| encoded[2..encoded.len() - 4].to_owned();
    let encoded = |shift| {
        let shifted = format!("{}{value}", "x".repeat(shift));
        [inner(STANDARD.encode(&shifted)), inner(URL_SAFE_NO_PAD.encode(&shifted))]
    };
    std::iter::once(value.to_owned()).chain((0..3).flat_map(encoded)).collect()
}

/// All files below a folder but those of keys.
fn files(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(root).expect("below").display().to_string();
            if !KEYS.iter().any(|key| name.contains(key)) {
                found.push((name, lossy(&fs::read(&path).unwrap_or_default())));
            }
        }
    }
    found
}

/// Bare repositories below a folder.
pub(super) fn repositories(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.join("objects").is_dir() {
            found.push(path);
        } else if path.is_dir() {
            found.extend(repositories(&path));
        }
    }
    found.sort();
    found
}

/// Every object of a repository in clear, reachable or not.
fn objects(repository: &Path) -> String {
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "--git-dir"])
        .arg(repository)
        .args(["cat-file", "--batch-all-objects", "--batch"])
        .output()
        .expect("git");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    lossy(&output.stdout)
}

/// Secrets are plain text, whatever stands around them.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
