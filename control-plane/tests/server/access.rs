//! Every route of the whole server, asked by everybody who must not get what it has: no answer may hold
//! anything of the victim, nor may anything of it change.
//!
//! The routes are those that the routers are made of; a route without a probe fails, and so does one that
//! is served without being declared.

mod asking;
mod callers;
mod declared;
mod probes;
mod scene;
mod streams;

use gimlet_api::RouteRule;
use reqwest::Client;

use self::{
    asking::{Answer, Request, send},
    callers::{Caller, Dressed, callers, complaint, owner},
    probes::{Fresh, PROBES, Probe, csr, is_for_agents, made_up},
    scene::{Scene, WORDS},
};
use crate::world::Database;

pub(crate) use self::{
    asking::{agents_client, client},
    scene::session,
};

/// What should not have been answered.
#[derive(Debug)]
#[expect(dead_code, reason = "a failed test prints it")]
struct Finding {
    route: String,
    caller: Caller,
    what: What,
}

#[derive(Debug)]
#[expect(dead_code, reason = "a failed test prints it")]
enum What {
    /// The answer holds this word of the victim.
    Leak(String),
    /// Another status than it should have.
    Status(String),
}

impl Finding {
    fn is_leak(&self) -> bool {
        matches!(self.what, What::Leak(_))
    }
}

/// All routes of the three ports.
fn routes() -> Vec<RouteRule> {
    [gimlet_api::routes(), gimlet_api::health_routes(), gimlet_web::routes()].concat()
}

fn rule_of(probe: &Probe) -> RouteRule {
    let routes = routes();
    let found = routes.iter().find(|rule| probe.is_of(rule));
    *found.unwrap_or_else(|| panic!("{} {} is not served", probe.method, probe.path))
}

#[test]
fn every_route_has_a_probe_and_every_probe_a_route() {
    let missing: Vec<RouteRule> = routes()
        .into_iter()
        .filter(|rule| PROBES.iter().filter(|probe| probe.is_of(rule)).count() != 1)
        .collect();
    assert!(missing.is_empty(), "each needs one line in access/probes.rs: {missing:#?}");
    for probe in PROBES {
        rule_of(probe);
    }
}

/// The two clients, as a browser and an agent are.
struct Asking<'a> {
    scene: &'a Scene,
    people: Client,
    agents: Client,
}

impl<'a> Asking<'a> {
    fn new(scene: &'a Scene) -> Self {
        Self { scene, people: client(), agents: agents_client(&scene.world) }
    }

    async fn ask(&self, rule: &RouteRule, mut request: Request, headers: Headers) -> Answer {
        request.headers.extend(headers);
        send(if is_for_agents(rule) { &self.agents } else { &self.people }, &request).await
    }

    /// Sends every probe as everybody who must get nothing.
    async fn strangers(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for probe in PROBES {
            let rule = rule_of(probe);
            let request = probe.request(self.scene, &rule, &made_up());
            for (caller, headers) in callers(self.scene, &rule, &request) {
                let answer = self.ask(&rule, request.clone(), headers).await;
                let leak = (caller != Caller::Viewer)
                    .then(|| leak(self.scene, &request, &answer))
                    .flatten();
                let what = leak.map(What::Leak).or_else(|| {
                    complaint((&rule, probe), caller, &answer).map(|complaint| {
                        What::Status(format!("{complaint}: {}", cut(&answer.text)))
                    })
                });
                let route = format!("{} {}", rule.method, rule.path);
                findings.extend(what.map(|what| Finding { route, caller, what }));
            }
        }
        findings
    }

    /// Sends every probe as the owner: what was refused to others was refused to them alone.
    async fn owner(&self) -> Vec<String> {
        let mut refused = Vec::new();
        for probe in PROBES {
            let rule = rule_of(probe);
            if rule.path == "/agent/link" {
                // The scene's cluster is connected through it.
                continue;
            }
            let fresh = self.fresh(&rule).await;
            let request = probe.request(self.scene, &rule, &fresh);
            let (_, headers): Dressed = owner(self.scene, &rule, &request);
            let answer = self.ask(&rule, request, headers).await;
            let is_out = rule.path == "/sign-out" && answer.leads_to_sign_in();
            if !answer.is_yes() && !is_out {
                let (method, path) = (rule.method, rule.path);
                refused.push(format!("{method} {path}: {} {}", answer.status, cut(&answer.text)));
            }
        }
        refused
    }

