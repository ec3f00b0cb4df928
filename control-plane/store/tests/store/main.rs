//! The store as its callers see it, on SQLite always and on PostgreSQL where `GIMLET_TEST_POSTGRES` names
//! one (a URL with the right to create databases).

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its rows has failed")]

mod activity;
mod clusters;
mod commands;
mod crash;
mod group_commit;
mod harness;
mod ingest;
mod keyed;
mod pages;
mod people;
mod release_pages;
mod releases;
mod repositories;
mod row_security;
mod schema;
mod seen;
mod strangers;
mod upgrade;
