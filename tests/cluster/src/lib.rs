//! A real Kubernetes with Flux on this machine, for tests and the demo.
//!
//! Owns: building the Kubernetes and Flux programs from pinned Go modules ([`programs`]), writing container
//! images without a registry or a daemon ([`oci`]), and bringing one-node clusters up and down, each in
//! namespaces of its own so that the host keeps nothing of it ([`Cluster`], [`Lab`]); and, for tests of scale,
//! control planes with simulated nodes on loopback ([`Simulated`]).
//!
//! It deliberately knows nothing of Gimlet: the control plane, the agent and their images are laid into a
//! cluster by those who test them.

mod cluster;
mod configuration;
mod down;
mod external;
mod forward;
mod images;
pub mod init;
mod inotify;
mod kubectl;
mod lab;
pub mod oci;
mod outermost;
mod packages;
mod pki;
mod process;
pub mod programs;
mod run;
mod settings;
mod simulated;
mod status;
mod up;

pub use cluster::{Cluster, Options};
pub use down::{down, down_all};
pub use forward::Forward;
pub use images::shell_image;
pub use kubectl::Kubectl;
pub use lab::{LAB_ADDRESS, LAB_REGISTRY, Lab, NODE_ADDRESS};
pub use run::Flavour;
pub use settings::Settings;
pub use simulated::{Simulated, SimulatedOptions};
pub use status::{State, Status, status};
