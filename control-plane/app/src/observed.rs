//! What agents report, in the memory of this replica: the newest state of each object of each cluster.
//!
//! It is rebuilt from a snapshot whenever an agent connects; nothing here needs to survive a restart.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use gimlet_domain::{
    follow::{Scene, Seen},
    health::Workloads,
    reach::Reach,
};
use gimlet_shared::{
    ids::ClusterId,
    namespaces::FLUX_NAMESPACE,
    observed::{FluxState, ObjectKey, Observation, ObservedState, PodState, WorkloadState},
};
use gimlet_store::ClusterScope;
use tokio::sync::Notify;

/// The most that the view of one cluster may weigh, in bytes of JSON: some 50,000 pods. All clusters share
/// the memory, and what an agent reports is its own affair.
const HEAVIEST_VIEW: usize = 48 << 20;

/// What keeping an object costs beside its text, in bytes.
const WEIGHT_OF_AN_OBJECT: usize = 200;

/// All clusters that this replica holds the link of.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterViews {
    clusters: Arc<Mutex<Views>>,
    /// Fires when something changed on any cluster.
    pub(crate) changed: Arc<Notify>,
}

/// Views are shared with who reads them; a change copies one only while it is being read.
type Views = HashMap<ClusterId, (ClusterScope, Arc<ClusterView>)>;

/// A cluster with something to judge.
#[derive(Clone, Debug)]
pub(crate) struct DirtyView {
    pub(crate) scope: ClusterScope,
    pub(crate) view: Arc<ClusterView>,
    pub(crate) dirty: Dirty,
}

/// One cluster as its agent sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterView {
    objects: BTreeMap<ObjectKey, ObservedState>,
    /// What the objects weigh together.
    weight: usize,
    dirty: Dirty,
}

/// Whose applications have to be judged again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dirty {
    /// Nobody's.
    #[default]
    Nothing,
    /// Those that these Kustomizations apply.
    Appliers(BTreeSet<String>),
    /// Everyone's.
    Everything,
}

impl Dirty {
    /// The application of this Kustomization has to be judged again.
    pub(crate) fn has(&self, applier: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Appliers(names) => names.contains(applier),
            Self::Everything => true,
        }
    }
}

impl ClusterViews {
    /// Replaces everything that is known of a cluster.
    pub(crate) fn replace(&self, scope: ClusterScope, observations: Vec<Observation>) {
        let view = Arc::new(ClusterView::of(observations));
        self.with(|clusters| clusters.insert(scope.cluster(), (scope, view)));
        self.changed.notify_one();
    }

    /// Takes in changes; false where the view would become larger than one cluster's may be.
    #[must_use]
    pub(crate) fn apply(
        &self,
        cluster: ClusterId,
        observations: Vec<Observation>,
        gone: Vec<ObjectKey>,
    ) -> bool {
        let fits = self.with(|clusters| {
            // Changes come on top of a snapshot; without one there is nothing to change.
            let Some((_, view)) = clusters.get_mut(&cluster) else { return true };
            let view = Arc::make_mut(view);
            view.apply(observations, gone);
            view.is_bearable()
        });
        self.changed.notify_one();
        fits
    }

    /// Forgets a cluster whose link ended: what it showed may be stale.
    pub(crate) fn forget(&self, cluster: ClusterId) {
        self.with(|clusters| clusters.remove(&cluster));
        self.changed.notify_one();
    }

    /// A cluster's view as it is now, if its agent is connected here.
    pub(crate) fn get(&self, cluster: ClusterId) -> Option<Arc<ClusterView>> {
        self.with(|clusters| clusters.get(&cluster).map(|(_, view)| Arc::clone(view)))
    }

    /// The agent of this cluster is connected here, and has reported.
    pub(crate) fn is_known(&self, cluster: ClusterId) -> bool {
        self.with(|clusters| clusters.contains_key(&cluster))
    }

    /// Clusters with something to judge; they count as judged from then on.
    pub(crate) fn take_dirty(&self) -> Vec<DirtyView> {
        self.with(|clusters| {
            clusters
                .values_mut()
                .filter(|(_, view)| view.dirty != Dirty::Nothing)
                .map(|(scope, view)| {
                    let dirty = Arc::make_mut(view).take_dirty();
                    DirtyView { scope: *scope, view: Arc::clone(view), dirty }
                })
                .collect()
        })
    }

