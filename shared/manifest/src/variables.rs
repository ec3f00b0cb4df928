//! The variables of a manifest's templates: where they come from, and which wins.

use std::collections::BTreeMap;
use std::fmt;

use crate::finding::ManifestError;
use crate::manifest::Manifest;
use crate::policy::EventKind;
use crate::template::{Draw, Scope};

/// Names and values; every value is a text. What a template can refer to as `{{ .NAME }}`.
///
/// Its `Debug` shows names only: values may be secrets of the environment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<String, String>,
    draw: Option<Draw>,
}

/// What is known of an artifact. Texts that do not apply are empty.
#[derive(Clone, Copy, Debug)]
pub struct ArtifactFacts<'a> {
    /// `owner/name`.
    pub repository: &'a str,
    /// The kind of git event.
    pub event: EventKind,
    /// The branch; of a pull request, its head branch.
    pub branch: &'a str,
    /// The tag, of a tag event.
    pub tag: &'a str,
    /// The commit.
    pub sha: &'a str,
    /// Who caused the event.
    pub actor: &'a str,
    /// The CI job.
    pub job: &'a str,
    /// The commit's page.
    pub url: &'a str,
    /// The commit's message.
    pub message: &'a str,
    /// The branch that a pull request comes from.
    pub source_branch: &'a str,
    /// The branch that a pull request goes to.
    pub target_branch: &'a str,
}

/// Collects variables; what is added later wins, whatever the order of calls within one layer.
#[derive(Clone, Default)]
pub struct VariablesBuilder {
    /// What git and CI say: literal.
    literal: BTreeMap<String, String>,
    /// What the environment's owner says: templates.
    environment: BTreeMap<String, String>,
    draw: Option<Draw>,
}

impl Variables {
    /// Starts with what is known of an artifact: `REPO`, `OWNER`, `BRANCH`, `SHA`, `TAG`, `ACTOR`, `EVENT` and
    /// `JOB` always, and `URL`, `COMMIT_MESSAGE`, `SOURCE_BRANCH`, `TARGET_BRANCH`.
    pub fn for_artifact(facts: &ArtifactFacts<'_>) -> VariablesBuilder {
        let owner = facts.repository.split_once('/').map_or("", |(owner, _)| owner);
        let event = match facts.event {
            EventKind::Push => "push",
            EventKind::Tag => "tag",
            EventKind::PullRequest => "pull_request",
        };
        VariablesBuilder::default().ci([
            ("REPO", facts.repository),
            ("OWNER", owner),
            ("BRANCH", facts.branch),
            ("SHA", facts.sha),
            ("TAG", facts.tag),
            ("ACTOR", facts.actor),
            ("EVENT", event),
            ("JOB", facts.job),
            ("URL", facts.url),
            ("COMMIT_MESSAGE", facts.message),
            ("SOURCE_BRANCH", facts.source_branch),
            ("TARGET_BRANCH", facts.target_branch),
        ])
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// All names and values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Ready to fill in texts.
    pub(crate) fn scope(&self) -> Scope {
        Scope::new(&self.values, self.draw)
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let values = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { values: values.collect(), draw: None }
    }
}

impl VariablesBuilder {
    /// Adds what CI says (the artifact's `context`, then `items`, then `vars`): literal, never templated.
    #[must_use]
    pub fn ci<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.literal.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Adds the environment's own variables: they win over everything and may be templates.
    #[must_use]
    pub fn environment<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.environment
            .extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets what functions such as `now` and `randAlphaNum` give. Without it they are errors.
    #[must_use]
    pub fn drawing(mut self, draw: Draw) -> Self {
        self.draw = Some(draw);
        self
    }

    /// Adds `ENV` and `NAMESPACE` at the lowest precedence and `APP` above CI, and resolves the values that are
    /// templates, once: those of the environment and of the manifest. A branch called `x{{ .TOKEN }}` stays
    /// what it is.
    ///
    /// # Errors
    /// A template that fails; the error names the variable.
    pub fn build(self, manifest: &Manifest) -> Result<Variables, ManifestError> {
        let mut templates = BTreeMap::from([("APP".to_owned(), manifest.app.clone())]);
        for (name, value) in [("ENV", &manifest.env), ("NAMESPACE", &manifest.namespace)] {
            if !self.literal.contains_key(name) {
                templates.insert(name.to_owned(), value.clone());
            }
        }
        templates.extend(self.environment);
        let mut all = self.literal;
        all.extend(templates.clone());
        let mut scope = Scope::new(&all, self.draw);
        let mut resolved = all.clone();
        for (name, value) in templates {
            if !value.contains("{{") {
                continue;
            }
            let filled = scope.fill(&name, &value).map_err(|error| {
                let path = format!("variable {name}");
                ManifestError::new(manifest.file(), None, path, error.to_string())
            })?;
            // The manifest's own name is cut where it is a preview's; what the environment calls it stays.
            let is_own = name == "APP" && value == manifest.app;
            resolved.insert(name, if is_own { manifest.shortened(filled) } else { filled });
        }
        Ok(Variables { values: resolved, draw: self.draw })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_manifest;

    fn facts() -> ArtifactFacts<'static> {
        ArtifactFacts {
            repository: "acme/shop",
            event: EventKind::PullRequest,
            branch: "x{{.TOKEN}}",
            tag: "",
            sha: "abc",
            actor: "jo",
            job: "",
            url: "https://x/c/abc",
            message: "fix: a\n\nb",
            source_branch: "x{{.TOKEN}}",
            target_branch: "main",
        }
    }

