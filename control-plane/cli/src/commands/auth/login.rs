//! `gimlet auth login`: a device login (RFC 8628), a one-time sign-in link, or a token that is there already.

use std::{io::Read as _, path::PathBuf, time::Duration};

use clap::Args;
use gimlet_shared::api::{DevicePoll, DeviceStarted, ExchangeLink, Me, TokenCreated};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep};

use crate::{
    client::Client,
    config_file::Stored,
    error::CliError,
    output::Tone,
    prompt,
    server_url::ServerUrl,
    settings::{TokenSource, checked_token},
    shell::Shell,
};

/// What the server takes as the name of a token.
const LONGEST_TOKEN_NAME: usize = 100;
/// What stands before the code in a sign-in link.
const LINK_PATH: &str = "/sign-in/";
/// A token is one short line; a larger file is something else.
const LONGEST_TOKEN_FILE: u64 = 16 * 1024;

/// Log in, and keep the token for later commands. Without a flag a person approves in a browser.
#[derive(Clone, Debug, Args)]
pub(crate) struct Login {
    /// Spend a one-time sign-in link instead: the link, or its code with --server.
    #[arg(long, value_name = "URL|CODE", conflicts_with = "token_file")]
    link: Option<String>,
    /// Take the token from this file instead; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Login {
    pub(super) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        // A place that cannot be written must not cost a one-time link.
        let file = shell.settings.config_file()?;
        file.read()?;
        let (client, token, me) = match (self.link, self.token_file) {
            (Some(link), _) => by_link(shell, &link).await?,
            (None, Some(path)) => by_token(shell, path).await?,
            (None, None) => by_device(shell).await?,
        };
        let server = client.server().to_string();
        file.write(&Stored {
            server: Some(server.clone()),
            token: Some(token.expose_secret().to_owned()),
        })?;
        shell.out.note(
            Tone::Good,
            &format!("logged in to {server} as {} ({}, {})", me.login, me.organization, me.role),
        );
        shell.out.note(Tone::Faint, &format!("the token is in {}", file.path().display()));
        Ok(())
    }
}

type LoggedIn = (Client, SecretString, Me);

async fn by_link(shell: &mut Shell, link: &str) -> Result<LoggedIn, CliError> {
    let (server, code) = read_link(link)?;
    // Where both are given, the flag says how the link's server is reached from here.
    let server = match (shell.settings.server_flag()?, server) {
        (Some(flag), _) => flag,
        (None, Some(of_link)) => of_link,
        (None, None) => shell.settings.server()?,
    };
    let client = anonymous(shell, server)?;
    let created =
        client.exchange_link(&ExchangeLink { code, name: token_name(shell) }).await.map_err(
            |error| error.advise_on(401, "ask for a new link: each works once, and for 15 minutes"),
        )?;
    Ok(granted(client, created))
}

