//! Every setting: its name, and what may stand in it. What it means is told once, in the defaults' file.

use super::DEFAULTS;

/// What may stand in a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `http://…` or `https://…`, with a host.
    Url,
    /// `https://…`, with a host.
    HttpsUrl,
    /// As [`Kind::Url`], or empty.
    OptionalUrl,
    /// Address and port to listen on.
    Address,
    /// An absolute path.
    Folder,
    /// `postgres://…`, `sqlite://…`, or empty. Never shown.
    Database,
    /// A container image with a tag or digest.
    Image,
    /// Whole seconds, within bounds.
    Seconds {
        /// The smallest value that makes sense.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A whole number, within bounds.
    Count {
        /// The smallest value that makes sense.
        least: u32,
        /// The largest.
        most: u32,
    },
    /// `true` or `false`.
    Switch,
    /// Levels, as `tracing` reads them.
    LogFilter,
    /// `auto`, `json` or `text`.
    LogFormat,
    /// A share from 0 to 1.
    Share,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As in the file; a dot parts it from its table.
    pub name: &'static str,
    /// Its flag without dashes: `public-url`.
    pub flag: &'static str,
    /// Its environment variable: `GIMLET_PUBLIC_URL`.
    pub variable: &'static str,
    /// What may stand in it.
    pub kind: Kind,
    /// One line for `--help`.
    pub help: &'static str,
}

/// A day: no wait between two looks, and no release, is longer.
const DAY_S: u64 = 24 * 3600;

/// More than a machine answers in a minute: whoever wants more wants no limit.
const MOST_REQUESTS: u32 = 10_000_000;

/// All settings, in the order of the file.
pub const KEYS: &[Key] = &[
    key(
        ("public_url", "public-url", "GIMLET_PUBLIC_URL"),
        Kind::Url,
        "Where people reach this server",
    ),
    key(("agent_url", "agent-url", "GIMLET_AGENT_URL"), Kind::HttpsUrl, "Where agents reach it"),
    key(
        ("git_url", "git-url", "GIMLET_GIT_URL"),
        Kind::OptionalUrl,
        "Where Flux reaches the built-in git server",
    ),
    key(
        ("listen", "listen", "GIMLET_LISTEN"),
        Kind::Address,
        "Address and port for people, API, webhooks and git",
    ),
    key(
        ("health_listen", "health-listen", "GIMLET_HEALTH_LISTEN"),
        Kind::Address,
        "Address and port for health and metrics",
    ),
    key(
        ("agent_listen", "agent-listen", "GIMLET_AGENT_LISTEN"),
        Kind::Address,
        "Address and port for agents",
    ),
    key(
        ("data_dir", "data-dir", "GIMLET_DATA_DIR"),
        Kind::Folder,
        "Folder of database, repositories and certificate authority",
    ),
    key(
        ("database_url", "database-url", "GIMLET_DATABASE_URL"),
        Kind::Database,
        "PostgreSQL instead of SQLite",
    ),
    key(("agent_image", "agent-image", "GIMLET_AGENT_IMAGE"), Kind::Image, "Image of the agent"),
    // Shorter than ten seconds, Flux's own health check could not tell anything.
    key(
        ("release_deadline_s", "release-deadline-s", "GIMLET_RELEASE_DEADLINE_S"),
        seconds(10, DAY_S),
        "Seconds from a release's commit to healthy",
    ),
    // Every host that is polled counts requests.
    key(
        ("poll_interval_s", "poll-interval-s", "GIMLET_POLL_INTERVAL_S"),
        seconds(1, DAY_S),
        "Seconds between two looks at a source repository",
    ),
    key(
        ("allow_private_hosts", "allow-private-hosts", "GIMLET_ALLOW_PRIVATE_HOSTS"),
        Kind::Switch,
        "Allow repositories on private addresses",
    ),
    key(
        ("allow_file_repositories", "allow-file-repositories", "GIMLET_ALLOW_FILE_REPOSITORIES"),
        Kind::Switch,
        "Allow repositories in folders of this machine",
    ),
    key(("log", "log", "GIMLET_LOG"), Kind::LogFilter, "What is logged"),
    key(
        ("log_format", "log-format", "GIMLET_LOG_FORMAT"),
        Kind::LogFormat,
        "How it is logged: auto, json or text",
    ),
    // What is left of a stop's 20 seconds has to do for the agents and the last requests.
    key(
        ("drain_wait_s", "drain-wait-s", "GIMLET_DRAIN_WAIT_S"),
        seconds(0, 10),
        "Seconds between unready and the last new connection",
    ),
    key(
        ("telemetry.endpoint", "telemetry-endpoint", "GIMLET_TELEMETRY_ENDPOINT"),
        Kind::OptionalUrl,
        "Where traces go, OTLP over HTTP",
    ),
    key(
        ("telemetry.sample", "telemetry-sample", "GIMLET_TELEMETRY_SAMPLE"),
        Kind::Share,
        "Share of the ways of commits that is traced",
    ),
    key(
        ("limits.per_credential", "limits-per-credential", "GIMLET_LIMITS_PER_CREDENTIAL"),
        Kind::Count { least: 0, most: MOST_REQUESTS },
        "Requests a minute of one token or session; 0: no limit",
    ),
    key(
        ("limits.per_address", "limits-per-address", "GIMLET_LIMITS_PER_ADDRESS"),
        Kind::Count { least: 0, most: MOST_REQUESTS },
        "Requests a minute of one address that prove nobody; 0: no limit",
    ),
    key(
        ("limits.proxies", "limits-proxies", "GIMLET_LIMITS_PROXIES"),
        Kind::Count { least: 0, most: 16 },
        "Trusted proxies in front that add to X-Forwarded-For",
    ),
];

