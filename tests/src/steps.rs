//! Progress of a program, on standard error: one line when a step begins, one when it has ended.

use std::{fmt::Display, io::Write as _, time::Instant};

/// Tells what happens, with the time since the program began.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    began: Instant,
}

impl Default for Steps {
    fn default() -> Self {
        Self { began: Instant::now() }
    }
}

impl Steps {
    /// Says one line.
    pub fn say(&self, line: impl Display) {
        // Without standard error there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "[{:7.1}s] {line}", self.began.elapsed().as_secs_f64());
    }

    /// Does `work`, and says before what it is and after how long it took.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn step<T>(
        &self,
        title: &str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.say(format_args!("{title} …"));
        let began = Instant::now();
        let result = work();
        let end = if result.is_ok() { "done" } else { "FAILED" };
        self.say(format_args!("{title}: {end} in {:.1} s", began.elapsed().as_secs_f64()));
        result
    }
}
