//! Strategic merges of lists: some by element, all others as a whole.

use std::collections::{HashMap, HashSet};

use super::directives::{Mode, take_list_mode};
use super::error::Fault;
use super::merge;
use super::merge_keys::{Elements, Field};
use super::tree::{Fields, Path, Tree};
use crate::finding::quoted;

/// Merges a list.
pub(super) fn list(
    field: Option<Field>,
    there: Option<Vec<Tree>>,
    mut patch: Vec<Tree>,
    path: &mut Path,
) -> Result<Option<Tree>, Fault> {
    let mode = take_list_mode(&mut patch, path)?;
    let there = match mode {
        Some(Mode::Delete) => return Ok(None),
        Some(Mode::Replace) => None,
        Some(Mode::Merge) | None => there,
    };
    let items = match field {
        Some(Field::Elements(elements)) => by_element(elements, there, patch, path)?,
        Some(Field::Values) => by_value(there, patch, path)?,
        Some(Field::Map(_)) | None if mode == Some(Mode::Merge) => return Err(replaced(path)),
        Some(Field::Map(_)) | None => patch,
    };
    Ok(Some(Tree::List(items)))
}

fn replaced(path: &Path) -> Fault {
    Fault::new(path, "is a list that is replaced as a whole; write all of it, without directives")
}

fn by_value(there: Option<Vec<Tree>>, patch: Vec<Tree>, path: &Path) -> Result<Vec<Tree>, Fault> {
    if let Some(other) = patch.iter().find(|item| !matches!(item, Tree::Scalar(_))) {
        let problem = format!("has {} in it; it is a list of texts", other.describe());
        return Err(Fault::new(path, problem));
    }
    let mut all = patch;
    all.extend(there.unwrap_or_default());
    Ok(unique(all))
}

fn unique(items: Vec<Tree>) -> Vec<Tree> {
    let mut seen = HashSet::new();
    let mut items = items;
    items.retain(|item| spelling(Some(item)).is_none_or(|it| seen.insert(it.to_owned())));
    items
}

/// What a scalar says, if it is one that says something.
fn spelling(tree: Option<&Tree>) -> Option<&str> {
    match tree {
        Some(Tree::Scalar(scalar)) if !scalar.spelling.is_empty() => Some(&scalar.spelling),
        _ => None,
    }
}

/// A list whose elements are found by their keys.
struct Keyed {
    elements: &'static Elements,
    entries: Vec<Entry>,
    /// The entries by all their keys, where what is missing has its default.
    same: HashMap<Keys, usize>,
    /// The first entry with each first key.
    first: HashMap<String, usize>,
}

/// The first key, and the further ones.
type Keys = (String, Vec<Option<String>>);

struct Entry {
    /// Whether it has further keys.
    further: bool,
    /// None when it is deleted.
    tree: Option<Tree>,
    /// Whether the patch has it.
    patched: bool,
}

fn by_element(
    elements: &'static Elements,
    there: Option<Vec<Tree>>,
    patch: Vec<Tree>,
    path: &mut Path,
) -> Result<Vec<Tree>, Fault> {
    let mut list = Keyed::new(elements, there.unwrap_or_default());
    let known = list.entries.len();
    let mut order = Vec::new();
    for (number, item) in patch.into_iter().enumerate() {
        let (first, fields) = list.check(item, number, path)?;
        let keys = list.further_keys(&fields);
        let at = match list.find(&first, &keys) {
            Some(at) => at,
            None => list.add(Some(first.clone()), keys, None),
        };
        let entry = &mut list.entries[at];
        if !std::mem::replace(&mut entry.patched, true) {
            order.push(at);
        }
        let old = match entry.tree.take() {
            Some(Tree::Map(fields)) => Some(fields),
            _ => None,
        };
        let step = format!("[{}={}]", elements.keys[0], first);
        let new = path
            .within(step, |path| merge::map(Some(elements.shape), old, fields, path))?
            .map(Tree::Map);
        list.entries[at].tree = new;
    }
    // Those of the patch come first; where there are further keys, only the new ones do.
    if list.entries.iter().any(|entry| entry.further) {
        order.retain(|at| *at >= known);
    }
    let mut entries: Vec<_> = list.entries.into_iter().map(|entry| entry.tree).collect();
    let mut all: Vec<Tree> = order.iter().filter_map(|at| entries[*at].take()).collect();
    all.extend(entries.into_iter().flatten());
    Ok(all)
}

impl Keyed {
    fn new(elements: &'static Elements, there: Vec<Tree>) -> Self {
        let (same, first) = (HashMap::new(), HashMap::new());
        let mut list = Self { elements, entries: Vec::new(), same, first };
        for item in there {
            let Tree::Map(fields) = item else {
                list.entries.push(Entry { further: false, tree: Some(item), patched: false });
                continue;
            };
            let fields = merge::tidy_map(Some(elements.shape), fields);
            let name = spelling(fields.get(elements.keys[0])).map(str::to_owned);
            let keys = list.further_keys(&fields);
            // Of equal elements, the last counts, in the place of the first.
            let same = name.as_ref().and_then(|name| list.find_same(name, &keys));
            match same {
                Some(at) => list.entries[at].tree = Some(Tree::Map(fields)),
                None => drop(list.add(name, keys, Some(Tree::Map(fields)))),
            }
        }
        list
    }

