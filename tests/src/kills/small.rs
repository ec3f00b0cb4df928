//! The crash points that are passed once in a life: a control plane's first start, and a new cluster.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use anyhow::{Context as _, Result, ensure};
use gimlet_shared::crash_point::Point;

use super::{
    plan::Database,
    tally::Tally,
    world::{self, GIT_PASSWORD, Ports, START_LIMIT, World, lock, sign_in_link, wait_until_ready},
};
use crate::{
    child::{End, until},
    programs::Programs,
};

/// What such a kill needs.
pub(super) struct Small<'a> {
    programs: &'a Programs,
    database: &'a Database,
    tally: &'a Tally,
    folder: PathBuf,
    number: usize,
}

impl<'a> Small<'a> {
    pub(super) fn new(
        programs: &'a Programs,
        database: &'a Database,
        tally: &'a Tally,
        folder: &Path,
    ) -> Self {
        Self { programs, database, tally, folder: folder.to_owned(), number: 0 }
    }

    /// Kills a control plane in its first start; it must come up the second time.
    ///
    /// # Errors
    /// When it does not, or the point is not passed.
    pub(super) fn first_start(&mut self, point: &'static Point, passing: u32) -> Result<()> {
        self.number += 1;
        let folder = self.folder.join(format!("first-start-{}", self.number));
        std::fs::create_dir_all(&folder)?;
        let (ports, url) = (Ports::free()?, self.database.fresh_url(&folder)?);
        let child = Mutex::new(world::server(self.programs, &folder, &url, ports));
        lock(&child).start(Some(&format!("{}:{passing}", point.name)))?;
        let end = until(START_LIMIT, || lock(&child).end());
        ensure!(end == Some(End::AtItsPoint), "{} in a first start: {end:?}", point.name);
        lock(&child).start(None)?;
        wait_until_ready(ports, &child).with_context(|| format!("after {}", point.name))?;
        sign_in_link(&lock(&child)).with_context(|| format!("after {}", point.name))?;
        self.tally.count(point.name);
        lock(&child).kill();
        self.database.drop_url(&url)?;
        Ok(std::fs::remove_dir_all(&folder)?)
    }

    /// Kills the control plane while it adds a cluster, whose name is returned.
    ///
    /// # Errors
    /// When the point is not passed.
    pub(super) fn new_cluster(
        &mut self,
        world: &World,
        point: &'static Point,
        passing: u32,
    ) -> Result<String> {
        self.number += 1;
        let name = format!("late-{}", self.number);
        lock(&world.server).arm(Some(&format!("{}:{passing}", point.name)))?;
        let answered = world.api.connect_cluster(&name, None);
        ensure!(answered.is_err(), "{} was not passed", point.name);
        let end = until(START_LIMIT, || lock(&world.server).end());
        ensure!(end == Some(End::AtItsPoint), "{} with a new cluster: {end:?}", point.name);
        Ok(name)
    }

    /// The cluster's repositories must be there for the installer after the restart.
    ///
    /// # Errors
    /// When they are not.
    pub(super) fn check_new_cluster(
        &self,
        world: &World,
        name: &str,
        point: &'static Point,
    ) -> Result<()> {
        let cluster = world.api.find_cluster(name)?;
        let cluster = cluster.with_context(|| format!("{name} is gone after {}", point.name))?;
        let (_, token) = world.api.renew_enrolment(&cluster)?;
        let plan = world.api.describe(&token, GIT_PASSWORD)?;
        for part in ["infra", "apps"] {
            let url = world::with_login(&plan["environments"][0][part], &plan)?;
            let listed =
                Command::new("git").args(["ls-remote", &url, "refs/heads/main"]).output()?;
            ensure!(
                listed.status.success() && !listed.stdout.is_empty(),
                "after {} the {part} repository of {name} has no branch: {}",
                point.name,
                String::from_utf8_lossy(&listed.stderr)
            );
        }
        self.tally.count(point.name);
        Ok(())
    }
}
