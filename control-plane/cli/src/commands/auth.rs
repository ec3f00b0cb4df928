//! `gimlet auth`.

mod login;

use clap::Subcommand;
use serde::Serialize;

use crate::{
    args::OutputArgs,
    config_file::Stored,
    error::CliError,
    output::{Cell, Details, Tone},
    server_url::ServerUrl,
    settings::TokenSource,
    shell::Shell,
};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Log in, and keep the token for later commands.
    Login(login::Login),
    /// Forget the token.
    Logout,
    /// Show the server, and who you are there.
    Status(OutputArgs),
}

#[derive(Serialize)]
struct Status {
    server: ServerUrl,
    /// `flag`, `environment` or `file`.
    token_from: &'static str,
    login: String,
    organization: String,
    role: String,
}

impl AuthCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::Login(login) => login.run(shell).await,
            Self::Logout => log_out(shell),
            Self::Status(args) => status(shell, args).await,
        }
    }
}

fn log_out(shell: &mut Shell) -> Result<(), CliError> {
    let file = shell.settings.config_file()?;
    let stored = file.read()?;
    // The file has the login of one server; that of another one stays.
    if let Some(named) = shell.settings.server_flag()? {
        let at_home = stored.server.as_deref().and_then(|url| ServerUrl::parse("server", url).ok());
        if at_home.as_ref() != Some(&named) {
            shell.out.note(Tone::Plain, &format!("there is no login to {named} to forget"));
            return Ok(());
        }
    }
    if stored.token.is_none() {
        shell.out.note(Tone::Plain, "there is no login to forget");
        return Ok(());
    }
    file.write(&Stored { token: None, ..stored })?;
    shell.out.note(
        Tone::Plain,
        &format!("the token is gone from {}; the server still knows it", file.path().display()),
    );
    Ok(())
}

async fn status(shell: &mut Shell, args: OutputArgs) -> Result<(), CliError> {
    let server = shell.settings.server()?;
    let client = shell.client()?;
    let source = shell.settings.find_token(&server)?.map(|(_, source)| source);
    let me = client.me().await?;
    let status = Status {
        server,
        token_from: match source {
            Some(TokenSource::Flag) => "flag",
            Some(TokenSource::Variable) => "environment",
            Some(TokenSource::File) | None => "file",
        },
        login: me.login,
        organization: me.organization,
        role: me.role,
    };
    let mut details = Details::default();
    details
        .field("server", status.server.to_string())
        .field("login", Cell::from(status.login.as_str()))
        .field("organization", status.organization.as_str())
        .field("role", status.role.as_str())
        .field("token from", status.token_from);
    let text = details.render(shell.out.colors_data());
    shell.out.plain(args.output, &text, &status.login, &status)
}
