//! A scripted API server for tests: objects by path, optimistic locking as the real one does it, merge
//! patches, and a record of every request.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::{Client, client::Body};
use serde_json::{Value, json};

use crate::names;

#[derive(Clone, Default)]
pub(crate) struct FakeApi {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    requests: Vec<String>,
    failures: Vec<(String, u16)>,
}

impl FakeApi {
    /// A cluster where the installer has made the agent's own objects.
    pub(crate) fn with_own_objects() -> Self {
        let api = Self::default();
        for (plural, name) in [
            ("configmaps", names::CURSOR),
            ("secrets", names::IDENTITY),
            ("secrets", names::ENROLMENT),
            ("leases", names::LEASE),
        ] {
            api.set(plural, name, &json!({}));
        }
        api
    }

    pub(crate) fn client(&self) -> Client {
        let state = Arc::clone(&self.state);
        let service = tower::service_fn(move |request: Request<Body>| {
            let state = Arc::clone(&state);
            async move { Ok::<_, Infallible>(answer(&state, request).await) }
        });
        Client::new(service, "infrastructure")
    }

    /// Puts one of the agent's own objects.
    pub(crate) fn set(&self, plural: &str, name: &str, fields: &Value) {
        self.set_at(&own_path(plural, name), fields);
    }

    /// Puts any object.
    pub(crate) fn set_at(&self, path: &str, fields: &Value) {
        let mut object = fields.clone();
        let mut state = self.lock();
        state.version += 1;
        let version = state.version.to_string();
        object["metadata"]["name"] = path.rsplit('/').next().into();
        object["metadata"]["resourceVersion"] = version.into();
        state.objects.insert(path.to_owned(), object);
    }

    pub(crate) fn get(&self, plural: &str, name: &str) -> Value {
        self.get_at(&own_path(plural, name))
    }

    pub(crate) fn get_at(&self, path: &str) -> Value {
        self.lock().objects.get(path).cloned().unwrap_or_default()
    }

    /// The next request whose line (method and path) begins so fails with this status.
    pub(crate) fn fail_next(&self, line: &str, status: u16) {
        self.lock().failures.push((line.to_owned(), status));
    }

    /// Method and path of every request, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.lock().requests.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn own_path(plural: &str, name: &str) -> String {
    let root = if plural == "leases" { "apis/coordination.k8s.io" } else { "api" };
    format!("/{root}/v1/namespaces/infrastructure/{plural}/{name}")
}

async fn answer(state: &Mutex<State>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let path = parts.uri.path().to_owned();
    let line = format!("{} {path}", parts.method);
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.requests.push(line.clone());
    if let Some(index) = state.failures.iter().position(|(begin, _)| line.starts_with(begin)) {
        let (_, status) = state.failures.remove(index);
        return failure(status);
    }
    let Some(stored) = state.objects.get(&path).cloned() else { return failure(404) };
    let new = match parts.method {
        Method::GET => return response(200, &stored),
        Method::PUT => {
            let new: Value = serde_json::from_slice(&bytes).unwrap();
            let based_on = &new["metadata"]["resourceVersion"];
            if !based_on.is_null() && *based_on != stored["metadata"]["resourceVersion"] {
                return failure(409);
            }
            new
        }
        Method::PATCH => {
            let mut new = stored;
            merge(&mut new, &serde_json::from_slice(&bytes).unwrap());
            new
        }
        _ => return failure(405),
    };
    drop(state.objects.insert(path.clone(), new));
    state.version += 1;
    let version = state.version.to_string();
    let object = state.objects.get_mut(&path).unwrap();
    object["metadata"]["resourceVersion"] = version.into();
    response(200, object)
}

fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (target, Value::Object(fields)) => {
            if !target.is_object() {
                *target = json!({});
            }
            for (key, value) in fields {
                merge(&mut target[key], value);
            }
        }
        (target, value) => *target = value.clone(),
    }
}

fn failure(status: u16) -> Response<Body> {
    let reason = match status {
        404 => "NotFound",
        409 => "Conflict",
        403 => "Forbidden",
        _ => "InternalError",
    };
    let message = format!("scripted {status}");
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                      "message": message, "reason": reason, "code": status});
    response(status, &body)
}

fn response(status: u16, body: &Value) -> Response<Body> {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .body(Body::from(body.to_string().into_bytes()))
        .unwrap()
}
