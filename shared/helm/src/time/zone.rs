//! Time zones, from a database that comes with the program.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// How a zone calls itself at some moment, and how far its clocks are ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    /// Its abbreviation, such as `CET`.
    pub(crate) name: String,
    /// In seconds.
    pub(crate) offset: i32,
}

impl Zone {
    pub(crate) fn utc() -> Self {
        Self { name: "UTC".to_owned(), offset: 0 }
    }

    /// The zone called `name` at a moment; an unknown one is UTC. So is the local one: renders do not depend on
    /// where they happen.
    pub(crate) fn at(name: &str, seconds: i64) -> Self {
        let known = match name {
            "" | "UTC" | "Local" => None,
            name => ZONES.get(name).ok().zip(Timestamp::from_second(seconds).ok()),
        };
        match known {
            Some((zone, moment)) => {
                let info = zone.to_offset_info(moment);
                Self { name: info.abbreviation().to_owned(), offset: info.offset().seconds() }
            }
            None => Self::utc(),
        }
    }
}
