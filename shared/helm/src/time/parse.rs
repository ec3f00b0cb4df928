//! Times from texts, by layouts.

use super::format::{Part, next_part};
use super::{MONTHS, Time, WEEKDAYS, Zone, days_from_civil};
use crate::format::quote;

/// What has been read so far.
struct Fields {
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    /// Whether the hour is one of twelve, and of which half.
    half: Option<bool>,
    zone: Option<Zone>,
}

/// Why a text is no time by the layout.
enum Wrong {
    /// It does not look like it.
    Syntax,
    /// A number is too large; of what.
    Range(&'static str),
}

/// Reads a time by a layout, in UTC unless it says more.
pub(crate) fn parse(layout: &str, text: &str) -> Result<Time, String> {
    let mut fields = Fields {
        year: 0,
        month: None,
        day: None,
        year_day: None,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
        half: None,
        zone: None,
    };
    let (mut pattern, mut rest) = (layout, text);
    let start = format!("parsing time {}", quote(text));
    loop {
        let (before, part, after) = next_part(pattern);
        let cannot = |rest: &str, wanted: &str| {
            format!(
                "{start} as {}: cannot parse {} as {}",
                quote(layout),
                quote(rest),
                quote(wanted)
            )
        };
        rest = skip(rest, before).ok_or_else(|| cannot(rest, before))?;
        let Some((part, wanted)) = part else { break };
        let held = rest;
        rest = fields.read(part, rest, after).map_err(|wrong| match wrong {
            Wrong::Syntax => cannot(held, wanted),
            Wrong::Range(what) => format!("{start}: {what} out of range"),
        })?;
        pattern = after;
    }
    if !rest.is_empty() {
        return Err(format!("{start}: extra text: {}", quote(rest)));
    }
    fields.time().map_err(|what| format!("{start}: {what} out of range"))
}

/// Goes over a layout's plain text; its spaces match any number of spaces.
fn skip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let mut text = text;
    for c in prefix.chars() {
        text = if c == ' ' {
            if !text.is_empty() && !text.starts_with(' ') {
                return None;
            }
            text.trim_start_matches(' ')
        } else {
            text.strip_prefix(c)?
        };
    }
    Some(text)
}

/// Reads between `least` and `most` digits.
fn digits(text: &str, least: usize, most: usize) -> Result<(u32, &str), Wrong> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return Err(Wrong::Syntax);
    }
    let number = text[..count].parse().map_err(|_| Wrong::Syntax)?;
    Ok((number, &text[count..]))
}

/// Reads one of `names`, in any case, by its first `length` letters or all of it.
fn name<'t>(text: &'t str, names: &[&str], short: bool) -> Result<(u32, &'t str), Wrong> {
    for (index, name) in names.iter().enumerate() {
        let name = if short { &name[..3] } else { name };
        if text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return Ok((u32::try_from(index).unwrap_or_default(), &text[name.len()..]));
        }
    }
    Err(Wrong::Syntax)
}

