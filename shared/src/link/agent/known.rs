//! The newest state of every object of a cluster, kept small: ten thousand pods are a few megabytes.
//!
//! An object's state lies packed and is unpacked only to be sent. Pods of one template that are in the same
//! state share it; what each has of its own is its node and its age.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use serde::{Serialize, de::DeserializeOwned};

use super::interner::{Interned, Interner};
use crate::observed::{ObjectKey, Observation, ObservedState, PodState};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Known {
    objects: BTreeMap<Name, Kept>,
    shapes: Interner,
    nodes: Interner,
    /// Gone since it was told.
    gone: BTreeSet<Name>,
}

/// Kind, namespace and name in one text; in the order of [`ObjectKey`], as no name holds the separator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(Box<str>);

#[derive(Debug)]
struct Kept {
    state: Packed,
    /// Changed since it was told.
    is_changed: bool,
    /// Was seen since the last list of its kind began.
    is_listed: bool,
}

#[derive(Debug, PartialEq)]
enum Packed {
    Pod { shape: Interned, node: Option<Interned>, created_at: i64 },
    Alone { kind: Kind, bytes: Box<[u8]> },
}

/// Which state the bytes are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Source,
    Applier,
    Workload,
    Ingress,
    Route,
    Gateway,
    Service,
    Unknown,
}

/// Whether a change has to be told as such, or a snapshot that is under way still comes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tell {
    Change,
    Nothing,
}

const SEPARATOR: char = '\0';

impl Known {
    /// Keeps an object's state; whether that is a change to be told.
    pub(super) fn keep(&mut self, observation: Observation, tell: impl Fn(&Name) -> Tell) -> bool {
        let name = Name::of(&observation.key);
        let state = self.pack(observation.state);
        if let Some(kept) = self.objects.get_mut(&name) {
            kept.is_listed = true;
            if kept.state == state {
                self.release(state);
                return false;
            }
        }
        self.gone.remove(&name);
        let is_changed = tell(&name) == Tell::Change;
        let kept = Kept { state, is_changed, is_listed: true };
        if let Some(before) = self.objects.insert(name, kept) {
            self.release(before.state);
        }
        is_changed
    }

    /// Forgets an object; whether that is a change to be told.
    pub(super) fn forget(&mut self, name: Name, tell: impl Fn(&Name) -> Tell) -> bool {
        let Some(before) = self.objects.remove(&name) else { return false };
        self.release(before.state);
        tell(&name) == Tell::Change && self.gone.insert(name)
    }

    /// A list of a kind begins.
    pub(super) fn begin_list(&mut self, kind: &str) {
        let of_kind = self.objects.range_mut(Name::first_of(kind)..);
        for (_, kept) in of_kind.take_while(|(name, _)| name.has_kind(kind)) {
            kept.is_listed = false;
        }
    }

