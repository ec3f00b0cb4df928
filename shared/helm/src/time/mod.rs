//! Times, as Go's `time` package has them.

mod duration;
mod format;
mod parse;
mod zone;

pub(crate) use duration::{duration_text, parse_duration};
pub(crate) use parse::parse;
pub(crate) use zone::Zone;

use crate::value::{IntKind, Method, Object, Ty, Value};

/// Go's name of the type.
const TYPE: &str = "time.Time";

/// Seconds from year 1, where Go's zero time is, to 1970.
const ZERO: i64 = -62_135_596_800;

/// A moment, seen in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    /// Seconds since 1970, in UTC.
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
    pub(crate) zone: Zone,
}

/// What calendar and clock show.
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
    pub(crate) weekday: u32,
    pub(crate) year_day: u32,
}

const DAY: i64 = 86_400;

impl Time {
    pub(crate) fn utc(seconds: i64, nanos: u32) -> Self {
        Self { seconds, nanos, zone: Zone::utc() }
    }

    pub(crate) fn from_micros(micros: i64) -> Self {
        let nanos = u32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap_or_default();
        Self::utc(micros.div_euclid(1_000_000), nanos)
    }

    /// Go's zero time.
    pub(crate) fn zero() -> Self {
        Self::utc(ZERO, 0)
    }

    /// The same moment in another zone.
    pub(crate) fn within(&self, name: &str) -> Self {
        Self { zone: Zone::at(name, self.seconds), ..self.clone() }
    }

    /// Later by a number of nanoseconds.
    pub(crate) fn add(&self, nanos: i64) -> Self {
        let total = i64::from(self.nanos) + nanos.rem_euclid(1_000_000_000);
        let seconds = self
            .seconds
            .saturating_add(nanos.div_euclid(1_000_000_000))
            .saturating_add(total / 1_000_000_000);
        let nanos = u32::try_from(total % 1_000_000_000).unwrap_or_default();
        Self { seconds, nanos, zone: self.zone.clone() }
    }

    /// Nanoseconds since an earlier moment.
    pub(crate) fn since(&self, earlier: &Self) -> i64 {
        let nanos = i128::from(self.seconds) - i128::from(earlier.seconds);
        let nanos = nanos * 1_000_000_000 + i128::from(self.nanos) - i128::from(earlier.nanos);
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    pub(crate) fn civil(&self) -> Civil {
        let local = self.seconds.saturating_add(i64::from(self.zone.offset));
        let (days, clock) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        let small = |number: i64| u32::try_from(number).unwrap_or_default();
        Civil {
            year,
            month,
            day,
            hour: small(clock / 3600),
            minute: small(clock / 60 % 60),
            second: small(clock % 60),
            weekday: small((days + 4).rem_euclid(7)),
            year_day: small(days - days_from_civil(year, 1, 1) + 1),
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        let fields = vec![
            ("wall", Value::Int64(i64::from(self.nanos))),
            ("ext", Value::Int64(self.seconds)),
            ("loc", Value::str(self.zone.name.as_str())),
            ("offset", Value::Int64(i64::from(self.zone.offset))),
        ];
        let text = self.format("2006-01-02 15:04:05.999999999 -0700 MST");
        Value::Object(Object::with_text(TYPE, fields, METHODS, text))
    }

    /// A time that [`Time::to_value`] made.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let Value::Object(object) = value else { return None };
        if object.type_name() != TYPE {
            return None;
        }
        let number = |name| match object.field(name) {
            Some(Value::Int64(number)) => Some(*number),
            _ => None,
        };
        let name = object.field("loc")?.as_str()?.to_owned();
        let offset = i32::try_from(number("offset")?).ok()?;
        let zone = Zone { name, offset };
        let nanos = u32::try_from(number("wall")?).ok()?;
        Some(Self { seconds: number("ext")?, nanos, zone })
    }
}

/// Days since 1970 of a date, in the calendar that always had leap years.
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    // Years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = i64::from((month + 9) % 12);
    let of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = u32::try_from(of_year - (153 * shifted + 2) / 5 + 1).unwrap_or(1);
    let month = u32::try_from(if shifted < 10 { shifted + 3 } else { shifted - 9 }).unwrap_or(1);
    (year + era * 400 + i64::from(month <= 2), month, day)
}

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(crate) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// How a number of one of Go's types prints itself, if it does.
pub(crate) fn int_text(kind: IntKind, number: i64) -> Option<String> {
    let index = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    match kind {
        IntKind::Duration => Some(duration_text(number)),
        IntKind::Month => Some(match MONTHS.get(index(number - 1)) {
            Some(name) => (*name).to_owned(),
            None => format!("%!Month({number})"),
        }),
        IntKind::Weekday => Some(match WEEKDAYS.get(index(number)) {
            Some(name) => (*name).to_owned(),
            None => format!("%!Weekday({number})"),
        }),
        _ => None,
    }
}

/// A method without arguments.
const fn ask(name: &'static str, run: fn(&Value, &[Value]) -> Result<Value, String>) -> Method {
    Method { name, params: &[], run }
}

