//! What the server stands on and is reached by: ports, addresses, git, a collector of traces.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use gimlet_git::Git;
use gimlet_shared::error_chain::Chain;
use url::{Host, Url};

use super::Finding;
use crate::config::Config;

/// The oldest git that the tests run on: bundles, hidden references and fsync settings work there.
const OLDEST_GIT: (u32, u32) = (2, 39);
/// A name server or collector that takes longer is away.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn ports(config: &Config, running: bool) -> Vec<Finding> {
    let ports = [
        ("listen", config.listen),
        ("health_listen", config.health_listen),
        ("agent_listen", config.agent_listen),
    ];
    ports.into_iter().map(|(name, address)| port(name, address, running)).collect()
}

fn port(name: &str, address: SocketAddr, running: bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::good(name, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && running => {
            Finding::good(name, format!("{address} is taken, by the server that runs here"))
        }
        Err(error) => {
            let remedy = match error.kind() {
                ErrorKind::AddrInUse => "end the program that has it, or choose another port",
                ErrorKind::AddrNotAvailable => {
                    "this machine has no such address; 0.0.0.0 is all it has"
                }
                ErrorKind::PermissionDenied => {
                    "ports below 1024 need the right CAP_NET_BIND_SERVICE"
                }
                _ => "choose another address",
            };
            Finding::failed(name, format!("{address} cannot be opened: {error}"), remedy)
        }
    }
}

pub(super) async fn addresses(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let others_listen = !config.listen.ip().is_loopback();
    for (name, url) in [("public_url", &config.public_url), ("agent_url", &config.agent_url)] {
        findings.push(address(name, url, others_listen).await);
    }
    if config.public_url.scheme() == "http" && !is_loopback(&config.public_url) {
        findings.push(Finding::warning(
            "public_url",
            "it is http://: passwords and tokens travel in clear",
            "put a proxy with TLS before port 9000, and use its https:// address",
        ));
    }
    let (said, opened) =
        (config.agent_url.port_or_known_default().unwrap_or_default(), config.agent_listen.port());
    if said != opened {
        findings.push(Finding::warning(
            "agent_url",
            format!("agents dial port {said}, and this server opens {opened}"),
            "right where a balancer forwards one to the other without ending TLS",
        ));
    }
    findings
}

async fn address(name: &str, url: &Url, others_listen: bool) -> Finding {
    if is_loopback(url) {
        let detail = format!("{url} is this machine only");
        let remedy = "give the address by which clusters and people reach it";
        return if others_listen {
            Finding::warning(name, detail, remedy)
        } else {
            Finding::good(name, detail)
        };
    }
    let Some(Host::Domain(host)) = url.host() else {
        return Finding::good(name, url.to_string());
    };
    let looked = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, 0))).await;
    let found = looked.map(|found| found.map_or(0, Iterator::count)).unwrap_or(0);
    match found {
        1.. => Finding::good(name, url.to_string()),
        0 => Finding::warning(
            name,
            format!("{host} has no address, seen from here"),
            "check the name, and the name servers",
        ),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

pub(super) async fn git(data_dir: &Path) -> Finding {
    let (major, minor) = OLDEST_GIT;
    let remedy = format!("install git {major}.{minor} or newer (Debian: git)");
    let version = match Git::new(data_dir.join("git-home")).version().await {
        Ok(version) => version,
        Err(error) => return Finding::failed("git", Chain(&error).to_string(), remedy),
    };
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < OLDEST_GIT {
        return Finding::failed("git", format!("git {version} is too old"), remedy);
    }
    Finding::good("git", format!("git {version}"))
}

pub(super) async fn telemetry(config: &Config) -> Option<Finding> {
    const NAME: &str = "telemetry.endpoint";
    let url = config.telemetry.endpoint.as_ref()?;
    let target = (url.host_str()?.to_owned(), url.port_or_known_default()?);
    let dialled = tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(target)).await;
    Some(match dialled {
        Ok(Ok(_)) => Finding::good(NAME, format!("{url} answers")),
        Ok(Err(_)) | Err(_) => Finding::warning(
            NAME,
            format!("{url} does not answer"),
            "the server runs without it; traces are lost until it answers",
        ),
    })
}
