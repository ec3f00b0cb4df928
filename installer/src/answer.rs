//! The control plane's answer, checked: its names become names of cluster objects, so each has to be one.

use std::collections::BTreeSet;

use gimlet_shared::{
    enrol::{ClusterPlan, GitLocation, GitReader, PlannedEnvironment},
    git_credential::GitCredential,
};
use url::Url;

use crate::is_protected_namespace;

/// Names of objects hold the environment's name and more; 63 is the limit of the whole.
const MAX_ENVIRONMENT_NAME: usize = 40;

/// What the control plane wants on this cluster.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The cluster's name in its organization.
    pub cluster: String,
    /// The image of the agent.
    pub agent_image: String,
    /// The environments to set up.
    pub environments: Vec<Environment>,
}

/// One environment whose names are fit to be names of objects.
#[derive(Clone, Debug)]
pub struct Environment {
    /// A DNS label of at most 40 characters.
    pub name: String,
    /// The one namespace it is bound to; `None` is the whole cluster.
    pub namespace: Option<String>,
    /// User name of Flux's git credential.
    pub git_user: String,
    /// The repository of the cluster's own software.
    pub infra: GitLocation,
    /// The repository that releases write.
    pub apps: GitLocation,
    /// What Flux reads it with.
    pub apps_access: AppsAccess,
}

/// What Flux reads an apps repository with.
#[derive(Clone, Debug)]
pub enum AppsAccess {
    /// The password that the installer makes, for the control plane's own git server.
    BuiltIn,
    /// Nothing: everyone may read it.
    Public,
    /// A credential of the owner's, which goes into the Secret now.
    Given(GitCredential),
    /// A credential of the owner's that an earlier run put there; it stays as it is.
    Kept,
}

/// What is wrong with the answer: the field, and what it would have to be.
#[derive(Debug, thiserror::Error)]
#[error("the control plane's answer cannot be used: {field} {problem}")]
pub struct AssignmentError {
    field: String,
    problem: &'static str,
}

impl TryFrom<ClusterPlan> for Assignment {
    type Error = AssignmentError;

    fn try_from(answer: ClusterPlan) -> Result<Self, AssignmentError> {
        check(is_image(&answer.agent_image), "agentImage", "is not the name of an image")?;
        let mut names = BTreeSet::new();
        for environment in &answer.environments {
            let unique = names.insert(environment.name.clone());
            check(unique, "environments", "name the same environment twice")?;
        }
        Ok(Self {
            cluster: answer.cluster.name,
            agent_image: answer.agent_image,
            environments: answer
                .environments
                .into_iter()
                .enumerate()
                .map(|(index, environment)| checked(index, environment))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Whether `text` can be the name of an image: printable, without white space, not an option.
pub(crate) fn is_image(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "./:@_-".contains(c);
    !text.is_empty() && text.len() <= 500 && !text.starts_with('-') && text.chars().all(allowed)
}

fn checked(index: usize, found: PlannedEnvironment) -> Result<Environment, AssignmentError> {
    let field = |name: &str| format!("environments[{index}].{name}");
    check(
        is_dns_label(&found.name) && found.name.len() <= MAX_ENVIRONMENT_NAME,
        &field("name"),
        "is not a DNS label of at most 40 characters",
    )?;
    if let Some(namespace) = &found.namespace {
        check(is_dns_label(namespace), &field("namespace"), "is not a DNS label")?;
        check(
            !is_protected_namespace(namespace),
            &field("namespace"),
            "is a namespace of the cluster itself",
        )?;
    }
    let plain_user = !found.git_user.is_empty()
        && found.git_user.chars().all(|c| c.is_ascii_graphic() && c != ':');
    check(plain_user, &field("gitUser"), "is not a user name")?;
    for (name, location) in [("infra", &found.infra), ("apps", &found.apps)] {
        check(
            is_git_url(&location.url),
            &field(&format!("{name}.url")),
            "is not an http or https URL",
        )?;
        check(is_branch(&location.branch), &field(&format!("{name}.branch")), "is not a branch")?;
    }
    Ok(Environment {
        name: found.name,
        namespace: found.namespace,
        git_user: found.git_user,
        infra: found.infra,
        apps: found.apps,
        apps_access: match found.apps_reader {
            GitReader::BuiltIn => AppsAccess::BuiltIn,
            GitReader::Owner => AppsAccess::Public,
        },
    })
}

fn check(holds: bool, field: &str, problem: &'static str) -> Result<(), AssignmentError> {
    if holds { Ok(()) } else { Err(AssignmentError { field: field.to_owned(), problem }) }
}

fn is_dns_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty()
        && text.len() <= 63
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Credentials belong in the Secret, so the URL may hold none.
fn is_git_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

fn is_branch(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "./_-+".contains(c);
    !text.is_empty()
        && text.len() <= 250
        && text.chars().all(allowed)
        && !text.starts_with(['-', '/', '.'])
        && !text.contains("..")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn answer() -> Value {
        json!({
            "cluster": {"id": "clu_1", "name": "blue"},
            "agentImage": "registry:5000/gimlet-agent:1",
            "environments": [{
                "name": "staging", "namespace": null, "gitUser": "flux",
                "infra": {"url": "http://git:9000/infra", "branch": "main"},
                "apps": {"url": "http://git:9000/apps", "branch": "main"},
            }],
        })
    }

    fn assign(answer: Value) -> Result<Assignment, AssignmentError> {
        serde_json::from_value::<ClusterPlan>(answer).unwrap().try_into()
    }

    #[test]
    fn a_good_answer_passes() {
        let good = assign(answer()).unwrap();
        assert_eq!(good.environments[0].name, "staging");
        assert!(matches!(good.environments[0].apps_access, AppsAccess::BuiltIn));
    }

    #[test]
    fn an_outside_repository_counts_as_public_until_a_credential_is_given() {
        let mut answer = answer();
        answer["environments"][0]["appsReader"] = json!("owner");
        let access = &assign(answer.clone()).unwrap().environments[0].apps_access;
        assert!(matches!(access, AppsAccess::Public));
        answer["environments"][0]["appsReader"] = json!("someone");
        assert!(serde_json::from_value::<ClusterPlan>(answer).is_err());
    }

    #[test]
    fn names_that_are_no_names_are_refused_with_their_field() {
        for (pointer, bad) in [
            ("/environments/0/name", json!("Staging")),
            ("/environments/0/name", json!("a".repeat(41))),
            ("/environments/0/name", json!("../a")),
            ("/environments/0/namespace", json!("flux-system")),
            ("/environments/0/namespace", json!("kube-system")),
            ("/environments/0/namespace", json!("")),
            ("/environments/0/gitUser", json!("a:b")),
            ("/environments/0/infra/url", json!("ext::sh -c id")),
            ("/environments/0/infra/url", json!("https://user:secret@git/infra")),
            ("/environments/0/apps/branch", json!("--upload-pack=x")),
            ("/environments/0/apps/branch", json!("a..b")),
            ("/agentImage", json!("a b")),
        ] {
            let mut answer = answer();
            *answer.pointer_mut(pointer).unwrap() = bad.clone();
            let error = assign(answer).unwrap_err().to_string();
            let field = pointer.rsplit('/').next().unwrap();
            assert!(error.contains(field), "{pointer} = {bad}: {error}");
        }
    }

    #[test]
    fn two_environments_of_one_name_are_refused() {
        let mut answer = answer();
        let twin = answer["environments"][0].clone();
        answer["environments"].as_array_mut().unwrap().push(twin);
        assert!(assign(answer).is_err());
    }
}
