//! Members, and the tokens of their programs.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A member of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// Login.
    pub login: String,
    /// `owner`, `admin`, `developer` or `viewer`.
    pub role: String,
    /// Since when.
    pub created_at: String,
}

/// Gives a member another role.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberRole {
    /// `owner`, `admin`, `developer` or `viewer`.
    pub role: String,
}

/// An API token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// `tok_…`.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Login of its owner.
    pub member: String,
    /// When it was made.
    pub created_at: String,
    /// When it was last used, to the minute.
    pub last_used_at: Option<String>,
    /// When it lapses; absent: never.
    pub expires_at: Option<String>,
}

/// Makes an API token of the caller.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is called, 1 to 100 bytes.
    pub name: String,
    /// Days until it lapses, 1 to 3650; absent: it does not lapse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
}

/// A new API token with its secret; the only time that it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewTokenSecret {
    /// What to send as bearer, `gim_…`.
    pub secret: String,
    /// The token.
    pub token: Token,
}

/// Which tokens to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TokenQuery {
    /// Every member's, for admins and owners; absent or false: the caller's own.
    #[serde(default)]
    pub all: Option<bool>,
    /// Rows on a page, 1 to 100; absent: 30.
    #[serde(default)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// Which part of a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows on a page, 1 to 100; absent: 30.
    #[serde(default)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// What answers here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// Version of the server, such as `0.1.0`.
    pub server: String,
    /// Version of the API, such as `1`: it grows with a change that readers would notice.
    pub api: String,
}
