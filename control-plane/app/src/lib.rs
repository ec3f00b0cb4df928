//! The use cases of the control plane, and the reconcilers that carry a commit from push to healthy.
//!
//! It decides nothing that `domain` decides, stores nothing past `store`, and speaks to the outside
//! through `git`, the agent link and the ports of [`ports`]. HTTP, pages and wiring live elsewhere.

mod agents;
mod apps;
mod artifacts;
mod auth;
mod ca;
mod clusters;
mod durable;
mod error;
mod git_access;
mod gitops;
mod ingest;
pub mod link;
mod live;
mod manifests;
mod metrics;
mod observed;
mod outside;
pub mod ports;
pub mod reconcile;
mod release_view;
mod releases;
mod repositories;
mod secrets;
mod state;
mod tree;
mod vault;
mod writer;

pub use agents::AuthenticatedAgent;
pub use auth::SignedIn;
pub use ca::{CaError, CertificateAuthority};
pub use error::AppError;
pub use gimlet_domain::time::{Clock, Timestamp};
pub use gimlet_store::{ClusterScope, TenantScope};
pub use git_access::GitAccess;
pub use live::{Change, Subject};
pub use metrics::AppMetrics;
pub use repositories::Received;
pub use state::{App, AppConfig, SystemClock};
pub use vault::{Vault, VaultError};
