//! Where Helm charts come from: Helm repositories, OCI registries, git repositories, folders of this machine, and
//! the charts that come with this program.
//!
//! - [`Charts`] fetches them; concurrent fetches of one thing are one.
//! - [`Policy`] says what may be reached: a server that takes addresses from strangers does not serve them its own
//!   network.
//! - [`Access`] says on whose behalf: credentials go to the host that they are for, and what they opened is found
//!   again by their owner only.
//!
//! What was fetched is kept, checked by its digest whenever it is read, and stands in, with a note, when its source
//! is away. This crate renders nothing, keeps no secrets, and writes no log line.

mod access;
mod builtin;
mod cache;
mod charts;
mod digest;
mod error;
mod fetched;
mod flight;
mod folder;
mod git;
mod index;
mod metrics;
mod oci;
mod policy;
mod repository;
mod shelf;
mod source;
mod stand_in;
mod versions;
mod web;
mod work;

pub use access::{Access, Auth};
pub use charts::{Charts, OpenError, Options};
pub use digest::{Digest, InvalidDigest};
pub use error::FetchError;
pub use fetched::FetchedChart;
pub use gimlet_helm::chart::Chart;
pub use gimlet_manifest::{BuiltInChart, ChartSource, GitReference, GitSource, GitTransport};
pub use gimlet_remote::{Credentials, Git};
pub use metrics::{Counters, Outcome};
pub use policy::{Hosts, Policy};
pub use source::SourceKind;
