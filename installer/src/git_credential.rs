//! The owner's credential for an outside apps repository: where it is read from.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use gimlet_shared::git_credential::{GitCredential, GitCredentialError, LONGEST_GIT_CREDENTIAL};

/// Why there is no credential.
#[derive(Debug, thiserror::Error)]
pub enum GitCredentialFileError {
    /// The file could not be read.
    #[error("could not read the git credential from {}", path.display())]
    Read {
        /// The file, or `-` for standard input.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is there is no credential.
    #[error("the git credential in {} cannot be used", path.display())]
    Form {
        /// The file, or `-` for standard input.
        path: PathBuf,
        /// What is wrong with it.
        source: GitCredentialError,
    },
}

/// Reads a credential from `path`, or from standard input if that is `-`.
///
/// # Errors
/// When nothing can be read there, or what is there is no credential.
pub fn read_git_credential(path: &Path) -> Result<GitCredential, GitCredentialFileError> {
    let source: io::Result<Box<dyn Read>> = if path == Path::new("-") {
        Ok(Box::new(io::stdin()))
    } else {
        std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>)
    };
    // One byte more than a credential may have tells that it is none.
    let limit = LONGEST_GIT_CREDENTIAL as u64 + 1;
    let mut text = String::new();
    source
        .and_then(|reader| reader.take(limit).read_to_string(&mut text))
        .map_err(|source| GitCredentialFileError::Read { path: path.to_owned(), source })?;
    text.parse().map_err(|source| GitCredentialFileError::Form { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_or_holds_something_else_is_named() {
        let error = read_git_credential(Path::new("/nowhere/login")).unwrap_err();
        assert_eq!(error.to_string(), "could not read the git credential from /nowhere/login");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "canary").unwrap();
        let error = read_git_credential(file.path()).unwrap_err();
        assert!(matches!(error, GitCredentialFileError::Form { .. }));
        assert!(!format!("{error:?}").contains("canary"));
        std::fs::write(file.path(), "bot:secret\n").unwrap();
        assert_eq!(read_git_credential(file.path()).unwrap().username, "bot");
    }
}
