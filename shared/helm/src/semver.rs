//! Semantic versions, as the library that Helm uses reads and compares them.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::Dialect;
use crate::value::{IntKind, Method, Object, Ty, Value};

/// A version, which need not be complete: `1.2` is `1.2.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Major, minor and patch.
    pub numbers: [u64; 3],
    /// What follows `-`.
    pub pre: String,
    /// What follows `+`.
    pub metadata: String,
    /// As it was written.
    pub original: String,
}

const VERSION: &str = r"v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";

/// A version in a constraint, whose parts may be `x`.
const WILD: &str = r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";

const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";

/// Go's white space, which is less than ours.
const SPACE: &str = r"[\t\n\f\r ]";

/// The patterns of constraints: one version; one constraint; a range; one in a text; a whole list.
struct Patterns {
    version: Regex,
    constraint: Regex,
    range: Regex,
    find: Regex,
    list: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let one = format!("{SPACE}*({OPERATORS}){SPACE}*({WILD}){SPACE}*");
    Some(Patterns {
        version: Regex::new(&format!("^{VERSION}$")).ok()?,
        constraint: Regex::new(&format!("^{one}$")).ok()?,
        range: Regex::new(&format!("{SPACE}*({WILD}){SPACE}+-{SPACE}+({WILD}){SPACE}*")).ok()?,
        find: Regex::new(&format!("({OPERATORS}){SPACE}*({WILD})")).ok()?,
        list: Regex::new(&format!(
            "^({one})((?:{SPACE}+|,{SPACE}*)({OPERATORS}){SPACE}*({WILD}){SPACE}*)*$"
        ))
        .ok()?,
    })
});

/// Helm 4's library writes its messages in lower case.
fn message(text: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Helm3 => text.to_owned(),
        Dialect::Helm4 => text.to_lowercase(),
    }
}

fn group<'t>(captures: &Captures<'t>, index: usize) -> &'t str {
    captures.get(index).map_or("", |found| found.as_str())
}

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// The words of Helm's library.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, String> {
        if dialect == Dialect::Helm4 && text.len() > 256 {
            return Err("version string is too long (max 256 bytes)".to_owned());
        }
        let captures = PATTERNS.as_ref().and_then(|patterns| patterns.version.captures(text));
        let captures = captures.ok_or_else(|| message("Invalid Semantic Version", dialect))?;
        let number = |index: usize| -> Result<u64, String> {
            let digits = group(&captures, index).trim_start_matches('.');
            if digits.is_empty() {
                return Ok(0);
            }
            digits.parse().map_err(|_| {
                let start = message("Error parsing version segment", dialect);
                let digits = crate::format::quote(digits);
                format!("{start}: strconv.ParseUint: parsing {digits}: value out of range")
            })
        };
        let pre = group(&captures, 5).to_owned();
        let starts_zero = |part: &str| {
            part.len() > 1 && part.starts_with('0') && part.bytes().all(|c| c.is_ascii_digit())
        };
        let numbers = [number(1)?, number(2)?, number(3)?];
        if pre.split('.').any(starts_zero) {
            return Err(message("Version segment starts with 0", dialect));
        }
        let metadata = group(&captures, 8).to_owned();
        Ok(Self { numbers, pre, metadata, original: text.to_owned() })
    }

    /// As a value of templates.
    pub(crate) fn to_value(&self) -> Value {
        let number = |index: usize| Value::Other(IntKind::Uint64, self.numbers[index] as i64);
        let fields = vec![
            ("major", number(0)),
            ("minor", number(1)),
            ("patch", number(2)),
            ("pre", Value::str(self.pre.as_str())),
            ("metadata", Value::str(self.metadata.as_str())),
            ("original", Value::str(self.original.as_str())),
        ];
        Value::Object(Object::with_text("*semver.Version", fields, METHODS, self.to_string()))
    }

    fn of(value: &Value) -> Option<Self> {
        let Value::Object(object) = value else { return None };
        let number = |name| match object.field(name) {
            Some(Value::Other(_, number)) => Some(*number as u64),
            _ => None,
        };
        let text = |name| object.field(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            numbers: [number("major")?, number("minor")?, number("patch")?],
            pre: text("pre")?,
            metadata: text("metadata")?,
            original: text("original")?,
        })
    }

    /// The next version that differs in the number at `index`.
    fn next(&self, index: usize) -> Self {
        let mut next = Self { pre: String::new(), metadata: String::new(), ..self.clone() };
        // A release follows its own pre-releases.
        if index < 2 || self.pre.is_empty() {
            next.numbers[index] = next.numbers[index].wrapping_add(1);
            next.numbers[index + 1..].fill(0);
        }
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{prefix}{next}");
        next
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.compare(other))
    }
}

