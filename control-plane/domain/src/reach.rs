//! The address at which people reach an application, from what its cluster reports.

use gimlet_shared::observed::{
    GatewayRef, GatewayState, IngressState, Listener, ObjectKey, RouteState, ServiceState,
};

/// The longest host name (RFC 1035) in characters.
const LONGEST_HOST: usize = 253;

/// The longest path that is offered, in bytes: longer ones are no place to begin.
const LONGEST_PATH: usize = 200;

/// Everything that leads to one application, and the gateways of its cluster.
#[derive(Clone, Debug, Default)]
pub struct Reach<'a> {
    /// Its ingresses.
    pub ingresses: Vec<(&'a ObjectKey, &'a IngressState)>,
    /// Its HTTP routes.
    pub routes: Vec<(&'a ObjectKey, &'a RouteState)>,
    /// Its load balancers.
    pub services: Vec<(&'a ObjectKey, &'a ServiceState)>,
    /// All gateways of the cluster: a route may hang on one of another namespace.
    pub gateways: Vec<(&'a ObjectKey, &'a GatewayState)>,
}

/// One way in. The derived order is that of preference: encrypted first, then names that people chose,
/// then the shortest path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    scheme: Scheme,
    by: By,
    path_length: usize,
    object: String,
    url: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scheme {
    Https,
    Http,
}

impl Scheme {
    fn word(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    fn port(self) -> i32 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Ingress,
    Route,
    Service,
    /// An address instead of a name.
    Address,
}

impl Reach<'_> {
    /// The best address: `http` or `https`, always a plain host, and the same for the same objects.
    /// `None` where nothing leads in from outside.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let mut ways = Vec::new();
        self.ingresses.iter().for_each(|(key, state)| ingress_ways(key, state, &mut ways));
        self.routes.iter().for_each(|(key, state)| self.route_ways(key, state, &mut ways));
        self.services.iter().for_each(|(key, state)| service_ways(key, state, &mut ways));
        ways.into_iter().min().map(|way| way.url)
    }

    fn route_ways(&self, key: &ObjectKey, route: &RouteState, ways: &mut Vec<Way>) {
        for parent in &route.gateways {
            let gateway = self.gateways.iter().find(|(key, _)| is(key, parent));
            let Some((_, gateway)) = gateway else {
                // The gateway cannot be read; its listener's name is the only hint.
                let named_https = parent.listener.as_deref().is_some_and(|it| it.contains("https"));
                let scheme = if named_https { Scheme::Https } else { Scheme::Http };
                for host in &route.hosts {
                    ways.extend(way(scheme, By::Route, key, host, scheme.port(), &route.path));
                }
                continue;
            };
            let of_parent = |listener: &&Listener| {
                parent.listener.as_ref().is_none_or(|wanted| *wanted == listener.name)
            };
            for listener in gateway.listeners.iter().filter(of_parent) {
                listener_ways(key, route, gateway, listener, ways);
            }
        }
    }
}

fn is(key: &ObjectKey, parent: &GatewayRef) -> bool {
    key.namespace == parent.namespace && key.name == parent.name
}

fn listener_ways(
    key: &ObjectKey,
    route: &RouteState,
    gateway: &GatewayState,
    listener: &Listener,
    ways: &mut Vec<Way>,
) {
    let scheme = match listener.protocol.as_str() {
        "HTTPS" => Scheme::Https,
        "HTTP" => Scheme::Http,
        _ => return,
    };
    let (port, path) = (listener.port, &route.path);
    for host in route.hosts.iter().filter(|host| covers(&listener.host, host)) {
        ways.extend(way(scheme, By::Route, key, host, port, path));
    }
    if route.hosts.is_empty() {
        ways.extend(way(scheme, By::Route, key, &listener.host, port, path));
        if listener.host.is_empty() && scheme == Scheme::Http {
            for address in &gateway.addresses {
                ways.extend(way(scheme, By::Address, key, address, port, path));
            }
        }
    }
}

fn ingress_ways(key: &ObjectKey, ingress: &IngressState, ways: &mut Vec<Way>) {
    for rule in &ingress.rules {
        if rule.host.is_empty() {
            for address in &ingress.addresses {
                ways.extend(way(Scheme::Http, By::Address, key, address, 80, &rule.path));
            }
            continue;
        }
        let encrypted = ingress.tls_hosts.iter().any(|covered| covers(covered, &rule.host));
        let scheme = if encrypted { Scheme::Https } else { Scheme::Http };
        ways.extend(way(scheme, By::Ingress, key, &rule.host, scheme.port(), &rule.path));
    }
}

fn service_ways(key: &ObjectKey, service: &ServiceState, ways: &mut Vec<Way>) {
    for port in &service.ports {
        let scheme = match (port.port, port.name.as_str()) {
            (443 | 8443, _) | (_, "https") => Scheme::Https,
            (80 | 8080, _) | (_, "http" | "web") => Scheme::Http,
            // What else is spoken there is no page.
            _ => continue,
        };
        for address in &service.addresses {
            ways.extend(way(scheme, By::Service, key, address, port.port, "/"));
        }
    }
}

/// Whether a host, perhaps with a `*` for its first label, or none at all, stands for `host`.
fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
        None => pattern.is_empty() || pattern == host,
    }
}

