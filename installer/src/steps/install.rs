//! An installation, from the question to the control plane to a cluster that works.

use anyhow::{Context, bail};
use gimlet_shared::{enrol::DescribeCluster, git_credential::GitCredential};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    Cluster,
    existing::{Existing, Identity, has_owners_credential},
    wait::{Awaited, wait_for},
};
use crate::{
    AGENT_NAMESPACE, AppsAccess, Assignment, ControlPlane, EnrolmentToken, FLUX_NAMESPACE,
    TrustedRoot,
    control_plane::fetch_root,
    git_credential::read_git_credential,
    options::{Install, Target},
    plan::{FLUX_DEPLOYMENTS, Inputs, Stage, plan},
    progress::{Outcome, Progress, Tense},
};

/// Does everything that `options` ask for.
///
/// # Errors
/// When something does not work; the message says what to do. What was done until then stays, and the
/// next run goes on from there.
pub async fn install(
    options: &Install,
    target: &Target,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    options.check().map_err(anyhow::Error::msg)?;
    let token = EnrolmentToken::read(&options.token_file)?;
    let credential = options.git_credential_file.as_deref().map(read_git_credential).transpose()?;
    let root = trusted_root(options).await?;
    let cluster = Cluster::connect(target).await?;
    let existing = Existing::read(&cluster, progress).await?;
    let control_plane = ControlPlane::new(options.server.clone(), &root)?;
    let mut assignment: Assignment = control_plane
        .describe(&token, &description(&existing.kubernetes_version, &existing.git_password))
        .await?
        .try_into()?;
    progress.note(&format!("This cluster becomes {} at {}", assignment.cluster, options.server));
    settle_access(&cluster, &mut assignment, credential, progress).await?;
    let token = match existing.identity {
        Identity::Missing => Some(&token),
        Identity::Valid => {
            progress.note("The agent is enrolled already and keeps its identity");
            None
        }
    };
    let stages = plan(&Inputs {
        flux: existing.flux,
        server: &options.server,
        root: &root,
        image: options.image.as_ref().unwrap_or(&assignment.agent_image),
        token,
        git_password: &existing.git_password,
        environments: &assignment.environments,
    })?;
    let tense = if options.dry_run { Tense::WouldBe } else { Tense::Done };
    let deadline = Instant::now() + options.wait;
    let conflicts = apply(&cluster, &stages, tense, deadline, progress).await?;
    if tense == Tense::Done {
        wait_until_it_works(&cluster, &assignment, deadline, progress).await?;
    }
    if conflicts > 0 {
        bail!(
            "{conflicts} objects were left alone, since someone else owns fields of them: see above, \
             change them where they come from, and run this again"
        );
    }
    progress.note("Done");
    Ok(())
}

/// Decides what Flux reads apps repositories on other hosts with.
///
/// # Errors
/// When a credential is given that no repository is there for.
pub(super) async fn settle_access(
    cluster: &Cluster,
    assignment: &mut Assignment,
    credential: Option<GitCredential>,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let mut is_used = false;
    for environment in &mut assignment.environments {
        if matches!(environment.apps_access, AppsAccess::BuiltIn) {
            continue;
        }
        let (access, told) = match &credential {
            Some(given) => (AppsAccess::Given(given.clone()), "with the credential of this run"),
            None if has_owners_credential(cluster, environment).await? => {
                (AppsAccess::Kept, "with the credential of an earlier run")
            }
            None => (
                AppsAccess::Public,
                "without a credential; if it is private, run this again with --git-credential-file",
            ),
        };
        is_used = true;
        progress.note(&format!(
            "Flux reads the applications of {} from {}, {told}",
            environment.name, environment.apps.url
        ));
        environment.apps_access = access;
    }
    if credential.is_some() && !is_used {
        bail!(
            "--git-credential-file is for an apps repository on another git host, and this cluster has \
             none; leave it away"
        );
    }
    Ok(())
}

/// Brings every object of every stage to what it should be, and waits for new kinds before their
/// objects. Returns the number of objects that were left alone for a conflict.
///
/// # Errors
/// When the cluster refuses or does not answer.
pub async fn apply(
    cluster: &Cluster,
    stages: &[Stage],
    tense: Tense,
    deadline: Instant,
    progress: &mut Progress,
) -> anyhow::Result<usize> {
    let mut conflicts = 0;
    for stage in stages {
        progress.stage(&stage.title);
        for desired in &stage.objects {
            let outcome = cluster.bring(desired, tense).await?;
            conflicts += usize::from(matches!(outcome, Outcome::Conflict(_)));
            progress.object(&desired.reference, &outcome);
        }
        progress.end_stage();
        if tense == Tense::Done {
            wait_for_kinds(cluster, stage, deadline, progress).await?;
        }
    }
    Ok(conflicts)
}

async fn wait_for_kinds(
    cluster: &Cluster,
    stage: &Stage,
    deadline: Instant,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let kinds = stage
        .objects
        .iter()
        .map(|desired| &desired.reference)
        .filter(|reference| reference.resource.kind == "CustomResourceDefinition");
    for kind in kinds {
        wait_for(cluster, &Awaited::Kind { name: kind.name.clone() }, deadline, progress).await?;
    }
    Ok(())
}

async fn wait_until_it_works(
    cluster: &Cluster,
    assignment: &Assignment,
    deadline: Instant,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    progress.stage("Waiting until it works");
    let mut awaited: Vec<_> = FLUX_DEPLOYMENTS
        .into_iter()
        .map(|name| Awaited::Deployment {
            namespace: FLUX_NAMESPACE,
            name,
            unready: "its log says what it waits for",
        })
        .collect();
    awaited.push(Awaited::Deployment {
        namespace: AGENT_NAMESPACE,
        name: "gimlet-agent",
        unready: "it does not reach the control plane from inside the cluster, or its token was \
                  refused; its log says which",
    });
    for environment in &assignment.environments {
        for part in ["infra", "apps"] {
            let name = format!("builtin-{}-{part}", environment.name);
            awaited.push(Awaited::GitRepository { namespace: FLUX_NAMESPACE, name });
        }
    }
    for awaited in &awaited {
        wait_for(cluster, awaited, deadline, progress).await?;
    }
    Ok(())
}

async fn trusted_root(options: &Install) -> anyhow::Result<TrustedRoot> {
    if let Some(fingerprint) = options.root_fingerprint {
        return Ok(fetch_root(&options.server, fingerprint).await?);
    }
    let Some(path) = &options.root_file else { bail!("give --root-fingerprint or --root-file") };
    let subject = || format!("could not read the root from {}", path.display());
    let pem = std::fs::read(path).with_context(subject)?;
    TrustedRoot::from_pem(&pem).with_context(subject)
}

/// The control plane learns the hash of the password, never the password.
fn description(kubernetes_version: &str, git_password: &SecretString) -> DescribeCluster {
    DescribeCluster {
        kubernetes_version: kubernetes_version.to_owned(),
        git_password_sha256: hex::encode(Sha256::digest(git_password.expose_secret())),
    }
}
