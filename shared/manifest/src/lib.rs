//! The Gimlet manifest: what a repository says about how one application is deployed to one environment.
//!
//! [`parse_manifest`] and [`parse_folder`] read it, [`would_release`] holds its deploy policy against a git
//! event, [`prepare_preview`] makes a branch's own of it, [`resolve`] fills in [`Variables`], and [`render()`] makes
//! the files of the gitops repository, with the chart that it names. [`app_to_clean_up`] says what goes with a branch.
//!
//! The crate is pure: it does not read files, know the time, or fetch anything, so the control plane and the command
//! line share it. Charts come to it as they were loaded; fetching them is others' business.

mod chart;
mod cleanup;
mod dependency;
mod dotenv;
mod finding;
mod glob;
mod image;
mod manifest;
mod names;
mod parse;
mod patches;
mod policy;
mod preview;
mod render;
mod resolve;
pub mod template;
mod text;
mod values;
mod variables;
mod yaml;

pub use chart::{
    BuiltInChart, Chart, ChartFields, ChartSource, GitReference, GitSource, GitTransport, Install,
};
pub use cleanup::{Cleanup, app_to_clean_up};
pub use dependency::{Dependency, DependencyKind, Module, Terraform};

pub use dotenv::{DotenvError, parse_dotenv};
pub use finding::{Finding, ManifestError, Place, Warning};
pub use glob::{GlobError, Pattern};
pub use image::{Image, ImageStrategy};
pub use manifest::Manifest;
pub use names::{MAX_APP_NAME, MAX_LABEL, is_dns_label, sanitize_dns_name};
pub use parse::{
    FolderOutcome, Parsed, clashes, known_fields, parse_folder, parse_manifest, parse_manifest_json,
};
pub use patches::{JsonPatch, PatchTarget};
pub use policy::{DEPLOY_ALL, Decision, DeployPolicy, EventKind, GitEvent, would_release};
pub use preview::{Preparation, prepare_preview};
pub use render::{
    ObjectRef, RenderInputs, Rendered, RenderedFile, assumed_capabilities, render,
    render_as_plain_objects,
};
pub use resolve::{Resolved, resolve};
pub use template::Draw;
pub use text::Text;
pub use values::Values;
pub use variables::{ArtifactFacts, Variables, VariablesBuilder};
