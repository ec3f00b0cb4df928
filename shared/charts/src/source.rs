//! Where a chart is to come from, as people and metrics name it.

use std::fmt;

use gimlet_manifest::{ChartSource, GitReference};
use url::Url;

/// The kinds of [`ChartSource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are those of the sources")]
pub enum SourceKind {
    Repository,
    Oci,
    Git,
    Folder,
    BuiltIn,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Repository, Self::Oci, Self::Git, Self::Folder, Self::BuiltIn];

    /// One word for it, as in a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Oci => "oci",
            Self::Git => "git",
            Self::Folder => "folder",
            Self::BuiltIn => "builtin",
        }
    }
}

impl From<&ChartSource> for SourceKind {
    fn from(source: &ChartSource) -> Self {
        match source {
            ChartSource::Repository { .. } => Self::Repository,
            ChartSource::Oci { .. } => Self::Oci,
            ChartSource::Git(_) => Self::Git,
            ChartSource::Folder { .. } => Self::Folder,
            ChartSource::BuiltIn { .. } => Self::BuiltIn,
        }
    }
}

/// A source for people: what and where, without what an address may hold of credentials.
pub(crate) fn described(source: &ChartSource) -> String {
    match source {
        ChartSource::Repository { url, name, version } => {
            format!("chart {name}{} of {}", spaced(version), Shown(url))
        }
        ChartSource::Oci { url, version } => format!("chart {}{}", Shown(url), spaced(version)),
        ChartSource::Git(git) => {
            let commit = match &git.reference {
                GitReference::DefaultBranch => String::new(),
                GitReference::Commit(hash) => format!(" at {hash}"),
                GitReference::Tag(tag) => format!(" at tag {tag}"),
                GitReference::Branch(branch) => format!(" on branch {branch}"),
            };
            format!("chart /{} of {}{commit}", git.path, Shown(&git.url))
        }
        ChartSource::Folder { path } => format!("chart {path}"),
        ChartSource::BuiltIn { chart, version } => {
            format!("built-in chart {}{}", chart.folder(), spaced(version))
        }
    }
}

fn spaced(version: &str) -> String {
    if version.is_empty() { String::new() } else { format!(" {version}") }
}

/// An address as it may be shown: no user, no password, no query, which may be a signature.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(url) = Url::parse(self.0)
            && url.has_host()
        {
            return f.write_str(&shown(&url));
        }
        // `git@host:path` is no URL; what may be a password in whatever else this is stays unsaid.
        let rest = self.0.rsplit_once('@').map_or(self.0, |(_, rest)| rest);
        f.write_str(rest.split(['?', '#']).next().unwrap_or(rest))
    }
}

/// As [`Shown`].
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Neither can fail where there is a host, and where there is none there is no user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use gimlet_manifest::{GitSource, GitTransport};

    use super::*;

    #[test]
    fn no_credentials_of_an_address_are_shown() {
        for (text, expected) in [
            ("https://user:canary@h/charts?token=canary#canary", "https://h/charts"),
            ("oci://canary@h/x", "oci://h/x"),
            ("git@h:o/r.git?x=canary", "h:o/r.git"),
            ("canary:canary@h", "h"),
        ] {
            assert_eq!(Shown(text).to_string(), expected);
        }
    }

    #[test]
    fn a_source_reads_as_a_person_would_say_it() {
        let repository = ChartSource::Repository {
            url: "https://charts.example.com".into(),
            name: "web".into(),
            version: "~1.2".into(),
        };
        assert_eq!(described(&repository), "chart web ~1.2 of https://charts.example.com/");
        let git = ChartSource::Git(GitSource {
            url: "https://h/o/r.git".into(),
            transport: GitTransport::Http,
            reference: GitReference::Tag("v1".into()),
            path: "charts/x".into(),
        });
        assert_eq!(described(&git), "chart /charts/x of https://h/o/r.git at tag v1");
    }
}
