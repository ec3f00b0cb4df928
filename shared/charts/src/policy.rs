//! What may be reached, by whoever runs this.

use std::collections::BTreeSet;
use std::net::IpAddr;

use gimlet_remote::{HostPolicy, is_public};
use url::{Host, Url};

/// What sources may lead to.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Which hosts are dialled.
    pub hosts: Hosts,
    /// Folders and archives of this machine, and git repositories in its folders.
    pub allow_local: bool,
    /// Git over ssh, with the keys of whoever runs this program.
    pub allow_ssh: bool,
    /// Hosts, such as `registry.example.com:5000`, that are spoken to without TLS, with credentials too.
    /// Loopback addresses need not be named.
    pub plain_hosts: BTreeSet<String>,
}

/// Which hosts are dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// All of them.
    Any,
    /// Those with public addresses only, besides named ones.
    Public {
        /// Host names and addresses, in lower case and without a port, that may be anywhere.
        allowed: BTreeSet<String>,
    },
}

impl Policy {
    /// For a server that takes addresses from strangers: its own network stays out of reach, but for hosts that
    /// its operator names.
    pub fn server(allowed_hosts: impl IntoIterator<Item = String>) -> Self {
        let allowed = allowed_hosts.into_iter().map(|host| host.to_lowercase()).collect();
        Self {
            hosts: Hosts::Public { allowed },
            allow_local: false,
            allow_ssh: false,
            plain_hosts: BTreeSet::new(),
        }
    }

    /// For a person at their own machine, who may reach whatever they can reach anyway.
    pub fn person() -> Self {
        Self { hosts: Hosts::Any, allow_local: true, allow_ssh: true, plain_hosts: BTreeSet::new() }
    }

    /// Whether this host is spoken to without TLS.
    pub(crate) fn is_plain(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let with_port = url.port().map(|port| format!("{host}:{port}"));
        is_loopback(url)
            || self.plain_hosts.contains(host)
            || with_port.is_some_and(|it| self.plain_hosts.contains(&it))
    }

    /// The same rule for git.
    pub(crate) fn for_git(&self, host: Option<&str>) -> HostPolicy {
        let allow_private = host.is_none_or(|host| self.hosts.exempts(host));
        HostPolicy { allow_private, allow_file: self.allow_local }
    }
}

impl Hosts {
    /// Whether the addresses of a host do not matter.
    pub(crate) fn exempts(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Public { allowed } => allowed.contains(&host.to_lowercase()),
        }
    }

    /// Whether an address of a host may be dialled.
    pub(crate) fn allows(&self, host: &str, address: IpAddr) -> bool {
        self.exempts(host) || is_public(address)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_dials_its_own_network_only_where_its_operator_says_so() {
        let policy = Policy::server(["Charts.Corp.example".to_owned(), "10.0.0.9".to_owned()]);
        let inner: IpAddr = "10.0.0.9".parse().expect("an address");
        assert!(!policy.hosts.allows("elsewhere.example", inner));
        assert!(policy.hosts.allows("charts.corp.example", inner));
        assert!(policy.hosts.allows("10.0.0.9", inner));
        assert!(policy.for_git(Some("charts.corp.example")).allow_private);
        assert!(!policy.for_git(Some("github.com")).allow_private);
    }

    #[test]
    fn tls_is_left_out_for_loopback_and_named_hosts_only() {
        let mut policy = Policy::person();
        policy.plain_hosts.insert("registry.corp:5000".to_owned());
        let plain = |text: &str| policy.is_plain(&Url::parse(text).expect("an address"));
        assert!(plain("https://127.0.0.1:5000/x") && plain("https://localhost/x"));
        assert!(plain("https://registry.corp:5000/x"));
        assert!(!plain("https://registry.corp/x") && !plain("https://localhost.evil.test/x"));
    }
}