impl Fields {
    fn read<'t>(&mut self, part: Part, text: &'t str, after: &str) -> Result<&'t str, Wrong> {
        let unpadded = text.strip_prefix(' ').unwrap_or(text);
        let bounded = |(number, rest): (u32, &'t str), bound: u32, what: &'static str| {
            if number < bound { Ok((number, rest)) } else { Err(Wrong::Range(what)) }
        };
        let rest;
        match part {
            Part::LongMonth | Part::Month => {
                let (index, after) = name(text, &MONTHS, part == Part::Month)?;
                (self.month, rest) = (Some(index + 1), after);
            }
            Part::LongWeekday | Part::Weekday => {
                rest = name(text, &WEEKDAYS, part == Part::Weekday)?.1;
            }
            Part::NumMonth | Part::ZeroMonth => {
                let least = if part == Part::ZeroMonth { 2 } else { 1 };
                let (month, after) = digits(text, least, 2)?;
                if !(1..=12).contains(&month) {
                    return Err(Wrong::Range("month"));
                }
                (self.month, rest) = (Some(month), after);
            }
            Part::Day | Part::UnderDay | Part::ZeroDay => {
                let text = if part == Part::UnderDay { unpadded } else { text };
                let least = if part == Part::ZeroDay { 2 } else { 1 };
                let (day, after) = digits(text, least, 2)?;
                (self.day, rest) = (Some(day), after);
            }
            Part::UnderYearDay | Part::ZeroYearDay => {
                let text =
                    if part == Part::UnderYearDay { text.trim_start_matches(' ') } else { text };
                let least = if part == Part::ZeroYearDay { 3 } else { 1 };
                let (day, after) = digits(text, least, 3)?;
                (self.year_day, rest) = (Some(day), after);
            }
            Part::LongYear => {
                let (year, after) = digits(text, 4, 4)?;
                (self.year, rest) = (i64::from(year), after);
            }
            Part::Year => {
                let (year, after) = digits(text, 2, 2)?;
                // Go's window: 69 to 99 are of the last century.
                let century = if year >= 69 { 1900 } else { 2000 };
                (self.year, rest) = (century + i64::from(year), after);
            }
            Part::Hour => (self.hour, rest) = bounded(digits(text, 1, 2)?, 24, "hour")?,
            Part::Hour12 => (self.hour, rest) = bounded(digits(text, 1, 2)?, 13, "hour")?,
            Part::ZeroHour12 => (self.hour, rest) = bounded(digits(text, 2, 2)?, 13, "hour")?,
            Part::Minute => (self.minute, rest) = bounded(digits(text, 1, 2)?, 60, "minute")?,
            Part::ZeroMinute => (self.minute, rest) = bounded(digits(text, 2, 2)?, 60, "minute")?,
            Part::Second | Part::ZeroSecond => {
                let least = if part == Part::ZeroSecond { 2 } else { 1 };
                let (second, after_second) = bounded(digits(text, least, 2)?, 60, "second")?;
                self.second = second;
                let next_is_fraction =
                    matches!(next_part(after), ("", Some((Part::Fraction { .. }, _)), _));
                // Decimals may follow though the layout does not say so.
                rest = if next_is_fraction { after_second } else { self.fraction(after_second, 0) };
            }
            Part::Fraction { digits, trimmed } => {
                let read = self.fraction(text, if trimmed { 0 } else { digits });
                if !trimmed && read.len() == text.len() {
                    return Err(Wrong::Syntax);
                }
                rest = read;
            }
            Part::UpperPm | Part::LowerPm => {
                let (am, pm) = if part == Part::UpperPm { ("AM", "PM") } else { ("am", "pm") };
                let half = if text.starts_with(pm) { true } else { !text.starts_with(am) };
                if half && !text.starts_with(pm) {
                    return Err(Wrong::Syntax);
                }
                (self.half, rest) = (Some(half), &text[2..]);
            }
            Part::Zone => {
                let length = text.bytes().take_while(u8::is_ascii_uppercase).count();
                if !(3..=5).contains(&length) {
                    return Err(Wrong::Syntax);
                }
                let name = text[..length].to_owned();
                (self.zone, rest) = (Some(Zone { name, offset: 0 }), &text[length..]);
            }
            Part::Offset { z, colon, parts } => {
                let (offset, after) = offset(text, z, colon, parts)?;
                let name = if offset == 0 { "UTC".to_owned() } else { String::new() };
                (self.zone, rest) = (Some(Zone { name, offset }), after);
            }
        }
        Ok(rest)
    }

    /// Reads decimals of a second, if any stand here.
    fn fraction<'t>(&mut self, text: &'t str, exact: usize) -> &'t str {
        let Some(body) = text.strip_prefix(['.', ',']) else { return text };
        let count = body.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 || exact > 0 && count < exact {
            return text;
        }
        let count = if exact > 0 { exact } else { count };
        let nanos = format!("{:0<9}", &body[..count]);
        self.nanos = nanos[..9].parse().unwrap_or_default();
        &body[count..]
    }

    fn time(self) -> Result<Time, &'static str> {
        let mut hour = self.hour;
        match self.half {
            Some(true) if hour < 12 => hour += 12,
            Some(false) if hour == 12 => hour = 0,
            _ => {}
        }
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days = match (self.year_day, self.month, self.day) {
            (Some(day), None, None) => {
                if day < 1 || day > 365 + u32::from(leap) {
                    return Err("day-of-year");
                }
                days_from_civil(self.year, 1, 1) + i64::from(day) - 1
            }
            (_, month, day) => {
                let (month, day) = (month.unwrap_or(1), day.unwrap_or(1));
                let length = match month {
                    2 => 28 + u32::from(leap),
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                if day < 1 || day > length {
                    return Err("day");
                }
                days_from_civil(self.year, month, day)
            }
        };
        let zone = self.zone.unwrap_or_else(Zone::utc);
        let clock = i64::from(hour * 3600 + self.minute * 60 + self.second);
        let seconds = days * 86_400 + clock - i64::from(zone.offset);
        Ok(Time { seconds, nanos: self.nanos, zone })
    }
}

/// `Z`, or a sign with hours and, by the layout, minutes and seconds.
fn offset(text: &str, z: bool, colon: bool, parts: u8) -> Result<(i32, &str), Wrong> {
    if let (true, Some(rest)) = (z, text.strip_prefix('Z')) {
        return Ok((0, rest));
    }
    let mut rest = text.strip_prefix(['+', '-']).ok_or(Wrong::Syntax)?;
    let mut seconds = 0;
    for (part, unit) in (0..parts).zip([3600, 60, 1]) {
        if colon && part > 0 {
            rest = rest.strip_prefix(':').ok_or(Wrong::Syntax)?;
        }
        let (number, after) = digits(rest, 2, 2)?;
        seconds += i32::try_from(number).unwrap_or_default() * unit;
        rest = after;
    }
    Ok((if text.starts_with('-') { -seconds } else { seconds }, rest))
}
