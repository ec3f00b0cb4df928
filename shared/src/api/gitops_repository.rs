//! A gitops repository on another git host, as a request names it.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// A gitops repository of one's own, on any git host that speaks HTTP.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGitopsRepository {
    /// `http://` or `https://`, without credentials. The cluster must reach it too.
    pub url: String,
    /// The branch that releases are written to, and Flux follows; absent: `main`. In an empty repository
    /// it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The user to push as; absent: `git`, for hosts that look at the token only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// A password or access token that may push. It is never shown again.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    #[schema(value_type = Option<String>, write_only)]
    pub password: Option<SecretString>,
}

/// A request has to carry what it gives.
fn expose<S: Serializer>(
    password: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    password.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_travels_and_shows_in_no_debug_output() {
        let text = r#"{"url":"https://git.example/a/b","username":"bot","password":"canary"}"#;
        let read: NewGitopsRepository = serde_json::from_str(text).unwrap();
        assert!(!format!("{read:?}").contains("canary"), "{read:?}");
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}
