//! Dates and spans of time.

use super::{Answer, Args, Function, function};
use crate::context::Context;
use crate::time::{Time, duration_text, parse, parse_duration};
use crate::value::{IntKind, Ty, Value};

const TWO: &[Ty] = &[Ty::Str, Ty::Any];
const TEXT_AND_TIME: &[Ty] = &[Ty::Str, Ty::Time];

pub(super) const FUNCTIONS: &[Function] = &[
    function("now", &[], |context, _| Ok(Time::from_micros(context.now).to_value())),
    function("date", TWO, |context, args| in_zone(context, args.text(0), args.value(1), "Local")),
    function("dateInZone", &[Ty::Str, Ty::Any, Ty::Str], |context, args| {
        in_zone(context, args.text(0), args.value(1), args.text(2))
    }),
    function("date_in_zone", &[Ty::Str, Ty::Any, Ty::Str], |context, args| {
        in_zone(context, args.text(0), args.value(1), args.text(2))
    }),
    function("htmlDate", &[Ty::Any], |context, args| {
        in_zone(context, "2006-01-02", args.value(0), "Local")
    }),
    function("htmlDateInZone", &[Ty::Any, Ty::Str], |context, args| {
        in_zone(context, "2006-01-02", args.value(0), args.text(1))
    }),
    function("dateModify", TEXT_AND_TIME, |_, args| {
        Ok(modify(args).unwrap_or_else(|_| args.value(1).clone()))
    }),
    function("date_modify", TEXT_AND_TIME, |_, args| {
        Ok(modify(args).unwrap_or_else(|_| args.value(1).clone()))
    }),
    function("mustDateModify", TEXT_AND_TIME, |_, args| modify(args)),
    function("must_date_modify", TEXT_AND_TIME, |_, args| modify(args)),
    function("ago", &[Ty::Any], |context, args| {
        let nanos = Time::from_micros(context.now).since(&moment(context, args.value(0)));
        Ok(duration_text(round_to_second(nanos)).into())
    }),
    function("toDate", &[Ty::Str, Ty::Str], |_, args| {
        Ok(parse(args.text(0), args.text(1)).unwrap_or_else(|_| Time::zero()).to_value())
    }),
    function("mustToDate", &[Ty::Str, Ty::Str], |_, args| {
        Ok(parse(args.text(0), args.text(1))?.to_value())
    }),
    function("unixEpoch", &[Ty::Time], |_, args| {
        Ok(Time::of(args.value(0)).map_or(0, |time| time.seconds).to_string().into())
    }),
    function("duration", &[Ty::Any], |_, args| {
        let seconds = match args.value(0) {
            Value::Int64(number) => *number,
            Value::Str(text) => text.parse().unwrap_or(0),
            _ => 0,
        };
        Ok(duration_text(seconds.wrapping_mul(1_000_000_000)).into())
    }),
    function("durationRound", &[Ty::Any], |context, args| {
        let nanos = match args.value(0) {
            Value::Str(text) => parse_duration(text).unwrap_or(0),
            Value::Int64(nanos) => *nanos,
            value => Time::of(value).map_or(0, |time| Time::from_micros(context.now).since(&time)),
        };
        Ok(rounded(nanos.unsigned_abs()).into())
    }),
];

/// The moment that a value stands for; anything but times and integers is now.
fn moment(context: &Context, value: &Value) -> Time {
    match value {
        Value::Int(seconds) | Value::Int64(seconds) | Value::Other(IntKind::Int32, seconds) => {
            Time::utc(*seconds, 0)
        }
        value => Time::of(value).unwrap_or_else(|| Time::from_micros(context.now)),
    }
}

fn in_zone(context: &Context, layout: &str, value: &Value, zone: &str) -> Answer {
    Ok(moment(context, value).within(zone).format(layout).into())
}

fn modify(args: Args<'_>) -> Answer {
    let nanos = parse_duration(args.text(0))?;
    let time = Time::of(args.value(1)).unwrap_or_else(Time::zero);
    Ok(time.add(nanos).to_value())
}

fn round_to_second(nanos: i64) -> i64 {
    const SECOND: i64 = 1_000_000_000;
    let rest = nanos % SECOND;
    let whole = nanos - rest;
    if rest.abs() * 2 >= SECOND { whole.saturating_add(SECOND * rest.signum()) } else { whole }
}

/// The largest unit that fits more than once, with how often.
fn rounded(nanos: u64) -> String {
    const HOUR: u64 = 3_600_000_000_000;
    let units = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (HOUR / 60, "m"),
        (HOUR / 3600, "s"),
    ];
    match units.iter().find(|(unit, _)| nanos > *unit) {
        Some((unit, name)) => format!("{}{name}", nanos / unit),
        None => "0s".to_owned(),
    }
}
