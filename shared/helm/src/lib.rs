//! Rendering of Helm charts, equal to the `helm` command byte for byte, in-process.
//!
//! It owns the values that charts compute with, the template language, its functions, and YAML as Helm reads and
//! writes it. It deliberately reaches nothing outside: no environment, network, disk or cluster, and no randomness
//! but what a seed gives. Everything is bounded, so that a hostile chart ends in an error.

pub mod value;
