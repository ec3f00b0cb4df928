//! Where values come from: flags over environment over file over defaults, each with its place.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{
    Arg, ArgMatches, Args, Command, FromArgMatches, builder::NonEmptyStringValueParser,
    parser::ValueSource, value_parser,
};

use super::{
    DEFAULTS,
    error::{ConfigError, Fault, Origin},
    file,
    keys::{KEYS, Kind},
};

/// A value as text, and where it stands. The text may hold a password and has no `Debug`.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// Values by the name of their setting.
pub(super) type Layer = BTreeMap<&'static str, Given>;

/// What flags and environment say, and which file they name.
#[derive(Clone, Default)]
pub struct Settings {
    /// The configuration file in TOML.
    pub config: Option<PathBuf>,
    given: Layer,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let given: Vec<_> = self.given.keys().collect();
        f.debug_struct("Settings").field("config", &self.config).field("given", &given).finish()
    }
}

impl Settings {
    /// Settings of a configuration file alone.
    #[must_use]
    pub fn of_file(path: impl Into<PathBuf>) -> Self {
        Self { config: Some(path.into()), given: Layer::new() }
    }

    /// Adds a value as a flag would; for callers that have no command line.
    #[must_use]
    pub fn with(mut self, name: &str, text: &str) -> Self {
        if let Some(key) = super::Key::find(name) {
            let origin = Origin::Flag(key.flag.to_owned());
            self.given.insert(key.name, Given { text: text.to_owned(), origin });
        }
        self
    }

    /// One value for each setting, from the highest layer that has one.
    pub(super) fn resolve(self) -> Result<Layer, ConfigError> {
        let mut all = file::read(DEFAULTS, |_, _| Origin::Default)?;
        if let Some(path) = self.config {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                ConfigError(vec![Fault {
                    key: String::new(),
                    origin: None,
                    problem: format!(
                        "the configuration file {} cannot be read: {error}",
                        path.display()
                    ),
                    remedy: "give its path with --config; `gimlet-server config` prints one"
                        .to_owned(),
                }])
            })?;
            let place = |line, column| Origin::File { path: path.clone(), line, column };
            all.extend(file::read(&text, place)?);
        }
        all.extend(self.given);
        Ok(all)
    }
}

impl Args for Settings {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .env("GIMLET_CONFIG")
            .global(true)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Configuration file in TOML");
        KEYS.iter().fold(command.arg(file), |command, key| {
            let argument = Arg::new(key.name)
                .long(key.flag)
                .env(key.variable)
                .hide_env_values(key.is_secret())
                .global(true)
                .value_name("VALUE")
                .help_heading("Settings")
                .help(key.help);
            command.arg(match key.kind {
                Kind::Switch => argument.num_args(0..=1).default_missing_value("true"),
                Kind::Database | Kind::OptionalUrl => argument,
                Kind::Url
                | Kind::HttpsUrl
                | Kind::Address
                | Kind::Folder
                | Kind::Image
                | Kind::Seconds { .. }
                | Kind::Count { .. }
                | Kind::LogFilter
                | Kind::LogFormat
                | Kind::Share => argument.value_parser(NonEmptyStringValueParser::new()),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut settings = Self::default();
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        if let Some(path) = matches.get_one::<PathBuf>("config") {
            self.config = Some(path.clone());
        }
        for key in KEYS {
            let Some(text) = matches.get_one::<String>(key.name) else { continue };
            let origin = match matches.value_source(key.name) {
                Some(ValueSource::EnvVariable) => Origin::Variable(key.variable.to_owned()),
                _ => Origin::Flag(key.flag.to_owned()),
            };
            self.given.insert(key.name, Given { text: text.clone(), origin });
        }
        Ok(())
    }
}
