//! The crash points that are passed once in a life: a control plane's first start, and a new cluster.

use std::{path::Path, process::Command, sync::Mutex};

use anyhow::{Context as _, Result, ensure};
use gimlet_shared::crash_point::{Occasion, POINTS, Point};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    killer::Kills,
    proof::Database,
    world::{self, GIT_PASSWORD, Ports, START_LIMIT, World, lock, sign_in_link, wait_until_ready},
};
use crate::{
    child::{End, until},
    programs::Programs,
};

fn points(occasion: Occasion) -> impl Iterator<Item = &'static Point> {
    POINTS.iter().filter(move |point| point.occasion == occasion)
}

/// Kills control planes in their first start at each point of it; each must come up the second time.
///
/// # Errors
/// When one does not, or a point is not passed.
pub(super) fn first_starts(
    programs: &Programs,
    folder: &Path,
    database: &Database,
    per_point: u64,
    kills: &Kills,
) -> Result<()> {
    let mut random = StdRng::seed_from_u64(per_point);
    let all = points(Occasion::FirstStart).flat_map(|point| (0..per_point).map(move |_| point));
    for (number, point) in all.enumerate() {
        let folder = folder.join(format!("first-start-{number}"));
        std::fs::create_dir_all(&folder)?;
        let ports = Ports::free()?;
        let child = world::server(programs, &folder, &database.fresh_url(&folder)?, ports);
        let child = Mutex::new(child);
        // One of the migrations, where there are several to pass.
        let passing =
            if point.name.starts_with("migration") { random.random_range(1..=6) } else { 1 };
        lock(&child).start(Some(&format!("{}:{passing}", point.name)))?;
        let end = until(START_LIMIT, || lock(&child).end());
        ensure!(end == Some(End::AtItsPoint), "{} in a first start: {end:?}", point.name);
        kills.count(point.name);
        lock(&child).start(None)?;
        wait_until_ready(ports, &child).with_context(|| format!("after {}", point.name))?;
        sign_in_link(&lock(&child)).with_context(|| format!("after {}", point.name))?;
        lock(&child).kill();
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

/// Kills the control plane while it adds clusters; their repositories must be there for the installer.
///
/// # Errors
/// When they are not.
pub(super) fn new_clusters(world: &World, per_point: u64, kills: &Kills) -> Result<()> {
    let all = points(Occasion::NewCluster).flat_map(|point| (0..per_point).map(move |_| point));
    for (number, point) in all.enumerate() {
        let name = format!("late-{number}");
        // Each cluster has two repositories of ours.
        let armed = format!("{}:{}", point.name, 1 + number % 2);
        lock(&world.server).start(Some(&armed))?;
        wait_until_ready(world.ports, &world.server)?;
        let answered = world.api.connect_cluster(&name, None);
        ensure!(answered.is_err(), "{} was not passed", point.name);
        let end = until(START_LIMIT, || lock(&world.server).end());
        ensure!(end == Some(End::AtItsPoint), "{} with a new cluster: {end:?}", point.name);
        kills.count(point.name);
        lock(&world.server).start(None)?;
        wait_until_ready(world.ports, &world.server)?;
        let cluster = world.api.find_cluster(&name)?;
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
    }
    Ok(())
}
