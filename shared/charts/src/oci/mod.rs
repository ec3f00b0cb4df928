//! Charts of OCI registries, after the OCI distribution specification 1.1 and Helm's media types.

mod challenge;
mod reference;
mod registry;

use std::str::FromStr as _;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::access::Access;
use crate::digest::Digest;
use crate::error::FetchError;
use crate::fetched::Obtained;
use crate::metrics::Outcome;
use crate::shelf::{Form, Held, Keep};
use crate::versions;
use crate::work::{self, Workshop};
use reference::Reference;
use registry::Registry;

/// A manifest; indexes of several platforms are nothing that a chart has.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What tells a chart from an image.
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// The archive; the second is how it was called at first.
const CONTENTS: [&str; 2] =
    ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"];
/// The largest manifest that registries have to take, by the specification.
const LARGEST_MANIFEST: u64 = 4 << 20;

/// An image manifest, as far as a chart has one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    config: Descriptor,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

/// The tags that a registry said it has.
#[derive(Debug, Serialize, Deserialize)]
struct HeldTags {
    tags: Vec<String>,
    checked_at: u64,
}

/// A chart that is being fetched.
struct Chart<'a> {
    shop: &'a Workshop,
    access: &'a Access,
    reference: Reference,
    registry: Registry<'a>,
    place: &'a str,
}

pub(crate) async fn fetch(
    shop: &Workshop,
    access: &Access,
    (url, wanted): (&str, &str),
    place: &str,
) -> Result<Obtained, FetchError> {
    let reference = Reference::parse(url, place)?;
    let chart = Chart::new(shop, access, reference, place)?;
    let dialect = shop.shelf.dialect();
    if versions::is_exact(wanted, dialect) {
        return chart.tagged(&tag_of(wanted)).await;
    }
    let (tags, note) = chart.tags().await?;
    let known: Vec<String> = tags.iter().filter_map(|tag| version_of(tag)).collect();
    let all = || known.iter().map(String::as_str);
    let Some(version) = versions::pick(all(), wanted, dialect) else {
        let hint = versions::hint(all(), wanted, dialect);
        let place = format!("chart {}", chart.reference);
        return Err(FetchError::NoVersion { place, wanted: wanted.to_owned(), hint });
    };
    chart.tagged(&tag_of(version)).await.map(|it| it.noted(note))
}

/// Fetches what an index names: `oci://host/path:tag`.
pub(crate) async fn fetch_tagged(
    shop: &Workshop,
    access: &Access,
    url: &Url,
    place: &str,
) -> Result<Obtained, FetchError> {
    let (path, tag) = url.as_str().rsplit_once(':').unwrap_or((url.as_str(), ""));
    if tag.is_empty() || tag.contains('/') {
        return Err(FetchError::malformed(place, "an address of a registry without a tag"));
    }
    let reference = Reference::parse(path, place)?;
    Chart::new(shop, access, reference, place)?.tagged(&tag_of(tag)).await
}

/// Registries take no `+` in a tag.
fn tag_of(version: &str) -> String {
    version.replace('+', "_")
}

/// The version that a tag stands for; a chart's tags are whole versions, other tags are none of it.
fn version_of(tag: &str) -> Option<String> {
    let version = tag.replace('_', "+");
    let numbers = version.split(['-', '+']).next()?.split('.').count();
    (numbers == 3).then_some(version)
}

impl<'a> Chart<'a> {
    fn new(
        shop: &'a Workshop,
        access: &'a Access,
        reference: Reference,
        place: &'a str,
    ) -> Result<Self, FetchError> {
        let registry = Registry::new(shop, access, &reference, place)?;
        Ok(Self { shop, access, reference, registry, place })
    }

