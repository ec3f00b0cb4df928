//! Times and durations in words.

use time::{
    Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description,
};

/// How long before or after `now` the RFC 3339 time `text` is: `12 s ago`, `in 14 min`, and a date
/// beyond a month. The island in `app.js` says the same words as time goes on.
pub(crate) fn relative(text: &str, now: OffsetDateTime) -> String {
    let Some(then) = parsed(text) else { return text.to_owned() };
    let past = now - then;
    if past.abs() < Duration::seconds(2) {
        return "just now".to_owned();
    }
    match (rounded(past.abs()), past.is_positive()) {
        (Some(span), true) => format!("{span} ago"),
        (Some(span), false) => format!("in {span}"),
        (None, _) => date(then),
    }
}

/// The time in full, for the tooltip.
pub(crate) fn absolute(text: &str) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    parsed(text)
        .and_then(|then| then.to_offset(time::UtcOffset::UTC).format(form).ok())
        .unwrap_or_else(|| text.to_owned())
}

/// A duration: `0.4 s`, `11 s`, `1 min 12 s`, `2 h 5 min`.
pub(crate) fn duration(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("0.{} s", milliseconds / 100),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn parsed(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

fn rounded(span: Duration) -> Option<String> {
    let seconds = span.whole_seconds();
    match seconds {
        ..60 => Some(format!("{seconds} s")),
        60..3600 => Some(format!("{} min", seconds / 60)),
        3600..86_400 => Some(format!("{} h", seconds / 3600)),
        86_400..2_592_000 => Some(format!("{} d", seconds / 86_400)),
        _ => None,
    }
}

fn date(then: OffsetDateTime) -> String {
    then.date().to_string()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-05-01 12:00:00 UTC);

    #[test]
    fn a_time_is_told_from_now() {
        assert_eq!(relative("2026-05-01T11:59:59Z", NOW), "just now");
        assert_eq!(relative("2026-05-01T11:59:48Z", NOW), "12 s ago");
        assert_eq!(relative("2026-05-01T13:14:00+01:00", NOW), "in 14 min");
        assert_eq!(relative("2026-04-29T12:00:00Z", NOW), "2 d ago");
        assert_eq!(relative("2026-01-02T12:00:00Z", NOW), "2026-01-02");
    }

    #[test]
    fn text_that_is_no_time_is_shown_as_it_is() {
        assert_eq!(relative("soon", NOW), "soon");
        assert_eq!(absolute("soon"), "soon");
    }

    #[test]
    fn the_tooltip_has_the_time_in_full() {
        assert_eq!(absolute("2026-05-01T13:14:05.25+01:00"), "2026-05-01 12:14:05 UTC");
    }

    #[test]
    fn a_duration_has_at_most_two_units() {
        let told = [
            (-5, "0.0 s"),
            (420, "0.4 s"),
            (11_900, "11 s"),
            (72_000, "1 min 12 s"),
            (7_500_000, "2 h 5 min"),
        ];
        for (milliseconds, words) in told {
            assert_eq!(duration(milliseconds), words);
        }
    }
}
