//! What lies on this machine: the data directory, the authority, the key.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use gimlet_app::{Authority, CertificateAuthority, Vault};
use gimlet_shared::error_chain::Chain;
use gimlet_store::SealedSecret;

use super::Finding;
use crate::{config::Key, lock::DataLock};

/// With less, a database that grows and a repository that is fetched soon find the disk full.
const LITTLE_ROOM: u64 = 1 << 30;
/// With less, nothing can be promised.
const NO_ROOM: u64 = 64 << 20;
/// Before its end there has to be time to plan the next authority.
const AUTHORITY_ENDS_SOON_DAYS: i64 = 180;

/// Variables that look like ours and are none: a typing error would go unnoticed.
pub(super) fn misspelt_variables() -> Vec<Finding> {
    let ours = |name: &String| name.starts_with("GIMLET_") && name != "GIMLET_CONFIG";
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(ours);
    names
        .filter_map(|name| {
            let setting = name.trim_start_matches("GIMLET_").to_lowercase();
            let known = crate::config::KEYS.iter().any(|key| key.variable == name);
            let meant = Key::like(&setting).filter(|_| !known)?;
            Some(Finding::warning(
                "environment",
                format!("{name} is no setting and counts for nothing"),
                format!("did you mean {}?", meant.variable),
            ))
        })
        .collect()
}

/// A server runs on this data directory.
pub(super) fn is_running(data_dir: &Path) -> bool {
    data_dir.join("server.lock").exists() && DataLock::take(data_dir).is_err()
}

pub(super) fn data_dir(folder: &Path) -> Vec<Finding> {
    const NAME: &str = "data directory";
    let shown = folder.display();
    let Ok(found) = fs::metadata(folder) else { return vec![missing_folder(folder)] };
    if !found.is_dir() {
        return vec![Finding::failed(
            NAME,
            format!("{shown} is no folder"),
            "choose another data_dir",
        )];
    }
    if let Err(error) = tempfile::Builder::new().prefix(".gimlet-check-").tempfile_in(folder) {
        let remedy = "let the user that the server runs as own it, or choose another data_dir";
        return vec![Finding::failed(NAME, format!("{shown} cannot be written: {error}"), remedy)];
    }
    let mut findings = vec![room(folder)];
    // Repositories and files are written beside their place and moved: that works on one file system only.
    let parts = ["gitops", "mirrors", "outside", "ca"].map(|part| folder.join(part));
    for part in parts.iter().filter(|part| part.exists()) {
        if fs::metadata(part).is_ok_and(|inner| inner.dev() != found.dev()) {
            findings.push(Finding::failed(
                NAME,
                format!("{} lies on another file system than {shown}", part.display()),
                "keep the whole data directory on one volume",
            ));
        }
    }
    if found.permissions().mode() & 0o077 != 0 {
        findings.push(Finding::warning(
            NAME,
            format!("{shown} can be read by others"),
            "the next start takes that right away from them",
        ));
    }
    findings
}

fn missing_folder(folder: &Path) -> Finding {
    const NAME: &str = "data directory";
    let shown = folder.display();
    let standing: Option<PathBuf> =
        folder.ancestors().find(|ancestor| ancestor.is_dir()).map(Path::to_owned);
    let writable = standing.as_deref().is_some_and(|parent| {
        tempfile::Builder::new().prefix(".gimlet-check-").tempfile_in(parent).is_ok()
    });
    if writable {
        return Finding::good(NAME, format!("{shown} is not there yet; the first start makes it"));
    }
    let remedy = "make it, and let the user that the server runs as own it";
    Finding::failed(NAME, format!("{shown} is not there and cannot be made"), remedy)
}

fn room(folder: &Path) -> Finding {
    const NAME: &str = "data directory";
    let shown = folder.display();
    let free = match rustix::fs::statvfs(folder) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            let detail = format!("the free space of {shown} cannot be read: {error}");
            return Finding::warning(NAME, detail, "check the file system");
        }
    };
    let told = format!("{shown} is writable, {} MiB are free", free >> 20);
    let remedy = "make room or give it a larger volume";
    match free {
        0..NO_ROOM => Finding::failed(NAME, told, remedy),
        NO_ROOM..LITTLE_ROOM => Finding::warning(NAME, told, remedy),
        LITTLE_ROOM.. => Finding::good(NAME, told),
    }
}

pub(super) fn authority(data_dir: &Path) -> Finding {
    const NAME: &str = "certificate authority";
    let folder = data_dir.join("ca");
    let Authority { fingerprint, days_left } = match CertificateAuthority::inspect(&folder) {
        Ok(Some(found)) => found,
        Ok(None) => return Finding::good(NAME, "not there yet; the first start makes it"),
        Err(error) => {
            let remedy = "put root.pem and root.key back from your backup; agents trust no other";
            return Finding::failed(NAME, Chain(&error).to_string(), remedy);
        }
    };
    let told = format!("{fingerprint}, valid for {days_left} more days");
    if let Some(finding) = readable_by_others(NAME, &folder.join("root.key")) {
        return finding;
    }
    match days_left {
        ..=0 => Finding::failed(NAME, told, "enrol every cluster anew under a new authority"),
        1..=AUTHORITY_ENDS_SOON_DAYS => {
            Finding::warning(NAME, told, "plan to enrol every cluster anew before its end")
        }
        _ => Finding::good(NAME, told),
    }
}

pub(super) fn secrets_key(data_dir: &Path, sealed: &[SealedSecret]) -> Finding {
    const NAME: &str = "secrets.key";
    let path = data_dir.join("secrets.key");
    if !path.exists() {
        return match sealed.len() {
            0 => Finding::good(NAME, "not there yet; the first start makes it"),
            count => Finding::failed(
                NAME,
                format!(
                    "{} is missing, and {count} secrets in the database need it",
                    path.display()
                ),
                "put it back from your backup; without it those secrets have to be entered anew",
            ),
        };
    }
    if let Some(finding) = readable_by_others(NAME, &path) {
        return finding;
    }
    let vault = match Vault::open(data_dir) {
        Ok(vault) => vault,
        Err(error) => {
            let remedy = "put it back from your backup";
            return Finding::failed(NAME, Chain(&error).to_string(), remedy);
        }
    };
    let closed = sealed.iter().filter(|secret| !vault.opens(secret)).count();
    match (closed, sealed.len()) {
        (0, all) => Finding::good(NAME, format!("opens all {all} secrets in the database")),
        (closed, all) => Finding::failed(
            NAME,
            format!("does not open {closed} of {all} secrets in the database"),
            "put the file that belongs to this database back from your backup",
        ),
    }
}

fn readable_by_others(name: &str, path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        Finding::failed(
            name,
            format!("{} can be read by others (mode {mode:03o})", path.display()),
            format!("chmod 600 {}", path.display()),
        )
    })
}
