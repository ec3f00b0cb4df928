use std::collections::BTreeMap;
use std::io::Read;

use super::*;

fn example() -> Image {
    Image::new("registry.test:5000/acme/app:v1")
        .user("65534:65534")
        .env("HOME", "/tmp")
        .entrypoint(["/app"])
        .bytes("#!/bin/sh\n", "/usr/bin/app", 0o755)
        .symlink("/app", "usr/bin/app")
        .directory("/tmp", 0o1777)
}

/// The entries of a tar: name, permission bits and content.
fn entries(tar: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mode = entry.header().mode().unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (name, (mode, content))
        })
        .collect()
}

fn write(image: &Image) -> (String, BTreeMap<String, (u32, Vec<u8>)>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    let digest = image.write_to(&path).unwrap();
    (digest, entries(&std::fs::read(path).unwrap()))
}

#[test]
fn an_archive_leads_from_its_index_to_every_file() {
    let (digest, archive) = write(&example());

    let json =
        |name: &str| -> serde_json::Value { serde_json::from_slice(&archive[name].1).unwrap() };
    let blob =
        |digest: &serde_json::Value| digest.as_str().unwrap().replace("sha256:", "blobs/sha256/");
    let entry = &json("index.json")["manifests"][0];
    assert_eq!(entry["digest"], digest.as_str());
    assert_eq!(entry["annotations"]["io.containerd.image.name"], "registry.test:5000/acme/app:v1");
    assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], "v1");
    let manifest = json(&blob(&entry["digest"]));
    let config = json(&blob(&manifest["config"]["digest"]));
    assert_eq!(config["config"]["User"], "65534:65534");
    assert_eq!(config["config"]["Entrypoint"][0], "/app");

    let layer = entries(&archive[&blob(&manifest["layers"][0]["digest"])].1);
    assert_eq!(layer["usr/bin/app"], (0o755, b"#!/bin/sh\n".to_vec()));
    assert_eq!(layer["tmp"].0, 0o1777);
    assert!(
        layer.contains_key("usr") && layer.contains_key("usr/bin") && layer.contains_key("app")
    );
}

#[test]
fn the_same_image_gives_the_same_digest() {
    assert_eq!(write(&example()).0, write(&example()).0);
    assert_ne!(write(&example()).0, write(&example().env("A", "b")).0);
}

#[test]
fn a_name_without_a_tag_is_refused() {
    let error = Image::new("registry.test:5000/acme/app")
        .write_to(Path::new("/nonexistent/x"))
        .unwrap_err();
    assert!(matches!(error, ImageError::NoTag { .. }), "{error}");
}

#[test]
fn a_path_that_climbs_out_of_the_image_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let image = Image::new("a:b").bytes("", "/usr/../../etc/passwd", 0o644);
    let error = image.write_to(&directory.path().join("x")).unwrap_err();
    assert!(matches!(error, ImageError::Path { .. }), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_file_that_is_missing_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let image = Image::new("a:b").file("/nonexistent/program", "/program", 0o755);
    let error = image.write_to(&directory.path().join("x")).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/program"), "{error}");
}
