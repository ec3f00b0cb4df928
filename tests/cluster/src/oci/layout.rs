//! The archive around the layer: configuration, manifest and index, each named by its hash.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType};

use super::layer::{self, Layer};
use super::{Image, ImageError};

/// Images carry no time: the same content must give the same digest on every day.
const EPOCH: &str = "1970-01-01T00:00:00Z";
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

pub(super) fn write(image: &Image, archive: &Path) -> Result<String, ImageError> {
    let tag = tag(&image.reference)?;
    let failed = |source| ImageError::Write {
        reference: image.reference.clone(),
        path: archive.into(),
        source,
    };
    let directory =
        archive.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));

    let mut layer_file = tempfile::tempfile_in(directory).map_err(failed)?;
    let layer = layer::write(image, &mut layer_file, archive)?;
    layer_file.seek(SeekFrom::Start(0)).map_err(failed)?;

    let config = config_json(image, &layer).to_string();
    let manifest = manifest_json(&config, &layer).to_string();
    let index = index_json(image, tag, &manifest).to_string();

    let whole = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    let blobs = [
        ("oci-layout".to_owned(), r#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json".to_owned(), &index),
        (blob(&digest(&manifest)), &manifest),
        (blob(&digest(&config)), &config),
    ];
    write_tar(whole.as_file(), &blobs, &layer, &mut layer_file).map_err(failed)?;
    whole.persist(archive).map_err(|e| failed(e.error))?;
    Ok(digest(&manifest))
}

fn write_tar(
    out: &File,
    blobs: &[(String, &str)],
    layer: &Layer,
    content: &mut File,
) -> io::Result<()> {
    let mut tar = Builder::new(io::BufWriter::new(out));
    for (name, bytes) in blobs {
        tar.append_data(
            &mut layer::header(EntryType::Regular, 0o644, bytes.len() as u64),
            name,
            bytes.as_bytes(),
        )?;
    }
    tar.append_data(
        &mut layer::header(EntryType::Regular, 0o644, layer.size),
        blob(&layer.digest),
        content,
    )?;
    tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(())
}

/// The tag of `reference`; a colon before the last slash belongs to a registry's port.
fn tag(reference: &str) -> Result<&str, ImageError> {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    match name.split_once(':') {
        Some((name, tag)) if !name.is_empty() && !tag.is_empty() => Ok(tag),
        _ => Err(ImageError::NoTag { reference: reference.to_owned() }),
    }
}

fn config_json(image: &Image, layer: &Layer) -> Value {
    json!({
        "architecture": architecture(),
        "os": "linux",
        "created": EPOCH,
        "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        "history": [{"created": EPOCH}],
    })
}

fn manifest_json(config: &str, layer: &Layer) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest(config),
            "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": layer.digest,
            "size": layer.size,
        }],
    })
}

fn index_json(image: &Image, tag: &str, manifest: &str) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": MANIFEST_TYPE,
            "digest": digest(manifest),
            "size": manifest.len(),
            "platform": {"architecture": architecture(), "os": "linux"},
            // containerd takes the whole name from the first, everyone else the tag from the second.
            "annotations": {
                "io.containerd.image.name": image.reference,
                "org.opencontainers.image.ref.name": tag,
            },
        }],
    })
}

/// This machine's architecture in the words of the specification, which are Go's.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn digest(text: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes())))
}

fn blob(digest: &str) -> String {
    digest.replace("sha256:", "blobs/sha256/")
}