    /// The objects of a kind that its list did not name.
    pub(super) fn unlisted(&self, kind: &str) -> Vec<Name> {
        self.objects
            .range(Name::first_of(kind)..)
            .take_while(|(name, _)| name.has_kind(kind))
            .filter(|(_, kept)| !kept.is_listed)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Everything, or what comes after a name.
    pub(super) fn after(&self, name: Option<&Name>) -> impl Iterator<Item = (&Name, Observation)> {
        let from = name.map_or(Bound::Unbounded, Bound::Excluded);
        self.objects
            .range((from, Bound::Unbounded))
            .map(|(name, kept)| (name, Observation { key: name.key(), state: kept.state.unpack() }))
    }

    /// Gives changed objects to `take` until it says that it has enough.
    pub(super) fn take_changed(&mut self, mut take: impl FnMut(Observation) -> Enough) {
        for (name, kept) in self.objects.iter_mut().filter(|(_, kept)| kept.is_changed) {
            kept.is_changed = false;
            let observation = Observation { key: name.key(), state: kept.state.unpack() };
            if take(observation) == Enough::Yes {
                return;
            }
        }
    }

    /// Takes gone objects, at most `most`.
    pub(super) fn take_gone(&mut self, most: usize) -> Vec<ObjectKey> {
        std::iter::from_fn(|| self.gone.pop_first()).take(most).map(|name| name.key()).collect()
    }

    /// Something is to be told.
    pub(super) fn has_news(&self) -> bool {
        !self.gone.is_empty() || self.objects.values().any(|kept| kept.is_changed)
    }

    /// Nothing is to be told: a snapshot comes.
    pub(super) fn clear_news(&mut self) {
        self.gone.clear();
        self.objects.values_mut().for_each(|kept| kept.is_changed = false);
    }

    fn pack(&mut self, state: ObservedState) -> Packed {
        let (kind, bytes) = match state {
            ObservedState::Pod(pod) => return self.pack_pod(pod),
            ObservedState::Source(state) => (Kind::Source, packed(&state)),
            ObservedState::Applier(state) => (Kind::Applier, packed(&state)),
            ObservedState::Workload(state) => (Kind::Workload, packed(&state)),
            ObservedState::Ingress(state) => (Kind::Ingress, packed(&state)),
            ObservedState::Route(state) => (Kind::Route, packed(&state)),
            ObservedState::Gateway(state) => (Kind::Gateway, packed(&state)),
            ObservedState::Service(state) => (Kind::Service, packed(&state)),
            ObservedState::Unknown => (Kind::Unknown, Box::default()),
        };
        Packed::Alone { kind, bytes }
    }

    fn pack_pod(&mut self, mut pod: PodState) -> Packed {
        let node = pod.node.take().map(|node| self.nodes.intern(node.as_bytes()));
        let created_at = std::mem::take(&mut pod.created_at);
        Packed::Pod { shape: self.shapes.intern(&packed(&pod)), node, created_at }
    }

    fn release(&mut self, state: Packed) {
        if let Packed::Pod { shape, node, .. } = state {
            self.shapes.release(shape);
            node.into_iter().for_each(|node| self.nodes.release(node));
        }
    }
}

/// Whether a report is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enough {
    Yes,
    No,
}

impl Packed {
    fn unpack(&self) -> ObservedState {
        match self {
            Self::Pod { shape, node, created_at } => {
                let text = |node: &Interned| String::from_utf8_lossy(node.bytes()).into_owned();
                ObservedState::Pod(PodState {
                    node: node.as_ref().map(text),
                    created_at: *created_at,
                    ..unpacked(shape.bytes())
                })
            }
            Self::Alone { kind, bytes } => match kind {
                Kind::Source => ObservedState::Source(unpacked(bytes)),
                Kind::Applier => ObservedState::Applier(unpacked(bytes)),
                Kind::Workload => ObservedState::Workload(unpacked(bytes)),
                Kind::Ingress => ObservedState::Ingress(unpacked(bytes)),
                Kind::Route => ObservedState::Route(unpacked(bytes)),
                Kind::Gateway => ObservedState::Gateway(unpacked(bytes)),
                Kind::Service => ObservedState::Service(unpacked(bytes)),
                Kind::Unknown => ObservedState::Unknown,
            },
        }
    }
}

fn packed(state: &impl Serialize) -> Box<[u8]> {
    let bytes = postcard::to_allocvec(state);
    bytes.expect("states hold text, numbers and lists whose lengths are known").into()
}

fn unpacked<State: DeserializeOwned>(bytes: &[u8]) -> State {
    postcard::from_bytes(bytes).expect("only what `packed` gave is unpacked")
}

impl Name {
    pub(super) fn of(key: &ObjectKey) -> Self {
        let ObjectKey { kind, namespace, name } = key;
        Self(format!("{kind}{SEPARATOR}{namespace}{SEPARATOR}{name}").into())
    }

    fn first_of(kind: &str) -> Self {
        Self(format!("{kind}{SEPARATOR}").into())
    }

    fn has_kind(&self, kind: &str) -> bool {
        self.0.strip_prefix(kind).is_some_and(|rest| rest.starts_with(SEPARATOR))
    }

    pub(super) fn key(&self) -> ObjectKey {
        let mut parts = self.0.splitn(3, SEPARATOR).map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        ObjectKey { kind: next(), namespace: next(), name: next() }
    }
}

#[cfg(test)]
#[path = "known_tests.rs"]
mod tests;
