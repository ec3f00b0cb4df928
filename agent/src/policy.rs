//! The word of the cluster's owner: which commands the agent obeys, and where.
//!
//! The owner writes the `ConfigMap`; the agent can only read it, and does so before each command.

use gimlet_shared::{error_chain::Chain, link::CommandBody};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use serde::Deserialize;

use crate::names;

/// The key under which the policy stands.
const KEY: &str = "policy.yaml";

/// The owner's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// There is no policy object: nothing is forbidden.
    Absent,
    /// A command runs when at least one rule allows it.
    Rules(Vec<Rule>),
    /// It cannot be read: nothing is allowed.
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// One rule: these commands, on objects in these namespaces. `*` stands for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    commands: Vec<String>,
    namespaces: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    allow: Vec<WrittenRule>,
}

/// A rule in full, or the short form: just the name of a command, anywhere.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenRule {
    Command(String),
    Full(FullRule),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FullRule {
    commands: Vec<String>,
    #[serde(default = "everywhere")]
    namespaces: Vec<String>,
}

impl Policy {
    /// Reads the owner's policy object.
    ///
    /// # Errors
    /// When the API server cannot be asked. A policy that is absent or unreadable is no error.
    pub(crate) async fn load(client: Client, namespace: &str) -> Result<Self, kube::Error> {
        let api: Api<ConfigMap> = Api::namespaced(client, namespace);
        let object = api.get_opt(names::POLICY).await?;
        let text = object.and_then(|object| object.data?.remove(KEY));
        Ok(text.map_or(Self::Absent, |text| Self::parse(&text)))
    }

    fn parse(text: &str) -> Self {
        match serde_saphyr::from_str::<Option<Written>>(text) {
            Ok(written) => {
                let allow = written.map(|written| written.allow).unwrap_or_default();
                Self::Rules(allow.into_iter().map(Rule::from).collect())
            }
            Err(error) => Self::Unreadable { reason: Chain(&error).to_string() },
        }
    }

    /// Whether the command may run; if not, the sentence for the control plane.
    ///
    /// # Errors
    /// The sentence.
    pub(crate) fn check(&self, body: &CommandBody) -> Result<(), String> {
        let (command, namespace) = match body {
            CommandBody::Reconcile { object } => ("reconcile", object.namespace.as_str()),
            CommandBody::Unknown => return Err("this agent does not know the command".to_owned()),
        };
        match self {
            Self::Absent => Ok(()),
            Self::Rules(rules) if rules.iter().any(|rule| rule.allows(command, namespace)) => {
                Ok(())
            }
            Self::Rules(_) => Err(format!(
                "the cluster's owner does not allow `{command}` in namespace `{namespace}` (ConfigMap {})",
                names::POLICY
            )),
            Self::Unreadable { reason } => Err(format!(
                "nothing is allowed, as the owner's policy in ConfigMap {} cannot be read: {reason}",
                names::POLICY
            )),
        }
    }
}

impl Rule {
    fn allows(&self, command: &str, namespace: &str) -> bool {
        let names = |list: &[String], it: &str| list.iter().any(|name| name == "*" || name == it);
        names(&self.commands, command) && names(&self.namespaces, namespace)
    }
}

impl From<WrittenRule> for Rule {
    fn from(written: WrittenRule) -> Self {
        match written {
            WrittenRule::Command(command) => {
                Self { commands: vec![command], namespaces: everywhere() }
            }
            WrittenRule::Full(FullRule { commands, namespaces }) => Self { commands, namespaces },
        }
    }
}

fn everywhere() -> Vec<String> {
    vec!["*".to_owned()]
}

#[cfg(test)]
mod tests {
    use gimlet_shared::observed::ObjectKey;

    use super::*;

    fn reconcile_in(namespace: &str) -> CommandBody {
        let object = ObjectKey {
            kind: "Kustomization".into(),
            namespace: namespace.into(),
            name: "apps".into(),
        };
        CommandBody::Reconcile { object }
    }

    fn allows(text: &str, namespace: &str) -> bool {
        Policy::parse(text).check(&reconcile_in(namespace)).is_ok()
    }

    #[test]
    fn without_a_policy_object_everything_known_is_allowed() {
        assert!(Policy::Absent.check(&reconcile_in("shop")).is_ok());
        assert!(Policy::Absent.check(&CommandBody::Unknown).is_err());
    }

    #[test]
    fn rules_name_commands_and_namespaces() {
        let all = "allow:\n- commands: [\"*\"]\n  namespaces: [\"*\"]\n";
        assert!(allows(all, "shop"));
        let some = "allow:\n- commands: [reconcile]\n  namespaces: [flux-system, shop]\n";
        assert!(allows(some, "shop"));
        assert!(!allows(some, "bank"));
        assert!(!allows("allow:\n- commands: [restart]\n", "shop"));
        assert!(allows("allow: [reconcile]", "shop"));
        assert!(!allows("allow: [restart]", "shop"));
    }

    #[test]
    fn without_a_rule_and_when_unreadable_nothing_is_allowed() {
        for text in ["", "# nothing\n", "allow: []", "allow: {", "alow: [reconcile]", "allow: 3"] {
            assert!(!allows(text, "shop"), "{text}");
        }
        let refusal = Policy::parse("allow: []").check(&reconcile_in("shop")).unwrap_err();
        assert!(refusal.contains("gimlet-agent-policy"), "{refusal}");
        let refusal = Policy::parse("allow: {").check(&reconcile_in("shop")).unwrap_err();
        assert!(refusal.contains("cannot be read"), "{refusal}");
    }
}
