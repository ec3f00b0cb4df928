//! Whose image an application runs, and who builds it: `values.image`.

use serde::Serialize;

use crate::chart::{BuiltInChart, ChartSource};
use crate::finding::{ManifestError, quoted};
use crate::resolve::Resolved;
use crate::values::Kind;

/// Where the chart for sites of files is known to lie besides the control plane.
const CHARTS_WITH_SITES: &str = "https://chart.onechart.dev";

/// How an image comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageStrategy {
    /// It exists already.
    Static,
    /// CI builds it.
    Dynamic,
    /// It is built on the cluster from a Dockerfile.
    Dockerfile,
    /// It is built on the cluster without one.
    Buildpacks,
    /// There is a site to be built.
    StaticSite,
}

impl ImageStrategy {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "static" => Self::Static,
            "dynamic" => Self::Dynamic,
            "dockerfile" => Self::Dockerfile,
            "buildpacks" => Self::Buildpacks,
            "static-site" => Self::StaticSite,
            _ => return None,
        })
    }

    /// Whether the cluster builds it, from the commit's source.
    pub fn is_built_on_the_cluster(self) -> bool {
        matches!(self, Self::Dockerfile | Self::Buildpacks)
    }
}

/// `values.image`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// What the manifest says, or its chart; see [`Image::strategy`].
    pub stated: Option<ImageStrategy>,
    /// The image without its tag; empty where nothing is said.
    pub repository: String,
    /// The tag; empty where nothing is said.
    pub tag: String,
    /// The registry's name in the environment; empty where nothing is said.
    pub registry: String,
    /// The Dockerfile, from `context`; empty where nothing is said.
    pub dockerfile: String,
    /// The folder of the source that is built.
    pub context: String,
}

impl Image {
    /// How the image comes to be; CI builds it where nothing is said.
    pub fn strategy(&self) -> ImageStrategy {
        self.stated.unwrap_or(ImageStrategy::Dynamic)
    }

    /// Whether a release waits for what CI says of the commit, because the manifest asks for it in so many words.
    pub fn waits_for_ci(&self) -> bool {
        self.stated == Some(ImageStrategy::Dynamic)
    }
}

impl Resolved {
    /// The image of the application, where its values or its chart speak of one.
    ///
    /// # Errors
    /// A strategy that does not exist.
    pub fn image(&self) -> Result<Option<Image>, ManifestError> {
        let text = |name: &str| {
            let value = self.values.find(&["image", name]);
            value.map_or_else(String::new, |value| match &value.kind {
                Kind::Text(text) => text.as_str().to_owned(),
                Kind::Number(number) => number.to_string(),
                Kind::Bool(truth) => truth.to_string(),
                Kind::Null | Kind::List(_) | Kind::Map(_) => String::new(),
            })
        };
        let stated = match text("strategy") {
            word if word.is_empty() => self.is_site().then_some(ImageStrategy::StaticSite),
            word => Some(ImageStrategy::from_word(&word).ok_or_else(|| {
                let place = self.values.place_at("/image/strategy");
                let message = format!(
                    "must be `static`, `dynamic`, `dockerfile`, `buildpacks` or `static-site`, but is {}",
                    quoted(&word)
                );
                self.source.error_at(place, "values.image.strategy", message)
            })?),
        };
        let is_map =
            self.values.find(&["image"]).is_some_and(|image| matches!(image.kind, Kind::Map(_)));
        if stated.is_none() && !is_map {
            return Ok(None);
        }
        let context = Some(text("context")).filter(|context| !context.is_empty());
        Ok(Some(Image {
            stated,
            repository: text("repository"),
            tag: text("tag"),
            registry: text("registry"),
            dockerfile: text("dockerfile"),
            context: context.unwrap_or_else(|| ".".to_owned()),
        }))
    }

    fn is_site(&self) -> bool {
        match self.chart.as_ref().map(|chart| &chart.source) {
            Some(ChartSource::BuiltIn { chart, .. }) => *chart == BuiltInChart::StaticSite,
            Some(ChartSource::Repository { url, name, .. }) => {
                url == CHARTS_WITH_SITES && name == "static-site"
            }
            Some(ChartSource::Git(_) | ChartSource::Oci { .. } | ChartSource::Folder { .. })
            | None => false,
        }
    }
}

#[cfg(test)]
mod tests;
