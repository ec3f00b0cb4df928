//! Which objects a cluster should have, and what differs from that. Pure: it reads the manifests that
//! are compiled in, and looks at nothing else.

mod agent;
mod difference;
mod environment;
mod flux;
mod object;

use secrecy::SecretString;
use url::Url;

pub(crate) use self::environment::git_credential;
pub use self::{
    agent::{agent_references, git_credential_role},
    difference::differences,
    environment::{GIT_CREDENTIAL_LABEL, OWNERS},
    flux::{FLUX_DEPLOYMENTS, REQUIRED_KINDS},
    object::{Desired, Intent, PlanError, Reference},
};
use crate::{EnrolmentToken, Environment, TrustedRoot};

/// Everything that decides the plan.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Whether Flux is to be installed.
    pub flux: Flux,
    /// The control plane's agent port.
    pub server: &'a Url,
    /// What the agent trusts it by.
    pub root: &'a TrustedRoot,
    /// The image of the agent.
    pub image: &'a str,
    /// The token for the agent; `None` leaves the one that is there, since the agent has its identity.
    pub token: Option<&'a EnrolmentToken>,
    /// The password of Flux's git credential.
    pub git_password: &'a SecretString,
    /// What to set up beside the agent.
    pub environments: &'a [Environment],
}

/// Whether the cluster has Flux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flux {
    /// All its controllers are there: it is left as it is.
    Present,
    /// At least one controller is missing.
    Missing,
}

/// Objects that belong together, in the order in which they are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What they are, for the person who watches.
    pub title: String,
    /// The objects.
    pub objects: Vec<Desired>,
}

/// The whole plan, in the order in which it has to be applied: kinds before their objects, bounds
/// before the rights that they bound, and the agent last.
///
/// # Errors
/// When a manifest that is compiled in cannot be read, which a test rules out.
pub fn plan(inputs: &Inputs<'_>) -> Result<Vec<Stage>, PlanError> {
    let mut stages = flux_stages(inputs.flux)?;
    stages.push(stage("Namespaces", agent::namespaces()?));
    stages.push(stage("Admission policies", agent::admission()?));
    stages.push(stage("Rights of the agent", agent::rights(inputs.environments)?));
    for environment in inputs.environments {
        let title = format!("Environment {}", environment.name);
        stages.push(stage(&title, environment::objects(environment, inputs)?));
    }
    stages.push(stage("Agent", agent::objects(inputs)?));
    Ok(stages)
}

/// Flux alone: its kinds, which have to be established before the rest, and then its controllers.
fn flux_stages(flux: Flux) -> Result<Vec<Stage>, PlanError> {
    match flux {
        Flux::Present => Ok(Vec::new()),
        Flux::Missing => {
            Ok(vec![stage("Kinds of Flux", flux::kinds()?), stage("Flux", flux::controllers()?)])
        }
    }
}

fn stage(title: &str, objects: Vec<Desired>) -> Stage {
    Stage { title: title.to_owned(), objects }
}

#[cfg(test)]
mod tests;
