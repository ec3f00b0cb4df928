//! What stands around every page of a signed-in person: who they are, where they are, what they may.

use gimlet_shared::api::Me;
use time::OffsetDateTime;

use crate::session::Viewer;

/// The parts of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Fleet,
    Apps,
    Commits,
    Releases,
    Repositories,
    Activity,
    /// A page outside of the navigation.
    Elsewhere,
}

/// One entry of the navigation.
pub(crate) struct Entry {
    pub(crate) section: Section,
    pub(crate) url: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
    /// Where the space is scarce.
    pub(crate) short: &'static str,
}

const ENTRIES: [Entry; 6] = [
    Entry { section: Section::Fleet, url: "/fleet", icon: "fleet", word: "Fleet", short: "Fleet" },
    Entry {
        section: Section::Apps,
        url: "/apps",
        icon: "apps",
        word: "Applications",
        short: "Apps",
    },
    Entry {
        section: Section::Commits,
        url: "/commits",
        icon: "commits",
        word: "Commits",
        short: "Commits",
    },
    Entry {
        section: Section::Releases,
        url: "/releases",
        icon: "releases",
        word: "Releases",
        short: "Releases",
    },
    Entry {
        section: Section::Repositories,
        url: "/repositories",
        icon: "repositories",
        word: "Repositories",
        short: "Repos",
    },
    Entry {
        section: Section::Activity,
        url: "/activity",
        icon: "activity",
        word: "Activity",
        short: "Activity",
    },
];

/// What every page of a signed-in person needs.
pub(crate) struct Shell {
    pub(crate) me: Me,
    pub(crate) section: Section,
    /// When the page was made; times on it are told from here.
    pub(crate) now: OffsetDateTime,
}

impl Shell {
    /// The shell of a page in `section`.
    pub(crate) fn new(viewer: &Viewer, section: Section) -> Self {
        Self { me: viewer.me.clone(), section, now: viewer.now }
    }

    pub(crate) fn entries(&self) -> &'static [Entry] {
        &ENTRIES
    }

    pub(crate) fn is_in(&self, entry: &Entry) -> bool {
        self.section == entry.section
    }

    /// Whether to offer releasing, rolling back and deleting; the use cases decide for themselves.
    pub(crate) fn may_release(&self) -> bool {
        self.me.role != "viewer"
    }

    /// Whether to offer connecting clusters and repositories.
    pub(crate) fn may_connect(&self) -> bool {
        matches!(self.me.role.as_str(), "owner" | "admin")
    }

    /// The first letter of the person, for the badge.
    pub(crate) fn initial(&self) -> String {
        self.me.login.chars().next().map(|char| char.to_uppercase().collect()).unwrap_or_default()
    }
}
