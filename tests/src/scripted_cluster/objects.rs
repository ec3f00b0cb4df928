//! The objects of a cluster: by resource, namespace and name, with versions and a history to watch.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use tokio::sync::watch;

/// Changes that a watcher may lag behind; one that lags further lists again.
const HISTORY: usize = 50_000;

/// `group/version/plural`, or `version/plural` for the core group.
pub type Resource = str;

/// Namespace and name.
pub(super) type Place = (String, String);

/// Everything on one cluster. Clones share it.
#[derive(Clone, Debug)]
pub struct Objects {
    state: Arc<Mutex<State>>,
    version: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    version: u64,
    resources: HashMap<String, BTreeMap<Place, Arc<Value>>>,
    history: VecDeque<Change>,
}

/// One change, as a watcher is told of it.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) kind: &'static str,
    pub(super) resource: Arc<str>,
    pub(super) object: Arc<Value>,
}

/// Why a write was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Absent,
    Conflict,
}

impl Default for Objects {
    fn default() -> Self {
        Self { state: Arc::default(), version: watch::Sender::new(0) }
    }
}

impl Objects {
    /// Puts an object in place of the one of its name, whatever version that has.
    pub fn put(&self, resource: &Resource, object: Value) {
        let mut state = self.lock();
        let before = state.find(resource, &place_of(&object));
        state.store(resource, object, before.as_deref());
        self.announce(&state);
    }

