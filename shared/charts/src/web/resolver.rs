//! Host names to addresses that may be dialled.

use std::net::SocketAddr;

use gimlet_remote::{HostError, Resolver};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::policy::Hosts;

/// Resolves as the system does, and gives only what the policy allows: what was checked is what is dialled.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    hosts: Hosts,
    resolver: Resolver,
}

impl Checked {
    pub(super) fn new(hosts: Hosts) -> Self {
        Self { hosts, resolver: Resolver::System }
    }

    async fn look_up(self, host: &str) -> Result<Vec<SocketAddr>, HostError> {
        let addresses = self.resolver.look_up(host, 0).await?;
        // One bad address spoils the name, as it does for git.
        match addresses.iter().find(|address| !self.hosts.allows(host, **address)) {
            Some(address) => Err(HostError::NotPublic { host: host.to_owned(), address: *address }),
            None => Ok(addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect()),
        }
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let checked = self.clone();
        Box::pin(async move {
            let addresses = checked.look_up(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    async fn looked_up(allowed: &[&str], addresses: &[&str]) -> Result<Vec<SocketAddr>, HostError> {
        let allowed: BTreeSet<String> = allowed.iter().map(|it| (*it).to_owned()).collect();
        let fixed = addresses.iter().map(|text| text.parse().expect("an address")).collect();
        let checked =
            Checked { hosts: Hosts::Public { allowed }, resolver: Resolver::Fixed(fixed) };
        checked.look_up("charts.test").await
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_dialled_only_where_it_is_allowed() {
        let inside = ["1.1.1.1", "169.254.169.254"];
        let error = looked_up(&[], &inside).await.expect_err("an inner address");
        assert!(matches!(error, HostError::NotPublic { .. }), "{error}");
        assert_eq!(looked_up(&["charts.test"], &inside).await.expect("addresses").len(), 2);
        assert_eq!(looked_up(&[], &["1.1.1.1"]).await.expect("an address").len(), 1);
    }
}
