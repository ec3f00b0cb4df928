//! The checks, in the order in which one needs the other.

use gimlet_shared::api::{App, Cluster, Me, Repository};
use time::OffsetDateTime;

use super::{Check, Verdict};
use crate::{
    client::{Client, Probe},
    error::CliError,
    output::age,
    settings::TokenSource,
    shell::Shell,
};

/// Tokens lapse and certificates begin by the clock; a minute is more than networks make up.
const MOST_SKEW_S: i64 = 60;

/// Looks at everything.
pub(super) async fn all(shell: &mut Shell) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(client) = reach(shell, &mut checks).await {
        look_inside(&client, shell.out.now(), &mut checks).await;
    }
    checks
}

/// The server, its clock and version, and the login; a client where all of them work.
async fn reach(shell: &mut Shell, checks: &mut Vec<Check>) -> Option<Client> {
    let server = match shell.settings.server() {
        Ok(server) => server,
        Err(error) => {
            checks.push(of_error("server", &error));
            return None;
        }
    };
    let stranger = match shell.settings.client_for(server.clone(), None, shell.pace) {
        Ok(client) => client,
        Err(error) => {
            checks.push(of_error("server", &error));
            return None;
        }
    };
    match stranger.probe().await {
        Ok(probe) => {
            checks.push(Check::good("server", format!("{server} answers")));
            checks.push(encryption(&stranger));
            checks.push(clock(&probe, shell.out.now()));
            checks.push(version(&probe));
        }
        Err(error) => {
            checks.push(of_error("server", &error));
            return None;
        }
    }
    let client = shell.settings.client(shell.pace);
    let source = shell.settings.find_token(&server).ok().flatten().map(|(_, source)| source);
    match client {
        Ok(client) => match client.me().await {
            Ok(me) => {
                checks.push(login(&me, source));
                Some(client)
            }
            Err(error) => {
                checks.push(of_error("login", &error));
                None
            }
        },
        Err(error) => {
            checks.push(of_error("login", &error));
            None
        }
    }
}

async fn look_inside(client: &Client, now: OffsetDateTime, checks: &mut Vec<Check>) {
    match client.list_clusters().await {
        Ok(clusters) => checks.extend(of_clusters(&clusters, now)),
        Err(error) => checks.push(of_error("clusters", &error)),
    }
    match client.list_repositories().await {
        Ok(repositories) => checks.extend(of_repositories(&repositories, now)),
        Err(error) => checks.push(of_error("repositories", &error)),
    }
    match client.list_apps().await {
        Ok(apps) => {
            checks.extend(of_gitops(&apps));
            checks.extend(of_apps(&apps));
        }
        Err(error) => checks.push(of_error("applications", &error)),
    }
}

fn of_error(name: &str, error: &CliError) -> Check {
    let next = error.advice();
    Check { next, ..Check::new(Verdict::Failed, name, error.sentence()) }
}

fn encryption(client: &Client) -> Check {
    let server = client.server();
    if server.is_encrypted() {
        return Check::good("encryption", "TLS, with a certificate that this machine trusts");
    }
    if server.is_loopback() {
        return Check::good("encryption", "none, and what is sent stays on this machine");
    }
    Check::warning(
        "encryption",
        "none: others on the network can read your token",
        "give the server an https:// address, then `gimlet auth login --server https://…`",
    )
}

fn clock(probe: &Probe, now: OffsetDateTime) -> Check {
    let Some(theirs) = probe.time else {
        return Check::new(Verdict::Skipped, "clock", "the server does not tell its time");
    };
    let skew = (now - theirs).whole_seconds();
    if skew.abs() <= MOST_SKEW_S {
        return Check::good("clock", "agrees with the server's to the minute");
    }
    let ahead = if skew > 0 { "ahead of" } else { "behind" };
    Check::failed(
        "clock",
        format!("this machine is {} s {ahead} the server", skew.abs()),
        "set the clock of the machine that is wrong by a time server: `timedatectl set-ntp true`",
    )
}

fn version(probe: &Probe) -> Check {
    let ours = env!("CARGO_PKG_VERSION");
    let Some(theirs) = &probe.version else {
        return Check::warning(
            "version",
            format!("this command is {ours}, and the server is older than it can tell"),
            "upgrade the server",
        );
    };
    let detail = format!("this command is {ours}, the server {}", theirs.server);
    if neighbours(ours, &theirs.server) {
        return Check::good("version", detail);
    }
    Check::warning(
        "version",
        detail,
        "bring both to the same version; one minor version apart is fine",
    )
}

/// The same major version, and minor versions at most one apart.
fn neighbours(ours: &str, theirs: &str) -> bool {
    let parts = |text: &str| {
        let mut parts = text.split(['.', '-', '+']).map(|part| part.parse::<i64>().ok());
        Some((parts.next()??, parts.next()??))
    };
    match (parts(ours), parts(theirs)) {
        (Some((major, minor)), Some((other_major, other_minor))) => {
            major == other_major && (minor - other_minor).abs() <= 1
        }
        _ => false,
    }
}

