//! A removal of the agent, its rights and its policies.

use crate::{
    plan::agent_references,
    progress::{Progress, Tense},
};

use super::Cluster;

/// Removes the agent, its rights and the policies that bound them. What serves the environments stays:
/// Flux, its sources and accounts with their bounds, so that applications keep running and
/// repositories keep being applied. So do the namespaces and the owner's policy object.
///
/// # Errors
/// When the cluster refuses or does not answer; a second run goes on from there.
pub async fn uninstall(
    cluster: &Cluster,
    tense: Tense,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    progress.stage("Agent, its rights and policies");
    for reference in agent_references()? {
        let outcome = cluster.remove(&reference, tense).await?;
        progress.object(&reference, &outcome);
    }
    progress.end_stage();
    progress.note(
        "Flux, repositories and applications stay as they are, and so do the namespaces infrastructure \
         and gimlet-builds and your ConfigMap infrastructure/gimlet-agent-policy",
    );
    Ok(())
}
