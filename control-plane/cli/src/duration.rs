//! Spans of time on the command line, `10m`, `1h30m`, `90s`, as the older command takes them.

use std::time::Duration;

/// A longer wait than a day is a slip of the finger.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads a span of at least a millisecond and at most a day.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let total = sum(text).ok_or("write it like 90s, 10m or 1h30m; units are h, m, s and ms")?;
    if total.is_zero() || total > LONGEST {
        return Err("must be more than nothing and at most 24h".to_owned());
    }
    Ok(total)
}

/// Reads a span of any length above nothing: how long ago something was.
pub(crate) fn parse_long(text: &str) -> Result<Duration, String> {
    sum(text)
        .filter(|total| !total.is_zero())
        .ok_or_else(|| "write it like 90s, 10m or 48h".to_owned())
}

fn sum(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let amount: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let ms = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(Duration::from_millis(amount.checked_mul(ms)?))?;
    }
    (!text.is_empty()).then_some(total)
}

/// A span as people read it: its two largest units.
pub(crate) fn short(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.as_millis()),
        1..10 => format!("{:.1}s", span.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        _ if (seconds / 60).is_multiple_of(60) => format!("{}h", seconds / 3600),
        _ => format!("{}h{}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        for (text, ms) in
            [("10m", 600_000), ("1h30m", 5_400_000), ("90s", 90_000), ("1s500ms", 1_500)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in [
            "",
            "10",
            "m",
            "10 m",
            "-1s",
            "1.5h",
            "10d",
            "0s",
            "25h",
            "99999999999999999999h",
            "1m\u{661}s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn people_read_two_units() {
        let read = |ms| short(Duration::from_millis(ms));
        assert_eq!(
            [
                read(50),
                read(1_240),
                read(34_600),
                read(120_000),
                read(72_000),
                read(7_200_000),
                read(5_460_000)
            ],
            ["50ms", "1.2s", "34s", "2m", "1m12s", "2h", "1h31m"]
        );
    }
}