    /// An object by its name.
    #[must_use]
    pub fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.lock().find(resource, &(namespace.to_owned(), name.to_owned()))
    }

    /// All objects of a resource, by namespace and name.
    #[must_use]
    pub fn list(&self, resource: &Resource) -> Vec<Arc<Value>> {
        let state = self.lock();
        state.resources.get(resource).map(|all| all.values().cloned().collect()).unwrap_or_default()
    }

    /// Takes an object away; false where it was not there.
    pub fn remove(&self, resource: &Resource, namespace: &str, name: &str) -> bool {
        let mut state = self.lock();
        let is_removed = state.remove(resource, &(namespace.to_owned(), name.to_owned()));
        self.announce(&state);
        is_removed
    }

    /// Changes an object in one step; nothing happens where it is not there.
    pub fn change(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) {
        let mut state = self.lock();
        let Some(before) = state.find(resource, &(namespace.to_owned(), name.to_owned())) else {
            return;
        };
        let mut object = Value::clone(&before);
        change(&mut object);
        if object != *before {
            state.store(resource, object, Some(&before));
            self.announce(&state);
        }
    }

    /// Forgets what happened so far, as an API server compacts it: a watch that goes on from there has to
    /// list again, and so does every one that is open.
    pub fn forget_history(&self) {
        let mut state = self.lock();
        state.history.clear();
        state.version += 1;
        self.announce(&state);
    }

    /// Changes with every object's version.
    #[must_use]
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Replaces an object that is at the version it names.
    pub(super) fn replace(
        &self,
        resource: &Resource,
        place: &Place,
        object: Value,
    ) -> Result<Arc<Value>, Refused> {
        self.write(resource, place, |before| {
            let based_on = &object["metadata"]["resourceVersion"];
            let is_current =
                based_on.is_null() || *based_on == before["metadata"]["resourceVersion"];
            is_current.then_some(object).ok_or(Refused::Conflict)
        })
    }

    /// Merges a patch into an object (RFC 7396); tells whether it changed anything. As in Kubernetes, a patch that
    /// changes nothing is no write.
    pub(super) fn merge(
        &self,
        resource: &Resource,
        place: &Place,
        patch: &Value,
    ) -> Result<(Arc<Value>, bool), Refused> {
        let mut changes = false;
        let object = self.write(resource, place, |before| {
            let mut object = Value::clone(before);
            merge(&mut object, patch);
            changes = object != *before;
            Ok(object)
        })?;
        Ok((object, changes))
    }

    fn write(
        &self,
        resource: &Resource,
        place: &Place,
        work: impl FnOnce(&Value) -> Result<Value, Refused>,
    ) -> Result<Arc<Value>, Refused> {
        let mut state = self.lock();
        let before = state.find(resource, place).ok_or(Refused::Absent)?;
        let after = work(&before)?;
        if after == *before {
            return Ok(before);
        }
        state.store(resource, after, Some(&before));
        self.announce(&state);
        state.find(resource, place).ok_or(Refused::Absent)
    }

    /// A page of a resource after `after`, and the version of the whole.
    pub(super) fn page(
        &self,
        resource: &Resource,
        after: Option<&Place>,
        limit: usize,
        wanted: impl Fn(&Value) -> bool,
    ) -> (u64, Vec<Arc<Value>>, Option<Place>) {
        let state = self.lock();
        let mut rows = state
            .resources
            .get(resource)
            .into_iter()
            .flatten()
            .filter(|(place, _)| after.is_none_or(|after| *place > after))
            .filter(|(_, object)| wanted(object));
        let mut page = Vec::new();
        let mut last = None;
        for (place, object) in rows.by_ref().take(limit) {
            page.push(Arc::clone(object));
            last = Some(place.clone());
        }
        let has_more = rows.next().is_some();
        (state.version, page, last.filter(|_| has_more))
    }

    /// The changes of a resource after `version`, and the version they lead to; `None` where that lies
    /// too far back.
    pub(super) fn changes_since(
        &self,
        resource: &Resource,
        version: u64,
    ) -> Option<(u64, Vec<Change>)> {
        let state = self.lock();
        let oldest = state.history.front().map_or(state.version, |change| change.version - 1);
        if version < oldest {
            return None;
        }
        let first = state.history.partition_point(|change| change.version <= version);
        let changes = state.history.iter().skip(first);
        let changes = changes.filter(|change| &*change.resource == resource).cloned().collect();
        Some((state.version, changes))
    }

    fn announce(&self, state: &State) {
        self.version.send_replace(state.version);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find(&self, resource: &Resource, place: &Place) -> Option<Arc<Value>> {
        self.resources.get(resource)?.get(place).cloned()
    }

    /// Stores what the API server gives every object: uid, version and generation.
    fn store(&mut self, resource: &Resource, mut object: Value, before: Option<&Value>) {
        self.version += 1;
        let place = place_of(&object);
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = self.version.to_string().into();
        match before {
            Some(before) => {
                metadata["uid"] = before["metadata"]["uid"].clone();
                let generation = before["metadata"]["generation"].as_i64().unwrap_or(1);
                let is_same = object["spec"] == before["spec"];
                object["metadata"]["generation"] = (generation + i64::from(!is_same)).into();
            }
            None => {
                metadata["uid"] = format!("00000000-0000-4000-8000-{:012x}", self.version).into();
                metadata["generation"] = 1.into();
                metadata["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
            }
        }
        let kind = if before.is_some() { "MODIFIED" } else { "ADDED" };
        let object = Arc::new(object);
        self.note(kind, resource, &object);
        self.resources.entry(resource.to_owned()).or_default().insert(place, object);
    }

    fn remove(&mut self, resource: &Resource, place: &Place) -> bool {
        let removed = self.resources.get_mut(resource).and_then(|all| all.remove(place));
        let Some(removed) = removed else { return false };
        self.version += 1;
        let mut last = Value::clone(&removed);
        last["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.note("DELETED", resource, &Arc::new(last));
        true
    }

    fn note(&mut self, kind: &'static str, resource: &Resource, object: &Arc<Value>) {
        let (version, object) = (self.version, Arc::clone(object));
        self.history.push_back(Change { version, kind, resource: resource.into(), object });
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
    }
}

fn place_of(object: &Value) -> Place {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(into) = target else { return };
    for (key, value) in fields {
        if value.is_null() {
            into.remove(key);
        } else {
            merge(into.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PODS: &str = "v1/pods";

    fn pod(name: &str, image: &str) -> Value {
        json!({"metadata": {"namespace": "shop", "name": name}, "spec": {"image": image}})
    }

    #[test]
    fn a_changed_spec_is_a_new_generation_and_a_changed_status_is_not() {
        let objects = Objects::default();
        objects.put(PODS, pod("web", "one"));
        let uid = objects.get(PODS, "shop", "web").unwrap()["metadata"]["uid"].clone();
        objects.change(PODS, "shop", "web", |it| it["status"] = json!({"phase": "Running"}));
        assert_eq!(objects.get(PODS, "shop", "web").unwrap()["metadata"]["generation"], 1);
        objects.put(PODS, pod("web", "two"));
        let web = objects.get(PODS, "shop", "web").unwrap();
        assert_eq!((&web["metadata"]["generation"], &web["metadata"]["uid"]), (&2.into(), &uid));
    }

    #[test]
    fn of_two_writers_at_the_same_version_one_is_refused() {
        let objects = Objects::default();
        objects.put(PODS, pod("web", "one"));
        let place = ("shop".to_owned(), "web".to_owned());
        let mut read = Value::clone(&objects.get(PODS, "shop", "web").unwrap());
        read["spec"]["image"] = "mine".into();
        assert!(objects.replace(PODS, &place, read.clone()).is_ok());
        read["spec"]["image"] = "theirs".into();
        assert_eq!(objects.replace(PODS, &place, read).unwrap_err(), Refused::Conflict);
    }

    #[test]
    fn pages_join_to_the_whole_and_changes_follow_on_their_version() {
        let objects = Objects::default();
        for name in ["a", "b", "c"] {
            objects.put(PODS, pod(name, "one"));
        }
        let (version, first, last) = objects.page(PODS, None, 2, |_| true);
        let (_, second, end) = objects.page(PODS, last.as_ref(), 2, |_| true);
        assert_eq!((first.len(), second.len(), end), (2, 1, None));
        objects.remove(PODS, "shop", "b");
        let (_, changes) = objects.changes_since(PODS, version).unwrap();
        assert_eq!(changes.iter().map(|change| change.kind).collect::<Vec<_>>(), ["DELETED"]);
    }

    #[test]
    fn what_was_forgotten_is_too_far_back_and_what_follows_is_not() {
        let objects = Objects::default();
        objects.put(PODS, pod("web", "one"));
        let (before, _, _) = objects.page(PODS, None, 1, |_| true);
        objects.forget_history();
        assert!(objects.changes_since(PODS, before).is_none());
        let (now, _, _) = objects.page(PODS, None, 1, |_| true);
        objects.put(PODS, pod("web", "two"));
        assert_eq!(objects.changes_since(PODS, now).unwrap().1.len(), 1);
    }

    #[test]
    fn a_merge_patch_sets_and_removes() {
        let mut object = json!({"a": {"b": 1, "c": 2}});
        merge(&mut object, &json!({"a": {"b": null, "d": 3}}));
        assert_eq!(object, json!({"a": {"c": 2, "d": 3}}));
    }
}
