//! Places where a test may kill the process: before and after each durable step.
//!
//! [`crash_point!`](crate::crash_point) is one line in the code and nothing at all in a shipped program:
//! only the feature `crash-points`, which nothing but the tests' crate switches on, gives it a body. Which
//! point is armed says the file that `GIMLET_CRASH_POINT` names, `name` or `name:n` for its `n`-th passing;
//! it is read at each passing, so that a program can be armed while it runs. The process then ends by
//! SIGKILL, as by a power loss: no destructor runs, nothing is flushed.
//!
//! [`has_flaw!`](crate::has_flaw) plants a bug in the same way, to show that the proof would find it.

/// Marks a place where a test may kill the process. The name is a literal, listed in `crash_point::POINTS`.
#[cfg(not(feature = "crash-points"))]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {};
}

/// Marks a place where a test may kill the process. The name is a literal, listed in `crash_point::POINTS`.
#[cfg(feature = "crash-points")]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::crash_point::pass($name)
    };
}

/// Whether a test has planted the flaw of this name by `GIMLET_PLANTED_FLAW`; in a shipped program `false`.
#[cfg(not(feature = "crash-points"))]
#[macro_export]
macro_rules! has_flaw {
    ($name:literal) => {
        false
    };
}

/// Whether a test has planted the flaw of this name by `GIMLET_PLANTED_FLAW`; in a shipped program `false`.
#[cfg(feature = "crash-points")]
#[macro_export]
macro_rules! has_flaw {
    ($name:literal) => {
        $crate::crash_point::is_planted($name)
    };
}

#[cfg(feature = "crash-points")]
mod armed;

#[cfg(feature = "crash-points")]
pub use armed::{FLAW_VARIABLE, Occasion, POINTS, Point, Process, VARIABLE, is_planted, pass};
