use super::*;
use crate::observed::{
    ContainerState, FluxState, IngressRule, IngressState, PodOwner, Ready, Trouble, WorkloadState,
};

fn key(kind: &str, name: &str) -> ObjectKey {
    ObjectKey { kind: kind.into(), namespace: "shop".into(), name: name.into() }
}

fn pod(name: &str, node: &str, restarts: i32) -> Observation {
    let container = ContainerState {
        name: "web".into(),
        image: "registry/web:1".into(),
        ready: true,
        running: true,
        restarts,
        waiting: Some(Trouble { reason: "größe".into(), message: String::new() }),
        ..ContainerState::default()
    };
    let state = PodState {
        owner: Some(PodOwner { kind: "Deployment".into(), name: "web".into() }),
        template: Some("7f9c".into()),
        node: Some(node.into()),
        created_at: 1_735_689_610,
        containers: vec![container],
        ..PodState::default()
    };
    Observation { key: key("Pod", name), state: ObservedState::Pod(state) }
}

fn keep(known: &mut Known, observation: &Observation) -> bool {
    known.keep(observation.clone(), |_| Tell::Change)
}

fn all(known: &Known) -> Vec<Observation> {
    known.after(None).map(|(_, observation)| observation).collect()
}

#[test]
fn every_kind_of_state_comes_back_as_it_was() {
    let flux = FluxState {
        ready: Ready::False,
        message: "no".into(),
        applied_revision: Some("main@sha1:1".into()),
        generation: -1,
        ..FluxState::default()
    };
    let workload = WorkloadState {
        stuck: Some(Trouble::default()),
        images: vec!["registry/web:1".into()],
        ..WorkloadState::default()
    };
    let rule = IngressRule { host: "web.example".into(), path: "/".into() };
    let ingress = IngressState { rules: vec![rule], ..IngressState::default() };
    let kept = [
        Observation { key: key("Deployment", "a"), state: ObservedState::Workload(workload) },
        Observation { key: key("GitRepository", "a"), state: ObservedState::Source(flux.clone()) },
        Observation { key: key("Kustomization", "a"), state: ObservedState::Applier(flux) },
        pod("a", "node-1", 1),
        Observation { key: key("Route", "a"), state: ObservedState::Ingress(ingress) },
        Observation { key: key("Service", "a"), state: ObservedState::Unknown },
    ];
    let mut known = Known::default();
    for observation in &kept {
        assert!(keep(&mut known, observation));
        assert!(!keep(&mut known, observation));
    }
    assert_eq!(all(&known), kept);
    assert_eq!(known.after(Some(&Name::of(&kept[3].key))).count(), 2);
}

#[test]
fn pods_of_one_template_share_their_state_until_they_differ() {
    let mut known = Known::default();
    for (name, node) in [("a", "node-1"), ("b", "node-2"), ("c", "node-1")] {
        keep(&mut known, &pod(name, node, 0));
    }
    assert_eq!((known.shapes.len(), known.nodes.len()), (1, 2));
    keep(&mut known, &pod("b", "node-1", 1));
    assert_eq!((known.shapes.len(), known.nodes.len()), (2, 1));
    for name in ["a", "b", "c"] {
        known.forget(Name::of(&key("Pod", name)), |_| Tell::Nothing);
    }
    assert_eq!((known.shapes.len(), known.nodes.len()), (0, 0));
    assert!(!known.has_news());
}

#[test]
fn names_sort_as_keys_do() {
    let mut keys = Vec::new();
    for (namespace, name) in [("a", "z"), ("a-b", "a"), ("a", "b"), ("b", ""), ("a", "b-c")] {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        keys.push(ObjectKey { kind: "Pod".into(), namespace, name });
    }
    let mut names: Vec<_> = keys.iter().map(Name::of).collect();
    keys.sort();
    names.sort();
    assert_eq!(names.iter().map(Name::key).collect::<Vec<_>>(), keys);
}

#[test]
fn what_a_list_does_not_name_is_found_by_its_kind() {
    let mut known = Known::default();
    for name in ["a", "b", "c"] {
        keep(&mut known, &pod(name, "node-1", 0));
    }
    let set = Observation { key: key("PodSet", "a"), state: ObservedState::Unknown };
    keep(&mut known, &set);
    known.begin_list("Pod");
    keep(&mut known, &pod("b", "node-1", 0));
    keep(&mut known, &pod("d", "node-1", 0));
    let unlisted: Vec<_> = known.unlisted("Pod").iter().map(|name| name.key().name).collect();
    assert_eq!(unlisted, ["a", "c"]);
    assert!(known.unlisted("PodSet").is_empty());
}