fn login(me: &Me, source: Option<TokenSource>) -> Check {
    let from = match source {
        Some(TokenSource::Flag) => "--token",
        Some(TokenSource::Variable) => "GIMLET_TOKEN",
        Some(TokenSource::File) | None => "the configuration file",
    };
    let detail = format!("{} of {}, {}, by {from}", me.login, me.organization, me.role);
    if me.role == "viewer" {
        return Check::warning(
            "login",
            detail,
            "a viewer cannot release; an owner can give you another role",
        );
    }
    Check::good("login", detail)
}

fn of_clusters(clusters: &[Cluster], now: OffsetDateTime) -> Vec<Check> {
    if clusters.is_empty() {
        return vec![Check::failed("clusters", "there is none", "gimlet cluster connect NAME")];
    }
    let check = |cluster: &Cluster| {
        let name = format!("cluster {}", cluster.name);
        let kubernetes = cluster.kubernetes_version.as_deref().unwrap_or("unknown");
        let seen = cluster.last_seen_at.as_deref().map(|at| age(now, at)).unwrap_or_default();
        match cluster.state.as_str() {
            "connected" => Check::good(name, format!("connected, Kubernetes {kubernetes}")),
            "waiting" => Check::failed(
                name,
                "was never connected: its command was not run to its end",
                format!("gimlet cluster connect {} --renew", cluster.name),
            ),
            _ => Check::failed(
                name,
                format!("the agent is away, last seen {seen} ago; applications run on"),
                "kubectl -n infrastructure logs deploy/gimlet-agent",
            ),
        }
    };
    clusters.iter().map(check).collect()
}

fn of_repositories(repositories: &[Repository], now: OffsetDateTime) -> Vec<Check> {
    if repositories.is_empty() {
        return vec![Check::failed("repositories", "there is none", "gimlet repo add URL")];
    }
    let check = |repository: &Repository| {
        let name = format!("repository {}", repository.name);
        match (&repository.last_error, &repository.last_polled_at) {
            (Some(error), _) => Check::failed(
                name,
                format!("cannot be read: {error}"),
                format!(
                    "correct its address or rights, then `gimlet repo look {}`",
                    repository.name
                ),
            ),
            (None, Some(at)) => Check::good(name, format!("was read {} ago", age(now, at))),
            (None, None) => Check::warning(
                name,
                "was not read yet",
                format!("gimlet repo look {}", repository.name),
            ),
        }
    };
    repositories.iter().map(check).collect()
}

/// Whether releases get into git and out of it again, by environment: what the newest ones say.
fn of_gitops(apps: &[App]) -> Vec<Check> {
    let mut environments: Vec<&str> = apps.iter().map(|app| app.environment.as_str()).collect();
    environments.sort_unstable();
    environments.dedup();
    environments
        .into_iter()
        .flat_map(|environment| {
            let here: Vec<&App> = apps.iter().filter(|app| app.environment == environment).collect();
            let write = trouble(&here, &["gitops_write"]);
            let flux = trouble(&here, &["flux_failed", "no_progress"]);
            [
                judged(
                    format!("gitops of {environment}"),
                    write,
                    "the newest releases were written",
                    "check the repository and the server's credential for it; see /docs/gitops-repository",
                ),
                judged(
                    format!("Flux of {environment}"),
                    flux,
                    "no application waits for it",
                    "kubectl -n flux-system get gitrepositories,kustomizations",
                ),
            ]
        })
        .collect()
}

fn judged(name: String, trouble: Option<String>, good: &str, next: &str) -> Check {
    match trouble {
        Some(detail) => Check::failed(name, detail, next),
        None => Check::good(name, good),
    }
}

/// The first of these causes that an application or its newest release has.
fn trouble(apps: &[&App], codes: &[&str]) -> Option<String> {
    let causes = apps.iter().flat_map(|app| {
        let newest = app.latest_release.as_ref().and_then(|release| release.cause.as_ref());
        app.cause.iter().chain(newest).map(|cause| (app.name.as_str(), cause))
    });
    let (app, cause) =
        causes.into_iter().find(|(_, cause)| codes.contains(&cause.code.as_str()))?;
    let detail =
        if cause.detail.is_empty() { String::new() } else { format!(" ({})", cause.detail) };
    Some(format!("{app}: {}{detail}", cause.summary))
}

fn of_apps(apps: &[App]) -> Vec<Check> {
    let degraded: Vec<Check> = apps
        .iter()
        .filter(|app| app.health == "degraded")
        .map(|app| {
            let name = format!("{}/{}", app.environment, app.name);
            let why = app.cause.as_ref().map_or("it is degraded", |cause| cause.summary.as_str());
            Check::failed(format!("application {name}"), why, format!("gimlet app show {name}"))
        })
        .collect();
    if degraded.is_empty() && !apps.is_empty() {
        return vec![Check::good("applications", format!("{}, none degraded", apps.len()))];
    }
    degraded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_versions_get_along() {
        for (ours, theirs) in [("0.1.0", "0.1.7"), ("1.4.0", "1.5.0-rc1"), ("1.4.0", "1.3.9")] {
            assert!(neighbours(ours, theirs), "{ours} {theirs}");
        }
        for (ours, theirs) in [("0.1.0", "1.1.0"), ("1.4.0", "1.6.0"), ("1.4.0", "new")] {
            assert!(!neighbours(ours, theirs), "{ours} {theirs}");
        }
    }
}