impl Version {
    /// The order of versions, in which what follows `+` does not count.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.pre.as_str(), other.pre.as_str()) {
                ("", "") => Ordering::Equal,
                ("", _) => Ordering::Greater,
                (_, "") => Ordering::Less,
                (left, right) => compare_pre(left, right),
            }
        })
    }
}

fn compare_pre(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) if left == right => {}
            (Some(left), Some(right)) => {
                return match (left.parse::<u64>(), right.parse::<u64>()) {
                    (Ok(left), Ok(right)) => left.cmp(&right),
                    (Ok(_), Err(_)) => Ordering::Less,
                    (Err(_), Ok(_)) => Ordering::Greater,
                    (Err(_), Err(_)) => left.cmp(right),
                };
            }
        }
    }
}

/// A constraint on versions, such as `>=1.2 <2 || ~3.1`.
#[derive(Clone, Debug)]
pub struct Constraints {
    dialect: Dialect,
    alternatives: Vec<Vec<Constraint>>,
}

#[derive(Clone, Debug)]
struct Constraint {
    operator: String,
    version: Version,
    /// Whether any part, the minor number, the patch number is open.
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

impl Constraints {
    /// Reads a constraint.
    ///
    /// # Errors
    /// The words of Helm's library.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, String> {
        if dialect == Dialect::Helm4 && text.len() > 512 {
            return Err("constraint string is too long (max 512 bytes)".to_owned());
        }
        let improper = |text: &str| match dialect {
            Dialect::Helm3 => format!("improper constraint: {text}"),
            Dialect::Helm4 => format!("improper constraint: {}", crate::format::quote(text)),
        };
        let Some(patterns) = PATTERNS.as_ref() else { return Err(improper(text)) };
        let rewritten = rewrite_ranges(text, patterns);
        let mut alternatives = Vec::new();
        for part in rewritten.split("||") {
            if !patterns.list.is_match(part) {
                return Err(improper(part));
            }
            let constraints = patterns.find.find_iter(part).map(|found| {
                Constraint::parse(found.as_str(), patterns, dialect)
                    .ok_or_else(|| message("constraint Parser Error", dialect))
            });
            alternatives.push(constraints.collect::<Result<Vec<_>, _>>()?);
        }
        if dialect == Dialect::Helm4 && alternatives.len() > 32 {
            return Err("too many constraint groups (max 32)".to_owned());
        }
        Ok(Self { dialect, alternatives })
    }

    /// Whether a version is allowed.
    pub fn allow(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|constraints| {
            // Helm 4 lets one pre-release in a group speak for all of it.
            let group_pre = constraints.iter().any(|constraint| !constraint.version.pre.is_empty());
            constraints.iter().all(|constraint| match self.dialect {
                Dialect::Helm3 => {
                    let wanted = !constraint.version.pre.is_empty()
                        || constraint.operator == "!=" && !constraint.dirty;
                    constraint.allows(version, wanted)
                }
                Dialect::Helm4 => constraint.allows(version, group_pre),
            })
        })
    }
}

/// `1.2 - 1.4` as `>= 1.2, <= 1.4`.
fn rewrite_ranges(text: &str, patterns: &Patterns) -> String {
    let mut rewritten = text.to_owned();
    for captures in patterns.range.captures_iter(text) {
        let bounds = format!(">= {}, <= {} ", group(&captures, 1), group(&captures, 11));
        rewritten = rewritten.replacen(group(&captures, 0), &bounds, 1);
    }
    rewritten
}

impl Constraint {
    fn parse(text: &str, patterns: &Patterns, dialect: Dialect) -> Option<Self> {
        let captures = patterns.constraint.captures(text)?;
        let operator = group(&captures, 1).to_owned();
        let open = |part: &str| matches!(part.trim_start_matches('.'), "" | "x" | "X" | "*");
        let (major, minor, patch) = (group(&captures, 3), group(&captures, 4), group(&captures, 5));
        let pre = group(&captures, 6);
        let (version, minor_dirty, patch_dirty) = if open(major) {
            (format!("0.0.0{pre}"), false, false)
        } else if open(minor) {
            (format!("{major}.0.0{pre}"), true, false)
        } else if open(patch) {
            (format!("{major}{minor}.0{pre}"), false, true)
        } else {
            (group(&captures, 2).to_owned(), false, false)
        };
        let dirty = open(major) || minor_dirty || patch_dirty;
        let version = Version::parse(&version, dialect).ok()?;
        Some(Self { operator, version, dirty, minor_dirty, patch_dirty })
    }

