//! The record of changes, and the stream of them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One change in the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Activity {
    /// Its number in the organization, as text: 1, 2, 3… without gaps, and the `id` of its stream event.
    pub id: String,
    /// When.
    pub at: String,
    /// What was done, such as `release.healthy` or `member.removed`.
    pub kind: String,
    /// Who did it.
    pub actor: Actor,
    /// The same in one sentence.
    pub summary: String,
    /// Environment's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Application's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The release, `rel_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Cluster's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Source repository's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The member that it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The API token that it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// State or role before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// State or role after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Why, where there is a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    /// `person`, `token` (a person's program), `agent`, `policy` or `system`.
    pub kind: String,
    /// Login of the person, name of the agent's cluster, `policy`, or `gimlet`.
    pub name: String,
    /// Name of the token that the person's program used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// Which changes to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ActivityQuery {
    /// A kind, such as `release.healthy`, or a group of kinds, such as `release`.
    #[serde(default)]
    pub kind: Option<String>,
    /// Name of who did it.
    #[serde(default)]
    pub actor: Option<String>,
    /// Environment's name.
    #[serde(default)]
    pub environment: Option<String>,
    /// Application's name.
    #[serde(default)]
    pub app: Option<String>,
    /// Not before this moment, RFC 3339.
    #[serde(default)]
    pub since: Option<String>,
    /// Before this moment, RFC 3339.
    #[serde(default)]
    pub until: Option<String>,
    /// Rows on a page, 1 to 100; absent: 30.
    #[serde(default)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// Where to begin in the stream of changes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    /// The changes after this id; absent: from now on. The header `Last-Event-ID` goes before it.
    #[serde(default)]
    pub after: Option<u64>,
}

/// The changes after the given id are not kept any more: read what there is anew, and go on from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangesReset {
    /// The newest change; the stream goes on after it.
    pub last: String,
}
