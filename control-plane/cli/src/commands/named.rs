//! One thing out of a list, by its name or its id.

use gimlet_shared::api::{Cluster, Environment, Repository};

use crate::{error::CliError, output::Record};

/// More names than this are a list of their own.
const MOST_NAMED: usize = 8;

/// Something that commands take by name.
pub(super) trait Named: Record {
    /// What it is called in a sentence.
    const KIND: &'static str;
    /// The command that lists all.
    const LISTED_BY: &'static str;

    fn id(&self) -> &str;
}

impl Named for Cluster {
    const KIND: &'static str = "cluster";
    const LISTED_BY: &'static str = "gimlet cluster list";

    fn id(&self) -> &str {
        &self.id
    }
}

impl Named for Environment {
    const KIND: &'static str = "environment";
    const LISTED_BY: &'static str = "gimlet environment list";

    fn id(&self) -> &str {
        &self.id
    }
}

impl Named for Repository {
    const KIND: &'static str = "repository";
    const LISTED_BY: &'static str = "gimlet repo list";

    fn id(&self) -> &str {
        &self.id
    }
}

/// The one that is meant.
///
/// # Errors
/// Says what there is instead.
pub(super) fn pick<T: Named>(mut all: Vec<T>, wanted: &str) -> Result<T, CliError> {
    match all.iter().position(|one| one.name() == wanted || one.id() == wanted) {
        Some(index) => Ok(all.swap_remove(index)),
        None => {
            let problem = format!("there is no {} `{wanted}`", T::KIND);
            Err(CliError::local(problem).advise(instead(&all)))
        }
    }
}

fn instead<T: Named>(all: &[T]) -> String {
    if all.is_empty() {
        return T::NONE_YET.to_owned();
    }
    let names: Vec<String> = all.iter().take(MOST_NAMED).map(Record::name).collect();
    let names = names.join(", ");
    match all.len().saturating_sub(MOST_NAMED) {
        0 => format!("one of {names}"),
        more => format!("one of {names}, or one of {more} more in `{}`", T::LISTED_BY),
    }
}
