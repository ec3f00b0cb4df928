//! The command against a scripted server: what it sends, what it shows, and how it ends.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod app;
mod auth;
mod bad_input;
mod cluster;
mod deploy;
mod difference;
mod doctor;
mod formats;
mod gitops;
mod lists;
mod manifest;
mod older;
mod process;
mod release;
mod samples;
mod server;
mod show;
mod world;