    /// All tags, and a note where they may be old because the registry is away.
    async fn tags(&self) -> Result<(Vec<String>, Option<String>), FetchError> {
        let key = self.key("tags", "");
        let held: Option<HeldTags> = self.shop.shelf.record(key).await;
        let held = match held {
            Some(held) if self.shop.is_fresh(held.checked_at) => return Ok((held.tags, None)),
            held => held,
        };
        match (self.registry.tags().await, held) {
            (Ok(tags), _) => {
                let noted = HeldTags { tags: tags.clone(), checked_at: work::now() };
                self.shop.shelf.note(key, noted).await;
                Ok((tags, None))
            }
            (Err(error), Some(held)) if error.is_temporary() => {
                let age = work::age(held.checked_at);
                Ok((held.tags, Some(format!("the registry's tags of {age} were used: {error}"))))
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn tagged(&self, tag: &str) -> Result<Obtained, FetchError> {
        reference::check_tag(tag, self.place)?;
        let key = self.key("tag", tag);
        let held: Option<Held> = self.shop.shelf.record(key).await;
        if let Some(held) = &held
            && self.shop.is_fresh(held.checked_at)
            && let Some(obtained) = self.kept(held).await
        {
            return Ok(obtained);
        }
        match (self.ask(tag, held.as_ref()).await, &held) {
            (Ok(obtained), _) => {
                let (digest, revision) = (obtained.digest, obtained.revision.clone());
                let form = Form::Archive;
                let held = Held { digest, form, revision, checked_at: work::now() };
                self.shop.shelf.note(key, held).await;
                Ok(obtained)
            }
            (Err(error), Some(held)) if error.is_temporary() => {
                let age = work::age(held.checked_at);
                let note = format!("the chart as it was fetched {age} was used: {error}");
                let kept = self.kept(held).await.map(|kept| kept.noted(Some(note)));
                kept.ok_or(error)
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn kept(&self, held: &Held) -> Option<Obtained> {
        let chart = self.shop.shelf.find(held.digest, held.form).await?;
        Some(Obtained::new(held.digest, chart, Outcome::Cached).at(held.revision.clone()))
    }

    /// Asks the registry what the tag is, and for its archive unless that was kept.
    async fn ask(&self, tag: &str, held: Option<&Held>) -> Result<Obtained, FetchError> {
        let body = self.registry.manifest(tag, MANIFEST, LARGEST_MANIFEST).await?;
        let revision = Some(Digest::of(&body).to_string());
        let layer = self.layer(&body)?;
        let fault = |text| FetchError::malformed(format!("{}:{tag}", self.reference), text);
        let expected = Digest::from_str(&layer.digest)
            .map_err(|error| fault(format!("its archive's digest: {error}")))?;
        // Only what this address once led to: another's archive is not had by knowing its digest.
        let known = held.filter(|held| held.digest == expected);
        if let Some(held) = known
            && let Some(kept) = self.kept(held).await
        {
            return Ok(kept.at(revision));
        }
        if layer.size > work::LARGEST_ARCHIVE {
            let place = format!("{}:{tag}", self.reference);
            return Err(FetchError::TooLarge { place, limit: work::LARGEST_ARCHIVE });
        }
        let body = self.registry.blob(expected, work::LARGEST_ARCHIVE).await?;
        let found = Digest::of(&body);
        if found != expected {
            let place = format!("{}:{tag}", self.reference);
            return Err(FetchError::WrongDigest { place, expected, found });
        }
        let put = self.shop.shelf.put(self.place, body, Form::Archive, Keep::OnDisk);
        let (digest, chart) = put.await?;
        Ok(Obtained::new(digest, chart, Outcome::Fetched).at(revision))
    }

    fn layer(&self, manifest: &[u8]) -> Result<Descriptor, FetchError> {
        let fault = |text: String| FetchError::malformed(self.reference.to_string(), text);
        let manifest: Manifest = serde_json::from_slice(manifest)
            .map_err(|error| fault(format!("its manifest cannot be read: {error}")))?;
        if manifest.config.media_type != CONFIG {
            let kind: String = manifest.config.media_type.chars().take(100).collect();
            return Err(fault(format!("it is no Helm chart but {kind:?}")));
        }
        let is_content = |layer: &Descriptor| CONTENTS.contains(&layer.media_type.as_str());
        let content = manifest.layers.into_iter().find(is_content);
        content.ok_or_else(|| fault("its manifest names no archive of a chart".to_owned()))
    }

    fn key(&self, what: &str, tag: &str) -> Digest {
        let reference = self.reference.to_string();
        Digest::of_parts(&["oci", what, self.access.scope(), &reference, tag])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_stand_for_versions() {
        assert_eq!(tag_of("1.2.3-rc.1+build.5"), "1.2.3-rc.1_build.5");
        assert_eq!(version_of("1.2.3-rc.1_build.5").as_deref(), Some("1.2.3-rc.1+build.5"));
        for tag in ["latest", "1.2", "sha256-0123.sig", "1"] {
            assert_eq!(version_of(tag), None, "{tag}");
        }
    }
}
