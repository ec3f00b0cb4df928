//! Spans of time, in nanoseconds.

/// Nanoseconds per unit, the longest unit first.
const UNITS: &[(&str, i64)] = &[
    ("h", 3_600_000_000_000),
    ("ms", 1_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("us", 1000),
    ("µs", 1000),
    ("μs", 1000),
    ("ns", 1),
];

/// Reads `1h30m`, `-1.5h`, `300ms`.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", crate::format::quote(text));
    let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return Err(invalid());
        }
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", crate::format::quote(text)));
        }
        let nanos =
            UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanos)| i128::from(*nanos));
        let nanos = nanos.ok_or_else(|| {
            let (unit, text) = (crate::format::quote(unit), crate::format::quote(text));
            format!("time: unknown unit {unit} in duration {text}")
        })?;
        let digits = |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<i64>() };
        let whole = digits(whole).map_err(|_| invalid())?;
        let fraction = &fraction[..fraction.len().min(15)];
        let scale = 10i128.pow(u32::try_from(fraction.len()).unwrap_or_default());
        let part = i128::from(digits(fraction).map_err(|_| invalid())?) * nanos / scale;
        total += i128::from(whole) * nanos + part;
        if total > 1 << 63 {
            return Err(invalid());
        }
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

/// Writes `1h30m0s`, `1.5s`, `300ms`.
pub(crate) fn duration_text(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    if size == 0 {
        return "0s".to_owned();
    }
    if size < 1_000_000_000 {
        let (unit, per) = match size {
            0..1000 => ("ns", 1),
            1000..1_000_000 => ("µs", 1000),
            _ => ("ms", 1_000_000),
        };
        return format!("{sign}{}{unit}", decimal(size, per));
    }
    let (hours, minutes) = (size / 3_600_000_000_000, size / 60_000_000_000 % 60);
    let seconds = decimal(size % 60_000_000_000, 1_000_000_000);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// A number of units with as many decimals as needed.
fn decimal(size: u64, per: u64) -> String {
    let width = per.ilog10() as usize;
    let fraction = format!("{:0width$}", size % per);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() || width == 0 { "" } else { "." };
    let fraction = if width == 0 { "" } else { fraction };
    format!("{}{point}{fraction}", size / per)
}
