//! A canary in every secret that the product takes or makes; the server is driven through good and bad
//! ways with everything logged, and then whatever it said or kept is searched. None may lie there in clear.

mod fields;
mod host;
mod search;
mod ways;

use serde_json::Value;

use self::{
    host::EchoingHost,
    search::{Found, search_all},
};
use crate::{
    telemetry::Collected,
    world::{Database, World},
};

/// A secret, and where it may be seen.
#[derive(Clone, Debug)]
struct Canary {
    name: &'static str,
    value: String,
    /// The one answer that shows it, by the label of the request.
    told_in: Option<&'static str>,
    /// People write it into a manifest: git keeps what they write (see the documentation of security).
    is_in_manifests: bool,
    /// A key of the server's own, which a backup has to hold.
    is_key: bool,
}

/// Everything that was asked of a server, and what it answered.
#[derive(Default)]
struct Heard {
    canaries: Vec<Canary>,
    answers: Vec<(String, String)>,
}

impl Heard {
    /// Gives out a secret of our own making.
    fn canary(&mut self, name: &'static str) -> String {
        let value = format!("canary-{name}-{}", gimlet_shared::ids::BootId::new().0.simple());
        self.know(name, &value, None);
        value
    }

    /// Notes a secret that the server made, and told in the answer to `told_in`.
    fn know(&mut self, name: &'static str, value: &str, told_in: Option<&'static str>) {
        assert!(value.len() > 8, "{name}: `{value}` is no secret");
        let value = value.to_owned();
        let is_key = matches!(name, "secrets.key" | "authority-key");
        self.canaries.push(Canary { name, value, told_in, is_in_manifests: false, is_key });
    }

    /// Sends a request; its answer is searched later. Returns the body.
    async fn ask(&mut self, label: &'static str, request: reqwest::RequestBuilder) -> String {
        let Ok(answer) = request.send().await else {
            // Whoever is not answered learns nothing.
            return String::new();
        };
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.text().await.unwrap_or_default();
        self.answers.push((label.to_owned(), format!("{status} {headers:?}\n{body}")));
        body
    }

    async fn ask_json(&mut self, label: &'static str, request: reqwest::RequestBuilder) -> Value {
        let body = self.ask(label, request).await;
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{label}: {error}: {body}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_an_answer_a_log_a_trace_a_metric_git_the_database_or_a_backup() {
    for database in Database::all() {
        let mut heard = Heard::default();
        let (collected, port) = Collected::serve().await;
        let endpoint = format!("[telemetry]\nendpoint = \"http://127.0.0.1:{port}\"\n");
        let mut world = World::new(database).with("log = \"trace\"\n").with(&endpoint);
        let header = heard.canary("otlp-header");
        world.set("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization=Bearer%20{header}"));
        world.start();
        // A second server is the git host of the first one's gitops repository.
        let mut git_host = World::new(Database::Sqlite);
        git_host.start();
        let echo = EchoingHost::start().await;
        let source = ways::drive(&mut world, &git_host, &echo, &mut heard).await;
        ways::fail(&world, &git_host, &echo, &mut heard).await;
        world.wait("traces", |_| !collected.spans().is_empty());
        let declared = fields::canaries();
        let planted: Vec<&str> = heard.canaries.iter().map(|canary| canary.name).collect();
        let missing: Vec<_> = declared.iter().filter(|name| !planted.contains(name)).collect();
        assert!(missing.is_empty(), "no canary for {missing:?}");
        let traces = format!("{:?}", collected.spans());
        let found: Vec<Found> = search_all(&world, &heard, &traces).await;
        assert!(found.is_empty(), "{found:#?}");
        assert!(!world.log().contains("panicked"), "{}", world.log());
        drop(source);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_finds_a_secret_that_lies_anywhere() {
    let mut heard = Heard::default();
    let mut world = World::new(Database::Sqlite).with("log = \"trace\"\n");
    world.start();
    let token = world.token();
    // In a git object that is packed or not, an answer, a file, and in base64: each is found.
    crate::drain::cluster(&world, &token, "production");
    let value = heard.canary("planted");
    heard.answers.push(("planted".to_owned(), format!("status 200\n{value}")));
    std::fs::write(world.data().join("note.txt"), ways::encoded(&value)).expect("written");
    let repository = search::repositories(&world.data()).remove(0);
    let source = tempfile::tempdir().expect("a folder");
    std::fs::write(source.path().join("note"), &value).expect("written");
    let path = source.path().join("note").display().to_string();
    crate::world::git(&repository, &["hash-object", "-w", &path]);
    let traces = format!("span {value}");
    let found = search_all(&world, &heard, &traces).await;
    let places: std::collections::BTreeSet<&str> = found.iter().map(|found| found.kind).collect();
    assert_eq!(places, ["answer", "trace", "file", "git"].into(), "{found:#?}");
}

#[test]
fn a_start_that_fails_names_no_password() {
    let password = "canary-database-password";
    for url in [
        format!("postgres://gimlet:{password}@127.0.0.1:1/gimlet"),
        format!("postgres://gimlet:{password}@127.0.0.1:notaport/gimlet"),
        format!("mysql://gimlet:{password}@127.0.0.1/gimlet"),
        format!("postgres://gimlet:{password}@host with space/gimlet"),
    ] {
        let world = World::new(Database::Postgres { url: url.clone() }).with("log = \"trace\"\n");
        for arguments in [
            ["run"].as_slice(),
            &["check"],
            &["check", "-o", "json"],
            &["config", "--explain", "database_url"],
            &["config", "--explain", "all", "-o", "json"],
            &["sign-in-link", "--login", "ana"],
            &["backup", "--to", "/nonexistent/backup.tar"],
        ] {
            let output = world.run(arguments);
            let said = format!("{output:?}");
            assert!(!said.contains(password), "{arguments:?} with {url}: {said}");
        }
    }
}

#[test]
fn addresses_with_a_password_in_them_are_shown_without() {
    let password = "canary-collector-password";
    let settings = format!(
        "log = \"trace\"\n[telemetry]\nendpoint = \"http://gimlet:{password}@127.0.0.1:1\"\n"
    );
    let mut world = World::new(Database::Sqlite).with(&settings);
    let explained = world.run(&["config", "--explain", "all"]);
    assert!(!format!("{explained:?}").contains(password), "{explained:?}");
    let checked = world.run(&["check", "-o", "json"]);
    assert!(!format!("{checked:?}").contains(password), "{checked:?}");
    if explained.status.success() && world.starts() {
        world.get(world.people, "/api/v1/version");
        world.wait("a warning", |world| world.log().contains("traces cannot be sent"));
    }
    assert!(!world.log().contains(password), "{}", world.log());
    let metrics = world.get(world.health, "/metrics").map_or(String::new(), |(_, text)| text);
    assert!(!metrics.contains(password));
}
