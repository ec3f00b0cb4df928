//! The chart that a manifest names.

mod git;
mod source;

pub use git::{GitReference, GitSource, GitTransport};
pub(crate) use source::SourceFault;
pub use source::{BuiltInChart, ChartSource};

use serde::Serialize;

use crate::text::{Text, is_empty};

/// `chart` as it is written; its texts may hold templates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChartFields {
    /// The URL of a Helm repository, or empty.
    #[serde(skip_serializing_if = "is_empty")]
    pub repository: Text,
    /// The chart's name there, or where it lies itself.
    pub name: Text,
    /// A version or a range; empty is the newest stable one.
    #[serde(skip_serializing_if = "is_empty")]
    pub version: Text,
    /// Who renders it.
    #[serde(skip_serializing_if = "Install::is_default")]
    pub install: Install,
}

/// Who renders a chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Install {
    /// We do: plain objects are committed.
    #[default]
    Render,
    /// Flux's helm-controller does, in the cluster: a HelmRelease is committed.
    Flux,
}

impl Install {
    /// The words for it in manifests.
    pub const WORDS: [&str; 2] = ["render", "flux"];

    /// Reads the word for it in manifests.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "render" => Some(Self::Render),
            "flux" => Some(Self::Flux),
            _ => None,
        }
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A chart after variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// Where it comes from.
    pub source: ChartSource,
    /// Who renders it.
    pub install: Install,
}

impl ChartFields {
    /// The field that a fault is about.
    pub(crate) fn text(&self, fault: &SourceFault) -> &Text {
        match fault.field {
            "repository" => &self.repository,
            "version" => &self.version,
            _ => &self.name,
        }
    }

    /// Whether nothing in it waits for variables.
    pub(crate) fn is_plain(&self) -> bool {
        ![&self.repository, &self.name, &self.version].iter().any(|text| text.contains("{{"))
    }

    /// Where the chart comes from.
    pub(crate) fn source(&self) -> Result<ChartSource, SourceFault> {
        ChartSource::read(&self.repository, &self.name, &self.version)
    }
}

#[cfg(test)]
mod tests;
