//! The steps of an installation and of a removal. Each may be run again, and says what it did.

mod cluster;
mod diagnosis;
mod existing;
mod install;
mod uninstall;
mod wait;

pub use self::{
    cluster::{Cluster, ClusterError},
    install::{apply, install},
    uninstall::uninstall,
};

#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;
