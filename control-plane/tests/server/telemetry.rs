//! Traces, taken in by a small collector that speaks the real protocol.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message as _;
use serde_json::json;

use crate::{
    agent::Agent,
    cluster::{Cluster, Place},
    drain::{cluster, deploys, releases, repository},
    world::{Database, Source, World, ask},
};

#[derive(Clone, Default)]
pub(crate) struct Collected(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

impl Collected {
    pub(crate) async fn serve() -> (Self, u16) {
        let collected = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let router = Router::new().route("/v1/traces", post(take)).with_state(collected.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::task::spawn(async move { axum::serve(listener, router).await });
        (collected, port)
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let all = self.0.lock().expect("whole");
        let resources = all.iter().flat_map(|one| &one.resource_spans);
        let scopes = resources.flat_map(|one| &one.scope_spans);
        scopes.flat_map(|one| one.spans.clone()).collect()
    }

    fn named(&self, name: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.name == name).collect()
    }
}

async fn take(State(collected): State<Collected>, body: Bytes) -> StatusCode {
    match ExportTraceServiceRequest::decode(body) {
        Ok(request) => {
            collected.0.lock().expect("whole").push(request);
            StatusCode::OK
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_of_a_commit_is_one_trace_and_holds_no_secret() {
    let (collected, port) = Collected::serve().await;
    let settings = format!("[telemetry]\nendpoint = \"http://127.0.0.1:{port}\"\n");
    let mut world = World::new(Database::Sqlite).with(&settings);
    world.start();
    let token = world.token();
    cluster(&world, &token, "production");
    let source = Source::new();
    source.push(&["web"], "canary-message");
    repository(&world, &token, &source);
    world.wait("a release in git", |world| !deploys(world).is_empty());
    world.wait("its trace", |_| {
        ["commit taken in", "ingest", "render", "gitops commit", "waited and written"]
            .iter()
            .all(|name| !collected.named(name).is_empty())
    });
    let whole = &collected.named("commit taken in")[0];
    for name in ["ingest", "render", "gitops commit", "waited and written"] {
        for span in collected.named(name) {
            assert_eq!(span.trace_id, whole.trace_id, "{name} is not part of the way");
            assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        }
    }
    assert_eq!(collected.named("ingest")[0].parent_span_id, whole.span_id);
    // What a release does is below the release's own span, which comes when it closes.
    assert_eq!(
        collected.named("render")[0].parent_span_id,
        collected.named("gitops commit")[0].parent_span_id
    );
    let everything = format!("{:?}", collected.0.lock().expect("whole"));
    assert!(everything.contains("gimlet-server") && everything.contains("service.version"));
    for secret in [token.as_str(), "canary-message", "ana@example.com"] {
        assert!(!everything.contains(secret), "{secret} is in a trace");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cluster_does_is_in_the_trace_step_by_step() {
    let (collected, port) = Collected::serve().await;
    let settings = format!("[telemetry]\nendpoint = \"http://127.0.0.1:{port}\"\n");
    let mut world = World::new(Database::Sqlite).with(&settings);
    world.start();
    let token = world.token();
    let agent = Agent::enrol(&world, &cluster(&world, &token, "production")).await;
    let mut link = Cluster::connected(&world, &agent).await;
    let source = Source::new();
    source.push(&["web"], "one");
    repository(&world, &token, &source);
    let mut commit = String::new();
    world.wait("a release in git", |world| {
        let written = releases(world, &token)
            .into_iter()
            .find_map(|release| release["gitops_commit"].as_str().map(str::to_owned));
        commit = written.unwrap_or_default();
        !commit.is_empty()
    });
    let place = Place { environment: "production", namespace: "shop", app: "web" };
    let before = "0".repeat(40);
    let has = |name: &str| !collected.named(name).is_empty();
    link.report(place.flux(&commit, &before));
    world.wait("the fetch in the trace", |_| has("fetched by Flux"));
    assert!(!has("applied by Flux") && !has("release"));
    let with = |ready| [place.flux(&commit, &commit), vec![place.deployment(ready)]].concat();
    link.report(with(0));
    world.wait("the apply in the trace", |_| has("applied by Flux"));
    assert!(!has("became healthy") && !has("release"));
    link.report(with(1));
    world.wait("the end in the trace", |_| has("release") && has("command at the agent"));

    let [whole] = collected.named("release").try_into().expect("one release");
    let steps = ["waited and written", "fetched by Flux", "applied by Flux", "became healthy"];
    let steps = steps.map(|name| {
        let [step] =
            collected.named(name).try_into().unwrap_or_else(|all| panic!("{name}: {all:?}"));
        step
    });
    for step in &steps {
        assert_eq!((&step.trace_id, &step.parent_span_id), (&whole.trace_id, &whole.span_id));
    }
    // One begins where the other ends, from the request to the end.
    assert_eq!(steps[0].start_time_unix_nano, whole.start_time_unix_nano);
    for pair in steps.windows(2) {
        assert_eq!(pair[0].end_time_unix_nano, pair[1].start_time_unix_nano, "{pair:?}");
        assert!(pair[1].start_time_unix_nano < pair[1].end_time_unix_nano, "{pair:?}");
    }
    let lag = whole.end_time_unix_nano.abs_diff(steps[3].end_time_unix_nano);
    assert!(lag < 1_000_000_000, "{lag} ns");
    assert_eq!(whole.parent_span_id, collected.named("commit taken in")[0].span_id);
    let told = collected.named("command at the agent");
    assert_eq!((&told[0].trace_id, &told[0].parent_span_id), (&whole.trace_id, &whole.span_id));
    assert!(format!("{:?}", whole.attributes).contains("healthy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_joins_its_caller_s_trace_and_says_which_span_it_was() {
    let (collected, port) = Collected::serve().await;
    let settings = format!("[telemetry]\nendpoint = \"http://127.0.0.1:{port}\"\nsample = 0.0\n");
    let mut world = World::new(Database::Sqlite).with(&settings);
    world.start();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = |flags: &str| {
        format!(
            "GET /api/v1/openapi.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             traceparent: 00-{trace}-00f067aa0ba902b7-{flags}\r\n\r\n"
        )
    };
    for flags in ["00", "01"] {
        assert_eq!(ask(world.people, &request(flags)).expect("an answer").0, 200);
    }
    world.get(world.people, "/api/v1/openapi.json");
    world.wait("the span of the sampled request", |_| !collected.spans().is_empty());
    world.stop();
    let spans = collected.spans();
    let [span] = spans.as_slice() else { panic!("{} spans: only one was sampled", spans.len()) };
    let hex: String = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((hex.as_str(), span.name.as_str()), (trace, "GET /api/v1/openapi.json"));
    assert_eq!(span.parent_span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_hurts_nobody() {
    let settings = "[telemetry]\nendpoint = \"http://127.0.0.1:1\"\n";
    let mut world = World::new(Database::Sqlite).with(settings);
    world.start();
    let token = world.token();
    for number in 0..50 {
        let name = json!({"name": format!("cluster-{number}")});
        assert_eq!(world.api(&token, "POST", "/clusters", &name).0, 201);
    }
    world.wait("a warning, once", |world| world.log().contains("traces cannot be sent"));
    let took = world.stop();
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
    let (_, metrics) = (0, world.log());
    assert_eq!(metrics.matches("traces cannot be sent; they").count(), 1);
}
