//! `oci://host/path`.

use std::fmt;

use url::Url;

use crate::error::FetchError;
use crate::source::Shown;

/// A repository of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// With a port, if there is one.
    pub(super) host: String,
    /// `path/name`, as the specification lets it be.
    pub(super) repository: String,
}

impl Reference {
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, FetchError> {
        let fault = |text: &str| FetchError::source_fault(place, text);
        let rest = text.strip_prefix("oci://").ok_or_else(|| fault("write oci://host/path"))?;
        let (host, repository) = rest.split_once('/').unwrap_or((rest, ""));
        if host.contains('@') {
            return Err(fault("its address holds credentials; set them apart from it"));
        }
        // The URL parser of all other checks has to see the same host.
        let url = Url::parse(&format!("https://{host}/")).ok();
        let is_host = url.as_ref().and_then(Url::host_str).is_some_and(|it| !it.is_empty())
            && !host.contains(['?', '#', '\\', '%']);
        if !is_host {
            return Err(fault("its host cannot be read; write oci://host/path"));
        }
        if repository.len() > 255 || !repository.split('/').all(is_component) {
            let text = "its path is none of a registry: lower-case letters, digits, and . _ - between them";
            return Err(fault(text));
        }
        Ok(Self { host: host.to_lowercase(), repository: repository.to_owned() })
    }

    /// The host that serves the API; one well-known registry is called otherwise.
    pub(super) fn api_host(&self) -> &str {
        match self.host.as_str() {
            "docker.io" => "registry-1.docker.io",
            host => host,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = format!("oci://{}/{}", self.host, self.repository);
        write!(f, "{}", Shown(&address))
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |c: char| is_word(c) || matches!(c, '.' | '_' | '-');
    let is_separator = |it: &str| matches!(it, "." | "_" | "__") || it.bytes().all(|c| c == b'-');
    text.starts_with(is_word)
        && text.ends_with(is_word)
        && text.chars().all(is_part)
        && text.split(is_word).all(|between| between.is_empty() || is_separator(between))
}

/// A tag, as the specification lets it be; it becomes part of an address.
pub(super) fn check_tag(tag: &str, place: &str) -> Result<(), FetchError> {
    let is_first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_fine = tag.len() <= 128
        && tag.starts_with(is_first)
        && tag.chars().all(|c| is_first(c) || matches!(c, '.' | '-'));
    if is_fine {
        return Ok(());
    }
    Err(FetchError::source_fault(place, format!("{tag:?} is no tag of a registry")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_as_the_specification_has_them() {
        for text in [
            "oci://ghcr.io/acme/charts/web",
            "oci://127.0.0.1:5000/a__b/c--d.e",
            "oci://[::1]:5000/x",
        ] {
            assert!(Reference::parse(text, "it").is_ok(), "{text}");
        }
        for text in [
            "https://h/x",
            "oci://h",
            "oci:///x",
            "oci://h/X",
            "oci://h/../x",
            "oci://h/a/",
            "oci://h/a..b",
            "oci://h/a___b",
            "oci://h/a%2fb",
            "oci://h/a?x=y",
            "oci://h#/x",
            "oci://user:canary@h/x",
            "oci://h/-a",
            "oci://h\\@other/x",
        ] {
            let error = Reference::parse(text, "it").expect_err(text);
            assert!(!error.to_string().contains("canary"));
        }
    }

    #[test]
    fn a_tag_stays_a_tag() {
        assert!(check_tag("1.2.3-rc.1_b", "it").is_ok());
        for tag in ["", "a/b", "..", "-a", "a?b", "a#", &"a".repeat(129)] {
            assert!(check_tag(tag, "it").is_err(), "{tag}");
        }
    }
}
