//! The pages over real use cases and a real database, without a network.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{
        Method, Request, StatusCode,
        header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
    },
    response::Response,
};
use gimlet_app::{
    App, AppConfig, AppMetrics, CertificateAuthority, Clock, Outside, SystemClock, Vault,
    open_charts,
};
use gimlet_git::remote::HostPolicy;
use gimlet_github::GitHubHooks;
use gimlet_store::Store;
use gimlet_web::{WebConfig, pages_router};
use http_body_util::BodyExt;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

mod queries;

struct Site {
    app: App,
    store: Store,
    router: Router,
    shutdown: CancellationToken,
    _folder: TempDir,
}

impl Site {
    async fn start(public_url: &str) -> Self {
        // Another test may have done so already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        let database = format!("sqlite://{}", folder.path().join("gimlet.db").display());
        let store = Store::open(&database).await.unwrap();
        let ca = CertificateAuthority::open(&folder.path().join("ca"), SystemClock.now()).unwrap();
        let settings = AppConfig {
            public_url: public_url.parse().unwrap(),
            agent_url: "https://gimlet.example:9443".parse().unwrap(),
            git_url: public_url.parse().unwrap(),
            data_dir: folder.path().to_owned(),
            agent_image: "registry.example/agent:1".to_owned(),
            release_deadline: Duration::from_secs(300),
            poll_interval: Duration::from_secs(3600),
            host_policy: HostPolicy { allow_private: true, allow_file: true },
        };
        let metrics = AppMetrics::register(&prometheus::Registry::new()).unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let charts = open_charts(folder.path(), settings.host_policy).unwrap();
        let (hooks, clock) = (Arc::new(GitHubHooks), Arc::new(SystemClock));
        let app =
            App::new(store.clone(), settings, ca, vault, Outside { charts, hooks }, clock, metrics);
        let shutdown = CancellationToken::new();
        let config =
            WebConfig { public_url: public_url.parse().unwrap(), shutdown: shutdown.clone() };
        let router = pages_router(app.clone(), &config);
        Self { app, store, router, shutdown, _folder: folder }
    }

    async fn ask(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// The path of a new one-time link.
    async fn link(&self, organization: &str) -> String {
        let link = self.app.create_sign_in_link(organization, "ana").await.unwrap();
        link[link.find("/sign-in/").unwrap()..].to_owned()
    }

    /// The cookie of a new session.
    async fn signed_in(&self, organization: &str) -> String {
        let response = self.ask(post(&self.link(organization).await, "", "")).await;
        cookies(&response).remove(0).split(';').next().unwrap().to_owned()
    }
}

fn get(path: &str, cookie: &str) -> Request<Body> {
    Request::get(path).header(COOKIE, cookie).body(Body::empty()).unwrap()
}

fn post(path: &str, cookie: &str, form: &str) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(COOKIE, cookie)
        .header("sec-fetch-site", "same-origin")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap()
}

fn cookies(response: &Response) -> Vec<String> {
    let values = response.headers().get_all(SET_COOKIE).iter();
    values.map(|value| value.to_str().unwrap().to_owned()).collect()
}

async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// The next message of a stream; empty where it has ended.
async fn message(stream: &mut Body) -> String {
    match stream.frame().await {
        Some(frame) => String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap(),
        None => String::new(),
    }
}

/// Every page that belongs to someone.
const PRIVATE: [&str; 27] = [
    "/",
    "/get-started",
    "/device",
    "/fleet",
    "/fleet/connect",
    "/fleet/clu_00000000000000000000000000000001",
    "/repositories",
    "/repositories/add",
    "/commits",
    "/commits/art_00000000000000000000000000000001",
    "/apps",
    "/apps/production/shop",
    "/apps/production/shop/delete",
    "/releases",
    "/releases/rel_00000000000000000000000000000001",
    "/releases/rel_00000000000000000000000000000001/rollback",
    "/apps/production/shop/history",
    "/apps/production/shop/compare",
    "/releases/rel_00000000000000000000000000000001/changes",
    "/live?region=/fleet",
    "/live?region=/get-started&region=/activity",
    "/live?region=/fleet/clu_00000000000000000000000000000001",
    "/live?region=/releases/rel_00000000000000000000000000000001",
    "/activity?kind=release&environment=&since=2026-05-01",
    "/search?q=shop",
    "/palette?q=roll+back+shop",
    "/go/rollback/production/shop",
];

/// Every address that changes something for who is signed in.
const CHANGES: [&str; 8] = [
    "/device",
    "/fleet",
    "/fleet/clu_00000000000000000000000000000001/enrolment",
    "/repositories",
    "/repositories/rep_00000000000000000000000000000001/look",
    "/releases",
    "/releases/rel_00000000000000000000000000000001/rollback",
    "/apps/production/shop/delete",
];

