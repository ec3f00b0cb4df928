//! The command line.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::{Fingerprint, answer::is_image};

/// Connects a Kubernetes cluster to Gimlet: installs Flux where it is missing, and the agent with
/// exactly its rights. Run again, it changes nothing.
#[derive(Debug, Parser)]
#[command(name = "gimlet-install", version, args_conflicts_with_subcommands = true)]
#[command(subcommand_negates_reqs = true)]
pub struct Options {
    /// What to do instead of installing.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to install.
    #[command(flatten)]
    pub install: Option<Install>,
    /// Which cluster.
    #[command(flatten)]
    pub target: Target,
}

/// The other things that the installer does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Remove the agent, its rights and its policies. Flux, repositories and applications stay.
    Uninstall(Uninstall),
}

/// Options of an installation.
#[derive(Debug, Args)]
pub struct Install {
    /// Address of the control plane's agent port
    #[arg(long, value_name = "URL", value_parser = server_url)]
    pub server: Url,
    /// Fingerprint of the control plane's root, as sha256:<64 hexadecimal digits>
    #[arg(long, value_name = "FINGERPRINT", required_unless_present = "root_file")]
    pub root_fingerprint: Option<Fingerprint>,
    /// PEM file with the control plane's root
    #[arg(long, value_name = "FILE", conflicts_with = "root_fingerprint")]
    pub root_file: Option<PathBuf>,
    /// File with the enrolment token; - is standard input
    #[arg(long, value_name = "FILE")]
    pub token_file: PathBuf,
    /// File with user:password, on one line, that Flux reads an apps repository on another git host with;
    /// - is standard input. Read access is enough. Absent: the one that an earlier run brought, or none
    #[arg(long, value_name = "FILE")]
    pub git_credential_file: Option<PathBuf>,
    /// Image of the agent, instead of the control plane's choice
    #[arg(long, value_parser = image)]
    pub image: Option<String>,
    /// How long to wait until everything is ready, as 90s, 5m or 1h
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub wait: Duration,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl Install {
    /// What clap cannot tell: standard input is one file, and cannot be two.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn check(&self) -> Result<(), &'static str> {
        let is_stdin = |path: &Path| path == Path::new("-");
        let twice =
            is_stdin(&self.token_file) && self.git_credential_file.as_deref().is_some_and(is_stdin);
        if twice {
            return Err(
                "--token-file and --git-credential-file cannot both be standard input; put one into a file",
            );
        }
        Ok(())
    }
}

/// Options of a removal.
#[derive(Debug, Args)]
pub struct Uninstall {
    /// Really remove it
    #[arg(long)]
    pub yes: bool,
}

/// Which cluster.
#[derive(Debug, Args)]
pub struct Target {
    /// Kubeconfig file [default: KUBECONFIG, ~/.kube/config]
    #[arg(long, value_name = "FILE", global = true)]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, global = true)]
    pub context: Option<String>,
}

fn server_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if url.scheme() != "https" {
        return Err("it has to begin with https://".into());
    }
    let plain = url.username().is_empty() && url.password().is_none();
    if !plain || url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("it has to be https://HOST:PORT and nothing more".into());
    }
    Ok(url)
}

fn image(text: &str) -> Result<String, String> {
    if is_image(text) { Ok(text.into()) } else { Err("it is not the name of an image".into()) }
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as 90s, 5m or 1h".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    const GOOD: [&str; 7] = [
        "gimlet-install",
        "--server",
        "https://gimlet.example:9443",
        "--token-file",
        "-",
        "--root-file",
        "ca.pem",
    ];

    fn parse(arguments: &[&str]) -> Result<Options, ErrorKind> {
        Options::try_parse_from(arguments).map_err(|error| error.kind())
    }

    #[test]
    fn the_shortest_installation_needs_server_root_and_token() {
        let install = parse(&GOOD).unwrap().install.unwrap();
        assert!(parse(&[&GOOD[..], &["--context", "blue"]].concat()).is_ok());
        assert_eq!(install.server.as_str(), "https://gimlet.example:9443/");
        assert_eq!(install.wait, Duration::from_secs(300));
        for missing in [1, 3, 5] {
            let mut arguments = GOOD.to_vec();
            arguments.drain(missing..missing + 2);
            assert_eq!(
                parse(&arguments).unwrap_err(),
                ErrorKind::MissingRequiredArgument,
                "{missing}"
            );
        }
    }

    #[test]
    fn two_roots_are_one_too_many() {
        let fingerprint = format!("sha256:{}", "0".repeat(64));
        let both = [&GOOD[..], &["--root-fingerprint", &fingerprint]].concat();
        assert_eq!(parse(&both).unwrap_err(), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn standard_input_is_token_or_credential() {
        let with = |file: &str| {
            let install = parse(&[&GOOD[..], &["--git-credential-file", file]].concat()).unwrap();
            install.install.unwrap().check()
        };
        assert!(with("login").is_ok());
        assert!(with("-").unwrap_err().contains("--token-file"));
    }

    #[test]
    fn addresses_that_are_more_or_less_than_an_origin_are_refused() {
        for bad in
            ["gimlet.example", "http://a", "https://a/b", "https://u:p@a", "https://a/?x", "-x"]
        {
            let mut arguments = GOOD.to_vec();
            arguments[2] = bad;
            assert!(parse(&arguments).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h", 3600), ("7", 7)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for bad in ["", "m", "5d", "-1s", "99999999999999999999s", "9999999999999999h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_removal_stands_alone() {
        let options = parse(&["gimlet-install", "uninstall", "--yes"]).unwrap();
        assert!(matches!(options.command, Some(Command::Uninstall(Uninstall { yes: true, .. }))));
        assert!(options.install.is_none());
        assert!(parse(&["gimlet-install", "uninstall", "--context", "blue"]).is_ok());
        assert!(parse(&["gimlet-install"]).is_err());
    }
}
