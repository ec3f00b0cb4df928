//! A POST with an `Idempotency-Key` is carried out once, also where the server is killed between what it did
//! and its answer; on SQLite, and on PostgreSQL where `GIMLET_TEST_POSTGRES` names one.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    time::Duration,
};

use gimlet_tests::{
    child::{Child, ChildPlan, End, until},
    http,
    postgres::fresh_database,
    programs::Programs,
};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than a start takes, or a commit to be read and written.
const LIMIT: Duration = Duration::from_secs(60);
/// The description's paths of POSTs that take a key, with the record's word for what each of them does.
const KEYED: [(&str, Option<&str>); 8] = [
    ("/api/v1/tokens", Some("token.created")),
    ("/api/v1/clusters", Some("cluster.added")),
    ("/api/v1/clusters/{id}/enrolment", Some("cluster.enrolment_renewed")),
    ("/api/v1/repositories", Some("repository.added")),
    // The record does not tell of looks.
    ("/api/v1/repositories/{id}/look", None),
    ("/api/v1/releases", Some("release.requested")),
    ("/api/v1/releases/{id}/rollback", Some("release.requested")),
    ("/api/v1/clusters/{id}/disconnect", Some("cluster.revoked")),
];

const MANIFEST: &str = r#"app: web
env: prod
namespace: shop
deploy: {event: push, branch: main}
manifests: |
  apiVersion: v1
  kind: ConfigMap
  metadata: {name: "{{ .APP }}", namespace: shop}
  data: {sha: "{{ .SHA }}"}
"#;

struct World {
    folder: TempDir,
    server: Child,
    people: SocketAddr,
    health: SocketAddr,
    http: Client,
    token: String,
}

impl World {
    fn new(programs: &Programs, postgres: Option<&str>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let bind = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let held = (bind(), bind(), bind());
        let address = |held: &TcpListener| held.local_addr().expect("an address");
        let (people, health, agents) = (address(&held.0), address(&held.1), address(&held.2));
        drop(held);
        let database = match postgres {
            Some(url) => fresh_database(url).expect("a database"),
            None => format!("sqlite://{}", folder.path().join("gimlet.db").display()),
        };
        let set = |name: &str, value: String| (format!("GIMLET_{name}"), value);
        let server = Child::new(ChildPlan {
            program: programs.path("gimlet-server"),
            arguments: vec!["run".to_owned()],
            environment: vec![
                set("DATA_DIR", folder.path().join("data").display().to_string()),
                set("DATABASE_URL", database),
                set("LISTEN", people.to_string()),
                set("HEALTH_LISTEN", health.to_string()),
                set("AGENT_LISTEN", agents.to_string()),
                set("PUBLIC_URL", format!("http://{people}")),
                set("AGENT_URL", format!("https://{agents}")),
                set("ALLOW_PRIVATE_HOSTS", "true".to_owned()),
                set("ALLOW_FILE_REPOSITORIES", "true".to_owned()),
            ],
            log: folder.path().join("server.log"),
            folder: folder.path().to_owned(),
        });
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = Client::builder().no_proxy().timeout(LIMIT).build().expect("a client");
        Self { folder, server, people, health, http, token: String::new() }
    }

