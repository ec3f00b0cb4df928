//! The pages, one module for each part of the product.

mod activity;
mod app_history;
mod apps;
mod clusters;
mod commits;
mod device;
mod fleet;
mod get_started;
#[cfg(test)]
mod made_up;
mod paging;
pub(crate) mod pods;
mod regions;
mod release_changes;
mod releases;
mod repositories;
mod rollback;
mod search;
mod sign_in;

use askama::Template;
use axum::{
    Router,
    response::Html,
    routing::{get, post},
};
use gimlet_app::AppError;

pub(crate) use self::regions::region;
use crate::{
    Web,
    errors::{PageError, sentence},
    live,
};

pub(crate) fn routes() -> Router<Web> {
    Router::new()
        .route("/", get(get_started::home))
        .route("/get-started", get(get_started::page))
        .route("/live", get(live::serve))
        .route("/activity", get(activity::page))
        .route("/palette", get(search::palette))
        .route("/search", get(search::page))
        .route("/go/rollback/{environment}/{app}", get(search::to_rollback))
        .route("/sign-in", get(sign_in::how))
        .route("/sign-in/{code}", get(sign_in::ask).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/device", get(device::ask).post(device::approve))
        .route("/fleet", get(fleet::page).post(clusters::connect))
        .route("/fleet/connect", get(clusters::form))
        .route("/fleet/{id}", get(clusters::page))
        .route("/fleet/{id}/enrolment", post(clusters::renew))
        .route("/repositories", get(repositories::page).post(repositories::add))
        .route("/repositories/add", get(repositories::form))
        .route("/repositories/{id}/look", post(repositories::look))
        .route("/commits", get(commits::list))
        .route("/commits/{id}", get(commits::page))
        .route("/apps", get(apps::list))
        .route("/apps/{environment}/{app}", get(apps::page))
        .route("/apps/{environment}/{app}/history", get(app_history::page))
        .route("/apps/{environment}/{app}/compare", get(release_changes::compare))
        .route("/apps/{environment}/{app}/delete", get(apps::ask_delete).post(apps::delete))
        .route("/releases", get(releases::list).post(releases::deploy))
        .route("/releases/{id}", get(releases::page))
        .route("/releases/{id}/changes", get(release_changes::page))
        .route("/releases/{id}/rollback", get(rollback::ask).post(rollback::roll_back))
}

/// A rendered page.
fn html(page: &impl Template) -> Result<Html<String>, PageError> {
    Ok(Html(page.render()?))
}

/// What is wrong with a form that was sent.
struct Problem {
    /// The field, or nothing where it is none in particular.
    field: String,
    detail: String,
}

impl Problem {
    /// Takes from `error` what a person can mend in the form; everything else has a page of its own.
    fn of(error: AppError) -> Result<Self, PageError> {
        match error {
            AppError::Invalid { field, detail } => Ok(Self { field, detail: sentence(&detail) }),
            AppError::Conflict { detail } => {
                Ok(Self { field: String::new(), detail: sentence(&detail) })
            }
            other => Err(other.into()),
        }
    }

    fn is_of(&self, field: &str) -> bool {
        self.field == field
    }

    /// It belongs to none of the form's `fields`.
    fn is_of_none(&self, fields: &[&str]) -> bool {
        !fields.contains(&self.field.as_str())
    }
}

/// `part` of a query, ready for a link.
fn query_string(parts: &[(&str, Option<&str>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parts {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}

/// One counter above a list, which filters it.
struct Filter {
    word: &'static str,
    /// Value in the query; empty for all.
    value: &'static str,
    count: u64,
    chosen: bool,
    url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_leaves_out_what_is_empty_and_encodes_the_rest() {
        assert_eq!(query_string(&[("a", None), ("b", Some(""))]), "");
        assert_eq!(
            query_string(&[("q", Some("a&b=c")), ("state", Some("away"))]),
            "?q=a%26b%3Dc&state=away"
        );
    }

    #[test]
    fn only_what_a_person_can_mend_stays_in_the_form() {
        let taken =
            Problem::of(AppError::Conflict { detail: "the name is taken".to_owned() }).unwrap();
        assert!(taken.is_of_none(&["name"]));
        assert!(Problem::of(AppError::NotFound { what: "the cluster" }).is_err());
    }
}
