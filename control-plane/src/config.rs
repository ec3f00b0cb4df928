//! Configuration: flags over environment over file over defaults, parsed once, before any port opens.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

/// The commented configuration file with all defaults.
pub const DEFAULTS: &str = include_str!("../gimlet-server.toml");

/// Shorter than this, Flux's own health check could not tell anything.
const SHORTEST_DEADLINE_S: u64 = 10;
/// Every host that is polled counts requests.
const SHORTEST_POLL_S: u64 = 1;

/// One layer of settings; what is absent comes from the layer below.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Configuration file in TOML.
    #[arg(long, env = "GIMLET_CONFIG", global = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Where people reach this server.
    #[arg(long, env = "GIMLET_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// Where agents reach it.
    #[arg(long, env = "GIMLET_AGENT_URL", global = true)]
    pub agent_url: Option<String>,
    /// Where Flux reaches the built-in git server.
    #[arg(long, env = "GIMLET_GIT_URL", global = true)]
    pub git_url: Option<String>,
    /// Address and port for people, API, webhooks and git.
    #[arg(long, env = "GIMLET_LISTEN", global = true)]
    pub listen: Option<SocketAddr>,
    /// Address and port for health and metrics.
    #[arg(long, env = "GIMLET_HEALTH_LISTEN", global = true)]
    pub health_listen: Option<SocketAddr>,
    /// Address and port for agents.
    #[arg(long, env = "GIMLET_AGENT_LISTEN", global = true)]
    pub agent_listen: Option<SocketAddr>,
    /// Folder of database, repositories and certificate authority.
    #[arg(long, env = "GIMLET_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL instead of SQLite.
    #[arg(long, env = "GIMLET_DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<SecretString>,
    /// Image of the agent.
    #[arg(long, env = "GIMLET_AGENT_IMAGE", global = true)]
    pub agent_image: Option<String>,
    /// Seconds from a release's commit to healthy.
    #[arg(long, env = "GIMLET_RELEASE_DEADLINE_S", global = true)]
    pub release_deadline_s: Option<u64>,
    /// Seconds between two looks at a source repository.
    #[arg(long, env = "GIMLET_POLL_INTERVAL_S", global = true)]
    pub poll_interval_s: Option<u64>,
    /// Allow repositories on private addresses.
    #[arg(long, env = "GIMLET_ALLOW_PRIVATE_HOSTS", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub allow_private_hosts: Option<bool>,
    /// Allow repositories in folders of this machine.
    #[arg(long, env = "GIMLET_ALLOW_FILE_REPOSITORIES", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub allow_file_repositories: Option<bool>,
    /// What is logged.
    #[arg(long, env = "GIMLET_LOG", global = true)]
    pub log: Option<String>,
}

/// The configuration, complete and checked.
#[derive(Clone)]
pub struct Config {
    /// Where people reach this server.
    pub public_url: Url,
    /// Where agents reach it; `https`.
    pub agent_url: Url,
    /// Where Flux reaches the built-in git server.
    pub git_url: Url,
    /// Address for people.
    pub listen: SocketAddr,
    /// Address for health and metrics.
    pub health_listen: SocketAddr,
    /// Address for agents.
    pub agent_listen: SocketAddr,
    /// Folder of everything that is kept.
    pub data_dir: PathBuf,
    /// URL of the database; it may carry a password.
    pub database_url: SecretString,
    /// Image of the agent.
    pub agent_image: String,
    /// From a release's commit to healthy.
    pub release_deadline: Duration,
    /// Between two looks at a source repository.
    pub poll_interval: Duration,
    /// Repositories on private addresses are allowed.
    pub allow_private_hosts: bool,
    /// Repositories in folders are allowed.
    pub allow_file_repositories: bool,
    /// What is logged.
    pub log: String,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("public_url", &self.public_url.as_str())
            .field("agent_url", &self.agent_url.as_str())
            .field("git_url", &self.git_url.as_str())
            .field("listen", &self.listen)
            .field("health_listen", &self.health_listen)
            .field("agent_listen", &self.agent_listen)
            .field("data_dir", &self.data_dir)
            .field("database", &if self.is_sqlite() { "SQLite" } else { "PostgreSQL" })
            .field("agent_image", &self.agent_image)
            .field("release_deadline", &self.release_deadline)
            .field("poll_interval", &self.poll_interval)
            .field("allow_private_hosts", &self.allow_private_hosts)
            .field("allow_file_repositories", &self.allow_file_repositories)
            .field("log", &self.log)
            .finish()
    }
}

