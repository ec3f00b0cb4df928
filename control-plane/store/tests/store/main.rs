//! The store as its callers see it, on SQLite always and on PostgreSQL where `GIMLET_TEST_POSTGRES` names
//! one (a URL with the right to create databases).

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its rows has failed")]

mod clusters;
mod commands;
mod harness;
mod ingest;
mod people;
mod releases;
mod repositories;
mod schema;
mod strangers;