    /// Starts the server, with a crash point armed or not.
    fn start(&mut self, armed: Option<&str>) {
        self.server.start(armed).expect("the server starts");
        let health = self.health;
        let is_ready = || http::get(health, "/readyz").is_ok_and(|answer| answer.status == 200);
        let ready = until(LIMIT, || is_ready().then_some(()));
        let log = || std::fs::read_to_string(self.folder.path().join("server.log"));
        ready.unwrap_or_else(|| panic!("it is not ready: {}", log().unwrap_or_default()));
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<Response, reqwest::Error> {
        let url = format!("http://{}{path}", self.people);
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request.send().await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, None, None).await.expect("an answer");
        answer.json().await.expect("JSON")
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.send(Method::POST, path, Some(&body), None).await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    async fn sign_in(&mut self) {
        let link = ["sign-in-link", "--organization", "acme", "--login", "ana"];
        let output = self.server.command().args(link).output().expect("a link");
        let link = String::from_utf8(output.stdout).expect("text");
        let code = link.trim().rsplit('/').next().unwrap_or_default().to_owned();
        let created = self.post("/api/v1/auth/link", json!({"code": code, "name": "test"})).await;
        text(&created["token"]).clone_into(&mut self.token);
    }

    /// Waits until the path answers with something that `found` takes.
    async fn until<T>(&self, path: &str, found: impl Fn(&Value) -> Option<T>) -> T {
        let looked = async {
            loop {
                if let Some(it) = found(&self.get(path).await) {
                    return it;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(LIMIT, looked).await.unwrap_or_else(|_| panic!("{path} in time"))
    }

    /// How often the record tells of this.
    async fn times(&self, kind: &str) -> usize {
        let page = self.get(&format!("/api/v1/activity?limit=100&kind={kind}")).await;
        page["items"].as_array().expect("a list").len()
    }
}

/// What there is to be asked about.
struct Made {
    cluster: String,
    repository: String,
    artifact: String,
    release: String,
}

impl Made {
    async fn of(world: &World) -> Self {
        let connected = world.post("/api/v1/clusters", json!({"name": "prod"})).await;
        let source = push_shop(world.folder.path());
        let body = json!({"url": source, "name": "acme/shop"});
        let added = world.post("/api/v1/repositories", body).await;
        let written = |list: &Value| {
            let release = &list["items"][0];
            (release["state"] == "committed").then(|| text(&release["id"]).to_owned())
        };
        let release = world.until("/api/v1/releases", written).await;
        let artifacts = world.get("/api/v1/artifacts").await;
        Self {
            cluster: text(&connected["cluster"]["id"]).to_owned(),
            repository: text(&added["repository"]["id"]).to_owned(),
            artifact: text(&artifacts["items"][0]["id"]).to_owned(),
            release,
        }
    }

    /// A request to this path that works.
    fn request(&self, path: &str) -> (String, Option<Value>) {
        let id = match path {
            path if path.contains("/clusters/") => &self.cluster,
            path if path.contains("/repositories/") => &self.repository,
            _ => &self.release,
        };
        let body = match path {
            "/api/v1/tokens" => Some(json!({"name": "ci", "expires_in_days": 3})),
            "/api/v1/clusters" => Some(json!({"name": "late", "namespace": "shop"})),
            "/api/v1/repositories" => Some(json!({"url": "https://git.example/acme/late.git"})),
            "/api/v1/releases" => {
                Some(json!({"environment": "prod", "artifact": self.artifact, "app": "web"}))
            }
            _ => None,
        };
        (path.replace("{id}", id), body)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// A repository with one application, and its address.
fn push_shop(folder: &Path) -> String {
    let work = folder.join("shop");
    std::fs::create_dir_all(work.join(".gimlet")).expect("a folder");
    std::fs::write(work.join(".gimlet/prod-web.yaml"), MANIFEST).expect("a manifest");
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", ".gimlet"],
        &["commit", "--quiet", "--message=Describe the application"],
    ] {
        let who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com"];
        let status = Command::new("git").args(who).args(arguments).current_dir(&work).status();
        assert!(status.expect("git").success(), "{arguments:?}");
    }
    format!("file://{}", work.display())
}

/// What must be the same however often it is answered.
async fn comparable(path: &str, answer: Response) -> (u16, Option<String>, Value) {
    let status = answer.status().as_u16();
    let location = answer.headers().get("location");
    let location = location.map(|value| value.to_str().expect("text").to_owned());
    let body = answer.text().await.expect("a body");
    let mut body: Value = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
    };
    // A release goes on while its answer is on the way.
    let releases = if path.contains("/releases") { Some(&mut body) } else { None };
    for release in releases.into_iter().flat_map(|body| match body {
        Value::Array(all) => all.iter_mut().collect(),
        one => vec![one],
    }) {
        *release = json!({"id": release["id"], "kind": release["kind"], "app": release["app"]});
    }
    (status, location, body)
}

/// Kills the server at a point of the request, and sends it again, twice.
async fn killed_and_repeated(
    world: &mut World,
    made: &Made,
    (path, kind): (&str, Option<&str>),
    point: &str,
) {
    let (address, body) = made.request(path);
    let key = format!("{path} {point}");
    let key = key.replace(' ', "@");
    let before = match kind {
        Some(kind) => world.times(kind).await,
        None => 0,
    };
    world.start(Some(point));
    let first = world.send(Method::POST, &address, body.as_ref(), Some(&key)).await;
    assert!(first.is_err(), "{path}: {point} was not passed: {first:?}");
    let end = until(LIMIT, || world.server.end());
    assert_eq!(end, Some(End::AtItsPoint), "{path}");

    world.start(None);
    let again = async || {
        let sent = world.send(Method::POST, &address, body.as_ref(), Some(&key)).await;
        sent.unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let second = again().await;
    assert!(second.status().is_success(), "{path}: {}", second.status());
    let was_kept = second.headers().contains_key("idempotency-replayed");
    assert_eq!(was_kept, point.ends_with("after"), "{path}: {point}");
    let second = comparable(path, second).await;
    assert_eq!(second, comparable(path, again().await).await, "{path}");
    if let Some(kind) = kind {
        assert_eq!(world.times(kind).await, before + 1, "{path}: {kind}");
    }
    if path == "/api/v1/tokens" {
        let me = format!("http://{}/api/v1/me", world.people);
        let signed = world.http.get(me).bearer_auth(text(&second.2["secret"])).send().await;
        assert_eq!(signed.expect("an answer").status(), 200, "the secret of the answer works");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test has no main that could read it")]
fn postgres_server() -> Option<String> {
    std::env::var("GIMLET_TEST_POSTGRES").ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_before_the_server_died_is_answered_and_not_done_again() {
    let programs = Programs::build().expect("the programs can be built");
    for database in [None].into_iter().chain(postgres_server().map(Some)) {
        let mut world = World::new(&programs, database.as_deref());
        world.start(None);
        world.sign_in().await;
        let made = Made::of(&world).await;
        let document = world.get("/api/v1/openapi.json").await;
        let listed: BTreeSet<&str> = KEYED.iter().map(|(path, _)| *path).collect();
        assert_eq!(keyed_in(&document), listed, "each POST that takes a key has its line here");
        for keyed in KEYED {
            killed_and_repeated(&mut world, &made, keyed, "answer.keep.before").await;
        }
        killed_and_repeated(&mut world, &made, KEYED[0], "answer.keep.after").await;
    }
}

/// The paths whose POST takes a key.
fn keyed_in(document: &Value) -> BTreeSet<&str> {
    let takes_key = |operations: &Value| {
        let parameters = operations["post"]["parameters"].as_array();
        parameters.into_iter().flatten().any(|parameter| parameter["name"] == "Idempotency-Key")
    };
    let paths = document["paths"].as_object().expect("paths").iter();
    paths.filter(|(_, all)| takes_key(all)).map(|(path, _)| path.as_str()).collect()
}