const METHODS: &[Method] = &[
    Method {
        name: "Format",
        params: &[Ty::Str],
        run: |time, args| on(time, |time| time.format(args[0].as_str().unwrap_or_default()).into()),
    },
    ask("String", |time, _| {
        on(time, |time| time.format("2006-01-02 15:04:05.999999999 -0700 MST").into())
    }),
    ask("Unix", |time, _| on(time, |time| Value::Int64(time.seconds))),
    ask("UnixMilli", |time, _| on(time, |time| Value::Int64(units(time, 1000)))),
    ask("UnixMicro", |time, _| on(time, |time| Value::Int64(units(time, 1_000_000)))),
    ask("UnixNano", |time, _| on(time, |time| Value::Int64(units(time, 1_000_000_000)))),
    ask("Nanosecond", |time, _| on(time, |time| Value::Int(i64::from(time.nanos)))),
    ask("Year", |time, _| on(time, |time| Value::Int(time.civil().year))),
    ask("Month", |time, _| {
        on(time, |time| Value::Other(IntKind::Month, i64::from(time.civil().month)))
    }),
    ask("Day", |time, _| on(time, |time| Value::Int(i64::from(time.civil().day)))),
    ask("YearDay", |time, _| on(time, |time| Value::Int(i64::from(time.civil().year_day)))),
    ask("Hour", |time, _| on(time, |time| Value::Int(i64::from(time.civil().hour)))),
    ask("Minute", |time, _| on(time, |time| Value::Int(i64::from(time.civil().minute)))),
    ask("Second", |time, _| on(time, |time| Value::Int(i64::from(time.civil().second)))),
    ask("Weekday", |time, _| {
        on(time, |time| Value::Other(IntKind::Weekday, i64::from(time.civil().weekday)))
    }),
    ask("UTC", |time, _| on(time, |time| time.within("UTC").to_value())),
    ask("Local", |time, _| on(time, |time| time.within("UTC").to_value())),
    ask("IsZero", |time, _| on(time, |time| (time.seconds == ZERO && time.nanos == 0).into())),
    Method {
        name: "Add",
        params: &[Ty::Duration],
        run: |time, args| on(time, |time| time.add(nanos(&args[0])).to_value()),
    },
    Method {
        name: "AddDate",
        params: &[Ty::Int, Ty::Int, Ty::Int],
        run: |time, args| on(time, |time| add_date(time, args).to_value()),
    },
    Method {
        name: "Sub",
        params: &[Ty::Time],
        run: |time, args| {
            let other = Time::of(&args[0]).unwrap_or_else(Time::zero);
            on(time, |time| Value::Other(IntKind::Duration, time.since(&other)))
        },
    },
    Method {
        name: "Before",
        params: &[Ty::Time],
        run: |time, args| order(time, args, |by| by < 0),
    },
    Method { name: "After", params: &[Ty::Time], run: |time, args| order(time, args, |by| by > 0) },
    Method {
        name: "Equal",
        params: &[Ty::Time],
        run: |time, args| order(time, args, |by| by == 0),
    },
];

fn on(value: &Value, ask: impl FnOnce(&Time) -> Value) -> Result<Value, String> {
    Time::of(value).map(|time| ask(&time)).ok_or_else(|| "not a time".to_owned())
}

fn order(time: &Value, args: &[Value], is: fn(i64) -> bool) -> Result<Value, String> {
    let other = Time::of(&args[0]).unwrap_or_else(Time::zero);
    on(time, |time| is(time.since(&other)).into())
}

fn units(time: &Time, per_second: i64) -> i64 {
    let part = i64::from(time.nanos) / (1_000_000_000 / per_second);
    time.seconds.wrapping_mul(per_second).wrapping_add(part)
}

fn nanos(value: &Value) -> i64 {
    if let Value::Other(_, nanos) = value { *nanos } else { 0 }
}

/// Later by years, months and days; days that a month has not run over into the next.
fn add_date(time: &Time, args: &[Value]) -> Time {
    let number = |index: usize| if let Value::Int(number) = args[index] { number } else { 0 };
    let civil = time.civil();
    let months = civil.year.saturating_add(number(0)).saturating_mul(12);
    let months = months.saturating_add(i64::from(civil.month) - 1).saturating_add(number(1));
    // Beyond this, no calendar is meant.
    let months = months.clamp(-12_000_000, 12_000_000);
    let month = u32::try_from(months.rem_euclid(12)).unwrap_or_default() + 1;
    let days = days_from_civil(months.div_euclid(12), month, 1);
    let days = days.saturating_add(i64::from(civil.day) - 1).saturating_add(number(2));
    let local = time.seconds.saturating_add(i64::from(time.zone.offset));
    let seconds = days.saturating_mul(DAY).saturating_add(local.rem_euclid(DAY));
    Time { seconds: seconds.saturating_sub(i64::from(time.zone.offset)), ..time.clone() }
}

#[cfg(test)]
mod tests;
