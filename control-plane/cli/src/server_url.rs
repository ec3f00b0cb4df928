//! The address of a server.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};
use url::{Host, Url};

use crate::error::CliError;

/// `http` or `https`, a host, and perhaps a path before the API's; nothing else. Shown without a last slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerUrl(Arc<Url>);

impl ServerUrl {
    /// Reads what stands at `place`, and names that in errors.
    pub(crate) fn parse(place: &str, text: &str) -> Result<Self, CliError> {
        let bad = |why: &str| {
            CliError::usage(format!("{place}: {why}"))
                .advise("write it like https://gimlet.example.com")
        };
        let mut url = Url::parse(text.trim()).map_err(|_| bad("is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("must not carry a login; the token is given apart from it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("must end before `?` and `#`"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(Arc::new(url)))
    }

    /// The address of an operation, below `/api/v1`.
    pub(crate) fn operation(&self, path: &[&str], query: &[(&'static str, String)]) -> Url {
        let mut url = Url::clone(&self.0);
        // Fails for URLs without a host only, which are none of ours.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// What is sent there stays on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl Serialize for ServerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_lies_below_the_servers_own_path() {
        for (text, shown) in [
            ("https://g.example", "https://g.example"),
            ("https://g.example//", "https://g.example"),
            (" http://g.example:9000/a/b/ ", "http://g.example:9000/a/b"),
        ] {
            let server = ServerUrl::parse("--server", text).unwrap();
            assert_eq!(server.to_string(), shown);
            let address = server.operation(&["apps", "a/b"], &[("limit", "1".to_owned())]);
            assert_eq!(address.as_str(), format!("{shown}/api/v1/apps/a%2Fb?limit=1"));
        }
    }

    #[test]
    fn loopback_has_several_names() {
        let is_loopback = |text: &str| ServerUrl::parse("", text).unwrap().is_loopback();
        for own in
            ["http://localhost:9000", "http://127.0.0.9", "http://[::1]:1", "http://a.localhost"]
        {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["http://10.0.0.1", "http://localhost.example", "http://[::2]"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
