//! `gimlet version`.

use clap::Args;
use serde::Serialize;

use crate::{
    args::OutputArgs,
    client::Client,
    error::CliError,
    output::{Tone, clean_line},
    server_url::ServerUrl,
    shell::Shell,
};

/// Print the versions of this command and of the server.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Version {
    /// Ask no server.
    #[arg(long)]
    client: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Serialize)]
struct Versions {
    client: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Server>,
}

#[derive(Clone, Serialize)]
struct Server {
    url: String,
    /// Version of the API that it speaks.
    api: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

impl Version {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = env!("CARGO_PKG_VERSION");
        let url = if self.client { None } else { shell.settings.find_server()? };
        let asked = match url {
            Some(url) => {
                let client = shell.settings.client_for(url.clone(), None, shell.pace)?;
                Some(ask(&client, &url).await)
            }
            None => None,
        };
        let (server, failed) = match asked {
            Some(Ok(server)) => (Some(server), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let mut text = format!("client: {client}\n");
        if let Some(Server { url, api, version }) = &server {
            let shown = version.as_deref().map(|version| format!(" {}", clean_line(version)));
            text.push_str(&format!(
                "server:{} {}, API version {}\n",
                shown.unwrap_or_default(),
                clean_line(url),
                clean_line(api)
            ));
        }
        shell.out.plain(
            self.output.output,
            &text,
            client,
            &Versions { client, server: server.clone() },
        )?;
        if let Some(skew) = server.as_ref().and_then(|server| skew(client, server)) {
            shell.out.note(Tone::Busy, &skew);
        }
        failed.map_or(Ok(()), Err)
    }
}

/// The API that this command was written for.
const KNOWN_API: &str = "1";

async fn ask(client: &Client, url: &ServerUrl) -> Result<Server, CliError> {
    let url = url.to_string();
    Ok(match client.version().await? {
        Some(found) => Server { url, api: found.api, version: Some(found.server) },
        None => Server { url, api: client.api_version().await?, version: None },
    })
}

/// What to do where command and server are too far apart: another API, or more than one minor version.
fn skew(client: &str, server: &Server) -> Option<String> {
    if server.api != KNOWN_API {
        return Some(format!(
            "warning: the server speaks API version {}, this command {KNOWN_API}; install the command of the \
             server's version",
            clean_line(&server.api)
        ));
    }
    let version = server.version.as_deref()?;
    let ((major, minor), (their_major, their_minor)) = (numbers(client)?, numbers(version)?);
    (major != their_major || minor.abs_diff(their_minor) > 1).then(|| {
        format!(
            "warning: this command is {client} and the server {}; they fit up to one minor version apart, \
             install the command of the server's version",
            clean_line(version)
        )
    })
}

fn numbers(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_fit_up_to_one_minor_version_apart() {
        let skewed = |version: &str, api: &str| {
            let (url, api) = (String::new(), api.to_owned());
            skew("1.4.2", &Server { url, api, version: Some(version.to_owned()) }).is_some()
        };
        for good in ["1.4.9", "1.3.0", "1.5.0", "unknown"] {
            assert!(!skewed(good, "1"), "{good}");
        }
        for bad in ["1.2.9", "1.6.0", "2.4.2", "0.4.2"] {
            assert!(skewed(bad, "1"), "{bad}");
        }
        assert!(skewed("1.4.2", "2"));
    }
}
