//! Which server, and as whom: flags over environment over file.

use std::{path::PathBuf, time::Duration};

use reqwest::{Certificate, NoProxy, Proxy};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    Pace,
    args::Global,
    client::{Client, Endpoint},
    config_file::{ConfigFile, Stored},
    error::CliError,
    host::Host,
    server_url::ServerUrl,
};

/// What the user set, unresolved: a command that needs no server must not fail for the lack of one.
#[derive(Debug)]
pub(crate) struct Settings {
    flags: Global,
    server_var: Option<String>,
    token_var: Option<SecretString>,
    config_home: Option<PathBuf>,
    proxies: Proxies,
}

/// Where a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenSource {
    Flag,
    Variable,
    File,
}

#[derive(Debug)]
struct Proxies {
    https: Option<String>,
    http: Option<String>,
    none: Option<String>,
}

impl Settings {
    pub(crate) fn new(flags: Global, host: &Host) -> Self {
        let either = |upper: &str| {
            host.var(upper).or_else(|| host.var(&upper.to_ascii_lowercase())).map(str::to_owned)
        };
        let absolute = |path: &str| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
        let home = || absolute(host.var("HOME")?).map(|home| home.join(".config"));
        Self {
            flags,
            server_var: host.var("GIMLET_SERVER").map(str::to_owned),
            token_var: host.var("GIMLET_TOKEN").map(SecretString::from),
            config_home: host.var("XDG_CONFIG_HOME").and_then(absolute).or_else(home),
            proxies: Proxies {
                https: either("HTTPS_PROXY").or_else(|| either("ALL_PROXY")),
                http: either("HTTP_PROXY").or_else(|| either("ALL_PROXY")),
                none: either("NO_PROXY"),
            },
        }
    }

    /// Where the login is kept.
    pub(crate) fn config_file(&self) -> Result<ConfigFile, CliError> {
        let home = self.config_home.as_ref().ok_or_else(|| {
            CliError::local("there is no place for the configuration file")
                .advise("set HOME or XDG_CONFIG_HOME to an absolute path")
        })?;
        Ok(ConfigFile::under(home))
    }

    /// The login of the file; nothing where there is no file.
    fn stored(&self) -> Result<Stored, CliError> {
        match &self.config_home {
            Some(home) => ConfigFile::under(home).read(),
            None => Ok(Stored::default()),
        }
    }

    /// The server that is set by flag, variable or file.
    pub(crate) fn find_server(&self) -> Result<Option<ServerUrl>, CliError> {
        if let Some(url) = &self.flags.server {
            return ServerUrl::parse("--server", url).map(Some);
        }
        if let Some(url) = &self.server_var {
            return ServerUrl::parse("GIMLET_SERVER", url).map(Some);
        }
        let file = self.stored()?.server;
        file.map(|url| ServerUrl::parse("server in the configuration file", &url)).transpose()
    }

    /// The server, which must be set.
    pub(crate) fn server(&self) -> Result<ServerUrl, CliError> {
        self.find_server()?.ok_or_else(|| {
            CliError::usage("no server is set")
                .advise("run `gimlet auth login --server URL`, or set GIMLET_SERVER")
        })
    }

    /// The server that a flag names, and none other.
    pub(crate) fn server_flag(&self) -> Result<Option<ServerUrl>, CliError> {
        self.flags.server.as_ref().map(|url| ServerUrl::parse("--server", url)).transpose()
    }

    /// The token for `server`. The file's token goes to the file's server only.
    pub(crate) fn find_token(
        &self,
        server: &ServerUrl,
    ) -> Result<Option<(SecretString, TokenSource)>, CliError> {
        if let Some(token) = &self.flags.token {
            return Ok(Some((checked_token("--token", token)?, TokenSource::Flag)));
        }
        if let Some(token) = &self.token_var {
            let token = checked_token("GIMLET_TOKEN", token.expose_secret())?;
            return Ok(Some((token, TokenSource::Variable)));
        }
        let stored = self.stored()?;
        let at_home = stored.server.as_deref().and_then(|url| ServerUrl::parse("server", url).ok());
        if at_home.as_ref() != Some(server) {
            return Ok(None);
        }
        let token =
            stored.token.map(|token| checked_token("token in the configuration file", &token));
        Ok(token.transpose()?.map(|token| (token, TokenSource::File)))
    }

    /// A client that acts as the logged-in user.
    pub(crate) fn client(&self, pace: Pace) -> Result<Client, CliError> {
        let server = self.server()?;
        let Some((token, source)) = self.find_token(&server)? else {
            return Err(CliError::NotLoggedIn { server });
        };
        self.client_for(server, Some((token, source)), pace)
    }

    /// A client for a server with the given credential, or without one.
    pub(crate) fn client_for(
        &self,
        server: ServerUrl,
        token: Option<(SecretString, TokenSource)>,
        pace: Pace,
    ) -> Result<Client, CliError> {
        let http = self.http_client(&server)?;
        Client::new(Endpoint { server, token, pace }, http)
    }

    fn http_client(&self, server: &ServerUrl) -> Result<reqwest::ClientBuilder, CliError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("gimlet-cli/", env!("CARGO_PKG_VERSION")))
            // A token must not follow to another place, nor a POST become a GET.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            // Proxies come from the variables that were handed in.
            .no_proxy();
        for proxy in self.proxies.read()? {
            builder = builder.proxy(proxy);
        }
        let roots = self.extra_roots()?;
        // Without TLS a system without any root certificate is good enough.
        let is_plain = !server.is_encrypted();
        Ok(if is_plain { builder.tls_certs_only(roots) } else { builder.tls_certs_merge(roots) })
    }

    fn extra_roots(&self) -> Result<Vec<Certificate>, CliError> {
        let Some(path) = &self.flags.ca_file else { return Ok(Vec::new()) };
        let unreadable = |source| CliError::File { verb: "read", path: path.clone(), source };
        let pem = std::fs::read(path).map_err(unreadable)?;
        let roots = Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if roots.is_empty() {
            return Err(CliError::usage(format!(
                "--ca-file: {} holds no certificate",
                path.display()
            ))
            .advise("give a PEM file with `-----BEGIN CERTIFICATE-----`"));
        }
        Ok(roots)
    }
}

impl Proxies {
    fn read(&self) -> Result<Vec<Proxy>, CliError> {
        let bad = |name: &str| {
            CliError::usage(format!("{name} is not the URL of a proxy"))
                .advise("write it like http://host:3128")
        };
        let mut proxies = Vec::new();
        if let Some(url) = &self.https {
            proxies.push(Proxy::https(url).map_err(|_| bad("HTTPS_PROXY"))?);
        }
        if let Some(url) = &self.http {
            proxies.push(Proxy::http(url).map_err(|_| bad("HTTP_PROXY"))?);
        }
        let none = self.none.as_deref().and_then(NoProxy::from_string);
        Ok(proxies.into_iter().map(|proxy| proxy.no_proxy(none.clone())).collect())
    }
}

/// A token that can stand in a header. Its text is in no message.
pub(crate) fn checked_token(place: &str, text: &str) -> Result<SecretString, CliError> {
    let token = text.trim();
    // Ours have 47 characters; others may be longer, and no file of another kind is one.
    if token.is_empty() || token.len() > 4096 || !token.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(CliError::usage(format!("{place}: holds no token"))
            .advise("a token is one word of visible characters, such as gim_…"));
    }
    Ok(SecretString::from(token))
}
