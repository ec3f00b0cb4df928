//! What the control plane keeps: tables, migrations, and every query, on SQLite or PostgreSQL.
//!
//! Only this crate sees the ORM. A call on behalf of someone takes the scope that authentication made
//! ([`TenantScope`], [`ClusterScope`]), and rows of other organizations look absent under it;
//! reconcilers use [`SystemScope`]. Rules about what may happen next live in `gimlet-domain`: this crate
//! stores what it is given, by compare-and-set, or says that someone else was faster.

mod activity;
mod app_pages;
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
mod door;
mod due;
mod enrolments;
mod entity;
mod environments;
mod error;
mod fleet_pages;
mod followed;
mod idempotency;
mod ingest;
mod members;
mod migrations;
mod operate;
mod organizations;
mod planted;
mod release_logs;
mod release_pages;
mod release_steps;
mod releases;
mod repositories;
mod repository_pages;
mod row_security;
mod scope;
mod search;
mod sign_in;
mod sweep;
mod tokens;
mod waiting;

pub use activity::{Activity, ActivityBounds, ActivityDetails, ActivityFilter};
pub use app_pages::{AppCounts, ApplicationFilter};
pub use applications::{Application, SeenApplication};
pub use artifacts::{
    Artifact, ArtifactFilter, Commit, DecidedArtifact, Decision, EventWord, ManifestProblem,
    StoredManifest, UnknownEvent,
};
pub use claims::QueuedGroup;
pub use clusters::{Cluster, ClusterCreation, NewEnvironment, OpenedSession};
pub use commands::{Command, CommandState, NewCommand, UnknownCommandState};
pub use connect::Store;
pub use deliveries::{Delivery, DeliveryReceipt, NewDelivery};
pub use device_login::{DeviceLogin, NewDeviceLogin};
pub use door::WriteCounts;
pub use due::DueLooks;
pub use enrolments::{Enrolment, NewEnrolment, Spend};
pub use environments::{Environment, GIT_USER, GitAccess, GitopsLocation};
pub use error::{DatabaseError, StoreError};
pub use fleet_pages::{ClusterCondition, ClusterCounts, ClusterFilter, EnvironmentFilter};
pub use followed::FollowedRelease;
pub use idempotency::{Effect, Keyed, KeyedRequest, Turn};
pub use ingest::{IngestBatch, Ingested, NewArtifact, NewDecision, RefChange};
pub use members::{Member, MemberChange};
pub use operate::{Inspection, NamedCommit, Operator, SealedSecret};
#[cfg(feature = "planted-bugs")]
pub use planted::{PlantedBug, plant};
pub use release_logs::{LOGS_KEPT, ReleaseLog};
pub use release_pages::DecidedRelease;
pub use release_steps::{AdvanceExtra, ApplicationChange, ReleaseMarks};
pub use releases::{NewRelease, Release, ReleaseFilter};
pub use repositories::{NewRepository, PollEnd, RepositoryAddition, SeenRef, SourceRepository};
pub use repository_pages::RepositoryFilter;
pub use scope::{ClusterScope, Credential, SystemScope, TenantScope};
pub use search::FoundCommit;
pub use tokens::{ApiToken, NewToken, TokenFilter, TokenOwner};
pub use waiting::Waiting;
