//! The charts of one render: what was read, with names, dependencies and defaults that the render changes.

use std::sync::Arc;

use super::{Chart, Metadata};
use crate::value::{Data, Entries, Map, MapKind, Str, Value};

/// A chart in its place. Copies share what was read.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) metadata: Metadata,
    /// The defaults.
    pub(super) values: Map,
    pub(super) chart: Arc<Chart>,
    pub(super) children: Vec<Self>,
}

impl Node {
    pub(super) fn new(chart: &Arc<Chart>) -> Self {
        Self {
            metadata: chart.metadata.clone(),
            values: map_of(&chart.values),
            chart: Arc::clone(chart),
            children: chart.dependencies.iter().map(Self::new).collect(),
        }
    }

    pub(super) fn name(&self) -> &Str {
        &self.metadata.name
    }

    pub(super) fn is_library(&self) -> bool {
        &*self.metadata.kind == "library"
    }
}

fn map_of(data: &Data) -> Map {
    match data.thaw() {
        Value::Map(map) => map,
        _ => empty(),
    }
}

pub(super) fn empty() -> Map {
    Map::new(MapKind::Any, Entries::new())
}

/// A copy of a map that shares no map with it.
pub(super) fn copy(map: &Map) -> Map {
    map_of(&Value::Map(map.clone()).freeze())
}

/// The map at a path of names.
pub(super) fn table(map: &Map, path: &str) -> Option<Map> {
    let mut found = map.clone();
    for part in path.split('.') {
        match found.get(part) {
            Some(Value::Map(inner)) => found = inner,
            _ => return None,
        }
    }
    Some(found)
}

/// What stands at a path of names, if it is no map.
pub(super) fn leaf(map: &Map, path: &str) -> Option<Value> {
    let found = match path.rsplit_once('.') {
        Some((folder, name)) => table(map, folder)?.get(name),
        None => map.get(path),
    };
    found.filter(|value| !matches!(value, Value::Map(_)))
}
