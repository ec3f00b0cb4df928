//! The cluster as the agent sees it: joins what several objects say about one, and tells what changed.
//!
//! Pure: watched objects go in, changed facts and wishes for container output come out. Only objects that
//! others can still add something to are kept here, which on a healthy cluster are few; the newest state of
//! every object is kept by the link, once.

use std::collections::HashMap;

use gimlet_shared::observed::{
    ContainerState, ObjectKey, Observation, ObservedState, PodState, WorkloadState,
};
use kube::api::ObjectMeta;

use super::{
    Change,
    complaints::Complaints,
    flux,
    kinds::{
        DaemonSet, Deployment, Event, Gateway, GitRepository, HTTPRoute, HelmRelease, Ingress, Job,
        Kustomization, Pod, ReplicaSet, Service, StatefulSet,
    },
    lines::{Outputs, Run, interesting},
    pod, reach,
    revisions::Revisions,
    workload,
};

/// A watched object.
#[derive(Debug)]
pub(crate) enum Object {
    Deployment(Deployment),
    StatefulSet(StatefulSet),
    DaemonSet(DaemonSet),
    ReplicaSet(ReplicaSet),
    Job(Job),
    Pod(Pod),
    GitRepository(GitRepository),
    Kustomization(Kustomization),
    HelmRelease(HelmRelease),
    Ingress(Ingress),
    Service(Service),
    Gateway(Gateway),
    HTTPRoute(HTTPRoute),
    Event(Event),
}

/// What one look at the cluster leads to.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) changes: Vec<Change>,
    /// Container output to be fetched.
    pub(crate) wanted: Vec<Run>,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Picture {
    /// Workloads that lack pods, or whose newest template is not known.
    workloads: HashMap<ObjectKey, Workload>,
    /// Pods on their way, or in trouble.
    pods: HashMap<ObjectKey, WatchedPod>,
    revisions: Revisions,
    complaints: Complaints,
    /// Which of these pods or workloads has this uid.
    by_uid: HashMap<String, ObjectKey>,
}

#[derive(Debug)]
struct Workload {
    uid: String,
    /// What it says of itself.
    own: WorkloadState,
    /// Number of a Deployment's newest template.
    revision: Option<String>,
    /// Was seen since the last list of its kind began.
    is_listed: bool,
}

#[derive(Debug)]
struct WatchedPod {
    uid: String,
    own: PodState,
    outputs: Outputs,
    /// As a workload's.
    is_listed: bool,
}

impl Picture {
    /// An object is there, new or changed.
    pub(crate) fn see(&mut self, object: Object) -> Effects {
        match object {
            Object::Deployment(it) => {
                let revision = workload::newest_revision(&it);
                self.see_workload("Deployment", &it.metadata, workload::deployment(&it), revision)
            }
            Object::StatefulSet(it) => {
                self.see_workload("StatefulSet", &it.metadata, workload::stateful_set(&it), None)
            }
            Object::DaemonSet(it) => {
                self.see_workload("DaemonSet", &it.metadata, workload::daemon_set(&it), None)
            }
            Object::Job(it) => self.see_job(&it),
            Object::ReplicaSet(it) => self.see_replica_set(&it),
            Object::Pod(it) => self.see_pod(&it),
            Object::GitRepository(it) => {
                self.see_flux("GitRepository", &it.metadata, flux::git_repository(&it))
            }
            Object::Kustomization(it) => {
                self.see_flux("Kustomization", &it.metadata, flux::kustomization(&it))
            }
            Object::HelmRelease(it) => {
                self.see_flux("HelmRelease", &it.metadata, flux::helm_release(&it))
            }
            Object::Ingress(it) => self.see_reach("Ingress", &it.metadata, reach::ingress(&it)),
            Object::Service(it) => self.see_reach("Service", &it.metadata, reach::service(&it)),
            Object::Gateway(it) => {
                self.see_reach("Gateway", &it.metadata, Some(reach::gateway(&it)))
            }
            Object::HTTPRoute(it) => self.see_reach("HTTPRoute", &it.metadata, reach::route(&it)),
            Object::Event(it) => self.complaints.note(&it).map_or_else(Effects::default, |uid| {
                self.by_uid.get(&uid).cloned().map(|key| self.derive(&key)).unwrap_or_default()
            }),
        }
    }

