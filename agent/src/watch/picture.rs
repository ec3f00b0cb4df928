//! The cluster as the agent sees it: joins what several objects say about one, and tells what changed.
//!
//! Pure: watched objects go in, changed facts and wishes for container output come out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use gimlet_shared::observed::{ObjectKey, Observation, ObservedState, PodState, WorkloadState};
use kube::api::ObjectMeta;

use super::{
    Change,
    complaints::Complaints,
    flux,
    kinds::{
        DaemonSet, Deployment, Event, Gateway, GitRepository, HTTPRoute, HelmRelease, Ingress, Job,
        Kustomization, Pod, ReplicaSet, Service, StatefulSet,
    },
    lines::{Outputs, Run},
    pod, reach,
    workload::{self, Revision},
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
    /// Every object that was seen, also those that only others are derived from.
    seen: BTreeSet<ObjectKey>,
    workloads: HashMap<ObjectKey, Workload>,
    pods: HashMap<ObjectKey, WatchedPod>,
    revisions: BTreeMap<ObjectKey, Revision>,
    complaints: Complaints,
    /// Which pod or workload has this uid.
    by_uid: HashMap<String, ObjectKey>,
}

#[derive(Debug)]
struct Workload {
    uid: String,
    /// What it says of itself.
    own: WorkloadState,
    /// Number of a Deployment's newest template.
    revision: Option<String>,
}

#[derive(Debug)]
struct WatchedPod {
    uid: String,
    own: PodState,
    outputs: Outputs,
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

    /// An event has expired.
    pub(crate) fn expire(&mut self, event: &Event) {
        self.complaints.withdraw(event);
    }

    /// An object is gone.
    pub(crate) fn lose(&mut self, key: &ObjectKey) -> Effects {
        if !self.seen.remove(key) {
            return Effects::default();
        }
        let uid = match key.kind.as_str() {
            "Pod" => self.pods.remove(key).map(|pod| pod.uid),
            "ReplicaSet" => {
                self.revisions.remove(key);
                return Effects::default();
            }
            _ => self.workloads.remove(key).map(|workload| workload.uid),
        };
        if let Some(uid) = uid {
            self.by_uid.remove(&uid);
            self.complaints.forget(&uid);
        }
        Effects { changes: vec![Change::Gone(key.clone())], ..Effects::default() }
    }

    /// All objects of one kind were listed: what is not among them is gone.
    pub(crate) fn keep_only(&mut self, kind: &str, listed: &HashSet<ObjectKey>) -> Effects {
        let lost: Vec<_> = self
            .seen
            .iter()
            .filter(|key| key.kind == kind && !listed.contains(key))
            .cloned()
            .collect();
        let mut effects = Effects::default();
        for key in &lost {
            effects.changes.extend(self.lose(key).changes);
        }
        effects
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
        let key = key(kind, metadata);
        self.seen.insert(key.clone());
        one(Observation { key, state })
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
        self.seen.insert(key.clone());
        self.by_uid.insert(uid.clone(), key.clone());
        self.workloads.insert(key.clone(), Workload { uid, own, revision });
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
        let own = key("ReplicaSet", &set.metadata);
        let Some(revision) = workload::revision(set) else { return Effects::default() };
        let deployment = ObjectKey {
            kind: "Deployment".into(),
            namespace: own.namespace.clone(),
            name: revision.deployment.clone(),
        };
        self.seen.insert(own.clone());
        if self.revisions.insert(own, revision.clone()) == Some(revision) {
            return Effects::default();
        }
        self.derive(&deployment)
    }

    fn see_pod(&mut self, object: &Pod) -> Effects {
        let key = key("Pod", &object.metadata);
        let Some(own) = pod::pod(object) else { return self.lose(&key) };
        let uid = object.metadata.uid.clone().unwrap_or_default();
        let outputs = match self.pods.remove(&key) {
            Some(before) if before.uid == uid => before.outputs,
            Some(_) | None => Outputs::default(),
        };
        self.seen.insert(key.clone());
        self.by_uid.insert(uid.clone(), key.clone());
        self.pods.insert(key.clone(), WatchedPod { uid, own, outputs });
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
        let Some(state) = state else { return self.lose(&key) };
        self.seen.insert(key.clone());
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
        if let Some(number) = &workload.revision {
            state.template = Some(self.template(key, number));
        }
        let lacks_pods = match key.kind.as_str() {
            "Job" => state.total == 0 && state.ready < state.desired,
            _ => state.total < state.desired,
        };
        if lacks_pods {
            self.complaints.add_to_workload(&workload.uid, &mut state);
        }
        one(Observation { key: key.clone(), state: ObservedState::Workload(state) })
    }

    /// The hash of a Deployment's template number `number`. Until its `ReplicaSet` was seen, a name that no
    /// pod has: an old pod must not be taken for a new one.
    fn template(&self, deployment: &ObjectKey, number: &str) -> String {
        let first = ObjectKey {
            kind: "ReplicaSet".into(),
            namespace: deployment.namespace.clone(),
            name: String::new(),
        };
        self.revisions
            .range(first..)
            .take_while(|(key, _)| key.namespace == deployment.namespace)
            .map(|(_, revision)| revision)
            .find(|it| it.deployment == deployment.name && it.number == number)
            .map_or_else(|| format!("revision {number}"), |revision| revision.hash.clone())
    }
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