    fn add(
        &mut self,
        name: Option<String>,
        keys: Vec<Option<String>>,
        tree: Option<Tree>,
    ) -> usize {
        let at = self.entries.len();
        let further = keys.iter().any(Option::is_some);
        self.entries.push(Entry { further, tree, patched: false });
        if let Some(name) = name {
            self.first.entry(name.clone()).or_insert(at);
            self.same.insert((name, self.full(&keys)), at);
        }
        at
    }

    fn further_keys(&self, fields: &Fields) -> Vec<Option<String>> {
        let keys = self.elements.keys[1..].iter();
        keys.map(|key| spelling(fields.get(*key)).map(str::to_owned)).collect()
    }

    /// Keys with their defaults.
    fn full(&self, keys: &[Option<String>]) -> Vec<Option<String>> {
        let default = || self.elements.default.map(str::to_owned);
        keys.iter().map(|key| key.clone().or_else(default)).collect()
    }

    fn find_same(&self, name: &str, keys: &[Option<String>]) -> Option<usize> {
        self.same.get(&(name.to_owned(), self.full(keys))).copied()
    }

    /// The entry that an element of a patch means: further keys that it leaves out may be anything.
    fn find(&self, name: &str, keys: &[Option<String>]) -> Option<usize> {
        self.find_same(name, keys).or_else(|| {
            let open = keys.iter().all(Option::is_none);
            self.first.get(name).copied().filter(|_| open)
        })
    }

    /// The first key and the fields of an element of a patch.
    fn check(&self, item: Tree, number: usize, path: &mut Path) -> Result<(String, Fields), Fault> {
        let key = self.elements.keys[0];
        let what = item.describe();
        path.within(format!("[{number}]"), |path| match item {
            Tree::Map(fields) => match spelling(fields.get(key)).map(str::to_owned) {
                Some(first) => Ok((first, fields)),
                None => {
                    let problem =
                        format!("has no {}, which tells its elements apart; add it", quoted(key));
                    Err(Fault::new(path, problem))
                }
            },
            Tree::Null(_) | Tree::Scalar(_) | Tree::List(_) => {
                let problem = format!("is {what}; write a map with {}", quoted(key));
                Err(Fault::new(path, problem))
            }
        })
    }
}

/// What becomes of a list that a patch does not touch.
pub(super) fn tidy(field: Option<Field>, items: Vec<Tree>) -> Vec<Tree> {
    match field {
        Some(Field::Elements(elements)) => {
            Keyed::new(elements, items).entries.into_iter().filter_map(|it| it.tree).collect()
        }
        Some(Field::Values) => unique(items),
        Some(Field::Map(_)) | None => items,
    }
}

/// Takes values out of a list, as `$deleteFromPrimitiveList/…` says.
pub(super) fn delete(
    field: Option<Field>,
    list: Option<&mut Tree>,
    gone: &[Tree],
    path: &Path,
) -> Result<(), Fault> {
    if !matches!(field, Some(Field::Values)) {
        let problem = "is no merged list of texts; delete elements with `$patch: delete`, or write the whole list";
        return Err(Fault::new(path, problem));
    }
    if let Some(Tree::List(items)) = list {
        let gone: HashSet<_> = gone.iter().filter_map(|it| spelling(Some(it))).collect();
        items.retain(|item| spelling(Some(item)).is_none_or(|it| !gone.contains(it)));
    }
    Ok(())
}

/// Sorts a list as `$setElementOrder/…` says: what it names stands in that order, in the places of what it names.
pub(super) fn sort(
    field: Option<Field>,
    list: Option<&mut Tree>,
    order: &[Tree],
    path: &Path,
) -> Result<(), Fault> {
    let key = match field {
        Some(Field::Elements(elements)) => Some(elements.keys[0]),
        Some(Field::Values) => None,
        Some(Field::Map(_)) | None => return Err(replaced(path)),
    };
    let Some(Tree::List(items)) = list else { return Ok(()) };
    let said =
        |item: &Tree| spelling(key.map_or(Some(item), |key| item.get(key))).map(str::to_owned);
    let mut ranks = HashMap::new();
    for (rank, item) in order.iter().enumerate() {
        let Some(name) = said(item) else {
            let key =
                key.map_or_else(|| "texts".to_owned(), |key| format!("maps with {}", quoted(key)));
            return Err(Fault::new(path, format!("the order of its elements is a list of {key}")));
        };
        ranks.entry(name).or_insert(rank);
    }
    let rank = |item: &Tree| said(item).and_then(|name| ranks.get(&name).copied());
    let places: Vec<usize> = (0..items.len()).filter(|at| rank(&items[*at]).is_some()).collect();
    let mut named: Vec<Tree> = places.iter().map(|at| items[*at].clone()).collect();
    named.sort_by_key(rank);
    for (at, item) in places.into_iter().zip(named) {
        items[at] = item;
    }
    Ok(())
}
