//! Times for people.

use std::time::Duration;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// How long ago it was, in one unit: `12s`, `3m`, `2h`, `5d`. What cannot be read stays as it is.
pub(crate) fn age(now: OffsetDateTime, at: &str) -> String {
    let Some(since) = elapsed(now, at) else { return at.to_owned() };
    let seconds = since.as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A moment with its distance: `2026-01-02 03:04:05 UTC (3m ago)`.
pub(crate) fn moment(now: OffsetDateTime, at: &str) -> String {
    let Ok(time) = OffsetDateTime::parse(at, &Rfc3339) else { return at.to_owned() };
    let time = time.to_offset(time::UtcOffset::UTC);
    let (date, hour, minute, second) = (time.date(), time.hour(), time.minute(), time.second());
    let distance = if time > now {
        format!("in {}", age(time, &now.format(&Rfc3339).unwrap_or_default()))
    } else {
        format!("{} ago", age(now, at))
    };
    format!("{date} {hour:02}:{minute:02}:{second:02} UTC ({distance})")
}

/// Clocks differ: what lies a little ahead is now.
fn elapsed(now: OffsetDateTime, at: &str) -> Option<Duration> {
    let at = OffsetDateTime::parse(at, &Rfc3339).ok()?;
    Some((now - at).try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn ages_have_one_unit() {
        let now = datetime!(2026-03-10 12:00:00 UTC);
        let ages = [
            "2026-03-10T12:00:05Z",
            "2026-03-10T11:59:48.5Z",
            "2026-03-10T11:50:00Z",
            "2026-03-10T11:00:00+02:00",
            "2026-03-08T11:00:00Z",
            "yesterday",
        ];
        assert_eq!(ages.map(|at| age(now, at)), ["0s", "11s", "10m", "3h", "2d", "yesterday"]);
    }

    #[test]
    fn moments_are_absolute_and_say_how_far_away() {
        let now = datetime!(2026-03-10 12:00:00 UTC);
        assert_eq!(moment(now, "2026-03-10T11:50:00Z"), "2026-03-10 11:50:00 UTC (10m ago)");
        assert_eq!(moment(now, "2026-03-10T12:15:00Z"), "2026-03-10 12:15:00 UTC (in 15m)");
        assert_eq!(moment(now, "soon"), "soon");
    }
}
