//! The expectations are Go's.

use super::*;

#[test]
fn layouts_are_gos() {
    let time = Time::from_micros(1_700_000_000_123_456);
    for (layout, expected) in [
        ("2006-01-02 15:04:05", "2023-11-14 22:13:20"),
        ("Mon, 02 Jan 2006 15:04:05 MST", "Tue, 14 Nov 2023 22:13:20 UTC"),
        ("Monday January _2 3:04PM 06", "Tuesday November 14 10:13PM 23"),
        ("2006-01-02T15:04:05.000Z07:00", "2023-11-14T22:13:20.123Z"),
        (".999999999 -0700 002 __2", ".123456 +0000 318 318"),
        ("20060102150405", "20231114221320"),
    ] {
        assert_eq!(time.format(layout), expected, "{layout}");
    }
    assert_eq!(time.within("Europe/Budapest").format("15:04 MST -07:00"), "23:13 CET +01:00");
    assert_eq!(time.within("No/Where").format("MST"), "UTC");
}

#[test]
fn what_was_formatted_can_be_read_again() {
    for layout in ["2006-01-02T15:04:05Z07:00", "Mon, 02 Jan 2006 15:04:05 MST", "20060102150405"] {
        let time = Time::utc(1_700_000_000, 0);
        assert_eq!(parse(layout, &time.format(layout)), Ok(time), "{layout}");
    }
    assert_eq!(
        parse("2006-01-02", "2024-13-01"),
        Err("parsing time \"2024-13-01\": month out of range".to_owned())
    );
    assert_eq!(
        parse("2006-01-02", "x"),
        Err("parsing time \"x\" as \"2006-01-02\": cannot parse \"x\" as \"2006\"".to_owned())
    );
}

#[test]
fn durations_are_gos() {
    for (text, expected) in [
        ("1h30m", "1h30m0s"),
        ("-1.5h", "-1h30m0s"),
        ("1500ms", "1.5s"),
        ("300ms", "300ms"),
        ("0", "0s"),
    ] {
        assert_eq!(parse_duration(text).map(duration_text), Ok(expected.to_owned()));
    }
    assert!(parse_duration("1").is_err());
    assert!(parse_duration("1x").is_err());
}
