//! Bugs that tests plant, to show that what stands behind the planted place holds by itself.
//!
//! Compiled in by the feature `planted-bugs` alone, which no image is built with.

/// The filter of a scoped query as it is used: itself, unless the bug of its absence is planted.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) fn scope_filter(
    filter: sea_orm::sea_query::SimpleExpr,
) -> sea_orm::sea_query::SimpleExpr {
    filter
}

#[cfg(feature = "planted-bugs")]
pub(crate) use planting::scope_filter;
#[cfg(feature = "planted-bugs")]
pub use planting::{PlantedBug, plant};

#[cfg(feature = "planted-bugs")]
mod planting {
    use std::sync::OnceLock;

    use sea_orm::sea_query::{Expr, SimpleExpr};

    /// Names the bug of a server that tests start: read when the store is opened.
    const VARIABLE: &str = "GIMLET_PLANTED_BUG";

    /// Set at most once per process. A global, since the filter has to be without it everywhere at once.
    static PLANTED: OnceLock<PlantedBug> = OnceLock::new();

    /// A bug that a test can plant.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum PlantedBug {
        /// Queries under a scope do not ask for the rows of their organization.
        MissingScopeFilter,
    }

    /// Plants a bug in this whole process, for good.
    pub fn plant(bug: PlantedBug) {
        let _ = PLANTED.set(bug);
    }

    /// Plants the bug that the environment names.
    ///
    /// # Panics
    /// Where it names none: a test that believes in a bug must not run without it.
    #[expect(clippy::disallowed_methods, reason = "no configuration knows of planted bugs")]
    pub(crate) fn plant_from_environment() {
        match std::env::var(VARIABLE).as_deref() {
            Ok("missing-scope-filter") => plant(PlantedBug::MissingScopeFilter),
            Ok(other) => {
                panic!("{VARIABLE}: `{other}` is no planted bug; use missing-scope-filter")
            }
            Err(_) => {}
        }
    }

    pub(crate) fn scope_filter(filter: SimpleExpr) -> SimpleExpr {
        match PLANTED.get() {
            Some(PlantedBug::MissingScopeFilter) => Expr::cust("1 = 1"),
            None => filter,
        }
    }
}

/// Plants what the environment names, where planting is compiled in.
pub(crate) fn look_for_planted_bugs() {
    #[cfg(feature = "planted-bugs")]
    planting::plant_from_environment();
}