    /// Notes that what was taken could not be judged after all.
    pub(crate) fn judge_again(&self, cluster: ClusterId) {
        self.with(|clusters| {
            if let Some((_, view)) = clusters.get_mut(&cluster) {
                Arc::make_mut(view).dirty = Dirty::Everything;
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Views) -> T) -> T {
        // Each change is one insert or remove, so a view is whole even after a panic elsewhere.
        work(&mut self.clusters.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClusterView {
    fn of(observations: Vec<Observation>) -> Self {
        let objects: BTreeMap<_, _> =
            observations.into_iter().map(|seen| (seen.key, seen.state)).collect();
        let weight = objects.iter().map(|(key, state)| weight(key, state)).sum();
        Self { objects, weight, dirty: Dirty::Everything }
    }

    fn apply(&mut self, observations: Vec<Observation>, gone: Vec<ObjectKey>) {
        for key in gone {
            self.mark(&key);
            if let Some(state) = self.objects.remove(&key) {
                self.weight -= weight(&key, &state);
            }
        }
        for Observation { key, state } in observations {
            self.weight += weight(&key, &state);
            if let Some(before) = self.objects.insert(key.clone(), state) {
                self.weight -= weight(&key, &before);
            }
            self.mark(&key);
        }
    }

    fn is_bearable(&self) -> bool {
        self.weight <= HEAVIEST_VIEW
    }

    /// Whose applications have changed since they were last judged.
    fn take_dirty(&mut self) -> Dirty {
        std::mem::take(&mut self.dirty)
    }

    /// Everything that matters to one application; `carries` tells whether a Flux revision has the
    /// release's commit.
    pub(crate) fn scene<'a>(
        &'a self,
        apps: &str,
        applier: &str,
        carries: &dyn Fn(&str) -> bool,
    ) -> Scene<'a> {
        let seen = |state: &'a FluxState| {
            let has = |revision: &Option<String>| revision.as_deref().is_some_and(carries);
            Seen {
                state,
                applied: has(&state.applied_revision),
                attempted: has(&state.attempted_revision),
            }
        };
        Scene {
            source: self.flux("GitRepository", apps).map(seen),
            sync: self.flux("Kustomization", apps).map(seen),
            applier: self.flux("Kustomization", applier).map(seen),
            workloads: self.workloads(applier),
        }
    }

    /// Every revision that the Flux objects of an application name.
    pub(crate) fn revisions(&self, apps: &str, applier: &str) -> BTreeSet<String> {
        [("GitRepository", apps), ("Kustomization", apps), ("Kustomization", applier)]
            .into_iter()
            .filter_map(|(kind, name)| self.flux(kind, name))
            .flat_map(|state| [state.applied_revision.clone(), state.attempted_revision.clone()])
            .flatten()
            .collect()
    }

    /// The Kustomization is there, and has applied something.
    pub(crate) fn applied_once(&self, applier: &str) -> bool {
        self.flux("Kustomization", applier).is_some_and(|state| state.applied_revision.is_some())
    }

    /// The workloads that a Kustomization applied, and their pods.
    pub(crate) fn workloads(&self, applier: &str) -> Workloads<'_> {
        let workloads: Vec<_> = self
            .objects
            .iter()
            .filter_map(|(key, state)| Some((key, workload_of(state)?)))
            .filter(|(_, workload)| workload.applied_by.as_deref() == Some(applier))
            .collect();
        let pods = self
            .objects
            .iter()
            .filter_map(|(key, state)| Some((key, pod_of(state)?)))
            .filter(|(key, pod)| {
                pod.owner.as_ref().is_some_and(|owner| {
                    workloads.iter().any(|(workload, _)| {
                        workload.namespace == key.namespace
                            && workload.kind == owner.kind
                            && workload.name == owner.name
                    })
                })
            })
            .collect();
        Workloads { workloads, pods }
    }

    /// Every application's workloads and pods, by its Kustomization: one walk for a page of all.
    pub(crate) fn workloads_by_applier(&self) -> HashMap<&str, Workloads<'_>> {
        let mut found: HashMap<&str, Workloads<'_>> = HashMap::new();
        let mut owners: HashMap<(&str, &str, &str), &str> = HashMap::new();
        for (key, state) in &self.objects {
            let Some(workload) = workload_of(state) else { continue };
            let Some(applier) = workload.applied_by.as_deref() else { continue };
            owners.insert((&key.kind, &key.namespace, &key.name), applier);
            found.entry(applier).or_default().workloads.push((key, workload));
        }
        for (key, state) in &self.objects {
            let Some(pod) = pod_of(state) else { continue };
            let Some(owner) = &pod.owner else { continue };
            let owner = (owner.kind.as_str(), key.namespace.as_str(), owner.name.as_str());
            if let Some(applier) = owners.get(&owner) {
                found.entry(applier).or_default().pods.push((key, pod));
            }
        }
        found
    }

