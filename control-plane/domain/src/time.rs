//! Moments as the database keeps them: microseconds since 1970, UTC.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// 9999-12-31T23:59:59Z: RFC 3339 has four digits for a year.
const LAST_SECOND: i64 = 253_402_300_799;

/// A moment, in microseconds since 1970-01-01T00:00:00Z. Shown as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment of `seconds` since 1970.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment plus `duration`; the end of time where it does not fit.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero where it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 with seconds, such as `2026-01-31T12:00:00Z`; years beyond 9999 show as the last one.
    #[must_use]
    pub fn rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp(self.seconds().clamp(0, LAST_SECOND))
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok())
            .unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Tells the time; real in the product, set by hand in tests.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_shows_in_utc_and_stays_within_four_digits_of_a_year() {
        assert_eq!(Timestamp(1_790_000_000_999_999).rfc3339(), "2026-09-21T14:13:20Z");
        assert_eq!(Timestamp(-1).rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp(i64::MAX).rfc3339(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn sums_and_differences_stay_within_what_fits() {
        let day = Duration::from_secs(86_400);
        assert_eq!(Timestamp(0).after(day).since(Timestamp(0)), day);
        assert_eq!(Timestamp(0).since(Timestamp(1)), Duration::ZERO);
        assert_eq!(Timestamp(i64::MAX).after(day), Timestamp(i64::MAX));
    }
}
