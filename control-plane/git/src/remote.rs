//! Repositories on other hosts: what their addresses may be, who we are there, what went wrong.
//!
//! Only `http` and `https` are spoken (and `file`, where the operator allows it). A host name is
//! resolved once, its addresses are checked against the [`HostPolicy`], and git is made to dial
//! exactly those, without redirects: a name that answers differently a moment later changes nothing.

mod credentials;
mod error;
mod host;
mod locks;
mod transfer;
mod url;

pub use credentials::{Credentials, InvalidCredentials};
pub use error::{RemoteError, RemoteErrorKind};
pub use host::{HostError, HostPolicy};
pub(crate) use transfer::{Pushed, Remote};
pub use url::{InvalidUrl, RemoteUrl};
