//! Ingresses, routes, gateways and load balancers to facts: by which hosts an application is reached.

use gimlet_shared::observed::{
    GatewayRef, GatewayState, IngressRule, IngressState, Listener, ObservedState, RouteState,
    ServicePort, ServiceState,
};
use kube::api::ObjectMeta;

use super::{
    kinds::{Address, Gateway, HTTPRoute, Ingress, PathMatch, Service},
    text::clean,
    workload::APPLIED_BY,
};

/// Hosts, paths and listeners of one object that are told: more than people give one application.
const MOST: usize = 32;

pub(crate) fn ingress(object: &Ingress) -> Option<ObservedState> {
    let applied_by = Some(applied_by(&object.metadata)?);
    let rules = object.spec.rules.iter().flat_map(|rule| {
        // A rule without paths takes its whole host.
        let paths = rule.http.paths.iter().map(|path| path.path.as_str());
        let paths: Vec<&str> = if rule.http.paths.is_empty() { vec!["/"] } else { paths.collect() };
        paths
            .into_iter()
            .map(|path| IngressRule { host: clean(&rule.host), path: clean(path) })
            .collect::<Vec<_>>()
    });
    let tls_hosts = object.spec.tls.iter().flat_map(|tls| match tls.hosts.as_slice() {
        [] => vec![String::new()],
        hosts => hosts.iter().map(|host| clean(host)).collect(),
    });
    Some(ObservedState::Ingress(IngressState {
        applied_by,
        rules: rules.take(MOST).collect(),
        tls_hosts: tls_hosts.take(MOST).collect(),
        addresses: addresses(&object.status.load_balancer.ingress),
    }))
}

pub(crate) fn service(object: &Service) -> Option<ObservedState> {
    let applied_by = Some(applied_by(&object.metadata)?);
    if object.spec.kind != "LoadBalancer" {
        return None;
    }
    let ports = object.spec.ports.iter().take(MOST);
    Some(ObservedState::Service(ServiceState {
        applied_by,
        addresses: addresses(&object.status.load_balancer.ingress),
        ports: ports.map(|port| ServicePort { name: clean(&port.name), port: port.port }).collect(),
    }))
}

pub(crate) fn gateway(object: &Gateway) -> ObservedState {
    let listeners = object.spec.listeners.iter().take(MOST).map(|listener| Listener {
        name: clean(&listener.name),
        host: clean(&listener.hostname),
        protocol: clean(&listener.protocol),
        port: listener.port,
    });
    ObservedState::Gateway(GatewayState {
        listeners: listeners.collect(),
        addresses: addresses(&object.status.addresses),
    })
}

pub(crate) fn route(object: &HTTPRoute) -> Option<ObservedState> {
    let applied_by = Some(applied_by(&object.metadata)?);
    let own_namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let gateways = object
        .spec
        .parent_refs
        .iter()
        .filter(|parent| parent.kind.as_deref().is_none_or(|kind| kind == "Gateway"))
        .take(MOST)
        .map(|parent| GatewayRef {
            namespace: clean(parent.namespace.as_deref().unwrap_or(own_namespace)),
            name: clean(&parent.name),
            listener: parent.section_name.as_deref().map(clean),
        });
    let first = object.spec.rules.first().and_then(|rule| rule.matches.first()?.path.as_ref());
    Some(ObservedState::Route(RouteState {
        applied_by,
        hosts: object.spec.hostnames.iter().take(MOST).map(|host| clean(host)).collect(),
        path: path(first),
        gateways: gateways.collect(),
    }))
}

/// A prefix or an exact path; a pattern leads to no address.
fn path(matched: Option<&PathMatch>) -> String {
    match matched {
        None => "/".to_owned(),
        Some(PathMatch { kind, value }) if kind.as_deref() != Some("RegularExpression") => {
            clean(value.as_deref().unwrap_or("/"))
        }
        Some(_) => String::new(),
    }
}

fn applied_by(metadata: &ObjectMeta) -> Option<String> {
    metadata.labels.as_ref()?.get(APPLIED_BY).cloned()
}

fn addresses(all: &[Address]) -> Vec<String> {
    let first = |address: &Address| {
        [&address.hostname, &address.ip, &address.value]
            .into_iter()
            .find(|text| !text.is_empty())
            .map(|text| clean(text))
    };
    all.iter().filter_map(first).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    fn object<T: DeserializeOwned>(spec: Value, status: Value) -> T {
        let labels = json!({APPLIED_BY: "builtin-prod-apps-shop-web"});
        let metadata = json!({"name": "web", "namespace": "shop", "labels": labels});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status}))
            .unwrap()
    }

    #[test]
    fn an_ingress_tells_its_hosts_paths_and_which_have_a_certificate() {
        let spec = json!({
            "tls": [{"hosts": ["web.example"], "secretName": "web-tls"}],
            "rules": [{"host": "web.example", "http": {"paths": [{"path": "/"}, {"path": "/api"}]}},
                      {"host": "old.example"}],
        });
        let status = json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.7"}]}});
        let Some(ObservedState::Ingress(state)) = ingress(&object(spec, status)) else { panic!() };
        let rules: Vec<_> =
            state.rules.iter().map(|it| (it.host.as_str(), it.path.as_str())).collect();
        assert_eq!(rules, [("web.example", "/"), ("web.example", "/api"), ("old.example", "/")]);
        assert_eq!(state.tls_hosts, ["web.example"]);
        assert_eq!(state.addresses, ["10.0.0.7"]);
    }

    #[test]
    fn what_no_kustomization_applied_is_not_told() {
        let bare: Ingress = serde_json::from_value(json!({"metadata": {"name": "web"}})).unwrap();
        assert_eq!(ingress(&bare), None);
    }

    #[test]
    fn a_route_names_its_gateways_and_a_pattern_is_no_path() {
        let spec = json!({
            "hostnames": ["web.example"],
            "parentRefs": [{"name": "edge", "namespace": "infra", "sectionName": "https"},
                           {"kind": "Service", "name": "mesh"}],
            "rules": [{"matches": [{"path": {"type": "RegularExpression", "value": "/(a|b)"}}]}],
        });
        let Some(ObservedState::Route(state)) = route(&object(spec, Value::Null)) else { panic!() };
        assert_eq!(state.gateways.len(), 1);
        assert_eq!(state.gateways[0].listener.as_deref(), Some("https"));
        assert_eq!(state.path, "");
    }

    #[test]
    fn only_a_load_balancer_s_service_leads_in() {
        let spec = |kind| json!({"type": kind, "ports": [{"name": "http", "port": 80}]});
        let status = json!({"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}});
        assert_eq!(service(&object(spec("ClusterIP"), status.clone())), None);
        let balanced = service(&object(spec("LoadBalancer"), status));
        let Some(ObservedState::Service(state)) = balanced else { panic!() };
        assert_eq!((state.addresses[0].as_str(), state.ports[0].port), ("lb.example", 80));
    }
}