impl Config {
    /// Puts the layers together and checks every value.
    ///
    /// # Errors
    /// Names the setting, where it came from, and what to do.
    pub fn load(flags_and_environment: Settings) -> anyhow::Result<Self> {
        let file = match &flags_and_environment.config {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| {
                    format!("cannot read the configuration file {}", path.display())
                })?;
                parse(&text)
                    .with_context(|| format!("in the configuration file {}", path.display()))?
            }
            None => Settings::default(),
        };
        let defaults = parse(DEFAULTS).context("in the built-in defaults")?;
        Self::check(flags_and_environment.over(file).over(defaults))
    }

    fn check(settings: Settings) -> anyhow::Result<Self> {
        let text =
            |name: &str, value: Option<String>| value.with_context(|| format!("{name} is not set"));
        let data_dir = settings.data_dir.context("data_dir is not set")?;
        let public_url = http_url("public_url", &text("public_url", settings.public_url)?)?;
        let agent_url = http_url("agent_url", &text("agent_url", settings.agent_url)?)?;
        if agent_url.scheme() != "https" {
            bail!("agent_url: must begin with https://; agents speak TLS only");
        }
        let git_url = match settings.git_url.filter(|url| !url.is_empty()) {
            Some(url) => http_url("git_url", &url)?,
            None => public_url.clone(),
        };
        let database_url = settings
            .database_url
            .filter(|url| !url.expose_secret().is_empty())
            .unwrap_or_else(|| format!("sqlite://{}", data_dir.join("gimlet.db").display()).into());
        Ok(Self {
            public_url,
            agent_url,
            git_url,
            listen: settings.listen.context("listen is not set")?,
            health_listen: settings.health_listen.context("health_listen is not set")?,
            agent_listen: settings.agent_listen.context("agent_listen is not set")?,
            data_dir,
            database_url,
            agent_image: text("agent_image", settings.agent_image)?,
            release_deadline: seconds(
                "release_deadline_s",
                settings.release_deadline_s,
                SHORTEST_DEADLINE_S,
            )?,
            poll_interval: seconds("poll_interval_s", settings.poll_interval_s, SHORTEST_POLL_S)?,
            allow_private_hosts: settings.allow_private_hosts.unwrap_or_default(),
            allow_file_repositories: settings.allow_file_repositories.unwrap_or_default(),
            log: text("log", settings.log)?,
        })
    }

    fn is_sqlite(&self) -> bool {
        self.database_url.expose_secret().starts_with("sqlite:")
    }
}

impl Settings {
    /// These settings, and `below` where they are silent.
    fn over(self, below: Self) -> Self {
        Self {
            config: self.config.or(below.config),
            public_url: self.public_url.or(below.public_url),
            agent_url: self.agent_url.or(below.agent_url),
            git_url: self.git_url.or(below.git_url),
            listen: self.listen.or(below.listen),
            health_listen: self.health_listen.or(below.health_listen),
            agent_listen: self.agent_listen.or(below.agent_listen),
            data_dir: self.data_dir.or(below.data_dir),
            database_url: self.database_url.or(below.database_url),
            agent_image: self.agent_image.or(below.agent_image),
            release_deadline_s: self.release_deadline_s.or(below.release_deadline_s),
            poll_interval_s: self.poll_interval_s.or(below.poll_interval_s),
            allow_private_hosts: self.allow_private_hosts.or(below.allow_private_hosts),
            allow_file_repositories: self.allow_file_repositories.or(below.allow_file_repositories),
            log: self.log.or(below.log),
        }
    }
}

/// TOML errors name line, column and field; the text around them may hold a secret and is left out.
fn parse(text: &str) -> anyhow::Result<Settings> {
    toml::from_str(text).map_err(|error| {
        let place = error.span().map(|span| {
            let before = &text[..span.start.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
            format!("line {line}, column {column}: ")
        });
        anyhow::anyhow!("{}{}", place.unwrap_or_default(), error.message())
    })
}

fn http_url(name: &str, text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text)
        .with_context(|| format!("{name}: `{text}` is no URL; write it like https://host:port"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        bail!("{name}: `{text}` must begin with http:// or https:// and name a host");
    }
    Ok(url)
}

fn seconds(name: &str, value: Option<u64>, least: u64) -> anyhow::Result<Duration> {
    let value = value.with_context(|| format!("{name} is not set"))?;
    if value < least {
        bail!("{name}: {value} is too short; use at least {least}");
    }
    Ok(Duration::from_secs(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(file: &str) -> String {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("gimlet.toml");
        std::fs::write(&path, file).expect("file");
        let settings = Settings { config: Some(path), ..Settings::default() };
        format!("{:#}", Config::load(settings).expect_err("must be refused"))
    }

    #[test]
    fn the_built_in_defaults_are_a_good_configuration() {
        let config = Config::load(Settings::default()).expect("good");
        assert_eq!(config.git_url, config.public_url);
        assert!(config.is_sqlite());
    }

    #[test]
    fn a_flag_goes_before_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("gimlet.toml");
        std::fs::write(&path, "log = \"debug\"\npoll_interval_s = 7\n").expect("file");
        let settings =
            Settings { config: Some(path), log: Some("warn".into()), ..Settings::default() };
        let config = Config::load(settings).expect("good");
        assert_eq!((config.log.as_str(), config.poll_interval.as_secs()), ("warn", 7));
    }

    #[test]
    fn what_is_wrong_names_the_setting_and_the_place() {
        assert!(error_of("log = \"info\"\npubic_url = \"x\"").contains("line 2"));
        assert!(error_of("pubic_url = \"x\"").contains("pubic_url"));
        assert!(error_of("public_url = \"nowhere\"").contains("public_url"));
        assert!(error_of("agent_url = \"http://a:1\"").contains("https://"));
        assert!(error_of("release_deadline_s = 1").contains("release_deadline_s"));
        assert!(error_of("listen = \"9000\"").contains("line 1"));
    }

    #[test]
    fn a_wrong_value_in_the_file_does_not_show_a_secret_beside_it() {
        let error = error_of("database_url = \"postgres://u:hunter2@h/d\"\nlog = 1");
        assert!(error.contains("line 2") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_database_password_is_not_shown() {
        let settings = Settings {
            database_url: Some("postgres://u:hunter2@h/d".into()),
            ..Settings::default()
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert!(!format!("{:?}", Config::load(settings).expect("good")).contains("hunter2"));
    }
}
