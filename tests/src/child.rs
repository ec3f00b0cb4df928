//! A program of ours as a child process that is killed and started again, with a crash point armed or not.
//! What is armed stands in a file beside its log, so that it can be changed while the program runs.
//!
//! What it has started dies with it, as all processes of a container do.

use std::{
    ffi::OsStr,
    fs::File,
    os::unix::{ffi::OsStrExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child as Process, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use gimlet_shared::crash_point;

/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// How one is started.
#[derive(Clone, Debug)]
pub struct ChildPlan {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment variables, beside those of this process.
    pub environment: Vec<(String, String)>,
    /// Where its standard error goes, appended.
    pub log: PathBuf,
    /// Where it works: a process that works there as well is one that it has started.
    pub folder: PathBuf,
}

/// One program; killed when dropped.
#[derive(Debug)]
pub struct Child {
    plan: ChildPlan,
    process: Option<Process>,
    was_killed: bool,
}

/// How a run of a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Somebody else killed it by [`Child::kill`].
    KilledFromOutside,
    /// It ended by SIGKILL without that: at its crash point.
    AtItsPoint,
    /// It ended otherwise.
    Otherwise(ExitStatus),
}

impl Child {
    /// One that does not run yet.
    #[must_use]
    pub fn new(plan: ChildPlan) -> Self {
        Self { plan, process: None, was_killed: false }
    }

    /// Plants a flaw in all of its runs to come.
    pub fn set_flaw(&mut self, flaw: Option<&str>) {
        let flaw = flaw.map(|flaw| (crash_point::FLAW_VARIABLE.to_owned(), flaw.to_owned()));
        self.plan.environment.extend(flaw);
    }

    /// Starts it, armed as [`Child::arm`] says.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self, armed: Option<&str>) -> Result<()> {
        self.kill();
        self.was_killed = false;
        self.arm(armed)?;
        let log = File::options().create(true).append(true).open(&self.plan.log)?;
        let mut command = self.command();
        command.args(&self.plan.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.env(crash_point::VARIABLE, self.armed_file());
        let program = self.plan.program.display();
        self.process = Some(command.spawn().with_context(|| format!("cannot start {program}"))?);
        Ok(())
    }

    /// Arms a crash point, `name` or `name:n`, or none; the next point that is passed counts already.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn arm(&self, armed: Option<&str>) -> Result<()> {
        let (file, draft) = (self.armed_file(), self.plan.log.with_extension("arming"));
        match armed {
            Some(armed) => {
                std::fs::write(&draft, armed).and_then(|()| std::fs::rename(draft, file))
            }
            None => match std::fs::remove_file(file) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
        }
        .context("cannot arm a crash point")
    }

    fn armed_file(&self) -> PathBuf {
        self.plan.log.with_extension("armed")
    }

    /// The program with its environment and without arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.plan.program);
        command.env_remove(crash_point::VARIABLE);
        command.envs(self.plan.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// `kill -9`; nothing where it does not run.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            self.was_killed = true;
            // It may have ended by itself already.
            let _ = process.kill();
            let _ = process.wait();
            kill_all_in(&self.plan.folder);
        }
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        if let Some(process) = &self.process {
            let id = rustix::process::Pid::from_child(process);
            // As above.
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
    }

    /// How it ended, once it has.
    pub fn end(&mut self) -> Option<End> {
        let Some(process) = &mut self.process else {
            return self.was_killed.then_some(End::KilledFromOutside);
        };
        let status = process.try_wait().ok().flatten()?;
        self.process = None;
        kill_all_in(&self.plan.folder);
        let at_point = status.signal() == Some(rustix::process::Signal::KILL.as_raw());
        Some(if at_point { End::AtItsPoint } else { End::Otherwise(status) })
    }
}

/// Kills every process that works in a folder, or was told of it.
fn kill_all_in(folder: &Path) {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in all {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        // A process that ended meanwhile has neither.
        let works_there =
            std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        let told = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let is_told = told.split(|byte| *byte == 0).any(|argument| {
            argument.windows(folder.as_os_str().len()).any(|it| OsStr::from_bytes(it) == folder)
        });
        if id != own
            && (works_there || is_told)
            && let Some(id) = rustix::process::Pid::from_raw(id)
        {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Looks until `found` gives something; `None` when `limit` has passed.
pub fn until<T>(limit: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(it) = found() {
            return Some(it);
        }
        if began.elapsed() > limit {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}
