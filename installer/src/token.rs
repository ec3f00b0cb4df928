//! The enrolment token: read from a file or standard input, never from the command line, where other
//! users of the machine would see it.

use std::{
    io::Read,
    path::{Path, PathBuf},
    str::FromStr,
};

use secrecy::{ExposeSecret, SecretString};

/// Tokens are some dozens of characters; more than this is another file.
const MAX_BYTES: u64 = 512;

/// A single-use token that lets one cluster join. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct EnrolmentToken(SecretString);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Nothing but white space.
    #[error("the enrolment token is empty; copy the whole command from the fleet page")]
    Empty,
    /// Longer than any token.
    #[error("the enrolment token is longer than {MAX_BYTES} bytes; is this the right file?")]
    TooLong,
    /// Not of the alphabet.
    #[error(
        "the enrolment token may hold only letters, digits, '-' and '_'; character {position} is none"
    )]
    Alphabet {
        /// Place of the first wrong character, from 1.
        position: usize,
    },
    /// The file could not be read.
    #[error("could not read the enrolment token from {}", path.display())]
    Read {
        /// The file, or `-` for standard input.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl EnrolmentToken {
    /// Reads the token from `path`, or from standard input if that is `-`.
    ///
    /// # Errors
    /// When nothing can be read there, or what is there is no token.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let source: Result<Box<dyn Read>, _> = if path == Path::new("-") {
            Ok(Box::new(std::io::stdin()))
        } else {
            std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>)
        };
        let mut text = String::new();
        source
            .and_then(|reader| reader.take(MAX_BYTES + 1).read_to_string(&mut text))
            .map_err(|source| TokenError::Read { path: path.to_owned(), source })?;
        text.parse()
    }

    /// The token itself, for the one header and the one Secret that carry it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl FromStr for EnrolmentToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let token = text.trim();
        if token.is_empty() {
            return Err(TokenError::Empty);
        }
        if token.len() as u64 > MAX_BYTES {
            return Err(TokenError::TooLong);
        }
        // Script, header and Secret take these characters as they are, so nothing needs quoting.
        match token.chars().position(|c| !(c.is_ascii_alphanumeric() || "-_".contains(c))) {
            Some(index) => Err(TokenError::Alphabet { position: index + 1 }),
            None => Ok(Self(token.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_loses_the_white_space_around_it() {
        let token: EnrolmentToken = " abc-DEF_123\n".parse().unwrap();
        assert_eq!(token.expose(), "abc-DEF_123");
        assert!(!format!("{token:?}").contains("abc"));
    }

    #[test]
    fn anything_outside_the_alphabet_is_refused_with_its_place() {
        for (text, place) in [("$(id)", 1), ("ab cd", 3), ("ab;cd", 3), ("ab\ncd", 3), ("abcä", 4)]
        {
            match text.parse::<EnrolmentToken>() {
                Err(TokenError::Alphabet { position }) => assert_eq!(position, place, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
        assert!(matches!(" \n".parse::<EnrolmentToken>(), Err(TokenError::Empty)));
        assert!(matches!("a".repeat(513).parse::<EnrolmentToken>(), Err(TokenError::TooLong)));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = EnrolmentToken::read(Path::new("/nowhere/token")).unwrap_err();
        assert_eq!(error.to_string(), "could not read the enrolment token from /nowhere/token");
    }
}