    /// Single-use secrets that are good.
    async fn fresh(&self, rule: &RouteRule) -> Fresh {
        let mut fresh = made_up();
        let mut set = |name: &str, value: String| {
            for (key, old) in &mut fresh {
                if *key == name {
                    old.clone_from(&value);
                }
            }
        };
        let world = &self.scene.world;
        match rule.path {
            "/api/v1/auth/link" | "/sign-in/{code}" => {
                set("code", world.sign_in_code("kumquat", "papaya", "owner"));
            }
            "/api/v1/auth/device/token" | "/device" => {
                let nothing = serde_json::json!({});
                let (_, started) = world.api("", "POST", "/auth/device", &nothing);
                let text = |name: &str| started[name].as_str().expect("a code").to_owned();
                if rule.path != "/device" {
                    self.approve(&text("user_code")).await;
                }
                set("device", text("device_code"));
                set("user_code", text("user_code"));
            }
            "/assets/{file}" => set("asset", self.asset().await),
            "/enrolment/certificate" => set("csr", csr()),
            _ => {}
        }
        fresh
    }

    async fn approve(&self, user_code: &str) {
        let url = format!("http://127.0.0.1:{}/device", self.scene.world.people);
        let request = self.people.post(url).header("sec-fetch-site", "same-origin");
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", format!("gimlet_session={}", self.scene.owner.cookie));
        let approved = request.body(format!("code={user_code}")).send().await.expect("an answer");
        assert_eq!(approved.status(), 200);
    }

    /// The name of the style sheet, from a page.
    async fn asset(&self) -> String {
        let url = format!("http://127.0.0.1:{}/sign-in", self.scene.world.people);
        let page = self.people.get(url).send().await.expect("an answer").text().await.expect("it");
        let (_, rest) = page.split_once("/assets/").expect("an asset");
        rest.split('"').next().expect("its name").to_owned()
    }
}

type Headers = Vec<(&'static str, String)>;

/// The first word or id of the victim in the answer that the request did not bring.
fn leak(scene: &Scene, request: &Request, answer: &Answer) -> Option<String> {
    let asked = format!("{} {} {:?}", request.url, request.body, request.headers);
    let words = WORDS.iter().copied().chain(scene.things.ids.iter().map(String::as_str));
    let found = words.filter(|word| !asked.contains(word));
    let text = answer.text.to_lowercase();
    found.map(str::to_owned).find(|word| text.contains(word.as_str()))
}

fn cut(text: &str) -> String {
    text.rsplit('\n').next().unwrap_or_default().chars().take(300).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_gives_anything_to_who_must_not_have_it_and_each_works_for_who_may() {
    for database in Database::all() {
        let scene = Scene::new(database).await;
        let asking = Asking::new(&scene);
        let before = scene.belongings();
        let findings = asking.strangers().await;
        assert!(findings.is_empty(), "{findings:#?}");
        assert_eq!(scene.belongings(), before, "a stranger changed something");
        let refused = asking.owner().await;
        assert!(refused.is_empty(), "the owner was refused: {refused:#?}");
        // Now that idempotency keys of the owner's answers are kept, they are tried again.
        let leaks: Vec<Finding> =
            asking.strangers().await.into_iter().filter(Finding::is_leak).collect();
        assert!(leaks.is_empty(), "{leaks:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_store_s_filter_postgresql_gives_nothing_away_through_any_route() {
    let Some(database) = Database::postgres() else { return };
    let mut scene = Scene::new(database).await;
    scene.restarted_with("GIMLET_PLANTED_BUG", "missing-scope-filter").await;
    let before = scene.belongings();
    let findings = Asking::new(&scene).strangers().await;
    assert!(findings.is_empty(), "{findings:#?}");
    assert_eq!(scene.belongings(), before, "a stranger changed something");
}

/// What the same probes find where nothing stands behind the filter: they can fail.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_store_s_filter_sqlite_gives_away_what_the_probes_look_for() {
    let mut scene = Scene::new(Database::Sqlite).await;
    scene.restarted_with("GIMLET_PLANTED_BUG", "missing-scope-filter").await;
    let findings = Asking::new(&scene).strangers().await;
    let leaks = findings.iter().filter(|finding| finding.is_leak());
    let leaking: std::collections::BTreeSet<&str> =
        leaks.map(|finding| finding.route.as_str()).collect();
    for route in [
        "GET /api/v1/clusters",
        "GET /api/v1/clusters/{id}",
        "GET /api/v1/releases/{id}/events",
        "GET /api/v1/changes",
        "GET /live",
        "GET /palette",
        "GET /releases/{id}",
        "GET /fleet",
    ] {
        assert!(leaking.contains(route), "{route} is not among {leaking:#?}");
    }
}
