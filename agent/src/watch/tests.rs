use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use gimlet_shared::observed::ObservedState;
use http::{Request, Response};
use http_body_util::StreamBody;
use hyper::body::Frame;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;

type Lines = mpsc::UnboundedReceiver<Value>;

/// An API server with these pods and Kustomizations, whose pod watch says what the test sends.
struct Cluster {
    lists: HashMap<&'static str, Vec<Value>>,
    pod_events: Mutex<Option<Lines>>,
    log: &'static str,
}

impl Cluster {
    fn answer(&self, path: &str, query: &str) -> (u16, BoxStream<'static, Bytes>) {
        if path.ends_with("/log") {
            return (200, one(self.log.into()));
        }
        let plural = path.rsplit('/').next().unwrap_or_default();
        // Flux's Helm controller is not installed here.
        if plural == "helmreleases" {
            let status = json!({"kind": "Status", "status": "Failure", "code": 404,
                                "reason": "NotFound", "message": "page not found"});
            return (404, one(status.to_string()));
        }
        if !query.contains("watch=true") {
            let items = self.lists.get(plural).cloned().unwrap_or_default();
            let list = json!({"metadata": {"resourceVersion": "1"}, "items": items,
                              "kind": "List", "apiVersion": "v1"});
            return (200, one(list.to_string()));
        }
        let events = (plural == "pods").then(|| self.pod_events.lock().unwrap().take()).flatten();
        let Some(events) = events else { return (200, stream::pending().boxed()) };
        let lines = stream::unfold(events, |mut events| async {
            let event = events.recv().await?;
            Some((Bytes::from(format!("{event}\n")), events))
        });
        (200, lines.boxed())
    }
}

fn one(text: String) -> BoxStream<'static, Bytes> {
    stream::iter([Bytes::from(text)]).boxed()
}

fn client(cluster: Cluster) -> Client {
    let cluster = Arc::new(cluster);
    let service = tower::service_fn(move |request: Request<Body>| {
        let uri = request.uri();
        let (status, body) = cluster.answer(uri.path(), uri.query().unwrap_or_default());
        let body = StreamBody::new(body.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes))));
        let response = Response::builder().status(status).body(body).unwrap();
        async move { Ok::<_, Infallible>(response) }
    });
    Client::new(service, "default")
}

fn pod(name: &str, restarts: i32) -> Value {
    let state = if restarts > 0 {
        json!({"waiting": {"reason": "CrashLoopBackOff"}})
    } else {
        json!({"running": {}})
    };
    let last = if restarts > 0 { json!({"terminated": {"exitCode": 1}}) } else { json!({}) };
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "2",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web",
                                 "uid": "s", "controller": true}]},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "web", "restartCount": restarts, "state": state, "lastState": last}]},
    })
}

/// Starts a watch of a cluster with one pod and one Kustomization.
fn start() -> (mpsc::Receiver<Change>, mpsc::UnboundedSender<Value>, impl Future<Output = ()>) {
    let (events, lines) = mpsc::unbounded_channel();
    let apps = json!({"metadata": {"name": "apps", "namespace": "flux-system"}});
    let cluster = Cluster {
        lists: HashMap::from([("pods", vec![pod("web-0", 0)]), ("kustomizations", vec![apps])]),
        pod_events: Mutex::new(Some(lines)),
        log: "starting\n\u{1b}[31mno DATABASE_URL\u{1b}[0m\n",
    };
    let (sender, changes) = mpsc::channel(16);
    let watch = run(client(cluster), sender, CancellationToken::new());
    (changes, events, async { panic!("the watch ended: {:?}", watch.await) })
}

async fn next(changes: &mut mpsc::Receiver<Change>) -> Change {
    let change = tokio::time::timeout(Duration::from_secs(10), changes.recv()).await;
    change.expect("no change came").unwrap()
}

async fn until_synced(changes: &mut mpsc::Receiver<Change>) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match next(changes).await {
            Change::Seen(observation) => seen.push(observation.key.to_string()),
            Change::Gone(key) => panic!("{key} cannot be gone"),
            Change::Listing(_) | Change::Listed(_) => {}
            Change::Synced => break,
        }
    }
    seen.sort();
    seen
}

async fn beside(watch: impl Future<Output = ()>, script: impl Future<Output = ()>) {
    tokio::select! {
        () = watch => {}
        () = script => {}
    }
}

#[tokio::test]
async fn everything_is_told_before_the_watch_calls_itself_synced_even_without_all_of_flux() {
    let (mut changes, _events, watch) = start();
    beside(watch, async {
        let seen = until_synced(&mut changes).await;
        assert_eq!(seen, ["Kustomization flux-system/apps", "Pod shop/web-0"]);
    })
    .await;
}

#[tokio::test]
async fn changes_follow_and_the_output_of_a_crashed_container_with_them() {
    let (mut changes, events, watch) = start();
    beside(watch, async {
        until_synced(&mut changes).await;
        events.send(json!({"type": "MODIFIED", "object": pod("web-0", 1)})).unwrap();
        let lines = |change| match change {
            Change::Seen(Observation { state: ObservedState::Pod(pod), .. }) => {
                pod.containers[0].last_lines.clone()
            }
            other => panic!("{other:?}"),
        };
        assert!(lines(next(&mut changes).await).is_empty());
        assert_eq!(lines(next(&mut changes).await), ["starting", "no DATABASE_URL"]);

        events.send(json!({"type": "DELETED", "object": pod("web-0", 1)})).unwrap();
        let gone = next(&mut changes).await;
        assert!(matches!(gone, Change::Gone(key) if key.name == "web-0"));
    })
    .await;
}
