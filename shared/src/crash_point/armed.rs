//! What the feature adds: the list of all points, and the one that is armed.

use std::{
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};

/// The environment variable that names the file which says what is armed.
pub const VARIABLE: &str = "GIMLET_CRASH_POINT";

/// The environment variable that plants a flaw.
pub const FLAW_VARIABLE: &str = "GIMLET_PLANTED_FLAW";

/// Which program has a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// `gimlet-server`.
    Server,
    /// `gimlet-agent`.
    Agent,
}

/// When a point is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// When a commit is on its way to a cluster.
    Release,
    /// When a release goes to a gitops repository on another host.
    OutsideRelease,
    /// When a control plane starts in an empty place.
    FirstStart,
    /// When a cluster is added.
    NewCluster,
    /// When an agent enrols.
    Enrolment,
    /// When a request with an `Idempotency-Key` is answered.
    KeyedAnswer,
    /// When an agent asks for a newer certificate.
    Renewal,
    /// When the program is told to stop.
    Stop,
}

/// A place where a process may be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its name, as it stands in the code.
    pub name: &'static str,
    /// The program that passes it.
    pub process: Process,
    /// When it does.
    pub occasion: Occasion,
}

const fn server(occasion: Occasion, name: &'static str) -> Point {
    Point { name, process: Process::Server, occasion }
}

const fn agent(occasion: Occasion, name: &'static str) -> Point {
    Point { name, process: Process::Agent, occasion }
}

use Occasion::{
    Enrolment, FirstStart, KeyedAnswer, NewCluster, OutsideRelease, Release, Renewal, Stop,
};

/// Every point there is; a test compares it with the code.
///
/// `notify` is the notice that follows each step of a release: to pages, streams and whoever waits for it.
pub const POINTS: &[Point] = &[
    server(FirstStart, "migration.step.before"),
    server(FirstStart, "migration.step.after"),
    server(FirstStart, "authority.key.before"),
    server(FirstStart, "authority.key.after"),
    server(FirstStart, "authority.root.before"),
    server(FirstStart, "authority.root.after"),
    server(FirstStart, "vault.key.before"),
    server(FirstStart, "vault.key.after"),
    server(NewCluster, "git.repository.before"),
    server(NewCluster, "git.repository.after"),
    server(Release, "hook.commit.before"),
    server(Release, "hook.commit.after"),
    server(Release, "poll.claim.before"),
    server(Release, "poll.claim.after"),
    server(Release, "ingest.commit.before"),
    server(Release, "ingest.commit.after"),
    server(Release, "delivery.finish.before"),
    server(Release, "delivery.finish.after"),
    server(Release, "job.claim.before"),
    server(Release, "job.claim.after"),
    server(Release, "render.before"),
    server(Release, "render.after"),
    server(Release, "git.commit.before"),
    server(Release, "git.commit.after"),
    server(Release, "git.objects.before"),
    server(Release, "git.objects.after"),
    server(Release, "git.reference.before"),
    server(Release, "git.reference.locked"),
    server(Release, "git.reference.after"),
    server(OutsideRelease, "git.push.before"),
    server(OutsideRelease, "git.push.after"),
    server(OutsideRelease, "git.push-noted.before"),
    server(OutsideRelease, "git.push-noted.after"),
    server(Release, "push-recorded.before"),
    server(Release, "push-recorded.after"),
    server(Release, "command.insert.before"),
    server(Release, "command.insert.after"),
    server(Release, "command.send.before"),
    server(Release, "command.send.after"),
    server(Release, "command.accepted.before"),
    server(Release, "command.accepted.after"),
    server(Release, "report.commit.before"),
    server(Release, "report.commit.after"),
    server(Release, "ack.before"),
    server(Release, "ack.after"),
    server(Release, "release.judged.before"),
    server(Release, "release.judged.after"),
    server(Release, "notify.before"),
    server(Release, "notify.after"),
    server(Enrolment, "token.spend.before"),
    server(Enrolment, "token.spend.after"),
    server(Enrolment, "certificate.issue.before"),
    server(Enrolment, "certificate.issue.after"),
    server(Enrolment, "certificate.store.before"),
    server(Enrolment, "certificate.store.after"),
    server(KeyedAnswer, "answer.keep.before"),
    server(KeyedAnswer, "answer.keep.after"),
    server(Renewal, "certificate.renew.before"),
    server(Renewal, "certificate.renew.after"),
    server(Stop, "drain.step.before"),
    server(Stop, "drain.step.after"),
    server(Stop, "drain.link.before"),
    server(Stop, "drain.link.after"),
    agent(Release, "agent.lease.before"),
    agent(Release, "agent.lease.after"),
    agent(Release, "agent.effect.before"),
    agent(Release, "agent.effect.after"),
    agent(Release, "agent.journal.before"),
    agent(Release, "agent.journal.after"),
    agent(Release, "agent.report.before"),
    agent(Release, "agent.report.after"),
    agent(Enrolment, "agent.key.before"),
    agent(Enrolment, "agent.key.after"),
    agent(Enrolment, "agent.enrol.before"),
    agent(Enrolment, "agent.enrol.after"),
    agent(Enrolment, "agent.identity.before"),
    agent(Enrolment, "agent.identity.after"),
    agent(Enrolment, "agent.token.before"),
    agent(Enrolment, "agent.token.after"),
    agent(Renewal, "agent.renewal.before"),
    agent(Renewal, "agent.renewal.after"),
    agent(Stop, "agent.drain.before"),
    agent(Stop, "agent.drain.after"),
];

