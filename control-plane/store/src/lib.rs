//! What the control plane keeps: tables, migrations, and every query, on SQLite or PostgreSQL.
//!
//! Only this crate sees the ORM. A call on behalf of someone takes the scope that authentication made
//! ([`TenantScope`], [`ClusterScope`]), and rows of other organizations look absent under it;
//! reconcilers use [`SystemScope`]. Rules about what may happen next live in `gimlet-domain`: this crate
//! stores what it is given, by compare-and-set, or says that someone else was faster.

mod applications;
mod artifacts;
mod certificates;
mod claims;
mod clusters;
mod columns;
mod commands;
mod connect;
mod deliveries;
mod device_login;
mod enrolments;
mod entity;
mod environments;
mod error;
mod followed;
mod ingest;
mod migrations;
mod organizations;
mod release_steps;
mod releases;
mod repositories;
mod scope;
mod sign_in;
mod sweep;
mod tokens;

pub use applications::Application;
pub use artifacts::{
    Artifact, ArtifactFilter, Commit, DecidedArtifact, Decision, EventWord, ManifestProblem,
    StoredManifest, UnknownEvent,
};
pub use claims::QueuedGroup;
pub use clusters::{Cluster, ClusterCreation, NewEnvironment};
pub use commands::{Command, CommandState, NewCommand, UnknownCommandState};
pub use connect::Store;
pub use deliveries::{Delivery, DeliveryReceipt, NewDelivery};
pub use device_login::{DeviceLogin, NewDeviceLogin};
pub use enrolments::{Enrolment, NewEnrolment, Spend};
pub use environments::{Environment, GIT_USER, GitAccess, GitopsLocation};
pub use error::{DatabaseError, StoreError};
pub use followed::FollowedRelease;
pub use ingest::{IngestBatch, Ingested, NewArtifact, NewDecision, RefChange};
pub use release_steps::{AdvanceExtra, ApplicationChange, ReleaseMarks};
pub use releases::{NewRelease, Release, ReleaseFilter};
pub use repositories::{NewRepository, PollEnd, RepositoryAddition, SeenRef, SourceRepository};
pub use scope::{ClusterScope, SystemScope, TenantScope};
pub use tokens::ApiToken;
