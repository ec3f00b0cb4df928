//! The ports as their callers see them: real servers on free ports, each with a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its server has failed")]

mod access;
mod agents;
mod bad_input;
mod changes;
mod contract;
mod git;
mod githost;
mod harness;
mod ingest;
mod live;
mod methods;
mod outside;
mod people;
mod release_pages;
mod source;
mod surface;