#[tokio::test]
async fn who_is_not_signed_in_sees_no_page_and_changes_nothing() {
    let site = Site::start("http://gimlet.example").await;
    for cookie in ["", "gimlet_session=ses_made_up"] {
        for path in PRIVATE {
            let response = site.ask(get(path, cookie)).await;
            assert_eq!(response.headers()[LOCATION], "/sign-in", "{path}");
        }
        for path in CHANGES {
            let response = site.ask(post(path, cookie, "name=x&url=http://x.example/a/b")).await;
            assert_eq!(response.headers()[LOCATION], "/sign-in", "{path}");
        }
    }
    let mut request = get("/live?region=/fleet", "");
    request.headers_mut().insert("accept", "text/html, text/event-stream".parse().unwrap());
    assert_eq!(site.ask(request).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_site_changes_nothing_in_a_person_s_name() {
    let site = Site::start("http://gimlet.example").await;
    let ana = site.signed_in("acme").await;
    for path in CHANGES.into_iter().chain(["/sign-out"]) {
        let mut request = post(path, &ana, "name=edge");
        request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        assert_eq!(site.ask(request).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let fleet = text(site.ask(get("/fleet", &ana)).await).await;
    assert!(fleet.contains("No cluster yet"));
}

#[tokio::test]
async fn looking_at_a_sign_in_link_does_not_spend_it_and_spending_it_works_once() {
    let site = Site::start("https://gimlet.example").await;
    let link = site.link("acme").await;
    for _ in 0..2 {
        assert_eq!(site.ask(get(&link, "")).await.status(), StatusCode::OK);
    }
    let spent = site.ask(post(&link, "gimlet_next=/device?code=BDFG-HJKL", "")).await;
    assert_eq!(spent.headers()[LOCATION], "/device?code=BDFG-HJKL");
    let cookie = &cookies(&spent)[0];
    for attribute in ["gimlet_session=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    assert_eq!(site.ask(post(&link, "", "")).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let site = Site::start("http://gimlet.example").await;
    let ana = site.signed_in("acme").await;
    site.ask(post("/sign-out", &ana, "")).await;
    assert_eq!(site.ask(get("/fleet", &ana)).await.headers()[LOCATION], "/sign-in");
}

#[tokio::test]
async fn what_belongs_to_another_organization_looks_absent() {
    let site = Site::start("http://gimlet.example").await;
    let (ana, stranger) = (site.signed_in("acme").await, site.signed_in("other").await);
    let page = text(site.ask(post("/fleet", &ana, "name=edge")).await).await;
    let own =
        page.split("data-replace-url=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();

    assert_eq!(site.ask(get(&own, &ana)).await.status(), StatusCode::OK);
    assert_eq!(site.ask(get(&own, &stranger)).await.status(), StatusCode::NOT_FOUND);
    let stream = site.ask(get(&format!("/live?region={own}"), &stranger)).await;
    assert_eq!(stream.status(), StatusCode::NOT_FOUND);
    let renewal = site.ask(post(&format!("{own}/enrolment"), &stranger, "")).await;
    assert_eq!(renewal.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_name_that_cannot_be_is_answered_in_the_form() {
    let site = Site::start("http://gimlet.example").await;
    let ana = site.signed_in("acme").await;
    let refused = site.ask(post("/fleet", &ana, "name=Not+A+Name")).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = text(refused).await;
    assert!(page.contains("value=\"Not A Name\"") && page.contains("role=\"alert\""), "{page}");
}

#[tokio::test]
async fn what_is_wrong_with_a_gitops_repository_is_told_in_the_form_without_the_password() {
    let site = Site::start("http://gimlet.example").await;
    let ana = site.signed_in("acme").await;
    let form = "name=edge&gitops_url=ftp%3A%2F%2Fgit.example%2Fa%2Fb&gitops_username=bot&gitops_password=canary";
    let refused = site.ask(post("/fleet", &ana, form)).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = text(refused).await;
    assert!(page.contains("ftp://git.example/a/b") && page.contains("not supported"), "{page}");
    assert!(page.contains(r#"value="bot""#) && !page.contains("canary"), "{page}");
    let fleet = text(site.ask(get("/fleet", &ana)).await).await;
    assert!(fleet.contains("No cluster yet"));
}

#[tokio::test]
async fn every_private_page_opens_or_says_that_nothing_is_there() {
    let site = Site::start("http://gimlet.example").await;
    let ana = site.signed_in("acme").await;
    for path in PRIVATE.into_iter().chain(["/nothing", "/releases/none", "/apps/%ff/x"]) {
        let response = site.ask(get(path, &ana)).await;
        let status = response.status();
        assert!(matches!(status.as_u16(), 200 | 303 | 404), "{status} of {path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
    }
}

/// The next event of a stream that is named one of `names`.
async fn event(stream: &mut Body, names: &[&str]) -> String {
    loop {
        let event = message(stream).await;
        if names.iter().any(|name| event.starts_with(&format!("event: {name}\n"))) {
            return event;
        }
        assert_ne!(event, "", "the stream ended before one of {names:?}");
    }
}

#[tokio::test]
async fn a_live_page_shows_a_change_and_ends_with_the_server() {
    let site = Site::start("http://gimlet.example").await;
    let ana = site.signed_in("acme").await;
    let mut stream = site.ask(get("/live?region=/fleet", &ana)).await.into_body();
    assert!(event(&mut stream, &["full"]).await.contains("No cluster yet"));

    site.ask(post("/fleet", &ana, "name=edge")).await;
    assert!(event(&mut stream, &["full", "step"]).await.contains("edge"));

    site.shutdown.cancel();
    assert_eq!(message(&mut stream).await, "");
}

#[tokio::test]
async fn all_who_look_at_the_same_get_the_same_bytes_and_strangers_none_of_them() {
    let site = Site::start("http://gimlet.example").await;
    let (ana, stranger) = (site.signed_in("acme").await, site.signed_in("other").await);
    let look = async |cookie: &str| {
        let answer = site.ask(get("/live?region=/fleet&region=/apps", cookie)).await;
        assert_eq!(answer.headers()[CONTENT_TYPE], "text/event-stream");
        let mut stream = answer.into_body();
        for _ in 0..2 {
            event(&mut stream, &["full"]).await;
        }
        stream
    };
    let (mut one, mut other, mut strange) =
        (look(&ana).await, look(&ana).await, look(&stranger).await);
    site.ask(post("/fleet", &ana, "name=edge")).await;
    let seen = event(&mut one, &["full", "step"]).await;
    assert_eq!(seen, event(&mut other, &["full", "step"]).await);

    site.ask(post("/fleet", &stranger, "name=mine")).await;
    let seen = event(&mut strange, &["full", "step"]).await;
    assert!(seen.contains("mine") && !seen.contains("edge"), "{seen}");
}

#[tokio::test]
async fn who_comes_back_gets_only_what_changed_meanwhile() {
    let site = Site::start("http://gimlet.example").await;
    let ana = site.signed_in("acme").await;
    let address = "/live?region=/apps&region=/fleet";
    let mut stream = site.ask(get(address, &ana)).await.into_body();
    let mut versions = Vec::new();
    for _ in 0..2 {
        let full = event(&mut stream, &["full"]).await;
        versions.push(full.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned());
    }
    drop(stream);
    site.ask(post("/fleet", &ana, "name=edge")).await;

    let mut back = get(address, &ana);
    back.headers_mut().insert("last-event-id", versions.join(",").parse().unwrap());
    let mut stream = site.ask(back).await.into_body();
    let first = event(&mut stream, &["full", "step", "beat"]).await;
    assert!(first.contains("edge"), "{first}");
}

#[tokio::test]
async fn a_stream_does_not_outlive_its_session_for_long() {
    let site = Site::start("http://gimlet.example").await;
    let ana = site.signed_in("acme").await;
    let mut stream = site.ask(get("/live?region=/fleet", &ana)).await.into_body();
    event(&mut stream, &["full"]).await;
    site.ask(post("/sign-out", &ana, "")).await;
    // The database works on threads of its own, which know no paused time.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(60)).await;
    tokio::time::resume();
    event(&mut stream, &["out"]).await;
    assert_eq!(message(&mut stream).await, "");
}

#[tokio::test]
async fn regions_that_cannot_be_are_refused() {
    let site = Site::start("http://gimlet.example").await;
    let ana = site.signed_in("acme").await;
    assert_eq!(site.ask(get("/live", &ana)).await.status(), StatusCode::BAD_REQUEST);
    for absent in ["/live?region=/sign-in", "/live?region=x", "/live?region=/fleet&region=/nothing"]
    {
        assert_eq!(site.ask(get(absent, &ana)).await.status(), StatusCode::NOT_FOUND, "{absent}");
    }
}

#[tokio::test]
async fn the_palette_finds_what_one_has_and_nothing_of_others() {
    let site = Site::start("http://gimlet.example").await;
    let (ana, stranger) = (site.signed_in("acme").await, site.signed_in("other").await);
    site.ask(post("/fleet", &ana, "name=edge&environment=staging")).await;
    let found = async |cookie: &str, q: &str| {
        text(site.ask(get(&format!("/palette?q={q}"), cookie)).await).await
    };
    assert!(found(&ana, "stag").await.contains("staging"));
    assert!(found(&ana, "connect+a").await.contains("data-href=\"/fleet/connect\""));
    assert!(!found(&stranger, "stag").await.contains("staging"));
    assert!(text(site.ask(get("/search?q=edge", &ana)).await).await.contains(">edge<"));
}
