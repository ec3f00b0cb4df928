//! One request for every route: what its owner would send, and does.

use gimlet_api::{Needs, RouteRule};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;

use super::{
    asking::Request,
    scene::{Scene, Things, WORDS},
};

/// A route, and where the request for it goes.
pub(super) struct Probe {
    pub(super) method: &'static str,
    /// As it is declared.
    pub(super) path: &'static str,
    /// Path and query, aimed at what the victim has.
    aim: &'static str,
    /// JSON, a form, or git's own; empty for none.
    body: &'static str,
}

const fn get(path: &'static str, aim: &'static str) -> Probe {
    Probe { method: "GET", path, aim, body: "" }
}

const fn post(path: &'static str, aim: &'static str, body: &'static str) -> Probe {
    Probe { method: "POST", path, aim, body }
}

const fn list(path: &'static str) -> Probe {
    get(path, path)
}

/// In the order in which the owner carries them out: what takes something away comes last.
pub(super) const PROBES: &[Probe] = &[
    list("/api/v1/openapi.json"),
    list("/api/v1/version"),
    list("/api/v1/me"),
    post("/api/v1/auth/link", "/api/v1/auth/link", r#"{"code":"{code}","name":"probe"}"#),
    post("/api/v1/auth/device", "/api/v1/auth/device", "{}"),
    post(
        "/api/v1/auth/device/token",
        "/api/v1/auth/device/token",
        r#"{"device_code":"{device}","name":"probe"}"#,
    ),
    get("/api/v1/clusters", "/api/v1/clusters?limit=100"),
    post("/api/v1/clusters", "/api/v1/clusters", r#"{"name":"loquat"}"#),
    get("/api/v1/clusters/{id}", "/api/v1/clusters/{cluster}"),
    post("/api/v1/clusters/{id}/enrolment", "/api/v1/clusters/{spare_cluster}/enrolment", ""),
    get("/api/v1/environments", "/api/v1/environments?limit=100"),
    get("/api/v1/environments/{environment}", "/api/v1/environments/mirabelle"),
    get("/api/v1/members", "/api/v1/members?limit=100"),
    get("/api/v1/members/{login}", "/api/v1/members/sapodilla"),
    Probe {
        method: "PATCH",
        path: "/api/v1/members/{login}",
        aim: "/api/v1/members/sapodilla",
        body: r#"{"role":"viewer"}"#,
    },
    get("/api/v1/tokens", "/api/v1/tokens?limit=100"),
    post("/api/v1/tokens", "/api/v1/tokens", r#"{"name":"one more"}"#),
    get("/api/v1/activity", "/api/v1/activity?limit=100"),
    get("/api/v1/changes", "/api/v1/changes?after=0"),
    get("/api/v1/repositories", "/api/v1/repositories?limit=100"),
    post(
        "/api/v1/repositories",
        "/api/v1/repositories",
        r#"{"url":"https://git.example/one/more"}"#,
    ),
    get("/api/v1/repositories/{id}", "/api/v1/repositories/{repository}"),
    post("/api/v1/repositories/{id}/look", "/api/v1/repositories/{repository}/look", ""),
    get("/api/v1/artifacts", "/api/v1/artifacts?limit=100"),
    get("/api/v1/artifacts/{id}", "/api/v1/artifacts/{artifact}"),
    get("/api/v1/releases", "/api/v1/releases?limit=100"),
    get("/api/v1/releases/{id}", "/api/v1/releases/{release}"),
    get("/api/v1/releases/{id}/diff", "/api/v1/releases/{release}/diff"),
    get("/api/v1/releases/{id}/events", "/api/v1/releases/{release}/events"),
    get("/api/v1/apps", "/api/v1/apps?limit=100"),
    get(
        "/api/v1/environments/{environment}/apps/{app}",
        "/api/v1/environments/mirabelle/apps/rambutan",
    ),
    get(
        "/api/v1/environments/{environment}/apps/{app}/compare",
        "/api/v1/environments/mirabelle/apps/rambutan/compare?to={release}",
    ),
    list("/"),
    list("/get-started"),
    get(
        "/live",
        "/live?region=/releases&region=/releases/{release}&region=/apps/mirabelle/rambutan\
         &region=/fleet/{cluster}&region=/activity&region=/commits&region=/apps&region=/fleet",
    ),
    list("/activity"),
    get("/palette", "/palette?q=ly"),
    get("/search", "/search?q=ly"),
    get("/go/rollback/{environment}/{app}", "/go/rollback/mirabelle/rambutan"),
    list("/sign-in"),
    get("/sign-in/{code}", "/sign-in/{code}"),
    post("/sign-in/{code}", "/sign-in/{code}", ""),
    list("/device"),
    post("/device", "/device", "code={user_code}"),
    list("/fleet"),
    post("/fleet", "/fleet", "name=loquat-page"),
    list("/fleet/connect"),
    get("/fleet/{id}", "/fleet/{cluster}"),
    post("/fleet/{id}/enrolment", "/fleet/{spare_cluster}/enrolment", ""),
    list("/repositories"),
    post("/repositories", "/repositories", "url=https%3A%2F%2Fgit.example%2Ftwo%2Fmore"),
    list("/repositories/add"),
    post("/repositories/{id}/look", "/repositories/{repository}/look", ""),
    list("/commits"),
    get("/commits/{id}", "/commits/{artifact}"),
    list("/apps"),
    get("/apps/{environment}/{app}", "/apps/mirabelle/rambutan"),
    get("/apps/{environment}/{app}/history", "/apps/mirabelle/rambutan/history"),
    get(
        "/apps/{environment}/{app}/compare",
        "/apps/mirabelle/rambutan/compare?from={release}&to={spare_release}",
    ),
    get("/apps/{environment}/{app}/delete", "/apps/mirabelle/longan/delete"),
    list("/releases"),
    get("/releases/{id}", "/releases/{release}"),
    get("/releases/{id}/changes", "/releases/{release}/changes"),
    get("/releases/{id}/rollback", "/releases/{release}/rollback"),
    get("/assets/{file}", "/assets/{asset}"),
    list("/docs"),
    list("/docs/"),
    get("/docs/search", "/docs/search?q=release"),
    get("/docs/{*slug}", "/docs/concepts"),
    list("/livez"),
    list("/readyz"),
    list("/metrics"),
    post("/hooks/github/{repository}", "/hooks/github/{repository}", PUSH),
    post("/hooks/look/{repository}", "/hooks/look/{repository}", ""),
    get(
        "/git/{organization}/{repository}/info/refs",
        "/git/kumquat/gitops-mirabelle-apps.git/info/refs?service=git-upload-pack",
    ),
    post(
        "/git/{organization}/{repository}/git-upload-pack",
        "/git/kumquat/gitops-mirabelle-apps.git/git-upload-pack",
        "0014command=ls-refs\n0000",
    ),
    post(
        "/git/{organization}/{repository}/git-receive-pack",
        "/git/kumquat/gitops-mirabelle-infra.git/git-receive-pack",
        "0000",
    ),
    list("/root.pem"),
    post(
        "/enrolment/cluster",
        "/enrolment/cluster",
        r#"{"kubernetesVersion":"v1.34.0","gitPasswordSha256":"{hash}"}"#,
    ),
    post("/enrolment/certificate", "/enrolment/certificate", r#"{"csrPem":{csr}}"#),
    list("/agent/link"),
    post(
        "/api/v1/releases",
        "/api/v1/releases",
        r#"{"environment":"mirabelle","app":"rambutan","artifact":"{artifact}"}"#,
    ),
    post("/api/v1/releases/{id}/rollback", "/api/v1/releases/{release}/rollback", ""),
    post("/releases/{id}/rollback", "/releases/{release}/rollback", ""),
    post("/releases", "/releases", "artifact={artifact}&environment=mirabelle&app=rambutan"),
    Probe {
        method: "DELETE",
        path: "/api/v1/environments/{environment}/apps/{app}",
        aim: "/api/v1/environments/mirabelle/apps/cherimoya",
        body: "",
    },
    post("/apps/{environment}/{app}/delete", "/apps/mirabelle/longan/delete", "confirm=longan"),
    Probe {
        method: "DELETE",
        path: "/api/v1/members/{login}",
        aim: "/api/v1/members/sapodilla",
        body: "",
    },
    Probe {
        method: "DELETE",
        path: "/api/v1/tokens/{id}",
        aim: "/api/v1/tokens/{token}",
        body: "",
    },
    post("/api/v1/clusters/{id}/disconnect", "/api/v1/clusters/{cluster}/disconnect", ""),
    post("/sign-out", "/sign-out", ""),
];

const PUSH: &str = r#"{"ref":"refs/heads/feijoa","before":"1111111111111111111111111111111111111111",
"after":"2222222222222222222222222222222222222222",
"repository":{"id":1,"full_name":"salak/jabuticaba","default_branch":"feijoa"}}"#;

/// What is made for one request: single-use secrets, and an asset's changing name.
pub(super) type Fresh = [(&'static str, String); 6];

impl Probe {
    pub(super) fn is_of(&self, rule: &RouteRule) -> bool {
        (self.method, self.path) == (rule.method, rule.path)
    }

    /// It names something that the victim has.
    pub(super) fn names_the_victim(&self) -> bool {
        const OURS: [&str; 7] = [
            "{cluster}",
            "{spare_cluster}",
            "{repository}",
            "{artifact}",
            "{release}",
            "{spare_release}",
            "{token}",
        ];
        let named = format!("{} {}", self.aim, self.body);
        OURS.iter().any(|it| named.contains(it)) || WORDS.iter().any(|it| named.contains(it))
    }

    /// The request, without a credential.
    pub(super) fn request(&self, scene: &Scene, rule: &RouteRule, fresh: &Fresh) -> Request {
        let fill = |template: &str| {
            let mut text = filled(template, &scene.things);
            for (name, value) in fresh {
                text = text.replace(&format!("{{{name}}}"), value);
            }
            text
        };
        let base = match rule.path {
            "/livez" | "/readyz" | "/metrics" => format!("http://127.0.0.1:{}", scene.world.health),
            _ if is_for_agents(rule) => format!("https://127.0.0.1:{}", scene.world.agents),
            _ => format!("http://127.0.0.1:{}", scene.world.people),
        };
        let body = fill(self.body);
        let mut headers = headers_for(rule, &body);
        if rule.path == "/live" {
            headers.push(("accept", "text/event-stream".to_owned()));
        }
        if rule.method == "POST" && rule.path.starts_with("/api/") {
            // The same for everyone: a key must not bring another organization's answer back.
            headers.push(("idempotency-key", format!("key{}", rule.path.replace('/', "-"))));
        }
        Request { method: self.method.to_owned(), url: base + &fill(self.aim), headers, body }
    }
}

pub(super) fn is_for_agents(rule: &RouteRule) -> bool {
    rule.path == "/root.pem"
        || matches!(rule.needs, Needs::EnrolmentToken | Needs::ClientCertificate)
}

fn filled(template: &str, things: &Things) -> String {
    [
        ("cluster", &things.cluster),
        ("spare_cluster", &things.spare_cluster),
        ("repository", &things.repository),
        ("artifact", &things.artifact),
        ("release", &things.release),
        ("spare_release", &things.spare_release),
        ("token", &things.token),
    ]
    .into_iter()
    .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

fn headers_for(rule: &RouteRule, body: &str) -> Vec<(&'static str, String)> {
    let kind = match rule.path.rsplit('/').next() {
        Some(service @ ("git-upload-pack" | "git-receive-pack")) => {
            return vec![
                ("content-type", format!("application/x-{service}-request")),
                ("git-protocol", "version=2".to_owned()),
            ];
        }
        Some("link") if rule.needs == Needs::ClientCertificate => {
            return [
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ]
            .map(|(name, value)| (name, value.to_owned()))
            .into();
        }
        _ if body.starts_with('{') => "application/json",
        _ if rule.method == "POST" => "application/x-www-form-urlencoded",
        _ => return Vec::new(),
    };
    vec![("content-type", kind.to_owned())]
}

/// Secrets that nobody has given out.
pub(super) fn made_up() -> Fresh {
    let nothing = || "guessed".to_owned();
    [
        ("code", nothing()),
        ("device", nothing()),
        ("user_code", "BCDF-GHJK".to_owned()),
        ("asset", "app.css".to_owned()),
        ("hash", "0".repeat(64)),
        ("csr", csr()),
    ]
}

/// A certificate request, as a string of JSON.
pub(super) fn csr() -> String {
    let key = KeyPair::generate().expect("a key");
    let request = CertificateParams::default().serialize_request(&key).expect("a request");
    Value::String(request.pem().expect("PEM")).to_string()
}