    /// An object is gone, or an event has expired.
    pub(crate) fn lose(&mut self, object: Object) -> Effects {
        match object {
            Object::Event(it) => {
                self.complaints.withdraw(&it);
                Effects::default()
            }
            Object::ReplicaSet(it) => {
                if let Some(revision) = workload::revision(&it) {
                    let namespace = it.metadata.namespace.as_deref().unwrap_or_default();
                    self.revisions.forget_set(namespace, &revision);
                }
                Effects::default()
            }
            object => {
                let (kind, metadata) = object.name();
                self.complaints.forget(metadata.uid.as_deref().unwrap_or_default());
                self.gone(key(kind, metadata))
            }
        }
    }

    /// A list of all objects of a kind begins: those that are there will be seen.
    pub(crate) fn begin_list(&mut self, kind: &'static str) -> Effects {
        let of_kind = |key: &ObjectKey| key.kind == kind;
        let workloads = self.workloads.iter_mut().filter(|(key, _)| of_kind(key));
        workloads.for_each(|(_, workload)| workload.is_listed = false);
        let pods = self.pods.iter_mut().filter(|(key, _)| of_kind(key));
        pods.for_each(|(_, pod)| pod.is_listed = false);
        self.complaints.begin_list(kind);
        if kind == "Deployment" {
            self.revisions.begin_list();
        }
        Effects { changes: vec![Change::Listing(kind)], ..Effects::default() }
    }

    /// That list is complete: what was not seen is gone.
    pub(crate) fn end_list(&mut self, kind: &'static str) -> Effects {
        let workloads = self.workloads.iter().filter(|(_, it)| !it.is_listed).map(|(key, _)| key);
        let pods = self.pods.iter().filter(|(_, it)| !it.is_listed).map(|(key, _)| key);
        let lost = workloads.chain(pods).filter(|key| key.kind == kind).cloned();
        let mut effects = Effects::default();
        for key in lost.collect::<Vec<_>>() {
            // What is kept here may have been told since the list began, as there.
            effects.changes.extend(self.gone(key).changes);
        }
        self.complaints.end_list(kind);
        if kind == "Deployment" {
            self.revisions.end_list();
        }
        effects.changes.push(Change::Listed(kind));
        effects
    }

    fn gone(&mut self, key: ObjectKey) -> Effects {
        self.let_go(&key);
        if key.kind == "Deployment" {
            self.revisions.forget(&key.namespace, &key.name);
        }
        Effects { changes: vec![Change::Gone(key)], ..Effects::default() }
    }

    /// Does not keep an object any more, and gives it if it was a pod.
    fn let_go(&mut self, key: &ObjectKey) -> Option<WatchedPod> {
        let pod = self.pods.remove(key);
        let workload = self.workloads.remove(key);
        let uid = workload.as_ref().map(|it| &it.uid).or(pod.as_ref().map(|it| &it.uid));
        if let Some(uid) = uid {
            self.by_uid.remove(uid);
        }
        pod
    }

    /// The output of a container has come, or is not to be had.
    pub(crate) fn hear(&mut self, run: &Run, lines: Option<Vec<String>>) -> Effects {
        let Some(pod) = self.pods.get_mut(&run.pod).filter(|pod| pod.uid == run.pod_uid) else {
            return Effects::default();
        };
        let came = lines.is_some();
        pod.outputs.note(run, lines);
        // What did not come is asked for again when the pod changes, not at once.
        if came { self.derive(&run.pod) } else { Effects::default() }
    }

    fn see_flux(&mut self, kind: &str, metadata: &ObjectMeta, state: ObservedState) -> Effects {
        one(Observation { key: key(kind, metadata), state })
    }

    fn see_workload(
        &mut self,
        kind: &str,
        metadata: &ObjectMeta,
        own: WorkloadState,
        revision: Option<String>,
    ) -> Effects {
        let key = key(kind, metadata);
        let uid = metadata.uid.clone().unwrap_or_default();
        if own.total >= own.desired {
            self.complaints.forget(&uid);
        }
        self.complaints.confirm(&uid);
        self.let_go(&key);
        self.by_uid.insert(uid.clone(), key.clone());
        let workload = Workload { uid, own, revision, is_listed: true };
        self.workloads.insert(key.clone(), workload);
        self.derive(&key)
    }

    /// The runs of a `CronJob` are no part of any release: each is over before the next.
    fn see_job(&mut self, job: &Job) -> Effects {
        let is_scheduled =
            workload::controller(&job.metadata).is_some_and(|owner| owner.kind == "CronJob");
        if is_scheduled {
            return Effects::default();
        }
        self.see_workload("Job", &job.metadata, workload::job(job), None)
    }

