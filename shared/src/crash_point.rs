//! Places where a test may kill the process: before and after each durable step.
//!
//! [`crash_point!`](crate::crash_point) is one line in the code and nothing at all in a shipped program:
//! only the feature `crash-points`, which nothing but the tests' crate switches on, gives it a body. Which
//! point is armed says the environment, `GIMLET_CRASH_POINT=name` or `name:n` for its `n`-th passing; the
//! process then ends by SIGKILL, as by a power loss: no destructor runs, nothing is flushed.

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

#[cfg(feature = "crash-points")]
mod armed;

#[cfg(feature = "crash-points")]
pub use armed::{Occasion, POINTS, Point, Process, VARIABLE, pass};
