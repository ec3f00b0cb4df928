//! The functions of templates.

mod builtin;
mod conversion;
mod defaults;
mod dicts;
mod encoding;
mod json;
mod lists;
mod numbers;
mod patterns;
mod strings;
mod words;

use super::MAX_TEXT;
use super::machine::Machine;
use super::value::{DictId, List, Value};

/// A function and how many arguments it takes.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    min: usize,
    max: usize,
    run: fn(Arguments<'_, '_>) -> Result<Value, String>,
}

/// No upper limit of arguments.
const ANY: usize = usize::MAX;

/// Shorthand for the tables of functions.
const fn function(
    name: &'static str,
    min: usize,
    max: usize,
    run: fn(Arguments<'_, '_>) -> Result<Value, String>,
) -> Function {
    Function { name, min, max, run }
}

const TABLES: [&[Function]; 11] = [
    builtin::FUNCTIONS,
    conversion::FUNCTIONS,
    defaults::FUNCTIONS,
    dicts::FUNCTIONS,
    encoding::FUNCTIONS,
    json::FUNCTIONS,
    lists::FUNCTIONS,
    numbers::FUNCTIONS,
    patterns::FUNCTIONS,
    strings::FUNCTIONS,
    words::FUNCTIONS,
];

/// What each table is about, in the order of [`TABLES`].
const SUBJECTS: [&str; 11] = [
    "of the language itself",
    "conversion",
    "defaults",
    "maps",
    "encoding and digests",
    "JSON",
    "lists",
    "numbers",
    "patterns",
    "texts",
    "words",
];

/// The names of all functions, by subject.
pub(super) fn by_subject() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let names = |table: &&'static [Function]| table.iter().map(|function| function.name).collect();
    SUBJECTS.into_iter().zip(TABLES.iter().map(names))
}

/// The function of this name. `must…` variants are the same functions: here every failure is an error.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    let exact =
        |name: &str| TABLES.iter().copied().flatten().find(|function| function.name == name);
    exact(name).or_else(|| {
        let rest = name.strip_prefix("must")?;
        let mut chars = rest.chars();
        let first = chars.next().filter(char::is_ascii_uppercase)?;
        let plain = format!("{}{}", first.to_ascii_lowercase(), chars.as_str());
        MUST.contains(&plain.as_str()).then(|| exact(&plain)).flatten()
    })
}

/// The functions that sprig also has as `must…`.
const MUST: [&str; 24] = [
    "append",
    "compact",
    "concat",
    "first",
    "fromJson",
    "has",
    "initial",
    "last",
    "prepend",
    "push",
    "regexFind",
    "regexFindAll",
    "regexMatch",
    "regexReplaceAll",
    "regexReplaceAllLiteral",
    "regexSplit",
    "rest",
    "reverse",
    "slice",
    "toJson",
    "toPrettyJson",
    "toRawJson",
    "uniq",
    "without",
];

/// Calls a function and pays for what it reads and makes.
pub(super) fn call(
    function: &Function,
    values: &[Value],
    machine: &mut Machine<'_>,
) -> Result<Value, String> {
    let read: usize = values.iter().map(|value| machine.size(value)).sum();
    machine.spend(read)?;
    let result = (function.run)(Arguments { values, machine })?;
    let made = machine.size(&result);
    if matches!(result, Value::Text(_)) && made > MAX_TEXT {
        return Err(format!("the text grows larger than {} KiB", MAX_TEXT / 1024));
    }
    machine.spend(made)?;
    Ok(result)
}

impl Function {
    /// Refuses a wrong number of arguments.
    pub(super) fn check_count(&self, count: usize) -> Result<(), String> {
        if (self.min..=self.max).contains(&count) {
            return Ok(());
        }
        let wanted = match (self.min, self.max) {
            (min, ANY) => format!("at least {min}"),
            (min, max) if min == max => min.to_string(),
            (min, max) => format!("{min} to {max}"),
        };
        Err(format!("{}: takes {wanted} arguments, but is given {count}", self.name))
    }

    /// Whether an argument of this truth is the result, so that the rest is not evaluated.
    pub(super) fn settles(&self, truth: bool) -> bool {
        match self.name {
            "and" => !truth,
            "or" => truth,
            _ => false,
        }
    }
}

/// The arguments of a call. Their number has been checked.
pub(super) struct Arguments<'v, 'm> {
    values: &'v [Value],
    machine: &'v mut Machine<'m>,
}

impl<'v> Arguments<'v, '_> {
    fn len(&self) -> usize {
        self.values.len()
    }

    fn get(&self, index: usize) -> Option<&'v Value> {
        self.values.get(index)
    }

    fn value(&self, index: usize) -> &'v Value {
        self.values.get(index).unwrap_or(&Value::Nil)
    }

    fn text(&self, index: usize) -> Result<&'v str, String> {
        match self.value(index) {
            Value::Text(text) => Ok(text),
            other => Err(wrong(index, "a text", other)),
        }
    }

    /// An integer, and no number in a text: for parameters that count something.
    fn int(&self, index: usize) -> Result<i64, String> {
        match self.value(index) {
            Value::Int(number) => Ok(*number),
            other => Err(wrong(index, "an integer", other)),
        }
    }

    /// An integer that is a length or a count: at least 0.
    fn count(&self, index: usize) -> Result<usize, String> {
        let number = self.int(index)?;
        usize::try_from(number).map_err(|_| format!("argument {} must not be negative", index + 1))
    }

    fn list(&self, index: usize) -> Result<&'v List, String> {
        match self.value(index) {
            Value::List(list) => Ok(list),
            other => Err(wrong(index, "a list", other)),
        }
    }

    fn dict(&self, index: usize) -> Result<DictId, String> {
        match self.value(index) {
            Value::Dict(id) => Ok(*id),
            other => Err(wrong(index, "a map made by `dict`", other)),
        }
    }

    fn truth(&self, index: usize) -> Result<bool, String> {
        match self.value(index) {
            Value::Bool(truth) => Ok(*truth),
            other => Err(wrong(index, "a boolean", other)),
        }
    }
}

fn wrong(index: usize, wanted: &str, got: &Value) -> String {
    format!("argument {} must be {wanted}, but is {}", index + 1, got.kind())
}

/// How many functions there are.
#[cfg(test)]
pub(super) fn count() -> usize {
    TABLES.iter().map(|table| table.len()).sum()
}

/// The name of one function.
#[cfg(test)]
pub(super) fn nth(index: usize) -> &'static str {
    TABLES.iter().copied().flatten().nth(index).map_or("", |function| function.name)
}
