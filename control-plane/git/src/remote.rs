//! Repositories on other hosts: what their addresses may be, who we are there, what went wrong.
//!
//! Only `http` and `https` are spoken (and `file`, where the operator allows it). A host name is
//! resolved once, its addresses are checked against the [`HostPolicy`], and git is made to dial
//! exactly those, without redirects: a name that answers differently a moment later changes nothing.

mod locks;
mod transfer;

pub use gimlet_remote::{
    Credentials, HostError, HostPolicy, InvalidCredentials, InvalidUrl, RemoteError,
    RemoteErrorKind, RemoteUrl,
};
pub(crate) use transfer::{Pushed, Remote};
