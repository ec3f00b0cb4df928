//! Go's `text/template`: parsed once, run often.

mod ast;
mod cache;
mod display;
mod error;
mod exec;
mod lexer;
pub(crate) mod literals;
mod methods;
mod parser;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use ast::Body;
pub(crate) use error::mark_warning;
pub use error::{ParseError, RenderError};
pub(crate) use exec::NO_VALUE;
pub use exec::Render;

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
    bodies: HashMap<Str, Arc<Body>>,
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
    ) -> Result<Self, ParseError> {
        let mut bodies = HashMap::new();
        for (name, text) in files {
            let parsed = parser::parse(&name.into(), &text.into(), dialect)
                .map_err(|message| ParseError::new(name, &message))?;
            for body in parsed {
                if !body.is_empty() || !bodies.contains_key(&body.name) {
                    bodies.insert(body.name.clone(), Arc::new(body));
                }
            }
        }
        Ok(Self { dialect, bodies, cache: Cache::default() })
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Body>> {
        self.bodies.get(name)
    }
}

#[cfg(test)]
mod tests;
