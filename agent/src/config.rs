//! The agent's configuration: read once from the environment, before anything starts.

use std::{net::SocketAddr, path::PathBuf};

use url::Url;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// `GIMLET_SERVER`: the control plane's agent port, `https://host:9443`.
    pub server: Url,
    /// `GIMLET_ROOT_FILE`: PEM of the root that the control plane's certificate must lead to.
    pub root_file: PathBuf,
    /// `GIMLET_TOKEN_FILE`: the enrolment token, needed once.
    pub token_file: PathBuf,
    /// `GIMLET_NAMESPACE`: where the agent's own objects are.
    pub namespace: String,
    /// `GIMLET_HEALTH_ADDR`: where health and metrics are served.
    pub health_addr: SocketAddr,
    /// `HTTPS_PROXY`: a proxy to reach the control plane through. The API server is reached without it.
    pub https_proxy: Option<String>,
    /// `NO_PROXY`: hosts that are reached without it.
    pub no_proxy: Option<String>,
    /// `POD_NAME` or `HOSTNAME`: tells this replica from the others in the Lease.
    pub replica: String,
    /// `RUST_LOG`: what is logged.
    pub log: String,
}

/// A setting that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A setting without default is absent.
    #[error("the environment variable {variable} is not set: {remedy}")]
    Missing {
        /// Its name.
        variable: &'static str,
        /// What to set it to.
        remedy: &'static str,
    },
    /// A value is not of the form it must have.
    #[error("the environment variable {variable} is `{value}`: {remedy}")]
    Invalid {
        /// Its name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it should look like.
        remedy: &'static str,
    },
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable and what to set it to.
    pub fn from_env() -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads them")]
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let given = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let either = |upper: &str, lower: &str| given(upper).or_else(|| given(lower));
        let root_file = given("GIMLET_ROOT_FILE").ok_or(ConfigError::Missing {
            variable: "GIMLET_ROOT_FILE",
            remedy: "give the file with the control plane's root certificate in PEM",
        })?;
        let token_file = given("GIMLET_TOKEN_FILE");
        Ok(Self {
            server: server(given("GIMLET_SERVER"))?,
            root_file: root_file.into(),
            token_file: token_file
                .unwrap_or_else(|| "/var/run/gimlet/token/token".to_owned())
                .into(),
            namespace: given("GIMLET_NAMESPACE").unwrap_or_else(|| "infrastructure".to_owned()),
            health_addr: health_addr(given("GIMLET_HEALTH_ADDR"))?,
            https_proxy: either("HTTPS_PROXY", "https_proxy"),
            no_proxy: either("NO_PROXY", "no_proxy"),
            replica: given("POD_NAME")
                .or_else(|| given("HOSTNAME"))
                .unwrap_or_else(|| gimlet_shared::ids::BootId::new().to_string()),
            log: given("RUST_LOG").unwrap_or_else(|| "info".to_owned()),
        })
    }
}

fn server(value: Option<String>) -> Result<Url, ConfigError> {
    const VARIABLE: &str = "GIMLET_SERVER";
    let remedy = "give the control plane's agent port, such as https://gimlet.example.com:9443";
    let value = value.ok_or(ConfigError::Missing { variable: VARIABLE, remedy })?;
    match value.parse::<Url>() {
        Ok(url) if url.scheme() == "https" && url.has_host() => Ok(url),
        Ok(_) | Err(_) => Err(ConfigError::Invalid { variable: VARIABLE, value, remedy }),
    }
}

fn health_addr(value: Option<String>) -> Result<SocketAddr, ConfigError> {
    let value = value.unwrap_or_else(|| "0.0.0.0:9001".to_owned());
    value.parse().map_err(|_| ConfigError::Invalid {
        variable: "GIMLET_HEALTH_ADDR",
        value,
        remedy: "give an address and a port, such as 0.0.0.0:9001",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Config::read(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    const SERVER: (&str, &str) = ("GIMLET_SERVER", "https://gimlet.example.com:9443");
    const ROOT: (&str, &str) = ("GIMLET_ROOT_FILE", "/etc/gimlet/ca.crt");

    #[test]
    fn two_settings_are_enough() {
        let config = read(&[SERVER, ROOT, ("HOSTNAME", "agent-1"), ("NO_PROXY", "")]).unwrap();
        assert_eq!(config.namespace, "infrastructure");
        assert_eq!(config.health_addr.port(), 9001);
        assert_eq!(config.token_file.to_str(), Some("/var/run/gimlet/token/token"));
        assert_eq!((config.replica.as_str(), config.no_proxy), ("agent-1", None));
    }

    #[test]
    fn a_missing_or_wrong_setting_is_named_with_its_remedy() {
        let missing = read(&[ROOT]).unwrap_err().to_string();
        assert!(missing.contains("GIMLET_SERVER") && missing.contains("https://"), "{missing}");
        assert!(read(&[SERVER]).unwrap_err().to_string().contains("GIMLET_ROOT_FILE"));
        for server in ["gimlet.example.com", "http://gimlet.example.com", "https://"] {
            let error = read(&[("GIMLET_SERVER", server), ROOT]).unwrap_err();
            assert!(matches!(error, ConfigError::Invalid { .. }), "{error}");
        }
        let error = read(&[SERVER, ROOT, ("GIMLET_HEALTH_ADDR", "9001")]).unwrap_err();
        assert!(error.to_string().contains("`9001`"), "{error}");
    }
}
