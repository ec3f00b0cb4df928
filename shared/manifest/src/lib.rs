//! The Gimlet manifest: what a repository says about how one application is deployed to one environment.
//!
//! [`parse_manifest`] and [`parse_folder`] read it, [`would_release`] holds its deploy policy against a git
//! event, [`resolve`] fills in [`Variables`], and [`render()`] makes the files of the gitops repository.
//!
//! The crate is pure: text in, text out. It does not read files, know the time, or fetch anything, so the
//! control plane and the command line share it. It does not deploy charts, patches or previews; manifests
//! that ask for them are refused.

mod dotenv;
mod finding;
mod glob;
mod manifest;
mod names;
mod parse;
pub mod patch;
mod policy;
mod render;
mod resolve;
pub mod template;
mod variables;
mod yaml;

pub use dotenv::{DotenvError, parse_dotenv};
pub use finding::{Finding, ManifestError, Place, Warning};
pub use glob::{GlobError, Pattern};
pub use manifest::Manifest;
pub use names::{MAX_APP_NAME, MAX_LABEL, is_dns_label, sanitize_dns_name};
pub use parse::{
    FolderOutcome, Parsed, clashes, known_fields, parse_folder, parse_manifest,
    parse_manifest_json, refused_fields,
};
pub use policy::{DEPLOY_ALL, Decision, DeployPolicy, EventKind, GitEvent, would_release};
pub use render::{ObjectRef, Rendered, RenderedFile, render};
pub use resolve::{Resolved, resolve};
pub use variables::{ArtifactFacts, Variables, VariablesBuilder};
