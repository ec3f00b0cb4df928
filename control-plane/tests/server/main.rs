//! The program as operators meet it: its commands, its stop, its backup, its metrics and traces.

mod agent;
mod backup;
mod check;
mod drain;
mod image;
mod metrics;
mod telemetry;
mod world;
