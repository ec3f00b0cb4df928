//! Which hosts may be dialled, and making git dial exactly them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

use crate::RemoteUrl;

/// What the operator allows of the addresses that members give. By default only public hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostPolicy {
    /// Private, loopback and link-local addresses too: for installations inside one's own network.
    pub allow_private: bool,
    /// Repositories in directories of this machine, by `file:` address: for tests and demonstrations.
    pub allow_file: bool,
}

/// Why a host is not dialled.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A `file:` address where the operator does not allow it.
    #[error("repositories in directories of the server are not allowed; use an https address")]
    FileNotAllowed,
    /// The name has no address.
    #[error("the host name {host} could not be resolved")]
    Unresolved {
        /// The host name.
        host: String,
        /// What the resolver says; absent when it knows the name but no address.
        source: Option<std::io::Error>,
    },
    /// An address of the name is not public.
    #[error(
        "the host {host} has the address {address}, which is not public; the operator can allow private hosts"
    )]
    NotPublic {
        /// The host name.
        host: String,
        /// The offending address.
        address: IpAddr,
    },
}

/// How host names become addresses.
#[derive(Clone, Debug)]
pub enum Resolver {
    /// As the system's configuration says.
    System,
    /// To these, whatever the name: for tests.
    Fixed(Vec<IpAddr>),
}

impl HostPolicy {
    /// Resolves and checks the host of `url`. Returns the value of `http.curloptResolve` that makes git
    /// dial the checked addresses and no others; `None` where there is no name to resolve.
    ///
    /// # Errors
    /// When the name has no address, or one that may not be dialled.
    pub async fn pin(
        self,
        url: &RemoteUrl,
        resolver: &Resolver,
    ) -> Result<Option<String>, HostError> {
        if url.directory().is_some() && !self.allow_file {
            return Err(HostError::FileNotAllowed);
        }
        let Some((host, port)) = url.dialled() else { return Ok(None) };
        let name = host.to_string();
        let (addresses, is_name) = match host {
            Host::Ipv4(address) => (vec![IpAddr::V4(address)], false),
            Host::Ipv6(address) => (vec![IpAddr::V6(address)], false),
            Host::Domain(domain) => (resolver.look_up(domain, port).await?, true),
        };
        // One bad address spoils the name: git would be free to choose it.
        if let Some(address) = addresses.iter().copied().find(|address| !self.allows(*address)) {
            return Err(HostError::NotPublic { host: name, address });
        }
        let addresses: Vec<String> = addresses.iter().map(bracketed).collect();
        Ok(is_name.then(|| format!("{name}:{port}:{}", addresses.join(","))))
    }

    fn allows(self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }
}

impl Resolver {
    /// The addresses of a name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn look_up(&self, host: &str, port: u16) -> Result<Vec<IpAddr>, HostError> {
        let unresolved = |source| HostError::Unresolved { host: host.to_owned(), source };
        let addresses: Vec<IpAddr> = match self {
            Self::System => tokio::net::lookup_host((host, port))
                .await
                .map_err(|source| unresolved(Some(source)))?
                .map(|socket| socket.ip())
                .collect(),
            Self::Fixed(addresses) => addresses.clone(),
        };
        if addresses.is_empty() { Err(unresolved(None)) } else { Ok(addresses) }
    }
}

fn bracketed(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Whether an address is on the public Internet, by the special-purpose registries of RFC 6890.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local() // the metadata service of most clouds among them
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || (a == 100 && (64..128).contains(&b)) // carriers' shared space; one cloud's metadata service
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // An IPv4 address in IPv6 clothes is judged as what will be dialled in the end.
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    let segments = address.segments();
    let global_unicast = (segments[0] & 0xe000) == 0x2000;
    let special = match segments {
        [0x2001, 0..0x0200, ..] => true, // protocol assignments, Teredo
        [0x2001, 0x0db8, ..] => true,    // documentation
        [0x3ff0..=0x3fff, ..] => true,   // documentation
        _ => false,
    };
    global_unicast && !special
}

fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(v4(high, low)), // compatible, mapped
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),  // NAT64
        [0x2002, high, low, ..] => Some(v4(high, low)),                // 6to4
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: &[&str] = &[
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "140.82.121.4",
        "172.32.0.1",
        "100.128.0.1",
        "192.0.1.1",
        "2606:4700::1111",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2001:4860:4860::8888",
    ];

    #[test]
    fn private_addresses_are_known_in_all_their_clothes() {
        for text in PRIVATE {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in PUBLIC {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    async fn pin(
        policy: HostPolicy,
        url: &str,
        addresses: &[&str],
    ) -> Result<Option<String>, HostError> {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        policy.pin(&url.parse().unwrap(), &Resolver::Fixed(addresses)).await
    }

    #[tokio::test]
    async fn a_public_host_is_pinned_to_what_was_checked() {
        let pinned =
            pin(HostPolicy::default(), "https://git.test/r", &["1.1.1.1", "2606:4700::1111"]).await;
        assert_eq!(pinned.unwrap().unwrap(), "git.test:443:1.1.1.1,[2606:4700::1111]");
    }

    #[tokio::test]
    async fn one_private_address_spoils_a_name() {
        for addresses in [&["1.1.1.1", "10.0.0.1"][..], &["::ffff:169.254.169.254"]] {
            let error =
                pin(HostPolicy::default(), "https://git.test/r", addresses).await.unwrap_err();
            assert!(matches!(error, HostError::NotPublic { .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn literal_addresses_are_judged_in_every_spelling() {
        for url in [
            "http://127.0.0.1/r",
            "http://0x7f000001/r",
            "http://2130706433/r",
            "http://[::1]/r",
            "http://[::ffff:10.0.0.1]/r",
            "http://169.254.169.254/r",
            "http://017700000001/r",
        ] {
            let error = pin(HostPolicy::default(), url, &[]).await.unwrap_err();
            assert!(matches!(error, HostError::NotPublic { .. }), "{url}: {error}");
        }
        let open = HostPolicy { allow_private: true, allow_file: false };
        assert_eq!(pin(open, "http://127.0.0.1/r", &[]).await.unwrap(), None);
    }

    #[tokio::test]
    async fn directories_need_the_operators_word() {
        let error = pin(HostPolicy::default(), "file:///srv/r", &[]).await.unwrap_err();
        assert!(matches!(error, HostError::FileNotAllowed));
        let error = pin(HostPolicy::default(), "https://git.test/r", &[]).await.unwrap_err();
        assert!(matches!(error, HostError::Unresolved { source: None, .. }));
    }
}
