//! What functions work with: the variables, the changeable maps, and the budget.

use std::collections::BTreeMap;

use super::value::{DictId, Value};
use super::{MAX_DEPTH, MAX_TEXT};

/// How much work one template may cause: a step costs 1, and texts and lists cost by their size. Real manifests
/// use some hundred.
const FUEL: usize = 200_000;

/// How many bytes cost as much as a step. Together with the fuel it bounds the memory of a run to some 50 MB.
const BYTES_PER_STEP: usize = 256;

/// About what an item of a list or an entry of a map takes, in bytes.
const BYTES_PER_ITEM: usize = 64;

/// The state that all templates of a run share.
pub(super) struct Machine<'a> {
    pub(super) variables: &'a BTreeMap<String, String>,
    /// Maps live until the end of the run, so that one that contains itself does no harm.
    dicts: Vec<BTreeMap<String, Value>>,
    fuel: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(variables: &'a BTreeMap<String, String>) -> Self {
        Self { variables, dicts: Vec::new(), fuel: FUEL }
    }

    /// Pays for one step over `size` bytes.
    pub(super) fn spend(&mut self, size: usize) -> Result<(), String> {
        self.spend_steps(1 + size / BYTES_PER_STEP)
    }

    /// Pays for a number of steps.
    pub(super) fn spend_steps(&mut self, steps: usize) -> Result<(), String> {
        self.fuel = self
            .fuel
            .checked_sub(steps)
            .ok_or("the template takes too many steps; is a loop endless?")?;
        Ok(())
    }

    pub(super) fn new_dict(&mut self, dict: BTreeMap<String, Value>) -> Value {
        self.dicts.push(dict);
        Value::Dict(DictId(self.dicts.len() - 1))
    }

    pub(super) fn dict(&self, id: DictId) -> &BTreeMap<String, Value> {
        &self.dicts[id.0]
    }

    pub(super) fn dict_mut(&mut self, id: DictId) -> &mut BTreeMap<String, Value> {
        &mut self.dicts[id.0]
    }

    /// How many bytes a value takes itself, without its parts.
    pub(super) fn size(&self, value: &Value) -> usize {
        match value {
            Value::Text(text) => text.len(),
            other => self.length(other).saturating_mul(BYTES_PER_ITEM),
        }
    }

    /// How many bytes, items or entries a value has itself.
    pub(super) fn length(&self, value: &Value) -> usize {
        match value {
            Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 0,
            Value::Text(text) => text.len(),
            Value::List(list) => list.items().len(),
            Value::Dict(id) => self.dict(*id).len(),
            Value::Variables => self.variables.len(),
        }
    }

    /// Go's truth: not nil, not zero, not empty.
    pub(super) fn is_true(&self, value: &Value) -> bool {
        match value {
            Value::Nil => false,
            Value::Bool(truth) => *truth,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Text(_) | Value::List(_) | Value::Dict(_) | Value::Variables => {
                self.length(value) > 0
            }
        }
    }

    /// Whether two values are the same in every part. Kinds never mix.
    pub(super) fn deep_equal(&mut self, left: &Value, right: &Value) -> Result<bool, String> {
        self.equal_at(left, right, 0)
    }

    fn equal_at(&mut self, left: &Value, right: &Value, depth: usize) -> Result<bool, String> {
        self.spend(self.size(left))?;
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        match (left, right) {
            (Value::List(left), Value::List(right)) => {
                if left.items().len() != right.items().len() {
                    return Ok(false);
                }
                for (left, right) in left.items().iter().zip(right.items()) {
                    if !self.equal_at(left, right, depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Dict(left), Value::Dict(right)) => {
                let (left, right) = (self.dict(*left).clone(), self.dict(*right).clone());
                if !left.keys().eq(right.keys()) {
                    return Ok(false);
                }
                for (left, right) in left.values().zip(right.values()) {
                    if !self.equal_at(left, right, depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (left, right) => Ok(same_scalar(left, right)),
        }
    }
}

/// Whether two values without parts are the same.
fn same_scalar(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Nil, Value::Nil) | (Value::Variables, Value::Variables) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) => left == right,
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Text(left), Value::Text(right)) => left == right,
        _ => false,
    }
}

/// The message for values that are too deep to walk.
pub(super) fn too_deep() -> String {
    format!("values are nested more than {MAX_DEPTH} levels deep, or contain themselves")
}

/// A text that grows up to the limit.
#[derive(Default)]
pub(super) struct Growing(String);

impl Growing {
    /// Appends, or fails when the text becomes too large.
    pub(super) fn push(&mut self, text: &str) -> Result<(), String> {
        if self.0.len() + text.len() > MAX_TEXT {
            return Err(format!("the text grows larger than {} KiB", MAX_TEXT / 1024));
        }
        self.0.push_str(text);
        Ok(())
    }

    /// Appends `text` `count` times, or fails before it starts.
    pub(super) fn push_repeated(&mut self, text: &str, count: usize) -> Result<(), String> {
        if self.0.len().saturating_add(text.len().saturating_mul(count)) > MAX_TEXT {
            return Err(format!("the text grows larger than {} KiB", MAX_TEXT / 1024));
        }
        self.0.extend(std::iter::repeat_n(text, count));
        Ok(())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}
