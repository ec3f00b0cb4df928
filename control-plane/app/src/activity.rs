//! The record of changes as people and programs see it.

use std::collections::HashMap;

use gimlet_domain::activity::{ActivityKind, Actor};
use gimlet_shared::{
    api,
    ids::{EnvironmentId, OrganizationId},
};
use gimlet_store::{Activity, ActivityDetails, ActivityFilter, TenantScope};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    App, AppError, Timestamp,
    artifacts::{next_cursor, page_size},
    releases::each_once,
};

/// Names of an organization's environments.
pub(crate) type EnvironmentNames = HashMap<EnvironmentId, String>;

/// The words of all kinds of activity, for filters and documentation.
#[must_use]
pub fn activity_kinds() -> Vec<&'static str> {
    ActivityKind::ALL.iter().map(|kind| kind.as_str()).collect()
}

impl App {
    /// A page of what changed, newest first.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad filter, limit or cursor; [`AppError::NotFound`] for an unknown
    /// environment.
    pub async fn list_activity(
        &self,
        scope: &TenantScope,
        query: api::ActivityQuery,
    ) -> Result<api::Page<api::Activity>, AppError> {
        let store = &self.parts().store;
        let limit = page_size(query.limit)?;
        let environment = match &query.environment {
            Some(name) => {
                let found = store.find_environment_by_name(scope, name).await?;
                Some(found.ok_or(AppError::NotFound { what: "the environment" })?.id)
            }
            None => None,
        };
        let filter = ActivityFilter {
            kind: query.kind.map(checked_kind).transpose()?,
            actor: query.actor,
            environment,
            app: query.app,
            since: moment("since", query.since.as_deref())?,
            until: moment("until", query.until.as_deref())?,
            before: number(query.cursor.as_deref())?,
            limit: u64::from(limit) + 1,
        };
        let mut rows = store.list_activity(scope, &filter).await?;
        let next_cursor = next_cursor(&mut rows, limit, |row| row.seq.to_string());
        let environments = self.environment_names(scope, &rows).await?;
        let items = rows.into_iter().map(|row| activity_view(row, &environments)).collect();
        Ok(api::Page { items, next_cursor })
    }

    /// The names of the environments that these changes concern.
    pub(crate) async fn environment_names(
        &self,
        scope: &TenantScope,
        rows: &[Activity],
    ) -> Result<EnvironmentNames, AppError> {
        let ids = each_once(rows.iter().filter_map(|row| row.environment));
        let found = self.parts().store.find_environments(scope, &ids).await?;
        Ok(found.into_iter().map(|environment| (environment.id, environment.name)).collect())
    }

    /// Something was recorded: whoever follows the organization's changes is to see it now.
    pub(crate) fn tell_activity(&self, organization: OrganizationId) {
        self.parts().feeds.recorded(organization);
    }
}

fn checked_kind(word: String) -> Result<String, AppError> {
    let known = ActivityKind::ALL.iter().any(|kind| {
        let group = kind.as_str().split_once('.').map(|(group, _)| group);
        kind.as_str() == word || group == Some(word.as_str())
    });
    if known {
        return Ok(word);
    }
    let all = activity_kinds().join(", ");
    Err(AppError::invalid("kind", format!("is none of {all}, nor a group of them like `release`")))
}

fn moment(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, AppError> {
    let parse = |text: &str| {
        let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
            AppError::invalid(field, "must be a moment like 2026-01-31T12:00:00Z (RFC 3339)")
        })?;
        Ok(Timestamp(i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)))
    };
    text.map(parse).transpose()
}

fn number(cursor: Option<&str>) -> Result<Option<u64>, AppError> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| AppError::invalid("cursor", "use the `next_cursor` of the page before"))
    };
    cursor.map(parse).transpose()
}

/// A change in the API's shape.
pub(crate) fn activity_view(row: Activity, environments: &EnvironmentNames) -> api::Activity {
    let environment = row.environment.and_then(|id| environments.get(&id).cloned());
    let summary = summary(&row, environment.as_deref());
    let details = row.details;
    api::Activity {
        id: row.seq.to_string(),
        at: row.at.rfc3339(),
        kind: row.kind,
        actor: actor_view(&row.actor),
        summary,
        environment,
        app: row.app,
        release: details.release.map(|id| id.to_string()),
        cluster: details.cluster,
        repository: details.repository,
        member: details.member,
        token: details.token,
        before: details.before,
        after: details.after,
        reason: details.reason,
    }
}

fn actor_view(actor: &Actor) -> api::Actor {
    let token = match actor {
        Actor::Token { token, .. } => Some(token.clone()),
        Actor::Person { .. } | Actor::Agent { .. } | Actor::Policy | Actor::System => None,
    };
    api::Actor { kind: actor.kind().to_owned(), name: actor.name().to_owned(), token }
}

