//! On whose behalf a chart is fetched.

use std::fmt;

use gimlet_remote::Credentials;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// Who asks, and who they are at the source.
///
/// What was fetched with credentials is found again only by those who ask for the same scope: knowing an address
/// is not being allowed to read it.
#[derive(Clone, Debug, Default)]
pub struct Access {
    scope: Option<String>,
    auth: Option<Auth>,
}

/// Who we are at a source. No `Debug` shows it.
#[derive(Clone)]
pub enum Auth {
    /// A user name with a password or token.
    Basic(Credentials),
    /// A token that is taken as it is.
    Bearer(SecretString),
}

impl Access {
    /// As a stranger.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// With credentials that belong to `scope`, such as an organization's id.
    pub fn with(scope: impl Into<String>, auth: Auth) -> Self {
        Self { scope: Some(scope.into()), auth: Some(auth) }
    }

    pub(crate) fn scope(&self) -> &str {
        self.scope.as_deref().unwrap_or_default()
    }

    /// What tells two who ask apart, for as long as they ask; it is never written anywhere.
    pub(crate) fn secret(&self) -> String {
        match &self.auth {
            None => String::new(),
            Some(Auth::Basic(credentials)) => credentials.authorization(),
            Some(Auth::Bearer(token)) => token.expose_secret().to_owned(),
        }
    }

    pub(crate) fn auth(&self) -> Option<&Auth> {
        self.auth.as_ref()
    }
}

impl Auth {
    /// The value of the header `Authorization`; `None` where a token cannot be one.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::Basic(credentials) => credentials.authorization(),
            Self::Bearer(token) => format!("Bearer {}", token.expose_secret()),
        };
        sensitive(&text)
    }

    /// `text` without any trace of a secret.
    pub(crate) fn scrub(&self, text: &str) -> String {
        match self {
            Self::Basic(credentials) => credentials.scrub(text),
            Self::Bearer(token) => text.replace(token.expose_secret(), "***"),
        }
    }
}

/// A header's value that no log of a library shows.
pub(crate) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic(_) => "Basic(***)",
            Self::Bearer(_) => "Bearer(***)",
        })
    }
}