    /// What leads to the application of a Kustomization from outside.
    pub(crate) fn reach(&self, applier: &str) -> Reach<'_> {
        let mut reach = Reach::default();
        let own = |applied_by: &Option<String>| applied_by.as_deref() == Some(applier);
        for (key, state) in &self.objects {
            match state {
                ObservedState::Ingress(ingress) if own(&ingress.applied_by) => {
                    reach.ingresses.push((key, ingress));
                }
                ObservedState::Route(route) if own(&route.applied_by) => {
                    reach.routes.push((key, route));
                }
                ObservedState::Service(service) if own(&service.applied_by) => {
                    reach.services.push((key, service));
                }
                ObservedState::Gateway(gateway) => reach.gateways.push((key, gateway)),
                ObservedState::Source(_)
                | ObservedState::Applier(_)
                | ObservedState::Workload(_)
                | ObservedState::Pod(_)
                | ObservedState::Ingress(_)
                | ObservedState::Route(_)
                | ObservedState::Service(_)
                | ObservedState::Unknown => {}
            }
        }
        reach
    }

    fn flux(&self, kind: &str, name: &str) -> Option<&FluxState> {
        let key = ObjectKey {
            kind: kind.to_owned(),
            namespace: FLUX_NAMESPACE.to_owned(),
            name: name.to_owned(),
        };
        match self.objects.get(&key)? {
            ObservedState::Source(state) | ObservedState::Applier(state) => Some(state),
            ObservedState::Workload(_)
            | ObservedState::Pod(_)
            | ObservedState::Ingress(_)
            | ObservedState::Route(_)
            | ObservedState::Gateway(_)
            | ObservedState::Service(_)
            | ObservedState::Unknown => None,
        }
    }

    /// Notes whose application a change of this object concerns; called before a removal and after an insertion.
    fn mark(&mut self, key: &ObjectKey) {
        let applier = match self.objects.get(key) {
            Some(ObservedState::Applier(_)) => Some(key.name.clone()),
            Some(ObservedState::Workload(workload)) => workload.applied_by.clone(),
            Some(ObservedState::Pod(pod)) => pod.owner.as_ref().and_then(|owner| {
                let owner = ObjectKey {
                    kind: owner.kind.clone(),
                    namespace: key.namespace.clone(),
                    name: owner.name.clone(),
                };
                workload_of(self.objects.get(&owner)?)?.applied_by.clone()
            }),
            Some(ObservedState::Ingress(ingress)) => ingress.applied_by.clone(),
            Some(ObservedState::Route(route)) => route.applied_by.clone(),
            Some(ObservedState::Service(service)) => service.applied_by.clone(),
            // A gateway leads to whoever hangs on it.
            Some(ObservedState::Source(_) | ObservedState::Gateway(_)) => {
                self.dirty = Dirty::Everything;
                None
            }
            Some(ObservedState::Unknown) | None => None,
        };
        // The environment's own Kustomization bears on every application of it.
        if key.kind == "Kustomization" && key.name.ends_with("-apps") {
            self.dirty = Dirty::Everything;
        }
        if let Some(applier) = applier {
            match &mut self.dirty {
                Dirty::Everything => {}
                Dirty::Appliers(names) => {
                    names.insert(applier);
                }
                Dirty::Nothing => self.dirty = Dirty::Appliers(BTreeSet::from([applier])),
            }
        }
    }
}

fn workload_of(state: &ObservedState) -> Option<&WorkloadState> {
    match state {
        ObservedState::Workload(workload) => Some(workload),
        ObservedState::Source(_)
        | ObservedState::Applier(_)
        | ObservedState::Pod(_)
        | ObservedState::Ingress(_)
        | ObservedState::Route(_)
        | ObservedState::Gateway(_)
        | ObservedState::Service(_)
        | ObservedState::Unknown => None,
    }
}