    fn see_replica_set(&mut self, set: &ReplicaSet) -> Effects {
        let Some(revision) = workload::revision(set) else { return Effects::default() };
        let deployment = ObjectKey {
            kind: "Deployment".into(),
            namespace: set.metadata.namespace.clone().unwrap_or_default(),
            name: revision.deployment.clone(),
        };
        if !self.revisions.note(&deployment.namespace, &revision) {
            return Effects::default();
        }
        self.derive(&deployment)
    }

    fn see_pod(&mut self, object: &Pod) -> Effects {
        let key = key("Pod", &object.metadata);
        let Some(own) = pod::pod(object) else { return self.gone(key) };
        let uid = object.metadata.uid.clone().unwrap_or_default();
        self.complaints.confirm(&uid);
        let before = self.let_go(&key).filter(|before| before.uid == uid);
        if is_settled(&own) {
            return one(Observation { key, state: ObservedState::Pod(own) });
        }
        let outputs = before.map(|before| before.outputs).unwrap_or_default();
        self.by_uid.insert(uid.clone(), key.clone());
        self.pods.insert(key.clone(), WatchedPod { uid, own, outputs, is_listed: true });
        self.derive(&key)
    }

    /// What leads to an application. One that no Kustomization applied is nobody's that we know.
    fn see_reach(
        &mut self,
        kind: &str,
        metadata: &ObjectMeta,
        state: Option<ObservedState>,
    ) -> Effects {
        let key = key(kind, metadata);
        let Some(state) = state else { return self.gone(key) };
        one(Observation { key, state })
    }

    /// Joins what is known about one pod or workload.
    fn derive(&mut self, key: &ObjectKey) -> Effects {
        if let Some(pod) = self.pods.get_mut(key) {
            let mut state = pod.own.clone();
            self.complaints.add_to_pod(&pod.uid, &mut state);
            let wanted = pod.outputs.add_to_pod(key, &pod.uid, &mut state);
            let effects = one(Observation { key: key.clone(), state: ObservedState::Pod(state) });
            return Effects { wanted, ..effects };
        }
        let Some(workload) = self.workloads.get(key) else { return Effects::default() };
        let mut state = workload.own.clone();
        let mut lacks_template = false;
        if let Some(number) = &workload.revision {
            let hash = self.revisions.hash(&key.namespace, &key.name, number);
            lacks_template = hash.is_none();
            // Until its `ReplicaSet` was seen, a name that no pod has: an old pod must not be taken for a
            // new one.
            state.template = Some(hash.map_or_else(|| format!("revision {number}"), str::to_owned));
        }
        let lacks_pods = match key.kind.as_str() {
            "Job" => state.total == 0 && state.ready < state.desired,
            _ => state.total < state.desired,
        };
        if lacks_pods {
            self.complaints.add_to_workload(&workload.uid, &mut state);
        }
        if !lacks_template && !lacks_pods {
            self.let_go(key);
        }
        one(Observation { key: key.clone(), state: ObservedState::Workload(state) })
    }
}

impl Object {
    fn name(&self) -> (&'static str, &ObjectMeta) {
        match self {
            Self::Deployment(it) => ("Deployment", &it.metadata),
            Self::StatefulSet(it) => ("StatefulSet", &it.metadata),
            Self::DaemonSet(it) => ("DaemonSet", &it.metadata),
            Self::ReplicaSet(it) => ("ReplicaSet", &it.metadata),
            Self::Job(it) => ("Job", &it.metadata),
            Self::Pod(it) => ("Pod", &it.metadata),
            Self::GitRepository(it) => ("GitRepository", &it.metadata),
            Self::Kustomization(it) => ("Kustomization", &it.metadata),
            Self::HelmRelease(it) => ("HelmRelease", &it.metadata),
            Self::Ingress(it) => ("Ingress", &it.metadata),
            Self::Service(it) => ("Service", &it.metadata),
            Self::Gateway(it) => ("Gateway", &it.metadata),
            Self::HTTPRoute(it) => ("HTTPRoute", &it.metadata),
            Self::Event(it) => ("Event", &it.metadata),
        }
    }
}

/// Nothing that others say, an event or a container's output, adds to this pod.
fn is_settled(pod: &PodState) -> bool {
    let is_open = |container: &ContainerState| {
        (container.running && !container.ready) || interesting(container).is_some()
    };
    pod.phase != "Pending" && !pod.containers.iter().any(is_open)
}

/// The key of a watched object.
pub(crate) fn key(kind: &str, metadata: &ObjectMeta) -> ObjectKey {
    ObjectKey {
        kind: kind.to_owned(),
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

fn one(observation: Observation) -> Effects {
    Effects { changes: vec![Change::Seen(observation)], ..Effects::default() }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
