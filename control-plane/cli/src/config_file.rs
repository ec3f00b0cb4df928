//! The file that keeps the login: one server, and the token for it.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::error::CliError;

/// `gimlet/config.toml` in the user's configuration folder.
#[derive(Clone, Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
}

/// What the file holds.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    pub(crate) server: Option<String>,
    pub(crate) token: Option<String>,
}

impl ConfigFile {
    pub(crate) fn under(config_home: &Path) -> Self {
        Self { path: config_home.join("gimlet").join("config.toml") }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file; one that is not there holds nothing.
    pub(crate) fn read(&self) -> Result<Stored, CliError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::default()),
            Err(source) => return Err(self.failed("read", source)),
        };
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            // The error's own text would quote the line, and with it perhaps the token.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            CliError::local(format!("{}, line {line}: {}", self.path.display(), error.message()))
                .advise("mend the file, or remove it and run `gimlet auth login`")
        })
    }

    /// Replaces the file as a whole; readable by its owner only, and by nobody for a moment.
    pub(crate) fn write(&self, stored: &Stored) -> Result<(), CliError> {
        let text = toml::to_string(stored)
            .map_err(|error| CliError::local(format!("cannot write the login down: {error}")))?;
        self.replace(&text).map_err(|source| self.failed("write", source))
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".config.toml.")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }

    fn failed(&self, verb: &'static str, source: io::Error) -> CliError {
        CliError::File { verb, path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, ConfigFile) {
        let home = tempfile::tempdir().unwrap();
        let file = ConfigFile::under(home.path());
        (home, file)
    }

    #[test]
    fn a_login_reads_back_and_is_for_its_owner_only() {
        let (_home, file) = file();
        let stored =
            Stored { server: Some("https://g.example".into()), token: Some("gim_a\"b".into()) };
        file.write(&stored).unwrap();
        file.write(&stored).unwrap();
        assert_eq!(file.read().unwrap().token, stored.token);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(file.path()), 0o600);
        assert_eq!(mode(file.path().parent().unwrap()), 0o700);
        assert_eq!(fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_broken_file_is_named_with_its_line_and_without_the_token() {
        let (_home, file) = file();
        file.write(&Stored::default()).unwrap();
        for text in
            ["server = \"a\"\ntoken = \"gim_secret", "server = \"a\"\ntokn = \"gim_secret\"\n"]
        {
            fs::write(file.path(), text).unwrap();
            let Err(error) = file.read() else { panic!("{text} was taken") };
            assert!(error.to_string().contains("config.toml, line 2: "), "{error}");
            assert!(!error.to_string().contains("gim_secret"), "{error}");
        }
    }

    #[test]
    fn no_file_is_no_login() {
        let (_home, file) = file();
        assert!(file.read().unwrap().token.is_none());
    }
}