fn summary(row: &Activity, environment: Option<&str>) -> String {
    let who = who(&row.actor);
    let Ok(kind) = row.kind.parse::<ActivityKind>() else { return format!("{who}: {}", row.kind) };
    let ActivityDetails { cluster, repository, member, token, before, after, .. } = &row.details;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match kind {
        ActivityKind::ClusterAdded => format!("{who} added the cluster {}", text(cluster)),
        ActivityKind::ClusterConnected => format!("the cluster {} connected", text(cluster)),
        ActivityKind::ClusterDisconnected => format!("the cluster {} went away", text(cluster)),
        ActivityKind::ClusterEnrolmentRenewed => {
            format!("{who} made a new enrolment token for the cluster {}", text(cluster))
        }
        ActivityKind::ClusterRevoked => format!("{who} disconnected the cluster {}", text(cluster)),
        ActivityKind::RepositoryAdded => format!("{who} added the repository {}", text(repository)),
        ActivityKind::TokenCreated => format!("{who} made the token {}", text(token)),
        ActivityKind::TokenRevoked => {
            format!("{who} revoked the token {} of {}", text(token), text(member))
        }
        ActivityKind::MemberAdded => {
            format!("{} became a member, as {}", text(member), text(after))
        }
        ActivityKind::MemberRoleChanged => {
            format!("{who} made {} {}, before {}", text(member), text(after), text(before))
        }
        ActivityKind::MemberRemoved => format!("{who} removed {}, {}", text(member), text(before)),
        ActivityKind::SignedIn => format!("{who} signed in"),
        ActivityKind::ReleaseRequested
        | ActivityKind::ReleaseCommitted
        | ActivityKind::ReleaseObserved
        | ActivityKind::ReleaseHealthy
        | ActivityKind::ReleaseDegraded
        | ActivityKind::ReleaseTimedOut
        | ActivityKind::ReleaseFailed
        | ActivityKind::ReleaseSuperseded => release_summary(kind, &who, row, environment),
    }
}

fn release_summary(
    kind: ActivityKind,
    who: &str,
    row: &Activity,
    environment: Option<&str>,
) -> String {
    let app = row.app.as_deref().unwrap_or_default();
    let environment = environment.unwrap_or("an environment");
    let release = match row.details.intent.as_deref() {
        Some("rollback") => "rollback",
        Some("delete") => "deletion",
        _ => "release",
    };
    let reason = row.details.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    match kind {
        ActivityKind::ReleaseRequested => {
            format!("{who} asked for a {release} of {app} in {environment}")
        }
        ActivityKind::ReleaseCommitted => {
            format!("the {release} of {app} is in the gitops repository of {environment}")
        }
        ActivityKind::ReleaseObserved => {
            format!("Flux works on the {release} of {app} in {environment}")
        }
        ActivityKind::ReleaseHealthy if release == "deletion" => {
            format!("{app} is gone from {environment}")
        }
        ActivityKind::ReleaseHealthy => {
            format!("the {release} of {app} in {environment} is healthy")
        }
        ActivityKind::ReleaseDegraded => {
            format!("the {release} of {app} in {environment} broke{reason}")
        }
        ActivityKind::ReleaseTimedOut => {
            format!("the {release} of {app} in {environment} took too long{reason}")
        }
        ActivityKind::ReleaseFailed => {
            format!("the {release} of {app} in {environment} could not be written{reason}")
        }
        ActivityKind::ReleaseSuperseded => {
            format!("a newer release took the place of the {release} of {app} in {environment}")
        }
        ActivityKind::ClusterAdded
        | ActivityKind::ClusterConnected
        | ActivityKind::ClusterDisconnected
        | ActivityKind::ClusterEnrolmentRenewed
        | ActivityKind::ClusterRevoked
        | ActivityKind::RepositoryAdded
        | ActivityKind::TokenCreated
        | ActivityKind::TokenRevoked
        | ActivityKind::MemberAdded
        | ActivityKind::MemberRoleChanged
        | ActivityKind::MemberRemoved
        | ActivityKind::SignedIn => String::new(),
    }
}

fn who(actor: &Actor) -> String {
    match actor {
        Actor::Person { login } => login.clone(),
        Actor::Token { login, token } => format!("{login} (token {token})"),
        Actor::Agent { cluster } => format!("the agent of {cluster}"),
        Actor::Policy => "the deploy policy".to_owned(),
        Actor::System => "Gimlet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(kind: &str, details: ActivityDetails) -> Activity {
        let actor = Actor::Token { login: "ana".to_owned(), token: "ci".to_owned() };
        let (at, app) = (Timestamp(0), Some("web".to_owned()));
        Activity { seq: 7, at, kind: kind.to_owned(), actor, environment: None, app, details }
    }

    #[test]
    fn every_kind_says_a_sentence_and_an_unknown_one_its_word() {
        for kind in activity_kinds() {
            let said = summary(&activity(kind, ActivityDetails::default()), Some("prod"));
            assert!(said.len() > 5, "{kind}: {said}");
        }
        let newer = activity("build.finished", ActivityDetails::default());
        assert_eq!(summary(&newer, None), "ana (token ci): build.finished");
    }

    #[test]
    fn a_filter_is_a_kind_or_a_group_of_them() {
        assert!(checked_kind("release".to_owned()).is_ok());
        assert!(checked_kind("member.removed".to_owned()).is_ok());
        for bad in ["", "rel", "release.", "Release", "%"] {
            assert!(checked_kind(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_moment_is_rfc_3339_and_a_cursor_a_number() {
        let at = moment("since", Some("1970-01-01T00:00:01.5Z")).ok().flatten();
        assert_eq!(at, Some(Timestamp(1_500_000)));
        assert!(moment("since", Some("yesterday")).is_err());
        assert!(number(Some("x")).is_err() && number(Some("-1")).is_err());
    }
}