/// `None` where host or path could be taken for anything but a host and a path.
fn way(scheme: Scheme, by: By, key: &ObjectKey, host: &str, port: i32, path: &str) -> Option<Way> {
    let host = plain_host(host)?;
    let path = plain_path(path);
    let port = if port == scheme.port() { String::new() } else { format!(":{port}") };
    Some(Way {
        scheme,
        by,
        path_length: path.len(),
        object: format!("{}/{}", key.namespace, key.name),
        url: format!("{}://{host}{port}{path}", scheme.word()),
    })
}

/// A DNS name, an IPv4 address, or an IPv6 address in brackets.
fn plain_host(host: &str) -> Option<String> {
    if let Ok(address) = host.parse::<std::net::Ipv6Addr>() {
        return Some(format!("[{address}]"));
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let host = host.to_ascii_lowercase();
    (host.len() <= LONGEST_HOST && host.split('.').all(is_label)).then_some(host)
}

/// A path of plain characters; for everything else the root.
fn plain_path(path: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let usable = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= LONGEST_PATH
        && path.bytes().all(plain);
    if usable { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use gimlet_shared::observed::{IngressRule, ServicePort};

    use super::*;

    fn key(kind: &str, name: &str) -> ObjectKey {
        ObjectKey { kind: kind.into(), namespace: "shop".into(), name: name.into() }
    }

    fn ingress(rules: &[(&str, &str)], tls: &[&str]) -> IngressState {
        let rule = |(host, path): &(&str, &str)| IngressRule {
            host: (*host).into(),
            path: (*path).into(),
        };
        IngressState {
            rules: rules.iter().map(rule).collect(),
            tls_hosts: tls.iter().map(|host| (*host).into()).collect(),
            ..IngressState::default()
        }
    }

    fn url_of(ingress: &IngressState) -> Option<String> {
        let key = key("Ingress", "web");
        Reach { ingresses: vec![(&key, ingress)], ..Reach::default() }.url()
    }

    #[test]
    fn a_host_with_a_certificate_goes_before_one_without() {
        let both = ingress(&[("a.example", "/"), ("web.example", "/app")], &["web.example"]);
        assert_eq!(url_of(&both).as_deref(), Some("https://web.example/app"));
        let plain = ingress(&[("web.example", "/api"), ("web.example", "/")], &[]);
        assert_eq!(url_of(&plain).as_deref(), Some("http://web.example/"));
        let covered = ingress(&[("web.example", "/")], &["*.example"]);
        assert_eq!(url_of(&covered).as_deref(), Some("https://web.example/"));
    }

    #[test]
    fn what_is_no_plain_host_never_becomes_an_address() {
        for host in [
            "javascript:alert(1)",
            "*.example",
            "a b",
            "a/b",
            "user@evil.example",
            "evil.example#",
            "-a.example",
            "a..b",
            "wéb.example",
            "a\u{202e}b",
            "a:80",
            &"x".repeat(300),
        ] {
            assert_eq!(url_of(&ingress(&[(host, "/")], &[])), None, "{host}");
        }
        for path in ["/(.*)", "//evil.example", "/a b", "x", "", "/\u{202e}", "/%0d%0a"] {
            let url = url_of(&ingress(&[("web.example", path)], &[]));
            assert_eq!(url.as_deref(), Some("http://web.example/"), "{path}");
        }
    }

    #[test]
    fn a_route_takes_scheme_and_port_from_its_gateway_s_listener() {
        let route = RouteState {
            hosts: vec!["web.example".into()],
            path: "/".into(),
            gateways: vec![GatewayRef {
                namespace: "shop".into(),
                name: "edge".into(),
                listener: None,
            }],
            ..RouteState::default()
        };
        let listener = |protocol: &str, port| Listener {
            name: protocol.to_lowercase(),
            host: "*.example".into(),
            protocol: protocol.into(),
            port,
        };
        let gateway = GatewayState {
            listeners: vec![listener("HTTP", 80), listener("HTTPS", 8443)],
            ..GatewayState::default()
        };
        let (of_route, of_gateway) = (key("HTTPRoute", "web"), key("Gateway", "edge"));
        let mut reach =
            Reach { routes: vec![(&of_route, &route)], gateways: vec![], ..Reach::default() };
        assert_eq!(reach.url().as_deref(), Some("http://web.example/"), "unreadable gateway");
        reach.gateways = vec![(&of_gateway, &gateway)];
        assert_eq!(reach.url().as_deref(), Some("https://web.example:8443/"));
    }

    #[test]
    fn a_load_balancer_leads_in_only_where_it_speaks_http() {
        let key = key("Service", "web");
        let service = |name: &str, port| ServiceState {
            addresses: vec!["2001:db8::7".into()],
            ports: vec![ServicePort { name: name.into(), port }],
            ..ServiceState::default()
        };
        let url = |state: &ServiceState| {
            Reach { services: vec![(&key, state)], ..Reach::default() }.url()
        };
        assert_eq!(url(&service("http", 3000)).as_deref(), Some("http://[2001:db8::7]:3000/"));
        assert_eq!(url(&service("postgres", 5432)), None);
    }

    #[test]
    fn nothing_leads_nowhere() {
        assert_eq!(Reach::default().url(), None);
    }
}
