//! The host's limit of inotify instances: the one setting of the host that a cluster needs otherwise.
//!
//! It cannot be had per namespace without a user namespace, so it is raised while runs stand, and goes back
//! to what it was when the last one is gone.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::run::{Run, lock_file};
use crate::settings::Settings;

const LIMIT: &str = "/proc/sys/fs/inotify/max_user_instances";

/// One cluster takes about 150; the usual 128 end in "too many open files" of the kubelet.
const WANTED: u32 = 1024;

/// Raises the limit if it is lower, and remembers what it was.
pub(crate) fn raise(settings: &Settings) -> Result<()> {
    let _lock = lock_file(&lock(settings))?;
    let Some(now) = current() else { return Ok(()) };
    if now >= WANTED {
        return Ok(());
    }
    fs::write(memory(settings), now.to_string()).context("could not note the inotify limit")?;
    if let Err(error) = fs::write(LIMIT, WANTED.to_string()) {
        tracing::warn!(%error, "could not raise {LIMIT} from {now} to {WANTED}; the kubelet may run out of it");
    }
    Ok(())
}

/// Puts the limit back when no run stands, unless someone else has changed it since.
pub(crate) fn restore(settings: &Settings) -> Result<()> {
    let _lock = lock_file(&lock(settings))?;
    let memory = memory(settings);
    if !Run::list(settings)?.is_empty() {
        return Ok(());
    }
    let Some(before) = fs::read_to_string(&memory).ok().and_then(|text| text.parse::<u32>().ok())
    else {
        return Ok(());
    };
    if current() == Some(WANTED) {
        fs::write(LIMIT, before.to_string())
            .with_context(|| format!("could not write {before} to {LIMIT}"))?;
    }
    fs::remove_file(&memory).with_context(|| format!("could not remove {}", memory.display()))
}

fn current() -> Option<u32> {
    fs::read_to_string(LIMIT).ok()?.trim().parse().ok()
}

fn lock(settings: &Settings) -> PathBuf {
    settings.runs().join(".inotify.lock")
}

fn memory(settings: &Settings) -> PathBuf {
    settings.runs().join(".inotify")
}
