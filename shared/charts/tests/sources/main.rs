//! Charts from hosts that behave, and from hosts that do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should say where")]

mod builtin;
mod folder;
mod git;
mod git_host;
mod hosts;
mod oci;
mod real_registry;
mod repository;
mod support;
mod web;
