//! This crate against the real git binary: people who clone and push, hosts that refuse, and attacks.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should say where")]

mod attacks;
mod kills;
mod mirror;
mod outside;
mod repository;
mod smart_http;
mod support;
