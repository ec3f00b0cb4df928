//! Addresses of repositories.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::{Host, Url};

/// The longest address accepted, in bytes.
const LONGEST: usize = 2048;

/// The address of a repository, in the one spelling that git and we both use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RemoteUrl(Address);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Address {
    Http(Url),
    File(PathBuf, Url),
}

/// Why an address is not accepted. No variant repeats it: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Not an absolute URL.
    #[error("the repository address is no URL; write it like https://host/owner/repository.git")]
    Malformed,
    /// More than 2048 bytes.
    #[error("the repository address is longer than 2048 bytes")]
    TooLong,
    /// White space or control characters.
    #[error("the repository address has white space or control characters; remove them")]
    Character,
    /// An ssh address in any of its spellings.
    #[error(
        "ssh addresses are not supported; use the repository's https address with an access token"
    )]
    Ssh,
    /// A scheme other than http, https and file.
    #[error("the scheme {scheme:?} is not supported; use https")]
    Scheme {
        /// The scheme, cut to 32 characters.
        scheme: String,
    },
    /// `user:password@` in the address.
    #[error(
        "the repository address holds credentials; remove them and give user name and token separately"
    )]
    Credentials,
    /// No host, or one that ends in a dot.
    #[error("the repository address has no usable host name")]
    Host,
    /// `?…` or `#…`.
    #[error("the repository address has a query or fragment; end it after the repository's path")]
    Query,
}

impl RemoteUrl {
    /// The address as text; it holds no credentials.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Address::Http(url) | Address::File(_, url) => url.as_str(),
        }
    }

    /// The host name or address; `None` for `file`.
    pub fn host(&self) -> Option<&str> {
        match &self.0 {
            Address::Http(url) => url.host_str(),
            Address::File(..) => None,
        }
    }

    /// Host and port to dial; `None` for `file`.
    pub fn dialled(&self) -> Option<(Host<&str>, u16)> {
        match &self.0 {
            Address::Http(url) => url.host().zip(url.port_or_known_default()),
            Address::File(..) => None,
        }
    }

    /// The directory of a `file` address.
    pub fn directory(&self) -> Option<&Path> {
        match &self.0 {
            Address::Http(_) => None,
            Address::File(path, _) => Some(path),
        }
    }
}

impl FromStr for RemoteUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(InvalidUrl::TooLong);
        }
        // The URL parser would silently drop some of these, and git would see another address.
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(InvalidUrl::Character);
        }
        let url = Url::parse(text).map_err(|_| short_ssh(text))?;
        match url.scheme() {
            "http" | "https" | "file" => {}
            "ssh" | "git+ssh" | "ssh+git" => return Err(InvalidUrl::Ssh),
            other => return Err(InvalidUrl::Scheme { scheme: other.chars().take(32).collect() }),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidUrl::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidUrl::Query);
        }
        if url.scheme() == "file" {
            let path = url.to_file_path().map_err(|()| InvalidUrl::Host)?;
            return Ok(Self(Address::File(path, url)));
        }
        // A final dot makes curl's table of pinned addresses and its look-up disagree.
        if url.host_str().is_none_or(|host| host.is_empty() || host.ends_with('.')) {
            return Err(InvalidUrl::Host);
        }
        Ok(Self(Address::Http(url)))
    }
}

/// `git@host:owner/repository`, which is no URL, deserves its own answer.
fn short_ssh(text: &str) -> InvalidUrl {
    let looks_like_ssh =
        text.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
    if looks_like_ssh { InvalidUrl::Ssh } else { InvalidUrl::Malformed }
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn web_addresses_are_taken_in_one_spelling() {
        for (text, same) in [
            ("https://github.com/o/r.git", "https://github.com/o/r.git"),
            ("HTTPS://GitHub.com:443/o/r", "https://github.com/o/r"),
            ("http://0x7f.1:3000/r", "http://127.0.0.1:3000/r"),
            ("https://h/a/../b", "https://h/b"),
            ("file:///srv/git/r", "file:///srv/git/r"),
        ] {
            assert_eq!(text.parse::<RemoteUrl>().unwrap().as_str(), same);
        }
    }

    #[test]
    fn hostile_addresses_are_refused() {
        use InvalidUrl as E;
        let scheme = |scheme: &str| E::Scheme { scheme: scheme.into() };
        let long = format!("https://h/{}", "a".repeat(3000));
        for (text, error) in [
            ("", E::Malformed),
            ("--upload-pack=touch", E::Malformed),
            ("-oProxyCommand=x", E::Malformed),
            ("/srv/git/r", E::Malformed),
            ("../r", E::Malformed),
            ("git@github.com:o/r.git", E::Ssh),
            ("ssh://-oProxyCommand=x/r", E::Ssh),
            ("ssh://git@github.com/o/r", E::Ssh),
            ("ext::sh -c x", E::Character),
            ("ext::sh", scheme("ext")),
            ("fd::17", scheme("fd")),
            ("git://host/r", scheme("git")),
            ("ftp://host/r", scheme("ftp")),
            ("javascript:alert(1)", scheme("javascript")),
            ("https://user:secret@host/r", E::Credentials),
            ("https://token@host/r", E::Credentials),
            ("https://", E::Malformed),
            ("https://host./r", E::Host),
            ("https://host/r?x=1", E::Query),
            ("https://host/r#x", E::Query),
            ("https://ho\nst/r", E::Character),
            ("https://host/r\0", E::Character),
            (&long, E::TooLong),
        ] {
            assert_eq!(text.parse::<RemoteUrl>().unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn an_error_never_repeats_a_password() {
        let error = "https://user:canary-secret@host/r".parse::<RemoteUrl>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    proptest! {
        #[test]
        fn what_is_taken_begins_with_an_allowed_scheme(text in "\\PC{0,40}") {
            if let Ok(url) = text.parse::<RemoteUrl>() {
                let taken = url.as_str();
                prop_assert!(["http://", "https://", "file:///"].iter().any(|s| taken.starts_with(s)), "{}", taken);
            }
        }
    }
}
