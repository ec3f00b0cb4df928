//! The use cases of the control plane, and the reconcilers that carry a commit from push to healthy.
//!
//! It decides nothing that `domain` decides, stores nothing past `store`, and speaks to the outside
//! through `git`, the agent link and the ports of [`ports`]. HTTP, pages and wiring live elsewhere.

mod activity;
mod agents;
mod apps;
mod artifacts;
mod auth;
mod ca;
mod charts;
mod clusters;
mod diff;
mod durable;
mod error;
mod feed;
mod fleet;
mod git_access;
mod gitops;
mod hook_keys;
mod idempotency;
mod inbox;
mod ingest;
pub mod link;
mod live;
mod manifests;
mod members;
mod metrics;
mod observed;
mod outside;
mod pages;
mod pods;
pub mod ports;
pub mod reconcile;
mod release_view;
mod releases;
mod repositories;
mod search;
mod secrets;
mod state;
pub mod trace;
mod tree;
mod vault;
mod writer;

pub use activity::activity_kinds;
pub use agents::AuthenticatedAgent;
pub use auth::SignedIn;
pub use ca::{Authority, CaError, CertificateAuthority};
pub use charts::open_charts;
pub use error::AppError;
pub use feed::{ActivityEvent, ActivityFollower, FollowStep};
pub use fleet::{Fleet, FleetRow};
pub use gimlet_domain::names::is_production;
pub use gimlet_domain::role::Role;
pub use gimlet_domain::time::{Clock, Timestamp};
pub use gimlet_store::{ClusterScope, Credential, KeyedRequest, SeenApplication, TenantScope};
pub use git_access::GitAccess;
pub use idempotency::KeyedTurn;
pub use live::{Change, Subject};
pub use members::SeenMember;
pub use metrics::{AppMetrics, METRICS, MetricDoc, MetricKind};
pub use pages::{ListQuery, Listed};
pub use repositories::Received;
pub use search::{AppHit, ClusterHit, CommitHit, EnvironmentHit, ReleaseHit, SearchHits};
pub use state::{App, AppConfig, Outside, SystemClock};
pub use vault::{Vault, VaultError};
