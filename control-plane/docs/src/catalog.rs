//! The pages that people wrote, in the order in which they are read.

/// A part of the table of contents.
pub(crate) struct Part {
    pub(crate) title: &'static str,
    pub(crate) entries: &'static [Entry],
}

/// What stands in a part.
pub(crate) enum Entry {
    /// A page of `pages/`.
    Written { slug: &'static str, text: &'static str },
    /// A page with one page for each command of `gimlet` behind it.
    CommandLine { slug: &'static str, text: &'static str },
    /// A page with one page for each subject of the API behind it.
    Api { slug: &'static str, text: &'static str },
}

macro_rules! written {
    ($slug:literal) => {
        Entry::Written { slug: $slug, text: include_str!(concat!("../pages/", $slug, ".md")) }
    };
}

/// Every part.
pub(crate) const PARTS: &[Part] = &[
    Part {
        title: "Start",
        entries: &[
            written!("quick-start"),
            written!("own-server"),
            written!("connect-a-cluster"),
            written!("first-application"),
        ],
    },
    Part {
        title: "Understand",
        entries: &[
            written!("concepts"),
            written!("way-of-a-commit"),
            written!("flux-on-its-own"),
            written!("security"),
        ],
    },
    Part {
        title: "Use",
        entries: &[
            written!("deploy"),
            written!("roll-back"),
            written!("git-hosts"),
            written!("gitops-repository"),
            written!("scripting"),
            written!("troubleshooting"),
        ],
    },
    Part {
        title: "Operate",
        entries: &[
            written!("configuration"),
            written!("network"),
            written!("database"),
            written!("backup"),
            written!("upgrade"),
            written!("monitoring"),
            written!("uninstall"),
        ],
    },
    Part {
        title: "Look up",
        entries: &[
            written!("manifest"),
            written!("templates"),
            Entry::CommandLine { slug: "cli", text: include_str!("../pages/cli.md") },
            Entry::Api { slug: "api", text: include_str!("../pages/api.md") },
            written!("problems"),
        ],
    },
];
