//! How an application is reached from outside, as its objects on the cluster say.

use serde::{Deserialize, Serialize};

/// An `Ingress`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressState {
    /// Name of the Kustomization that applied it.
    pub applied_by: Option<String>,
    /// Hosts and paths that it takes, in order.
    pub rules: Vec<IngressRule>,
    /// Hosts that have a certificate; an empty one stands for every host.
    pub tls_hosts: Vec<String>,
    /// Where its controller says that it listens.
    pub addresses: Vec<String>,
}

/// One host and path of an [`IngressState`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressRule {
    /// The host; empty for any.
    pub host: String,
    /// The path; empty where it is a pattern.
    pub path: String,
}

/// An `HTTPRoute` of the Gateway API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteState {
    /// Name of the Kustomization that applied it.
    pub applied_by: Option<String>,
    /// Its own hosts; none: those of its gateways' listeners.
    pub hosts: Vec<String>,
    /// The path of its first rule; empty where it is a pattern.
    pub path: String,
    /// The gateways that it hangs on.
    pub gateways: Vec<GatewayRef>,
}

/// A gateway, and perhaps one listener of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayRef {
    /// The gateway's namespace.
    pub namespace: String,
    /// The gateway's name.
    pub name: String,
    /// The one listener; absent: all of them.
    pub listener: Option<String>,
}

/// A `Gateway` of the Gateway API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayState {
    /// Where it listens.
    pub listeners: Vec<Listener>,
    /// Its addresses.
    pub addresses: Vec<String>,
}

/// One listener of a [`GatewayState`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Listener {
    /// Its name.
    pub name: String,
    /// The host, perhaps with a `*`; empty for any.
    pub host: String,
    /// `HTTP`, `HTTPS`, `TLS`, `TCP`…
    pub protocol: String,
    /// Its port.
    pub port: i32,
}

/// A `Service` of type `LoadBalancer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceState {
    /// Name of the Kustomization that applied it.
    pub applied_by: Option<String>,
    /// Host names and IP addresses of the load balancer.
    pub addresses: Vec<String>,
    /// Its ports, in order.
    pub ports: Vec<ServicePort>,
}

/// One port of a [`ServiceState`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePort {
    /// Its name; `http` and `https` say what is spoken.
    pub name: String,
    /// The port.
    pub port: i32,
}
