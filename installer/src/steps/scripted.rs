//! An API server that keeps objects in memory and applies by merging: enough of one to run steps
//! against.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde_json::{Value, json};

use super::Cluster;

/// What the server holds, by path, and how it answers.
#[derive(Clone, Default)]
pub(super) struct Scripted(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    writes: usize,
    refusal: Option<(Method, StatusCode, &'static str)>,
}

impl Scripted {
    pub(super) fn cluster(&self) -> Cluster {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        Cluster::new(Client::new(service, "default"))
    }

    /// Answers every request of this method so from now on.
    pub(super) fn refuse(&self, method: Method, status: StatusCode, message: &'static str) {
        self.0.lock().unwrap().refusal = Some((method, status, message));
    }

    pub(super) fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }

    /// The object at the path that ends so.
    pub(super) fn object(&self, path: &str) -> Value {
        let state = self.0.lock().unwrap();
        let mut found = state.objects.iter().filter(|(known, _)| known.ends_with(path));
        found.next().unwrap().1.clone()
    }

    pub(super) fn put(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.0.lock().unwrap();
        let found = state.objects.iter_mut().find(|(known, _)| known.ends_with(path));
        change(found.unwrap().1);
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
        let is_dry = parts.uri.query().unwrap_or_default().contains("dryRun=All");
        let (status, answer) =
            self.0.lock().unwrap().handle(&parts.method, parts.uri.path(), sent, is_dry);
        let body = Body::from(serde_json::to_vec(&answer).unwrap());
        Response::builder().status(status).body(body).unwrap()
    }
}

impl State {
    fn handle(
        &mut self,
        method: &Method,
        path: &str,
        sent: Value,
        is_dry: bool,
    ) -> (StatusCode, Value) {
        if let Some((refused, status, message)) = &self.refusal
            && refused == method
        {
            return (*status, failure(*status, message));
        }
        let (path, result) = match *method {
            Method::GET => return self.get(path),
            Method::DELETE => {
                self.writes += 1;
                return (StatusCode::OK, self.objects.remove(path).unwrap_or_default());
            }
            Method::PATCH => {
                let mut merged = self.objects.get(path).cloned().unwrap_or_else(|| json!({}));
                merge(&mut merged, sent);
                (path.to_owned(), merged)
            }
            _ => (format!("{path}/{}", sent["metadata"]["name"].as_str().unwrap()), sent),
        };
        if !is_dry {
            self.writes += 1;
            self.objects.insert(path, result.clone());
        }
        (StatusCode::OK, result)
    }

    fn get(&self, path: &str) -> (StatusCode, Value) {
        match self.objects.get(path) {
            Some(object) => (StatusCode::OK, object.clone()),
            None => (StatusCode::NOT_FOUND, failure(StatusCode::NOT_FOUND, "not found")),
        }
    }
}

fn failure(status: StatusCode, message: &str) -> Value {
    let reason = status.canonical_reason().unwrap_or_default().replace(' ', "");
    json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure",
        "message": message, "reason": reason, "code": status.as_u16(),
    })
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
