//! Which functions a text may call, and what a missing name is.

use crate::Dialect;
use crate::functions::{self, Function};

/// What templates are written in: Go's language is the same, its surroundings differ.
#[derive(Clone, Copy, Debug)]
pub enum Language {
    /// Charts: all functions of Helm, and a missing name is nil.
    Charts,
    /// Texts with variables: Go's own functions, sprig's and some more; a missing name is an error. Nothing that only
    /// charts have, such as `include` and `toYaml`.
    Variables {
        /// What the owner of the texts adds.
        more: &'static [Function],
    },
}

impl Language {
    /// The function called `name`.
    pub(super) fn find(self, name: &str, dialect: Dialect) -> Option<&'static Function> {
        match self {
            Self::Charts => functions::find(name, dialect),
            Self::Variables { more } => functions::find_general(name)
                .or_else(|| more.iter().find(|function| function.name == name)),
        }
    }

    /// Whether a field that a map lacks is an error.
    pub(super) fn insists_on_names(self) -> bool {
        matches!(self, Self::Variables { .. })
    }
}