    /// `pre` is whether pre-releases are looked for.
    fn allows(&self, version: &Version, pre: bool) -> bool {
        if !version.pre.is_empty() && !pre {
            return false;
        }
        let order = version.compare(&self.version);
        let ([major, minor, patch], wanted) = (version.numbers, self.version.numbers);
        match self.operator.as_str() {
            "!=" if self.dirty => {
                major != wanted[0]
                    || minor != wanted[1] && !self.minor_dirty
                    || !self.minor_dirty && patch != wanted[2] && !self.patch_dirty
                    || self.patch_dirty
                        && (!version.pre.is_empty() || !self.version.pre.is_empty())
                        && compare_pre(&version.pre, &self.version.pre) != Ordering::Equal
                    || !self.minor_dirty && !self.patch_dirty && order != Ordering::Equal
            }
            "!=" => order != Ordering::Equal,
            ">" if self.dirty && major != wanted[0] => major > wanted[0],
            ">" if self.minor_dirty => false,
            ">" if self.patch_dirty => minor > wanted[1],
            ">" => order == Ordering::Greater,
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" if self.dirty => {
                major < wanted[0] || major == wanted[0] && (minor <= wanted[1] || self.minor_dirty)
            }
            "<=" | "=<" => order != Ordering::Greater,
            "^" => order != Ordering::Less && self.caret(version.numbers),
            "" | "=" if !self.dirty => order == Ordering::Equal,
            _ => order != Ordering::Less && self.tilde(version.numbers),
        }
    }

    fn tilde(&self, [major, minor, _]: [u64; 3]) -> bool {
        if self.version.numbers == [0, 0, 0] && !self.minor_dirty && !self.patch_dirty {
            return true;
        }
        major == self.version.numbers[0] && (minor == self.version.numbers[1] || self.minor_dirty)
    }

    fn caret(&self, [major, minor, patch]: [u64; 3]) -> bool {
        let wanted = self.version.numbers;
        if wanted[0] > 0 || self.minor_dirty {
            return major == wanted[0];
        }
        if major > 0 {
            return false;
        }
        if wanted[1] > 0 || self.patch_dirty {
            return minor == wanted[1];
        }
        minor == 0 && patch == wanted[2]
    }
}

/// What a version can be asked, and the versions that follow it.
const METHODS: &[Method] = &[
    Method { name: "Major", params: &[], run: |receiver, _| Ok(field(receiver, "major")) },
    Method { name: "Minor", params: &[], run: |receiver, _| Ok(field(receiver, "minor")) },
    Method { name: "Patch", params: &[], run: |receiver, _| Ok(field(receiver, "patch")) },
    Method { name: "Prerelease", params: &[], run: |receiver, _| Ok(field(receiver, "pre")) },
    Method { name: "Metadata", params: &[], run: |receiver, _| Ok(field(receiver, "metadata")) },
    Method { name: "Original", params: &[], run: |receiver, _| Ok(field(receiver, "original")) },
    Method { name: "String", params: &[], run: |receiver, _| string(receiver) },
    Method { name: "IncMajor", params: &[], run: |receiver, _| next(receiver, 0) },
    Method { name: "IncMinor", params: &[], run: |receiver, _| next(receiver, 1) },
    Method { name: "IncPatch", params: &[], run: |receiver, _| next(receiver, 2) },
    Method {
        name: "Compare",
        params: &[Ty::Version],
        run: |receiver, args| Ok(Value::Int(order(receiver, &args[0]) as i64)),
    },
    Method {
        name: "LessThan",
        params: &[Ty::Version],
        run: |receiver, args| Ok((order(receiver, &args[0]) == Ordering::Less).into()),
    },
    Method {
        name: "LessThanEqual",
        params: &[Ty::Version],
        run: |receiver, args| Ok((order(receiver, &args[0]) != Ordering::Greater).into()),
    },
    Method {
        name: "GreaterThan",
        params: &[Ty::Version],
        run: |receiver, args| Ok((order(receiver, &args[0]) == Ordering::Greater).into()),
    },
    Method {
        name: "GreaterThanEqual",
        params: &[Ty::Version],
        run: |receiver, args| Ok((order(receiver, &args[0]) != Ordering::Less).into()),
    },
    Method {
        name: "Equal",
        params: &[Ty::Version],
        run: |receiver, args| Ok((order(receiver, &args[0]) == Ordering::Equal).into()),
    },
];

fn field(receiver: &Value, name: &str) -> Value {
    match receiver {
        Value::Object(object) => object.field(name).cloned().unwrap_or_default(),
        _ => Value::Nil,
    }
}

fn string(receiver: &Value) -> Result<Value, String> {
    Ok(Version::of(receiver).map(|version| version.to_string()).unwrap_or_default().into())
}

fn next(receiver: &Value, index: usize) -> Result<Value, String> {
    let version = Version::of(receiver).ok_or("not a version")?;
    Ok(version.next(index).to_value())
}

fn order(left: &Value, right: &Value) -> Ordering {
    match (Version::of(left), Version::of(right)) {
        (Some(left), Some(right)) => left.compare(&right),
        _ => Ordering::Equal,
    }
}