/// In the file, as a flag, in the environment.
type Names = (&'static str, &'static str, &'static str);

const fn key(names: Names, kind: Kind, help: &'static str) -> Key {
    let (name, flag, variable) = names;
    Key { name, flag, variable, kind, help }
}

const fn seconds(least: u64, most: u64) -> Kind {
    Kind::Seconds { least, most }
}

impl Key {
    /// The setting of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The known name that is closest to `name`, if one is close.
    #[must_use]
    pub fn like(name: &str) -> Option<&'static Self> {
        /// From here on two names differ by a typing error or two.
        const CLOSE: f64 = 0.8;
        let closeness = |key: &&Self| strsim::jaro_winkler(key.name, name);
        let best = KEYS.iter().max_by(|one, other| closeness(one).total_cmp(&closeness(other)))?;
        (closeness(&best) >= CLOSE).then_some(best)
    }

    /// Its value may hold a password.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Database)
    }

    /// The words that may stand in it, for a person.
    #[must_use]
    pub fn allowed(&self) -> String {
        match self.kind {
            Kind::Url => "an http:// or https:// address".to_owned(),
            Kind::HttpsUrl => "an https:// address".to_owned(),
            Kind::OptionalUrl => "an http:// or https:// address, or nothing".to_owned(),
            Kind::Address => "address:port, such as 0.0.0.0:9000 or [::]:9000".to_owned(),
            Kind::Folder => "an absolute path".to_owned(),
            Kind::Database => "postgres://…, sqlite:///…, or nothing".to_owned(),
            Kind::Image => "a container image with a tag or digest".to_owned(),
            Kind::Seconds { least, most } => format!("whole seconds from {least} to {most}"),
            Kind::Count { least, most } => format!("a whole number from {least} to {most}"),
            Kind::Switch => "true or false".to_owned(),
            Kind::LogFilter => "error, warn, info, debug or trace, also by part".to_owned(),
            Kind::LogFormat => "auto, json or text".to_owned(),
            Kind::Share => "a number from 0 to 1".to_owned(),
        }
    }

    /// What it means: its comment in the defaults' file. Settings that stand together share one.
    #[must_use]
    pub fn explanation(&self) -> String {
        let (table, name) = self.name.rsplit_once('.').unwrap_or(("", self.name));
        let (mut inside, mut comment, mut fresh) = (String::new(), Vec::new(), true);
        for line in DEFAULTS.lines() {
            if let Some(text) = line.strip_prefix('#') {
                if fresh {
                    comment.clear();
                }
                fresh = false;
                comment.push(text.trim());
                continue;
            }
            fresh = line.is_empty() || line.starts_with('[');
            if let Some(header) = line.strip_prefix('[') {
                inside = header.trim_end_matches(']').to_owned();
            } else if inside == table && line.split(" = ").next() == Some(name) {
                return comment.join(" ");
            }
        }
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_explained_and_has_a_default() {
        let defaults: toml::Table = toml::from_str(DEFAULTS).expect("the defaults");
        for key in KEYS {
            assert!(!key.explanation().is_empty(), "{} is not explained", key.name);
            let value =
                key.name.split('.').fold(None, |found: Option<&toml::Value>, part| match found {
                    None => defaults.get(part),
                    Some(table) => table.get(part),
                });
            assert!(value.is_some(), "{} has no default", key.name);
        }
        let tables: Vec<_> = defaults.values().filter_map(toml::Value::as_table).collect();
        let nested: usize = tables.iter().map(|table| table.len()).sum();
        assert_eq!(defaults.len() - tables.len() + nested, KEYS.len(), "a default has no key");
        for key in KEYS {
            assert_eq!(key.flag, key.name.replace(['_', '.'], "-"));
            assert_eq!(
                key.variable,
                format!("GIMLET_{}", key.name.replace('.', "_").to_uppercase())
            );
        }
    }

    #[test]
    fn an_explanation_is_the_comment_right_above() {
        let of = |name| Key::find(name).expect("a key").explanation();
        assert!(of("agent_url").starts_with("Where agents reach it."), "{}", of("agent_url"));
        assert_eq!(of("listen"), of("agent_listen"));
        assert!(of("telemetry.sample").starts_with("Which share"));
    }

    #[test]
    fn a_typing_error_finds_its_name_and_nonsense_does_not() {
        let like = |name| Key::like(name).map(|key| key.name);
        assert_eq!(like("pubic_url"), Some("public_url"));
        assert_eq!(like("databaseurl"), Some("database_url"));
        assert_eq!(like("telemetry.endpiont"), Some("telemetry.endpoint"));
        assert_eq!(like("zzz"), None);
    }
}