    fn manifest(app: &str, namespace: &str) -> Manifest {
        let text = format!("app: '{app}'\nenv: staging\nnamespace: '{namespace}'\nmanifests: x\n");
        parse_manifest("x.yaml", &text).unwrap().manifest
    }

    fn nothing() -> [(String, String); 0] {
        []
    }

    #[test]
    fn an_artifact_always_defines_its_names() {
        let variables = Variables::for_artifact(&facts()).build(&manifest("web", "shop")).unwrap();
        let all: Vec<(&str, &str)> = variables.iter().collect();
        assert_eq!(
            all,
            [
                ("ACTOR", "jo"),
                ("APP", "web"),
                ("BRANCH", "x{{.TOKEN}}"),
                ("COMMIT_MESSAGE", "fix: a\n\nb"),
                ("ENV", "staging"),
                ("EVENT", "pull_request"),
                ("JOB", ""),
                ("NAMESPACE", "shop"),
                ("OWNER", "acme"),
                ("REPO", "acme/shop"),
                ("SHA", "abc"),
                ("SOURCE_BRANCH", "x{{.TOKEN}}"),
                ("TAG", ""),
                ("TARGET_BRANCH", "main"),
                ("URL", "https://x/c/abc"),
            ]
        );
    }

    #[test]
    fn ci_wins_over_the_artifact_and_the_environment_over_all() {
        let variables = Variables::for_artifact(&facts())
            .ci([("SHA", "ci"), ("EVENT", "push"), ("ENV", "ci"), ("APP", "ci"), ("CUSTOM", "1")])
            .environment([("EVENT", "mine"), ("DOMAIN", "example.com")])
            .build(&manifest("web", "shop"))
            .unwrap();
        for (name, value) in [
            ("SHA", "ci"),
            ("EVENT", "mine"),
            ("ENV", "ci"),
            ("APP", "web"),
            ("CUSTOM", "1"),
            ("DOMAIN", "example.com"),
        ] {
            assert_eq!(variables.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn the_environment_may_set_the_application() {
        let variables = Variables::for_artifact(&facts())
            .environment([("APP", "other")])
            .build(&manifest("web", "shop"))
            .unwrap();
        assert_eq!(variables.get("APP"), Some("other"));
    }

    #[test]
    fn only_the_environment_and_the_manifest_are_templates() {
        let variables = Variables::for_artifact(&facts())
            .ci([("CI", "{{ .SHA }}")])
            .environment([
                ("IMAGE", "registry/{{ .APP }}:{{ .SHA }}"),
                ("TOKEN", "secret"),
                ("B", "{{ .BRANCH }}"),
            ])
            .build(&manifest("web-{{ .SHA }}", "ns-{{ .SHA }}"))
            .unwrap();
        for (name, value) in [
            ("CI", "{{ .SHA }}"),
            ("BRANCH", "x{{.TOKEN}}"),
            ("B", "x{{.TOKEN}}"),
            ("APP", "web-abc"),
            ("NAMESPACE", "ns-abc"),
        ] {
            assert_eq!(variables.get(name), Some(value), "{name}");
        }
        // One pass only: a template that brings a template leaves it as it is.
        assert_eq!(variables.get("IMAGE"), Some("registry/web-{{ .SHA }}:abc"));
    }

    #[test]
    fn a_variable_that_fails_is_named() {
        let error = Variables::for_artifact(&facts())
            .environment([("HOST", "{{ .NOPE }}")])
            .build(&manifest("web", "shop"))
            .unwrap_err();
        assert_eq!(error.path(), "variable HOST");
        assert!(error.message().contains("`NOPE` is not set"), "{error}");
    }

    #[test]
    fn the_command_line_starts_from_nothing() {
        let variables = VariablesBuilder::default()
            .ci(nothing())
            .environment([("SHA", "x")])
            .build(&manifest("web", "n"))
            .unwrap();
        assert_eq!(variables.get("APP"), Some("web"));
        assert_eq!(variables.get("BRANCH"), None);
    }

    #[test]
    fn values_are_not_shown_in_debug_output() {
        let variables: Variables = [("TOKEN", "hunter2")].into_iter().collect();
        assert_eq!(format!("{variables:?}"), "{\"TOKEN\"}");
    }

    #[test]
    fn a_repository_without_owner_has_none() {
        let facts = ArtifactFacts { repository: "shop", ..facts() };
        let variables = Variables::for_artifact(&facts).build(&manifest("web", "n")).unwrap();
        assert_eq!((variables.get("REPO"), variables.get("OWNER")), (Some("shop"), Some("")));
    }
}
