//! `Chart.yaml`.

use super::head::{self, Reader};
use crate::{
    Dialect,
    format::quote,
    semver::Version,
    value::{Data, Map, Str, Value},
};

/// A chart's own description.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of Chart.yaml")]
pub struct Metadata {
    pub name: Str,
    pub home: Str,
    pub sources: Vec<Str>,
    pub version: Str,
    pub description: Str,
    pub keywords: Vec<Str>,
    pub maintainers: Vec<Option<Maintainer>>,
    pub icon: Str,
    pub api_version: Str,
    pub condition: Str,
    pub tags: Str,
    pub app_version: Str,
    pub deprecated: bool,
    pub annotations: Option<Vec<(Str, Str)>>,
    pub kube_version: Str,
    pub dependencies: Vec<Option<Dependency>>,
    pub kind: Str,
}

/// Who keeps a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Chart.yaml")]
pub struct Maintainer {
    pub name: Str,
    pub email: Str,
    pub url: Str,
}

/// A chart that a chart needs.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of Chart.yaml")]
pub struct Dependency {
    pub name: Str,
    pub version: Str,
    pub repository: Str,
    pub condition: Str,
    pub tags: Vec<Str>,
    pub enabled: bool,
    pub import_values: Vec<Data>,
    pub alias: Str,
}

impl Metadata {
    /// Reads the fields that `value` has into what is here already, as Go fills a structure.
    pub(super) fn fill(&mut self, value: &Value) -> Result<(), String> {
        let Some(map) = head::root(value, "chart.Metadata")? else { return Ok(()) };
        let read = Reader::new("Metadata");
        for (key, value) in map.to_vec() {
            match key.to_ascii_lowercase().as_str() {
                "name" => read.text(&key, &value, &mut self.name)?,
                "home" => read.text(&key, &value, &mut self.home)?,
                "sources" => read.texts(&key, &value, &mut self.sources)?,
                "version" => read.text(&key, &value, &mut self.version)?,
                "description" => read.text(&key, &value, &mut self.description)?,
                "keywords" => read.texts(&key, &value, &mut self.keywords)?,
                "maintainers" => self.maintainers = maintainers(&read, &value)?,
                "icon" => read.text(&key, &value, &mut self.icon)?,
                "apiversion" => read.text(&key, &value, &mut self.api_version)?,
                "condition" => read.text(&key, &value, &mut self.condition)?,
                "tags" => read.text(&key, &value, &mut self.tags)?,
                "appversion" => read.text(&key, &value, &mut self.app_version)?,
                "deprecated" => read.truth(&key, &value, &mut self.deprecated)?,
                "annotations" => self.annotations = read.annotations(&key, &value)?,
                "kubeversion" => read.text(&key, &value, &mut self.kube_version)?,
                "dependencies" => self.dependencies = dependencies(&read, &value)?,
                "type" => read.text(&key, &value, &mut self.kind)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks and cleans it as Helm does.
    pub(super) fn validate(&mut self, dialect: Dialect) -> Result<(), String> {
        self.clean();
        let required = |what| Err(format!("chart.metadata.{what} is required"));
        match () {
            () if self.api_version.is_empty() => required("apiVersion"),
            () if self.name.is_empty() => required("name"),
            () if dialect == Dialect::Helm4 && matches!(&*self.name, "." | "..") => {
                Err(format!("chart.metadata.name {} is not allowed", quote(&self.name)))
            }
            () if self.name.contains('/') => {
                Err(format!("chart.metadata.name {} is invalid", quote(&self.name)))
            }
            () if self.version.is_empty() => required("version"),
            () if Version::parse(&self.version, dialect).is_err() => {
                Err(format!("chart.metadata.version {} is invalid", quote(&self.version)))
            }
            () if !matches!(&*self.kind, "" | "application" | "library") => {
                Err("chart.metadata.type must be application or library".to_owned())
            }
            () if self.maintainers.iter().any(Option::is_none) => {
                Err("maintainers must not contain empty or null nodes".to_owned())
            }
            () => self.validate_dependencies(),
        }
    }

    fn clean(&mut self) {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            clean(text);
        }
        self.sources.iter_mut().chain(&mut self.keywords).for_each(clean);
        for maintainer in self.maintainers.iter_mut().flatten() {
            clean(&mut maintainer.name);
            clean(&mut maintainer.email);
            clean(&mut maintainer.url);
        }
    }

    fn validate_dependencies(&mut self) -> Result<(), String> {
        let mut seen = std::collections::BTreeSet::new();
        for dependency in &mut self.dependencies {
            let Some(dependency) = dependency else {
                return Err("dependencies must not contain empty or null nodes".to_owned());
            };
            clean(&mut dependency.name);
            clean(&mut dependency.version);
            clean(&mut dependency.repository);
            clean(&mut dependency.condition);
            dependency.tags.iter_mut().for_each(clean);
            let allowed =
                |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
            if !dependency.alias.chars().all(allowed) {
                let name = quote(&dependency.name);
                return Err(format!("dependency {name} has disallowed characters in the alias"));
            }
            let key =
                if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if !seen.insert(key.clone()) {
                let key = quote(key);
                return Err(format!("more than one dependency with name or alias {key}"));
            }
        }
        Ok(())
    }
}

/// White space becomes spaces, and what cannot be printed goes.
fn clean(text: &mut Str) {
    let strange = |letter: char| letter != ' ' && (letter.is_whitespace() || letter.is_control());
    if text.chars().any(strange) {
        let kept = text.chars().filter_map(|letter| match letter {
            _ if letter.is_whitespace() => Some(' '),
            _ if letter.is_control() => None,
            _ => Some(letter),
        });
        *text = kept.collect::<String>().into();
    }
}

fn maintainers(read: &Reader, value: &Value) -> Result<Vec<Option<Maintainer>>, String> {
    read.structures("maintainers", value, "chart.Maintainer", |map: &Map| {
        let read = Reader::new("Maintainer").inside("maintainers");
        let mut found = Maintainer::default();
        for (key, value) in map.to_vec() {
            match key.to_ascii_lowercase().as_str() {
                "name" => read.text(&key, &value, &mut found.name)?,
                "email" => read.text(&key, &value, &mut found.email)?,
                "url" => read.text(&key, &value, &mut found.url)?,
                _ => {}
            }
        }
        Ok(found)
    })
}

fn dependencies(read: &Reader, value: &Value) -> Result<Vec<Option<Dependency>>, String> {
    read.structures("dependencies", value, "chart.Dependency", |map: &Map| {
        let read = Reader::new("Dependency").inside("dependencies");
        let mut found = Dependency::default();
        for (key, value) in map.to_vec() {
            match key.to_ascii_lowercase().as_str() {
                "name" => read.text(&key, &value, &mut found.name)?,
                "version" => read.text(&key, &value, &mut found.version)?,
                "repository" => read.text(&key, &value, &mut found.repository)?,
                "condition" => read.text(&key, &value, &mut found.condition)?,
                "tags" => read.texts(&key, &value, &mut found.tags)?,
                "enabled" => read.truth(&key, &value, &mut found.enabled)?,
                "import-values" => {
                    let items = value.as_list().unwrap_or_default();
                    found.import_values = items.iter().map(Value::freeze).collect();
                }
                "alias" => read.text(&key, &value, &mut found.alias)?,
                _ => {}
            }
        }
        Ok(found)
    })
}
