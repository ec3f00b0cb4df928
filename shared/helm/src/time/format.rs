//! Times by layouts, in which Go's reference time shows what goes where.

use std::fmt::Write as _;

use super::{MONTHS, Time, WEEKDAYS};

/// A part of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Zone,
    /// The offset from UTC: `Z` for none, colons, and how many of hours, minutes, seconds.
    Offset {
        z: bool,
        colon: bool,
        parts: u8,
    },
    /// Decimals of a second: how many, and whether trailing zeros go.
    Fraction {
        digits: usize,
        trimmed: bool,
    },
}

/// The fixed parts; of two that begin alike, the longer comes first.
const PARTS: &[(&str, Part)] = &[
    ("January", Part::LongMonth),
    ("Jan", Part::Month),
    ("Monday", Part::LongWeekday),
    ("Mon", Part::Weekday),
    ("MST", Part::Zone),
    ("002", Part::ZeroYearDay),
    ("01", Part::ZeroMonth),
    ("02", Part::ZeroDay),
    ("03", Part::ZeroHour12),
    ("04", Part::ZeroMinute),
    ("05", Part::ZeroSecond),
    ("06", Part::Year),
    ("15", Part::Hour),
    ("1", Part::NumMonth),
    ("2006", Part::LongYear),
    ("2", Part::Day),
    ("__2", Part::UnderYearDay),
    ("_2", Part::UnderDay),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    ("PM", Part::UpperPm),
    ("pm", Part::LowerPm),
    ("-07:00:00", Part::Offset { z: false, colon: true, parts: 3 }),
    ("-070000", Part::Offset { z: false, colon: false, parts: 3 }),
    ("-07:00", Part::Offset { z: false, colon: true, parts: 2 }),
    ("-0700", Part::Offset { z: false, colon: false, parts: 2 }),
    ("-07", Part::Offset { z: false, colon: false, parts: 1 }),
    ("Z07:00:00", Part::Offset { z: true, colon: true, parts: 3 }),
    ("Z070000", Part::Offset { z: true, colon: false, parts: 3 }),
    ("Z07:00", Part::Offset { z: true, colon: true, parts: 2 }),
    ("Z0700", Part::Offset { z: true, colon: false, parts: 2 }),
    ("Z07", Part::Offset { z: true, colon: false, parts: 1 }),
];

/// Splits a layout at its first part: the text before, the part with its spelling, the rest.
pub(super) fn next_part(layout: &str) -> (&str, Option<(Part, &str)>, &str) {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        if let Some((part, length)) = part_at(rest) {
            return (&layout[..at], Some((part, &rest[..length])), &rest[length..]);
        }
    }
    (layout, None, "")
}

fn part_at(rest: &str) -> Option<(Part, usize)> {
    // An underscore before the year is no padding.
    if rest.starts_with("_2006") {
        return None;
    }
    if let Some((text, part)) = PARTS.iter().find(|(text, _)| rest.starts_with(text)) {
        // `Jan` within a longer word is none.
        let word = matches!(part, Part::Month | Part::Weekday)
            && rest[text.len()..].starts_with(|c: char| c.is_ascii_lowercase());
        return (!word).then_some((*part, text.len()));
    }
    let body = rest.strip_prefix(['.', ','])?;
    let digit = body.chars().next().filter(|c| matches!(c, '0' | '9'))?;
    let digits = body.len() - body.trim_start_matches(digit).len();
    let after = &body[digits..];
    if after.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some((Part::Fraction { digits, trimmed: digit == '9' }, digits + 1))
}

impl Time {
    /// The time by a layout.
    pub(crate) fn format(&self, layout: &str) -> String {
        let mut out = String::with_capacity(layout.len() + 16);
        let mut rest = layout;
        while !rest.is_empty() {
            let (before, part, after) = next_part(rest);
            out.push_str(before);
            if let Some((part, text)) = part {
                self.push(&mut out, part, text);
            }
            rest = after;
        }
        out
    }

    fn push(&self, out: &mut String, part: Part, text: &str) {
        let civil = self.civil();
        let month = MONTHS[civil.month.saturating_sub(1) as usize % 12];
        let weekday = WEEKDAYS[civil.weekday as usize % 7];
        let hour12 = match civil.hour % 12 {
            0 => 12,
            hour => hour,
        };
        // Writing to a string does not fail.
        let _ = match part {
            Part::LongMonth => out.write_str(month),
            Part::Month => out.write_str(&month[..3]),
            Part::NumMonth => write!(out, "{}", civil.month),
            Part::ZeroMonth => write!(out, "{:02}", civil.month),
            Part::LongWeekday => out.write_str(weekday),
            Part::Weekday => out.write_str(&weekday[..3]),
            Part::Day => write!(out, "{}", civil.day),
            Part::UnderDay => write!(out, "{:2}", civil.day),
            Part::ZeroDay => write!(out, "{:02}", civil.day),
            Part::UnderYearDay => write!(out, "{:3}", civil.year_day),
            Part::ZeroYearDay => write!(out, "{:03}", civil.year_day),
            Part::Hour => write!(out, "{:02}", civil.hour),
            Part::Hour12 => write!(out, "{hour12}"),
            Part::ZeroHour12 => write!(out, "{hour12:02}"),
            Part::Minute => write!(out, "{}", civil.minute),
            Part::ZeroMinute => write!(out, "{:02}", civil.minute),
            Part::Second => write!(out, "{}", civil.second),
            Part::ZeroSecond => write!(out, "{:02}", civil.second),
            Part::LongYear if civil.year < 0 => write!(out, "-{:04}", -civil.year),
            Part::LongYear => write!(out, "{:04}", civil.year),
            Part::Year => write!(out, "{:02}", civil.year.rem_euclid(100)),
            Part::UpperPm => out.write_str(if civil.hour < 12 { "AM" } else { "PM" }),
            Part::LowerPm => out.write_str(if civil.hour < 12 { "am" } else { "pm" }),
            Part::Zone => out.write_str(&self.zone_name()),
            Part::Offset { z: true, .. } if self.zone.offset == 0 => out.write_str("Z"),
            Part::Offset { colon, parts, .. } => out.write_str(&self.offset(colon, parts)),
            Part::Fraction { digits, trimmed } => {
                out.write_str(&self.fraction(&text[..1], digits, trimmed))
            }
        };
    }

    fn zone_name(&self) -> String {
        if !self.zone.name.is_empty() {
            return self.zone.name.clone();
        }
        let minutes = self.zone.offset / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }

    fn offset(&self, colon: bool, parts: u8) -> String {
        let seconds = self.zone.offset.abs();
        let sign = if self.zone.offset < 0 { '-' } else { '+' };
        let colon = if colon { ":" } else { "" };
        let mut text = format!("{sign}{:02}", seconds / 3600);
        if parts > 1 {
            text.push_str(&format!("{colon}{:02}", seconds / 60 % 60));
        }
        if parts > 2 {
            text.push_str(&format!("{colon}{:02}", seconds % 60));
        }
        text
    }

    fn fraction(&self, point: &str, digits: usize, trimmed: bool) -> String {
        let all = format!("{:09}", self.nanos);
        let shown = &all[..digits.min(all.len())];
        let zeros = "0".repeat(digits.saturating_sub(all.len()));
        let text = format!("{shown}{zeros}");
        let text = if trimmed { text.trim_end_matches('0') } else { &text };
        if text.is_empty() { String::new() } else { format!("{point}{text}") }
    }
}
