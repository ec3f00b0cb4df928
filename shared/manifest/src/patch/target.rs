//! Which objects a JSON patch changes.

use std::fmt;

use regex::Regex;

use super::Target;
use super::error::{PatchError, PatchPlace};
use super::objects::Object;
use crate::finding::quoted;

/// The longest pattern that is taken; names and kinds are at most 253 characters.
const MAX_PATTERN: usize = 1024;

/// A target that is ready to be matched.
pub(super) struct Selector {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
}

impl Selector {
    pub(super) fn new(target: &Target, place: &PatchPlace) -> Result<Self, PatchError> {
        let pattern = |field, text: &Option<String>| pattern(field, text.as_deref(), place);
        Ok(Self {
            group: pattern("group", &target.group)?,
            version: pattern("version", &target.version)?,
            kind: pattern("kind", &target.kind)?,
            name: pattern("name", &target.name)?,
        })
    }

    /// Whether an object is meant. A name may be the one before earlier patches.
    pub(super) fn matches(&self, object: &Object) -> bool {
        let Ok(identity) = object.identity() else { return false };
        let fits = |pattern: &Option<Regex>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
        };
        fits(&self.group, identity.group())
            && fits(&self.version, identity.version())
            && fits(&self.kind, &identity.kind)
            && (fits(&self.name, &identity.name) || fits(&self.name, &object.first_name))
    }
}

fn pattern(
    field: &'static str,
    text: Option<&str>,
    place: &PatchPlace,
) -> Result<Option<Regex>, PatchError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.len() > MAX_PATTERN {
        let what = format!("patterns of more than {MAX_PATTERN} bytes in target.{field}");
        return Err(PatchError::TooLarge { place: place.clone(), what });
    }
    match Regex::new(&format!("^(?:{text})$")) {
        Ok(pattern) => Ok(Some(pattern)),
        Err(source) => Err(PatchError::Pattern {
            place: place.clone(),
            field,
            pattern: quoted(text),
            source: Box::new(source),
        }),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = [
            ("group", &self.group),
            ("version", &self.version),
            ("kind", &self.kind),
            ("name", &self.name),
        ];
        let set = fields.iter().filter_map(|(field, pattern)| {
            let pattern = pattern.as_deref().filter(|pattern| !pattern.is_empty())?;
            Some(format!("{field} {}", quoted(pattern)))
        });
        let set: Vec<String> = set.collect();
        if set.is_empty() { f.write_str("the empty target") } else { f.write_str(&set.join(", ")) }
    }
}
