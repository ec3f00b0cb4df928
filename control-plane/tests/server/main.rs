//! The program as operators meet it: its commands, its stop, its backup, its metrics and traces.

mod access;
mod agent;
mod backup;
mod check;
mod cluster;
mod drain;
mod image;
mod metrics;
mod secrets;
mod telemetry;
mod world;
