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
use axum::response::Html;
use gimlet_app::AppError;
use gimlet_domain::role::Role;
use gimlet_routes::{Needs, Routes};

pub(crate) use self::regions::region;
use crate::{
    Web, assets,
    errors::{PageError, sentence},
    live,
};

/// What changes with a person's role is decided by the use cases; here stands who may do it at all.
const VIEWER: Needs = Needs::Session(Role::Viewer);
const DEVELOPER: Needs = Needs::Session(Role::Developer);
const ADMIN: Needs = Needs::Session(Role::Admin);

pub(crate) fn routes() -> Routes<Web> {
    Routes::default()
        .get("/", VIEWER, get_started::home)
        .get("/get-started", VIEWER, get_started::page)
        .get("/live", VIEWER, live::serve)
        .get("/activity", VIEWER, activity::page)
        .get("/palette", VIEWER, search::palette)
        .get("/search", VIEWER, search::page)
        .get("/go/rollback/{environment}/{app}", VIEWER, search::to_rollback)
        .get("/sign-in", Needs::Nothing, sign_in::how)
        .get("/sign-in/{code}", Needs::Nothing, sign_in::ask)
        .post("/sign-in/{code}", Needs::Nothing, sign_in::sign_in)
        .post("/sign-out", Needs::Nothing, sign_in::sign_out)
        .get("/device", VIEWER, device::ask)
        .post("/device", VIEWER, device::approve)
        .get("/fleet", VIEWER, fleet::page)
        .post("/fleet", ADMIN, clusters::connect)
        .get("/fleet/connect", VIEWER, clusters::form)
        .get("/fleet/{id}", VIEWER, clusters::page)
        .post("/fleet/{id}/enrolment", ADMIN, clusters::renew)
        .get("/repositories", VIEWER, repositories::page)
        .post("/repositories", ADMIN, repositories::add)
        .get("/repositories/add", VIEWER, repositories::form)
        .post("/repositories/{id}/look", DEVELOPER, repositories::look)
        .get("/commits", VIEWER, commits::list)
        .get("/commits/{id}", VIEWER, commits::page)
        .get("/apps", VIEWER, apps::list)
        .get("/apps/{environment}/{app}", VIEWER, apps::page)
        .get("/apps/{environment}/{app}/history", VIEWER, app_history::page)
        .get("/apps/{environment}/{app}/compare", VIEWER, release_changes::compare)
        .get("/apps/{environment}/{app}/delete", VIEWER, apps::ask_delete)
        .post("/apps/{environment}/{app}/delete", DEVELOPER, apps::delete)
        .get("/releases", VIEWER, releases::list)
        .post("/releases", DEVELOPER, releases::deploy)
        .get("/releases/{id}", VIEWER, releases::page)
        .get("/releases/{id}/changes", VIEWER, release_changes::page)
        .get("/releases/{id}/rollback", VIEWER, rollback::ask)
        .post("/releases/{id}/rollback", DEVELOPER, rollback::roll_back)
        .get("/assets/{file}", Needs::Nothing, assets::serve)
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