/// What this process was armed with when it last passed a point.
#[derive(Debug, Default)]
struct Armed {
    text: String,
    /// Passings until the end.
    left: u32,
}

impl Armed {
    /// Passes `name` with the file saying `text`; true where that was the last passing.
    fn pass(&mut self, text: &str, name: &str) -> bool {
        let (armed, count) = match text.rsplit_once(':') {
            Some((armed, count)) => (armed, count.parse().unwrap_or(1)),
            None => (text, 1),
        };
        if self.text != text {
            *self = Self { text: text.to_owned(), left: count };
        }
        if armed != name || self.left == 0 {
            return false;
        }
        self.left -= 1;
        self.left == 0
    }
}

/// Passes the point `name`; does not return where it is the armed one and its number is up.
pub fn pass(name: &'static str) {
    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    static ARMED: Mutex<Option<Armed>> = Mutex::new(None);

    let Some(file) = FILE.get_or_init(|| variable(VARIABLE).map(PathBuf::from)) else { return };
    // Without the file nothing is armed.
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // Nothing panics while it is held.
    let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
    if armed.get_or_insert_default().pass(text.trim(), name) {
        die();
    }
}

/// Whether the flaw of this name is planted.
pub fn is_planted(name: &'static str) -> bool {
    static FLAW: OnceLock<Option<String>> = OnceLock::new();
    FLAW.get_or_init(|| variable(FLAW_VARIABLE)).as_deref() == Some(name)
}

#[expect(clippy::disallowed_methods, reason = "no shipped program has this; tests arm any program")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn die() {
    let own = rustix::process::getpid();
    // It does not fail for one's own process; if it did, the test would see that nobody died.
    let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    // The signal may take a moment: nothing of what follows may happen.
    loop {
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_passed_until_its_number_is_up_and_arming_anew_counts_anew() {
        let mut armed = Armed::default();
        assert!(!armed.pass("", "render.after"));
        assert!(!armed.pass("render.after:2", "render.after"));
        assert!(!armed.pass("render.after:2", "render.before"));
        assert!(armed.pass("render.after:2", "render.after"));
        assert!(!armed.pass("render.after:3", "render.after"));
        assert!(!armed.pass("", "render.after"));
        assert!(armed.pass("render.after", "render.after"));
    }
}
