//! Good ways and bad ones, with a canary in everything secret.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::RequestBuilder;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Heard, host::EchoingHost};
use crate::{
    access::{client, session},
    agent::Agent,
    drain::releases,
    world::{World, git},
};

pub(super) fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// The people's port of a server.
struct Port<'a> {
    client: reqwest::Client,
    world: &'a World,
}

impl Port<'_> {
    fn new(world: &World) -> Port<'_> {
        Port { client: client(), world }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.world.people)
    }

    fn get(&self, token: &str, path: &str) -> RequestBuilder {
        self.client.get(self.url(path)).bearer_auth(token)
    }

    fn post(&self, token: &str, path: &str, body: &serde_json::Value) -> RequestBuilder {
        self.client.post(self.url(path)).bearer_auth(token).json(body)
    }

    fn form(&self, cookie: &str, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.client
            .post(self.url(path))
            .header("cookie", format!("gimlet_session={cookie}"))
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(url_encoded(fields))
    }

    fn page(&self, cookie: &str, path: &str) -> RequestBuilder {
        self.client.get(self.url(path)).header("cookie", format!("gimlet_session={cookie}"))
    }
}

fn url_encoded(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A repository that the second server keeps: its address, and a token that may push to it.
fn given_gitops(git_host: &World) -> (String, String) {
    let token = git_host.token_of("acme", "bot", "owner");
    crate::drain::cluster(git_host, &token, "elsewhere");
    let path = "/git/acme/gitops-elsewhere-apps.git";
    (format!("http://127.0.0.1:{}{path}", git_host.people), token)
}

/// Signs in by every way, connects, adds, releases and looks at everything. Returns the source.
pub(super) async fn drive(
    world: &mut World,
    git_host: &World,
    echo: &EchoingHost,
    heard: &mut Heard,
) -> tempfile::TempDir {
    keys(world, heard);
    let (token, cookie) = people(world, heard).await;
    let (gitops, password) = given_gitops(git_host);
    heard.know("gitops-password", &password, None);
    let port = Port::new(world);
    let gitops = json!({"url": gitops, "username": "bot", "password": password});
    let body = json!({"name": "production", "gitops_repository": gitops});
    let label = "connect a cluster";
    let made = heard.ask_json(label, port.post(&token, "/api/v1/clusters", &body)).await;
    let command = text(&made["command"]);
    heard.know("enrolment-token", command.split('\'').nth(1).expect("a token"), Some(label));
    cluster(world, &command, heard).await;
    let source = given_source(heard);
    let url = format!("file://{}", source.path().display());
    let label = "add a repository";
    let body = json!({"url": url, "name": "acme/shop"});
    let port = Port::new(world);
    let added = heard.ask_json(label, port.post(&token, "/api/v1/repositories", &body)).await;
    heard.know("webhook-secret", &text(&added["webhook_secret"]), Some(label));
    heard.know("look-token", &text(&added["look_token"]), Some(label));
    let hook = text(&added["webhook_url"]);
    let push = json!({"ref": "refs/heads/main", "repository": {"full_name": "acme/shop"}});
    deliver(heard, &hook, &text(&added["webhook_secret"]), &push.to_string()).await;
    let look = port.client.post(text(&added["look_url"]));
    heard.ask("look by token", look.bearer_auth(text(&added["look_token"]))).await;
    let repository = text(&added["repository"]["id"]);
    world.wait("a release in git", |world| {
        releases(world, &token).iter().any(|release| release["gitops_commit"].is_string())
    });
    // Another value, so that a difference has both.
    manifest(heard, source.path(), "manifest-secret-changed");
    world.api(&token, "POST", &format!("/repositories/{repository}/look"), &json!(null));
    world.wait("a second release in git", |world| {
        let all = releases(world, &token);
        all.len() > 1 && all.iter().all(|release| release["gitops_commit"].is_string())
    });
    look_at_everything(world, heard, &token, &cookie).await;
    let form_password = heard.canary("form-password");
    for status in [401, 403, 500] {
        let fields = [
            ("name", "echoed"),
            ("gitops_url", &echo.url(status)),
            ("gitops_username", "bot"),
            ("gitops_password", &form_password),
        ];
        let port = Port::new(world);
        heard.ask("a form with a bad host", port.form(&cookie, "/fleet", &fields)).await;
    }
    source
}

/// Keys that lie in files.
fn keys(world: &World, heard: &mut Heard) {
    let read = |name: &str| std::fs::read_to_string(world.data().join(name)).expect("a file");
    heard.know("secrets.key", read("secrets.key").trim(), None);
    let folder = world.data().join("ca");
    let key = std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .find(|text| text.contains("PRIVATE KEY"));
    let key = key.expect("the authority's key");
    heard.know("authority-key", key.lines().nth(1).expect("its first line"), None);
}

/// Signs in by link, as a browser and by device; returns a token and a session.
async fn people(world: &World, heard: &mut Heard) -> (String, String) {
    let port = Port::new(world);
    let code = world.sign_in_code("acme", "ana", "owner");
    heard.know("sign-in-code", &code, None);
    let label = "exchange a link";
    let body = json!({"code": code, "name": "test"});
    let made = heard.ask_json(label, port.post("", "/api/v1/auth/link", &body)).await;
    let token = text(&made["token"]);
    heard.know("exchanged-token", &token, Some(label));
    let code = world.sign_in_code("acme", "ana", "owner");
    heard.know("sign-in-path", &code, None);
    heard.ask("ask for a sign-in", port.client.get(port.url(&format!("/sign-in/{code}")))).await;
    let cookie = session(world, &code).await;
    heard.know("session-cookie", &cookie, None);
    let label = "begin a device login";
    let started = heard.ask_json(label, port.post("", "/api/v1/auth/device", &json!({}))).await;
    heard.know("device-code", &text(&started["device_code"]), Some(label));
    heard.know("user-code", &text(&started["user_code"]), Some(label));
    let poll = json!({"device_code": started["device_code"], "name": "device"});
    heard.ask("poll too early", port.post("", "/api/v1/auth/device/token", &poll)).await;
    let label = "make a token";
    let new = json!({"name": "ci"});
    let made = heard.ask_json(label, port.post(&token, "/api/v1/tokens", &new)).await;
    heard.know("api-token", &text(&made["secret"]), Some(label));
    (token, cookie)
}

/// Describes the cluster, enrols its agent, and connects it.
async fn cluster(world: &World, command: &str, heard: &mut Heard) {
    let token = command.split('\'').nth(1).expect("a token");
    let password = heard.canary("flux-password");
    let hash = hex::encode(Sha256::digest(&password));
    let body = json!({"kubernetesVersion": "v1.34.0", "gitPasswordSha256": hash});
    let url = format!("https://127.0.0.1:{}/enrolment/cluster", world.agents);
    let request = crate::access::agents_client(world).post(url).bearer_auth(token).json(&body);
    heard.ask("describe a cluster", request).await;
    let agent = Agent::enrol(world, command).await;
    heard.know("agent-key", agent.key_line(), None);
    drop(agent.connect(world.agents).await.expect("welcomed"));
}

/// A source whose manifest holds a Secret.
fn given_source(heard: &mut Heard) -> tempfile::TempDir {
    let source = tempfile::tempdir().expect("a folder");
    git(source.path(), &["init", "--quiet", "--initial-branch=main"]);
    manifest(heard, source.path(), "manifest-secret");
    source
}

fn manifest(heard: &mut Heard, folder: &std::path::Path, name: &'static str) {
    let value = heard.canary(name);
    let canary = heard.canaries.last_mut().expect("just given");
    canary.is_in_manifests = true;
    std::fs::create_dir_all(folder.join(".gimlet")).expect("a folder");
    let manifest = format!(
        "app: web\nenv: production\nnamespace: shop\ndeploy: {{event: push}}\nmanifests: |\n  \
         apiVersion: v1\n  kind: Secret\n  metadata: {{name: web}}\n  \
         stringData: {{password: \"{value}\"}}\n  data: {{encoded: {}}}\n",
        encoded(&value)
    );
    std::fs::write(folder.join(".gimlet/web.yaml"), manifest).expect("a manifest");
    git(folder, &["add", "."]);
    git(folder, &["commit", "--quiet", "--message", name]);
}

async fn deliver(heard: &mut Heard, hook: &str, secret: &str, body: &str) {
    let signature = gimlet_github::sign(secret, body.as_bytes()).expect("signed");
    let request = client()
        .post(hook)
        .header("content-type", "application/json")
        .header("x-github-event", "push")
        .header("x-github-delivery", gimlet_shared::ids::BootId::new().to_string())
        .header("x-hub-signature-256", signature);
    heard.ask("a webhook", request.body(body.to_owned())).await;
}

/// Every list, page and difference.
async fn look_at_everything(world: &World, heard: &mut Heard, token: &str, cookie: &str) {
    let port = Port::new(world);
    let all = releases(world, token);
    let (newest, oldest) = (text(&all[0]["id"]), text(&all[all.len() - 1]["id"]));
    let artifact = text(&all[0]["artifact"]);
    let app = "/environments/production/apps/web";
    for path in [
        "/me",
        "/clusters",
        "/environments",
        "/members",
        "/tokens?all=true",
        "/repositories",
        "/artifacts",
        "/releases",
        "/apps",
        "/activity?limit=100",
        app,
        &format!("/artifacts/{artifact}"),
        &format!("/releases/{newest}"),
        &format!("/releases/{newest}/diff"),
        &format!("/releases/{oldest}/diff"),
        &format!("{app}/compare?to={oldest}"),
    ] {
        heard.ask("read the API", port.get(token, &format!("/api/v1{path}"))).await;
    }
    for path in [
        "/get-started",
        "/activity",
        "/palette?q=web",
        "/search?q=web",
        "/fleet",
        "/repositories",
        "/commits",
        "/apps",
        "/apps/production/web",
        "/releases",
        "/fleet/connect",
        "/apps/production/web/history",
        &format!("/apps/production/web/compare?from={oldest}&to={newest}"),
        &format!("/commits/{artifact}"),
        &format!("/releases/{newest}"),
        &format!("/releases/{newest}/changes"),
        &format!("/releases/{oldest}/rollback"),
    ] {
        heard.ask("read a page", port.page(cookie, path)).await;
    }
}

/// Everything that goes wrong while a secret is at hand.
pub(super) async fn fail(world: &World, git_host: &World, echo: &EchoingHost, heard: &mut Heard) {
    let token = world.token();
    let port = Port::new(world);
    wrong_credentials(&port, heard).await;
    let in_url = heard.canary("url-password");
    for address in [
        format!("https://bot:{in_url}@git.example/acme/shop.git"),
        format!("https://{in_url}@git.example/acme/shop.git"),
        format!("ssh://bot:{in_url}@git.example/acme/shop.git"),
        format!("bot:{in_url}@git.example"),
    ] {
        let body = json!({"url": address, "name": "acme/other"});
        heard.ask("an address", port.post(&token, "/api/v1/repositories", &body)).await;
        let gitops = json!({"name": "edge", "gitops_repository": {"url": address}});
        heard.ask("a gitops address", port.post(&token, "/api/v1/clusters", &gitops)).await;
        let cookie = session(world, &world.sign_in_code("acme", "ana", "owner")).await;
        let fields = [("url", address.as_str()), ("name", "acme/other")];
        heard.ask("a form", port.form(&cookie, "/repositories", &fields)).await;
        let fields = [("name", "edge"), ("gitops_url", address.as_str())];
        heard.ask("a form", port.form(&cookie, "/fleet", &fields)).await;
    }
    let password = heard.canary("refused-password");
    let bad_hosts = [
        echo.url(401),
        echo.url(403),
        echo.url(404),
        echo.url(500),
        "http://127.0.0.1:1/acme/gitops.git".to_owned(),
        // A certificate that nobody vouches for.
        format!("https://127.0.0.1:{}/acme/gitops.git", git_host.agents),
        // A host that knows neither the repository nor the password.
        format!("http://127.0.0.1:{}/git/acme/gitops-none-apps.git", git_host.people),
    ];
    for url in bad_hosts {
        let gitops = json!({"url": url, "username": "bot", "password": password});
        let body = json!({"name": "edge", "gitops_repository": gitops});
        heard.ask("a bad git host", port.post(&token, "/api/v1/clusters", &body)).await;
    }
    broken_bodies(&port, &token, heard).await;
}

async fn wrong_credentials(port: &Port<'_>, heard: &mut Heard) {
    let bearer = format!("gim_{}", heard.canary("unknown-bearer"));
    heard.ask("an unknown token", port.get(&bearer, "/api/v1/me")).await;
    heard.ask("an unknown token", port.get(&bearer, "/nowhere")).await;
    let digest = port.client.get(port.url("/api/v1/me"));
    heard.ask("another scheme", digest.header("authorization", format!("Digest {bearer}"))).await;
    let cookie = heard.canary("unknown-cookie");
    heard.ask("an unknown session", port.page(&cookie, "/fleet")).await;
    let password = heard.canary("unknown-basic");
    for path in
        ["/git/acme/gitops-production-infra.git/info/refs?service=git-upload-pack", "/api/v1/me"]
    {
        let request = port.client.get(port.url(path)).basic_auth("gimlet", Some(&password));
        heard.ask("an unknown password", request).await;
    }
    let query = heard.canary("query-token");
    let path = format!("/api/v1/me?token={query}");
    heard.ask("a token in the query", port.client.get(port.url(&path))).await;
    let code = heard.canary("unknown-code");
    let body = json!({"code": code, "name": "x"});
    heard.ask("an unknown code", port.post("", "/api/v1/auth/link", &body)).await;
    heard.ask("an unknown code", port.form("", &format!("/sign-in/{code}"), &[])).await;
    let body = json!({"device_code": code, "name": "x"});
    heard.ask("an unknown device", port.post("", "/api/v1/auth/device/token", &body)).await;
    let signature = heard.canary("forged-signature");
    let id = gimlet_shared::ids::RepositoryId::new();
    let request = port
        .client
        .post(port.url(&format!("/hooks/github/{id}")))
        .header("x-github-event", "push")
        .header("x-github-delivery", "1")
        .header("x-hub-signature-256", format!("sha256={signature}"));
    heard.ask("a forged signature", request.json(&json!({}))).await;
    let look = port.post(&signature, &format!("/hooks/look/{id}"), &json!({}));
    heard.ask("a wrong look token", look).await;
    let url = format!("https://127.0.0.1:{}/enrolment/certificate", port.world.agents);
    let request = crate::access::agents_client(port.world).post(url).bearer_auth(&signature);
    heard.ask("a wrong enrolment", request.json(&json!({"csrPem": signature}))).await;
}

/// Bodies that cannot be read, with a secret where they break.
async fn broken_bodies(port: &Port<'_>, token: &str, heard: &mut Heard) {
    let value = heard.canary("broken-json");
    for (path, body) in [
        ("/api/v1/auth/link", format!("{{\"code\": \"{value}")),
        ("/api/v1/auth/link", format!("{{\"code\": [\"{value}\"], \"name\": \"x\"}}")),
        ("/api/v1/auth/link", format!("\"{value}\"")),
        ("/api/v1/clusters", format!("{{\"name\": \"a\", \"gitops_repository\": \"{value}\"}}")),
        (
            "/api/v1/clusters",
            format!(
                "{{\"name\": \"a\", \"gitops_repository\": {{\"url\": \"x\", \"password\": {{\"is\": \"{value}\"}}}}}}"
            ),
        ),
        (
            "/api/v1/clusters",
            format!(
                "{{\"name\": \"a\", \"gitops_repository\": {{\"url\": \"x\", \"password\": \"{value}\\n\"}}}}"
            ),
        ),
        ("/api/v1/tokens", format!("{{\"name\": \"a\", \"expires_in_days\": \"{value}\"}}")),
    ] {
        let request = port.client.post(port.url(path)).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(body);
        heard.ask("a broken body", request).await;
    }
}
