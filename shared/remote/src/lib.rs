//! Places on other hosts: what their addresses may be, who we are there, which of them may be dialled, and the
//! git binary, as a child process with an environment of its own.
//!
//! A host name is resolved once, its addresses are checked against the [`HostPolicy`], and git is made to dial
//! exactly those: a name that answers differently a moment later changes nothing.
//!
//! This crate knows nothing of what is done with a repository; it writes no log line, and no error of it holds
//! credentials.

mod binary;
mod credentials;
mod error;
mod host;
mod upkeep;
mod url;

pub use binary::{Finished, Git, Group, Run, RunError, Settings, read_tail};
pub use credentials::{Credentials, InvalidCredentials};
pub use error::{RemoteError, RemoteErrorKind};
pub use host::{HostError, HostPolicy, Resolver, is_public};
pub use url::{InvalidUrl, RemoteUrl};
