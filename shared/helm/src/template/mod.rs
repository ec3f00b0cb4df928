//! Go's `text/template`: parsed once, run often.

mod ast;
mod cache;
mod display;
mod error;
mod exec;
mod language;
mod lexer;
pub(crate) mod literals;
mod methods;
mod parser;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use ast::Body;
pub(crate) use error::mark_warning;
pub use error::{Cause, ParseError, RenderError, Spot};
pub(crate) use exec::NO_VALUE;
pub use exec::Render;
pub use language::Language;

use crate::Dialect;
use crate::value::Str;
use cache::Cache;

/// How deep blocks and parentheses may be nested in a text.
const MAX_NESTING: usize = 500;

/// Runs a deeper level of a recursion, on more stack if this one gets short.
pub(crate) fn deeper<T>(run: impl FnOnce() -> T) -> T {
    // One level takes much less than the first number, even unoptimized.
    stacker::maybe_grow(128 << 10, 2 << 20, run)
}

/// The parsed templates of a chart and its dependencies. Threads share them.
#[derive(Debug)]
pub struct Templates {
    dialect: Dialect,
    language: Language,
    bodies: HashMap<Str, Arc<Body>>,
    volatile: Vec<&'static str>,
    cache: Cache,
}

impl Templates {
    /// Parses files in the given order: of templates with the same name the last one that is not empty counts.
    ///
    /// # Errors
    /// The first error, as Helm words it.
    pub fn parse<'f>(
        dialect: Dialect,
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Result<Self, Box<ParseError>> {
        Self::parse_in(Language::Charts, dialect, files)
    }

    /// Parses texts of another language than that of charts.
    ///
    /// # Errors
    /// The first error.
    pub fn parse_in<'f>(
        language: Language,
        dialect: Dialect,
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Result<Self, Box<ParseError>> {
        let (mut bodies, mut volatile) = (HashMap::new(), Vec::new());
        for (name, text) in files {
            let parsed = parser::parse(&name.into(), &text.into(), dialect, language)
                .map_err(|flaw| Box::new(ParseError::new(name, text, flaw)))?;
            volatile.extend(parsed.volatile);
            for body in parsed.bodies {
                if !body.is_empty() || !bodies.contains_key(&body.name) {
                    bodies.insert(body.name.clone(), Arc::new(body));
                }
            }
        }
        Ok(Self { dialect, language, bodies, volatile, cache: Cache::default() })
    }

    /// The functions that are called and give something else on each render, by name: `now`, `uuidv4` and so on.
    pub fn volatile(&self) -> &[&'static str] {
        &self.volatile
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Body>> {
        self.bodies.get(name)
    }
}

#[cfg(test)]
mod tests;
