//! Configuration: flags over environment over file over defaults, parsed once, before any port opens.

mod error;
mod explain;
mod file;
mod keys;
mod layers;
mod values;

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use gimlet_api::RequestLimits;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

pub use error::{ConfigError, Fault, Origin};
pub use explain::{Explained, explain};
pub use keys::{KEYS, Key, Kind};
pub use layers::Settings;
pub use values::LogFormat;

use values::Values;

/// The commented configuration file with all defaults.
pub const DEFAULTS: &str = include_str!("../gimlet-server.toml");

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
    /// How it is logged.
    pub log_format: LogFormat,
    /// Between the word that this server stops and its last new connection.
    pub drain_wait: Duration,
    /// How many requests are let through.
    pub limits: RequestLimits,
    /// Where traces go.
    pub telemetry: Telemetry,
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// A collector that speaks OTLP over HTTP; `None`: what the environment's standard variables say.
    pub endpoint: Option<Url>,
    /// The share of ways that is traced.
    pub sample: f64,
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
            .field("limits", &self.limits)
            .field("allow_private_hosts", &self.allow_private_hosts)
            .field("allow_file_repositories", &self.allow_file_repositories)
            .field("log", &self.log)
            .field("log_format", &self.log_format)
            .field("drain_wait", &self.drain_wait)
            .field("telemetry", &self.telemetry)
            .finish()
    }
}

impl Config {
    /// Puts the layers together and checks every value.
    ///
    /// # Errors
    /// Everything that is wrong, at once: which setting, where it stands, what to do.
    pub fn load(settings: Settings) -> Result<Self, ConfigError> {
        let mut values = Values::new(settings.resolve()?);
        let config = Self::read(&mut values);
        match config {
            Some(config) if values.faults.is_empty() => Ok(config),
            _ => Err(ConfigError(values.faults)),
        }
    }

    /// Every value is read before the first missing one ends it, so that all faults are told.
    fn read(values: &mut Values) -> Option<Self> {
        let public_url = values.url("public_url");
        let agent_url = values.url("agent_url");
        let git_url = values.optional_url("git_url");
        let (listen, health_listen, agent_listen) = (
            values.address("listen"),
            values.address("health_listen"),
            values.address("agent_listen"),
        );
        refuse_shared_ports(
            values,
            [("listen", listen), ("health_listen", health_listen), ("agent_listen", agent_listen)],
        );
        let (data_dir, database_url) = (values.folder("data_dir"), values.database("database_url"));
        let agent_image = values.image("agent_image");
        let release_deadline = values.seconds("release_deadline_s");
        let poll_interval = values.seconds("poll_interval_s");
        let allow_private_hosts = values.switch("allow_private_hosts");
        let allow_file_repositories = values.switch("allow_file_repositories");
        let (log, log_format) = (values.log("log"), values.log_format("log_format"));
        let drain_wait = values.seconds("drain_wait_s");
        let (per_credential, per_address, proxies) = (
            values.count("limits.per_credential"),
            values.count("limits.per_address"),
            values.count("limits.proxies"),
        );
        let (endpoint, sample) =
            (values.optional_url("telemetry.endpoint"), values.share("telemetry.sample"));

        let (public_url, data_dir) = (public_url?, data_dir?);
        let database_url = match database_url? {
            url if url.is_empty() => format!("sqlite://{}", data_dir.join("gimlet.db").display()),
            url => url,
        };
        Some(Self {
            git_url: git_url.unwrap_or_else(|| public_url.clone()),
            public_url,
            agent_url: agent_url?,
            listen: listen?,
            health_listen: health_listen?,
            agent_listen: agent_listen?,
            data_dir,
            database_url: database_url.into(),
            agent_image: agent_image?,
            release_deadline: release_deadline?,
            poll_interval: poll_interval?,
            allow_private_hosts: allow_private_hosts?,
            allow_file_repositories: allow_file_repositories?,
            log: log?,
            log_format: log_format?,
            drain_wait: drain_wait?,
            limits: RequestLimits {
                per_credential: per_credential?,
                per_address: per_address?,
                proxies: u8::try_from(proxies?).unwrap_or(u8::MAX),
            },
            telemetry: Telemetry { endpoint, sample: sample? },
        })
    }

    /// The database is a file.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.database_url.expose_secret().starts_with("sqlite:")
    }
}

/// Two ports at one address would only fail when the second is opened.
fn refuse_shared_ports(values: &mut Values, ports: [(&'static str, Option<SocketAddr>); 3]) {
    for (index, (name, address)) in ports.iter().enumerate() {
        let Some(address) = address.filter(|address| address.port() != 0) else { continue };
        let taken = ports[..index].iter().find(|(_, other)| {
            other.is_some_and(|other| {
                other.port() == address.port()
                    && (other.ip() == address.ip()
                        || other.ip().is_unspecified()
                        || address.ip().is_unspecified())
            })
        });
        if let Some((other, _)) = taken {
            let problem = format!("port {} is that of `{other}`", address.port());
            values.refuse(name, problem, "give each its own".to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
