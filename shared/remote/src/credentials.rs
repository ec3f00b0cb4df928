//! Who we are at a git host.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

/// A user name with a password or access token. It is shown by no `Debug` and no error.
#[derive(Clone)]
pub struct Credentials {
    username: String,
    password: SecretString,
}

/// A user name or password that basic authentication cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredentials {
    /// A colon or a control character in the user name.
    #[error("the user name holds a colon or control character; remove it")]
    Username,
    /// Nothing, or a control character, in the password.
    #[error(
        "the password or token is empty or holds a control character, perhaps a line end; copy it again"
    )]
    Password,
}

impl Credentials {
    /// Takes a user name (any, where the host looks at the token only) and a password or token.
    ///
    /// # Errors
    /// When basic authentication cannot carry them unchanged.
    pub fn new(
        username: impl Into<String>,
        password: SecretString,
    ) -> Result<Self, InvalidCredentials> {
        let username = username.into();
        if username.contains(':') || username.chars().any(char::is_control) {
            return Err(InvalidCredentials::Username);
        }
        let secret = password.expose_secret();
        if secret.is_empty() || secret.chars().any(char::is_control) {
            return Err(InvalidCredentials::Password);
        }
        Ok(Self { username, password })
    }

    /// The HTTP header that says it.
    pub fn header(&self) -> String {
        format!("Authorization: {}", self.authorization())
    }

    /// That header's value.
    pub fn authorization(&self) -> String {
        format!("Basic {}", self.encoded())
    }

    /// `text` without any trace of the password.
    pub fn scrub(&self, text: &str) -> String {
        text.replace(self.password.expose_secret(), "***").replace(&self.encoded(), "***")
    }

    fn encoded(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.username, self.password.expose_secret()))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, ***)", self.username)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_show_in_no_debug_output_and_leave_scrubbed_text() {
        let credentials = Credentials::new("bot", SecretString::from("canary-1")).unwrap();
        let header = credentials.header();
        let text = credentials.scrub(&format!("fatal: {header} and canary-1"));
        assert_eq!(text, "fatal: Authorization: Basic *** and ***");
        assert_eq!(format!("{credentials:?}"), "Credentials(bot, ***)");
    }

    #[test]
    fn what_could_forge_a_header_is_refused() {
        let make =
            |user: &str, password: &str| Credentials::new(user, SecretString::from(password)).err();
        assert_eq!(make("a:b", "x"), Some(InvalidCredentials::Username));
        assert_eq!(make("a\nX: y", "x"), Some(InvalidCredentials::Username));
        assert_eq!(make("a", ""), Some(InvalidCredentials::Password));
        assert_eq!(make("a", "token\n"), Some(InvalidCredentials::Password));
    }
}
