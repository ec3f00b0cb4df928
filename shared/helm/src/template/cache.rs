//! Texts that `tpl` has parsed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::ast::Body;
use super::{Language, parser};
use crate::Dialect;
use crate::value::Str;

/// How many texts are kept; charts give `tpl` a few dozen different ones.
const MAX_TEXTS: usize = 256;

/// The longest text that is kept, in bytes.
const MAX_LENGTH: usize = 16 << 10;

/// A text's own body comes last.
type Parsed = Arc<[Arc<Body>]>;

/// The texts that were given to `tpl`, parsed, so that each is parsed once per chart.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<HashMap<Str, Parsed>>);

impl Cache {
    /// The bodies of `text`. Its own is called as Helm calls it, `gotpl`.
    pub(super) fn parse(
        &self,
        text: &Str,
        dialect: Dialect,
        language: Language,
    ) -> Result<Parsed, String> {
        let locked = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(parsed) = locked().get(text) {
            return Ok(parsed.clone());
        }
        let read = parser::parse(&"gotpl".into(), text, dialect, language);
        let bodies = read.map_err(|flaw| flaw.text)?.bodies;
        let parsed: Parsed = bodies.into_iter().map(Arc::new).collect();
        let mut texts = locked();
        if text.len() <= MAX_LENGTH {
            if texts.len() >= MAX_TEXTS {
                texts.clear();
            }
            texts.insert(text.clone(), parsed.clone());
        }
        Ok(parsed)
    }
}
