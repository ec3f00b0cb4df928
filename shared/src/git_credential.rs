//! A user name and password for a git host, as one line of a file: `user:password`.
//!
//! It comes from a file or standard input, never from the command line, where other users of the machine
//! would see it.

use std::str::FromStr;

use secrecy::SecretString;

/// The longest file that is read for a credential, in bytes: tokens are some hundreds of characters, and
/// more than this is another file.
pub const LONGEST_GIT_CREDENTIAL: usize = 4096;

/// Who we are at a git host. `Debug` does not show the password.
#[derive(Clone, Debug)]
pub struct GitCredential {
    /// The user name; hosts that look at the token only take any.
    pub username: String,
    /// A password or access token.
    pub password: SecretString,
}

/// Why a text is no credential. No variant repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitCredentialError {
    /// Longer than any credential.
    #[error(
        "the git credential is longer than {LONGEST_GIT_CREDENTIAL} bytes; is this the right file?"
    )]
    TooLong,
    /// Not of the form.
    #[error("a git credential is one line, user:password, with neither part empty")]
    Form,
}

impl FromStr for GitCredential {
    type Err = GitCredentialError;

    fn from_str(text: &str) -> Result<Self, GitCredentialError> {
        if text.len() > LONGEST_GIT_CREDENTIAL {
            return Err(GitCredentialError::TooLong);
        }
        let line = text.trim_end_matches(['\r', '\n']);
        let plain = |part: &str| !part.is_empty() && !part.chars().any(char::is_control);
        match line.split_once(':') {
            Some((username, password)) if plain(username) && plain(password) => {
                Ok(Self { username: username.to_owned(), password: password.into() })
            }
            _ => Err(GitCredentialError::Form),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_password_may_hold_colons_and_loses_only_the_line_end() {
        let read = "bot:a:b c\r\n".parse::<GitCredential>().unwrap();
        assert_eq!((read.username.as_str(), read.password.expose_secret()), ("bot", "a:b c"));
        assert!(!format!("{read:?}").contains("a:b"), "{read:?}");
    }

    #[test]
    fn what_is_no_credential_is_refused_and_not_repeated() {
        for bad in ["", "\n", "canary", ":canary", "canary:", "a:canary\nb:c", "a:can\0ary"] {
            let error = bad.parse::<GitCredential>().unwrap_err();
            assert_eq!(error, GitCredentialError::Form, "{bad:?}");
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
        let long = format!("a:{}", "b".repeat(5000));
        assert_eq!(long.parse::<GitCredential>().unwrap_err(), GitCredentialError::TooLong);
    }
}
