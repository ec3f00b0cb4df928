//! A cluster's whole life on this machine, in both flavours, with a driver killed on the way, and what the host
//! has left of it.

#![expect(
    clippy::unwrap_used,
    reason = "a test's helpers fail by panicking, as the test itself does"
)]

mod real;
mod simulated;

use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gimlet_cluster::{Settings, State, Status, status};

const PATIENCE: Duration = Duration::from_secs(60);

/// Each compares the host before and after; a cluster of the other's in between would show.
static HOST: Mutex<()> = Mutex::new(());

/// Waits until no other test has the host.
fn take_host() -> MutexGuard<'static, ()> {
    // A test that failed has said so itself.
    HOST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `done`, as cheaply as it gets without a hook in another program.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

fn status_of(settings: &Settings, name: &str) -> Option<Status> {
    status(settings).unwrap().into_iter().find(|cluster| cluster.name == name)
}

/// Starts the driver as a program of its own, with `arguments` for `up --name NAME`, and kills it once the
/// cluster has `processes`, which is before it is ready.
fn up_killed_half_way(settings: &Settings, name: &str, arguments: &[&str], processes: usize) {
    let mut driver = Command::new(env!("CARGO_BIN_EXE_gimlet-cluster"))
        .args(["up", "--name", name])
        .args(arguments)
        .env_remove("KUBECONFIG")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the driver starts the cluster's programs", || {
        status_of(settings, name).is_some_and(|cluster| cluster.processes >= processes)
    });
    driver.kill().unwrap();
    driver.wait().unwrap();
    assert_eq!(status_of(settings, name).unwrap().state, State::Starting);
}
