//! `gimlet version`.

use clap::Args;
use serde::Serialize;

use crate::{args::OutputArgs, error::CliError, output::clean_line, shell::Shell};

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

#[derive(Serialize)]
struct Server {
    url: String,
    /// Version of the API that it speaks.
    api: String,
}

impl Version {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = env!("CARGO_PKG_VERSION");
        let url = if self.client { None } else { shell.settings.find_server()? };
        let asked = match url {
            Some(url) => {
                let client = shell.settings.client_for(url.clone(), None, shell.pace)?;
                Some(client.api_version().await.map(|api| Server { url: url.to_string(), api }))
            }
            None => None,
        };
        let (server, failed) = match asked {
            Some(Ok(server)) => (Some(server), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let mut text = format!("client: {client}\n");
        if let Some(Server { url, api }) = &server {
            text.push_str(&format!(
                "server: {}, API version {}\n",
                clean_line(url),
                clean_line(api)
            ));
        }
        shell.out.plain(self.output.output, &text, client, &Versions { client, server })?;
        failed.map_or(Ok(()), Err)
    }
}