/// The server and the code of a sign-in link; a code alone has no server.
fn read_link(link: &str) -> Result<(Option<ServerUrl>, String), CliError> {
    let bad = || {
        CliError::usage("--link: is neither a sign-in link nor its code")
            .advise("give the whole link, like https://gimlet.example.com/sign-in/…")
    };
    let link = link.trim();
    let is_code = |code: &str| {
        (1..=256).contains(&code.len())
            && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if is_code(link) {
        return Ok((None, link.to_owned()));
    }
    let (server, code) = link.rsplit_once(LINK_PATH).ok_or_else(bad)?;
    if !is_code(code) {
        return Err(bad());
    }
    Ok((Some(ServerUrl::parse("--link", server)?), code.to_owned()))
}

async fn by_token(shell: &mut Shell, path: PathBuf) -> Result<LoggedIn, CliError> {
    let unreadable = |source| CliError::File { verb: "read", path: path.clone(), source };
    let text = if path.as_os_str() == "-" {
        let input = shell.stdin.take().unwrap_or_else(|| Box::new(std::io::empty()));
        prompt::read_line(input).await.map_err(unreadable)?
    } else {
        let mut text = String::new();
        let file = std::fs::File::open(&path).map_err(unreadable)?;
        file.take(LONGEST_TOKEN_FILE).read_to_string(&mut text).map_err(unreadable)?;
        text
    };
    let token = checked_token("--token-file", &text)?;
    let server = shell.settings.server()?;
    let client =
        shell.settings.client_for(server, Some((token.clone(), TokenSource::File)), shell.pace)?;
    shell.warn_of_clear_text(&client);
    let me = client
        .me()
        .await
        .map_err(|error| error.advise_on(401, "this token is not valid there; make a new one"))?;
    Ok((client, token, me))
}

async fn by_device(shell: &mut Shell) -> Result<LoggedIn, CliError> {
    let server = shell.settings.server()?;
    let client = anonymous(shell, server)?;
    let started = client.start_device_login().await?;
    shell.out.note(Tone::Plain, &format!("Open {}", started.verification_uri_complete));
    shell.out.note(Tone::Plain, &format!("and compare the code: {}", started.user_code));
    let created = until_approved(shell, &client, &started).await?;
    Ok(granted(client, created))
}

async fn until_approved(
    shell: &mut Shell,
    client: &Client,
    started: &DeviceStarted,
) -> Result<TokenCreated, CliError> {
    let request = DevicePoll { device_code: started.device_code.clone(), name: token_name(shell) };
    let deadline = Instant::now() + Duration::from_secs(started.expires_in.min(3600));
    let mut interval = Duration::from_secs(started.interval.min(60)).max(shell.pace.poll);
    loop {
        sleep(interval).await;
        match client.poll_device_login(&request).await {
            Ok(created) => return Ok(created),
            Err(error) if error.kind() == Some("login-pending") => {}
            // RFC 8628, 3.5: the client is too eager, or the connection timed out.
            Err(error) if error.may_pass() => {
                interval = (interval * 2).min(Duration::from_secs(60))
            }
            Err(error) => {
                return Err(
                    error.advise_on(400, "run `gimlet auth login` again, and approve it at once")
                );
            }
        }
        if Instant::now() > deadline {
            return Err(CliError::local("nobody approved the login in time")
                .advise("run `gimlet auth login` again"));
        }
    }
}

fn anonymous(shell: &mut Shell, server: ServerUrl) -> Result<Client, CliError> {
    let client = shell.settings.client_for(server, None, shell.pace)?;
    shell.warn_of_clear_text(&client);
    Ok(client)
}

fn granted(client: Client, created: TokenCreated) -> LoggedIn {
    (client, SecretString::from(created.token), created.me)
}

/// What the token is called in lists.
fn token_name(shell: &Shell) -> String {
    let machine: String = shell.machine.chars().filter(|c| !c.is_control()).collect();
    let name =
        if machine.is_empty() { "gimlet".to_owned() } else { format!("gimlet on {machine}") };
    // The server counts bytes.
    let end = (0..=LONGEST_TOKEN_NAME.min(name.len()))
        .rev()
        .find(|end| name.is_char_boundary(*end))
        .unwrap_or(0);
    name[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_its_server_and_a_code_does_not() {
        let read = |link: &str| {
            let (server, code) = read_link(link).ok()?;
            Some((server.map(|url| url.to_string()).unwrap_or_default(), code))
        };
        let expected = |server: &str, code: &str| Some((server.to_owned(), code.to_owned()));
        assert_eq!(
            read("https://g.example/sign-in/gsl_a-B"),
            expected("https://g.example", "gsl_a-B")
        );
        assert_eq!(
            read(" http://h:1/prefix/sign-in/gsl_a\n"),
            expected("http://h:1/prefix", "gsl_a")
        );
        assert_eq!(read("gsl_a"), expected("", "gsl_a"));
        for bad in [
            "",
            "https://g.example/",
            "https://g.example/sign-in/",
            "ftp://g/sign-in/a",
            "a b",
            "/sign-in/a",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