fn pod_of(state: &ObservedState) -> Option<&PodState> {
    match state {
        ObservedState::Pod(pod) => Some(pod),
        ObservedState::Source(_)
        | ObservedState::Applier(_)
        | ObservedState::Workload(_)
        | ObservedState::Ingress(_)
        | ObservedState::Route(_)
        | ObservedState::Gateway(_)
        | ObservedState::Service(_)
        | ObservedState::Unknown => None,
    }
}

/// About what an object takes in memory.
fn weight(key: &ObjectKey, state: &ObservedState) -> usize {
    let state = serde_json::to_vec(state).map_or(0, |json| json.len());
    WEIGHT_OF_AN_OBJECT + key.kind.len() + key.namespace.len() + key.name.len() + state
}

#[cfg(test)]
mod tests {
    use gimlet_shared::observed::{IngressRule, IngressState, PodOwner};

    use super::*;

    fn key(kind: &str, namespace: &str, name: &str) -> ObjectKey {
        ObjectKey { kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }

    fn web() -> Vec<Observation> {
        vec![
            Observation {
                key: key("Deployment", "shop", "web"),
                state: ObservedState::Workload(WorkloadState {
                    applied_by: Some("builtin-prod-apps-shop-web".into()),
                    ..WorkloadState::default()
                }),
            },
            Observation {
                key: key("Pod", "shop", "web-1"),
                state: ObservedState::Pod(PodState {
                    owner: Some(PodOwner { kind: "Deployment".into(), name: "web".into() }),
                    ..PodState::default()
                }),
            },
            Observation {
                key: key("Pod", "other", "web-1"),
                state: ObservedState::Pod(PodState {
                    owner: Some(PodOwner { kind: "Deployment".into(), name: "web".into() }),
                    ..PodState::default()
                }),
            },
        ]
    }

    #[test]
    fn an_application_has_the_workloads_its_kustomization_applied_and_their_pods_only() {
        let view = ClusterView::of(web());
        let found = view.workloads("builtin-prod-apps-shop-web");
        assert_eq!((found.workloads.len(), found.pods.len()), (1, 1));
        assert!(view.workloads("another").workloads.is_empty());
        let all = view.workloads_by_applier();
        assert_eq!(all.len(), 1);
        assert_eq!(all["builtin-prod-apps-shop-web"].pods, found.pods);
    }

    #[test]
    fn an_ingress_marks_its_application_and_gives_it_an_address() {
        let mut view = ClusterView::of(web());
        view.take_dirty();
        let rule = IngressRule { host: "web.example".into(), path: "/".into() };
        let ingress = IngressState {
            applied_by: Some("builtin-prod-apps-shop-web".into()),
            rules: vec![rule],
            ..IngressState::default()
        };
        let key = key("Ingress", "shop", "web");
        let state = ObservedState::Ingress(ingress);
        view.apply(vec![Observation { key: key.clone(), state }], vec![]);
        assert!(view.take_dirty().has("builtin-prod-apps-shop-web"));
        let url = |view: &ClusterView| view.reach("builtin-prod-apps-shop-web").url();
        assert_eq!(url(&view).as_deref(), Some("http://web.example/"));
        assert_eq!(view.reach("another").url(), None);
        view.apply(vec![], vec![key]);
        assert!(view.take_dirty().has("builtin-prod-apps-shop-web"));
        assert_eq!(url(&view), None);
    }

    #[test]
    fn a_changed_pod_marks_its_application_and_no_other() {
        let mut view = ClusterView::of(web());
        assert_eq!(view.take_dirty(), Dirty::Everything);
        assert_eq!(view.take_dirty(), Dirty::Nothing);
        view.apply(vec![web().remove(1)], vec![]);
        let dirty = view.take_dirty();
        assert!(dirty.has("builtin-prod-apps-shop-web"));
        assert!(!dirty.has("another"));
    }

    #[test]
    fn a_view_weighs_what_it_holds_and_no_cluster_may_fill_the_memory_of_all() {
        let mut view = ClusterView::of(web());
        let weight = view.weight;
        view.apply(web(), vec![]);
        assert_eq!(view.weight, weight, "the same objects again");
        view.apply(vec![], web().into_iter().map(|seen| seen.key).collect());
        assert_eq!(view.weight, 0);

        let flood = |number: usize| Observation {
            key: key("Pod", "shop", &format!("{number}{}", "x".repeat(1 << 20))),
            state: ObservedState::Pod(PodState::default()),
        };
        assert!(view.is_bearable());
        for number in 0..50 {
            view.apply(vec![flood(number)], vec![]);
        }
        assert!(!view.is_bearable());
    }
}
