//! The functions of templates: Go's own, sprig's less those that look outside, and Helm's.

mod builtin;
mod certificates;
mod checksums;
mod compare;
mod convert;
mod data;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod lists;
mod maths;
mod merge;
mod passwords;
mod paths;
mod patterns;
mod random;
mod semver;
mod strings;
mod types;
mod urls;
mod words;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::Dialect;
use crate::context::Context;
use crate::value::{Map, Ty, Value};

pub(crate) use patterns::compile;
pub(crate) use random::Random;

/// What a function answers: a value, or the text of its error.
pub(crate) type Answer = Result<Value, String>;

/// A function that templates can call.
#[derive(Debug)]
pub struct Function {
    pub(crate) name: &'static str,
    /// The parameters that must be given.
    pub(crate) params: &'static [Ty],
    /// The type of those that may follow.
    pub(crate) rest: Option<Ty>,
    pub(crate) does: Does,
    /// Whether only Helm 4 has it.
    helm4: bool,
}

/// What a function does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    Plain(fn(&mut Context, Args<'_>) -> Answer),
    And,
    Or,
    Include,
    Tpl,
    Call,
    /// A text from a text, of whoever uses the templates.
    Words(fn(&str) -> String),
}

impl Function {
    /// A function that makes a text of a text, to be added to a language.
    pub const fn of_words(name: &'static str, run: fn(&str) -> String) -> Self {
        special(name, &[Ty::Str], Does::Words(run))
    }

    /// Whether it gives something else on each render.
    pub(crate) fn is_volatile(&self) -> bool {
        VOLATILE.contains(&self.name)
    }

    /// The type of an argument by its index.
    pub(crate) fn param(&self, index: usize) -> Ty {
        self.params.get(index).copied().or(self.rest).unwrap_or(Ty::Any)
    }

    /// The same with any number of arguments more.
    const fn rest(mut self, ty: Ty) -> Self {
        self.rest = Some(ty);
        self
    }

    const fn helm4(mut self) -> Self {
        self.helm4 = true;
        self
    }
}

const fn function(
    name: &'static str,
    params: &'static [Ty],
    run: fn(&mut Context, Args<'_>) -> Answer,
) -> Function {
    special(name, params, Does::Plain(run))
}

const fn special(name: &'static str, params: &'static [Ty], does: Does) -> Function {
    Function { name, params, rest: None, does, helm4: false }
}

/// The arguments of a call. They fit the function's parameters.
#[derive(Clone, Copy)]
pub(crate) struct Args<'a>(pub(crate) &'a [Value]);

impl<'a> Args<'a> {
    fn value(self, index: usize) -> &'a Value {
        const NONE: &Value = &Value::Nil;
        self.0.get(index).unwrap_or(NONE)
    }

    pub(crate) fn text(self, index: usize) -> &'a str {
        self.value(index).as_str().unwrap_or_default()
    }

    fn int(self, index: usize) -> i64 {
        if let Value::Int(number) = self.value(index) { *number } else { 0 }
    }

    /// None is a nil map.
    fn map(self, index: usize) -> Option<&'a Map> {
        self.value(index).as_map()
    }

    fn from(self, index: usize) -> &'a [Value] {
        self.0.get(index..).unwrap_or_default()
    }
}

/// All functions, by subject.
const ALL: &[(&str, &[Function])] = &[
    ("Templates", builtin::TEMPLATES),
    ("Logic and comparison", compare::FUNCTIONS),
    ("Printing and indexing", builtin::FUNCTIONS),
    ("Defaults and refusals", defaults::FUNCTIONS),
    ("Texts", strings::FUNCTIONS),
    ("Words", words::FUNCTIONS),
    ("Regular expressions", patterns::FUNCTIONS),
    ("Numbers", maths::FUNCTIONS),
    ("Lists", lists::FUNCTIONS),
    ("Maps", dicts::FUNCTIONS),
    ("Types", types::FUNCTIONS),
    ("YAML, JSON and TOML", data::FUNCTIONS),
    ("Encodings", encoding::FUNCTIONS),
    ("Checksums", checksums::FUNCTIONS),
    ("Dates", dates::FUNCTIONS),
    ("Semantic versions", semver::FUNCTIONS),
    ("Paths", paths::FUNCTIONS),
    ("URLs", urls::FUNCTIONS),
    ("Random values", random::FUNCTIONS),
    ("Passwords", passwords::FUNCTIONS),
    ("Keys and certificates", certificates::FUNCTIONS),
];

static BY_NAME: LazyLock<HashMap<&str, &Function>> = LazyLock::new(|| {
    let all = ALL.iter().flat_map(|(_, functions)| *functions);
    all.map(|function| (function.name, function)).collect()
});

/// The function that a dialect knows by `name`.
pub(crate) fn find(name: &str, dialect: Dialect) -> Option<&'static Function> {
    let function = *BY_NAME.get(name)?;
    (dialect == Dialect::Helm4 || !function.helm4).then_some(function)
}

/// The functions that draw from the seed or look at the clock.
const VOLATILE: [&str; 20] = [
    "now",
    "ago",
    "randAlphaNum",
    "randAlpha",
    "randNumeric",
    "randAscii",
    "randBytes",
    "randInt",
    "shuffle",
    "uuidv4",
    "bcrypt",
    "htpasswd",
    "encryptAES",
    "genPrivateKey",
    "genCA",
    "genSelfSignedCert",
    "genSignedCert",
    "genCAWithKey",
    "genSelfSignedCertWithKey",
    "genSignedCertWithKey",
];

/// What only charts have, and what would look outside.
const OF_CHARTS: [&str; 15] = [
    "include",
    "tpl",
    "lookup",
    "required",
    "toYaml",
    "mustToYaml",
    "toYamlPretty",
    "fromYaml",
    "fromYamlArray",
    "fromJson",
    "fromJsonArray",
    "toToml",
    "mustToToml",
    "fromToml",
    "getHostByName",
];

/// The function that every text with variables knows by `name`.
pub(crate) fn find_general(name: &str) -> Option<&'static Function> {
    // Helm's own `fromJson` reads maps only and hides its errors in them.
    let name = if name == "fromJson" { "mustFromJson" } else { name };
    find(name, Dialect::Helm4).filter(|function| !OF_CHARTS.contains(&function.name))
}

/// The names of the functions that every text with variables knows, by subject; for the reference.
pub fn general_by_subject() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let known = |name: &&str| *name == "fromJson" || !OF_CHARTS.contains(name);
    by_subject()
        .map(move |(subject, names)| (subject, names.into_iter().filter(known).collect::<Vec<_>>()))
        .filter(|(_, names)| !names.is_empty())
}

/// The names of all functions, by subject; for the reference.
pub fn by_subject() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    ALL.iter().map(|(subject, functions)| {
        (*subject, functions.iter().map(|function| function.name).collect())
    })
}
