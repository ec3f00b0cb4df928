//! The end of a run, from any state that a start or a crash can leave it in.

use std::fs;

use anyhow::{Context, Result};

use crate::run::Run;
use crate::settings::Settings;
use crate::{init, inotify, process};

/// Ends the cluster `name`, if there is one, and removes every trace of it from the host. With `KUBECONFIG`
/// set it does nothing, as `up` started nothing.
pub fn down(settings: &Settings, name: &str) -> Result<()> {
    if is_external(settings) {
        return Ok(());
    }
    take_down(settings, &Run::named(settings, name)?)
}

/// Ends all clusters of this user.
pub fn down_all(settings: &Settings) -> Result<()> {
    if is_external(settings) {
        return Ok(());
    }
    Run::list(settings)?.iter().try_for_each(|run| take_down(settings, run))
}

pub(crate) fn take_down(settings: &Settings, run: &Run) -> Result<()> {
    let lock = run.lock()?;
    let stood = run.root().exists();
    clear(run)?;
    run.forget_lock(lock);
    inotify::restore(settings)?;
    match stood {
        true => tracing::info!("cluster {} is gone", run.name()),
        false => tracing::info!("there is no cluster {}", run.name()),
    }
    Ok(())
}

/// Removes what there is of the run: processes first, then what they leave. Needs the run's lock.
pub(crate) fn clear(run: &Run) -> Result<()> {
    if !run.root().exists() {
        return Ok(());
    }
    if let Some(record) = run.record() {
        process::end_run(&record.id)?;
        init::remove_cgroups(run.name())?;
    }
    fs::remove_dir_all(run.root())
        .with_context(|| format!("could not remove {}", run.root().display()))
}

fn is_external(settings: &Settings) -> bool {
    if let Some(kubeconfig) = &settings.kubeconfig {
        tracing::info!("KUBECONFIG={} is set: that cluster is left alone", kubeconfig.display());
    }
    settings.kubeconfig.is_some()
}
