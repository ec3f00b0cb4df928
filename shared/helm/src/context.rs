//! What functions work with besides their arguments: the budget, the clock, the seeded randomness.

use std::collections::HashMap;

use regex::Regex;

use crate::Dialect;
use crate::functions::Random;
use crate::value::{Map, Str, Value, equal_within};

/// How much one render may take. What is spent ends it with an error.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps: commands, loop passes, and parts of values that are walked. A real chart takes some thousands.
    pub steps: u64,
    /// Bytes that texts, lists and maps take, all together, freed ones included.
    pub bytes: u64,
    /// Bytes of all files that are rendered.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // Five million steps take about a second; the largest public charts use some 200 000 and 50 MB.
        Self { steps: 5_000_000, bytes: 512 << 20, output: 32 << 20 }
    }
}

/// What a render is made with, besides templates and values.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whose behaviour.
    pub dialect: Dialect,
    /// What all random functions draw from: the same seed gives the same output.
    pub seed: [u8; 32],
    /// The time that `now` tells, in microseconds since 1970.
    pub now: i64,
    /// The budget.
    pub limits: Limits,
}

/// The state that all functions of a render share.
pub(crate) struct Context {
    pub(crate) dialect: Dialect,
    pub(crate) now: i64,
    pub(crate) random: Random,
    limits: Limits,
    steps: u64,
    bytes: u64,
    efforts: usize,
    /// Why the render ends, once a budget is spent. Functions that forgive errors cannot forgive this one.
    pub(crate) spent: Option<&'static str>,
    /// The maps that came to hold other containers, and so may contain themselves.
    changed: Vec<Map>,
    regexes: HashMap<Str, Regex>,
}

/// How much effort a render may put into keys and password hashes. Charts that make an authority and some
/// certificates need up to ten.
const MAX_EFFORTS: usize = 32;

/// About what an item of a list or an entry of a map takes, in bytes.
const BYTES_PER_ITEM: u64 = 64;

impl Context {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            dialect: settings.dialect,
            now: settings.now,
            random: Random::new(settings.seed),
            limits: settings.limits,
            steps: settings.limits.steps,
            bytes: settings.limits.bytes,
            efforts: MAX_EFFORTS,
            spent: None,
            changed: Vec::new(),
            regexes: HashMap::new(),
        }
    }

    /// How many bytes the output may take.
    pub(crate) fn output_limit(&self) -> usize {
        self.limits.output
    }

    /// Pays for `count` steps.
    #[inline]
    pub(crate) fn step(&mut self, count: usize) -> Result<(), String> {
        match self.steps.checked_sub(count as u64) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => self.end("the templates take too many steps; is a loop endless?"),
        }
    }

    /// Pays for `bytes` of memory.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), String> {
        match self.bytes.checked_sub(bytes as u64) {
            Some(left) => {
                self.bytes = left;
                Ok(())
            }
            None => self.end("the templates take too much memory"),
        }
    }

    /// Pays for a list or map of `count`.
    pub(crate) fn charge_items(&mut self, count: usize) -> Result<(), String> {
        self.step(count)?;
        self.charge(count.saturating_mul(BYTES_PER_ITEM as usize))
    }

    /// Pays for the making of a key, by its effort: 1 is about a tenth of a second.
    pub(crate) fn make_key(&mut self, effort: usize) -> Result<(), String> {
        match self.efforts.checked_sub(effort) {
            Some(left) => {
                self.efforts = left;
                // A signature takes some time, too.
                self.step(1000)
            }
            None => self.end("the templates make too many keys and password hashes"),
        }
    }

    /// Whether two values are the same in every part, and pays for the comparison.
    pub(crate) fn equal(&mut self, left: &Value, right: &Value) -> Result<bool, String> {
        let allowed = usize::try_from(self.steps).unwrap_or(usize::MAX);
        let mut left_over = allowed;
        let equal = equal_within(left, right, &mut left_over);
        // Most comparisons are of two words, and cost next to nothing.
        self.step((allowed - left_over) / 4)?;
        if left_over == 0 { self.end("the templates take too many steps") } else { Ok(equal) }
    }

    /// Ends the render.
    #[cold]
    pub(crate) fn end<T>(&mut self, why: &'static str) -> Result<T, String> {
        self.spent = Some(why);
        self.steps = 0;
        Err(why.to_owned())
    }

    /// Pays for a value that a function made, by its own size.
    pub(crate) fn charge_value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Str(text) => self.charge(text.len()),
            Value::List(list) => self.charge_items(list.items().len()),
            Value::Map(map) => self.charge_items(map.len()),
            _ => Ok(()),
        }
    }

    /// Notes that `value` is being put into `map`.
    pub(crate) fn note_change(&mut self, map: &Map, value: &Value) {
        let holds = matches!(value, Value::Map(_) | Value::List(_));
        if holds && !self.changed.last().is_some_and(|last| last.is(map)) {
            self.changed.push(map.clone());
        }
    }

    /// A compiled pattern. Go's patterns and ours mean the same.
    pub(crate) fn regex(&mut self, pattern: &str) -> Result<&Regex, String> {
        if !self.regexes.contains_key(pattern) {
            let regex = crate::functions::compile(pattern)?;
            self.charge(64 << 10)?;
            self.regexes.insert(pattern.into(), regex);
        }
        self.regexes.get(pattern).ok_or_else(String::new)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // Only so are maps freed that contain themselves.
        self.changed.iter().for_each(Map::clear);
    }
}
