//! The Kubernetes API over a store of objects: get, list, watch, create, replace, merge patch, delete.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, stream, stream::BoxStream};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use url::form_urlencoded;

use super::{
    FLUX_NAMESPACE,
    ledger::{Effect, Ledger},
    objects::{Change, Objects, Place, Refused},
};

/// How long a watch goes on where its client does not say.
const WATCH: Duration = Duration::from_secs(290);

/// How often a quiet watch tells how far it is.
const BOOKMARK: Duration = Duration::from_secs(30);

/// The annotation by which Flux is asked to look now.
pub(super) const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

pub(super) type Answer = Response<UnsyncBoxBody<Bytes, std::convert::Infallible>>;

/// What answers requests.
#[derive(Clone, Debug)]
pub(super) struct Api {
    objects: Objects,
    ledger: Option<Arc<Ledger>>,
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    resource: String,
    namespace: Option<String>,
    name: Option<String>,
    subresource: Option<String>,
}

impl Api {
    pub(super) fn new(objects: Objects, ledger: Option<Arc<Ledger>>) -> Self {
        Self { objects, ledger }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        if parts.uri.path() == "/version" {
            return json_answer(200, &version());
        }
        let Some(target) = Target::parse(parts.uri.path()) else { return failure(404) };
        let query: HashMap<String, String> =
            form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        if parts.method == Method::GET {
            return self.read(&target, &query);
        }
        let Ok(body) = body.collect().await else { return failure(400) };
        let body = body.to_bytes();
        self.write(&parts.method, &target, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    fn read(&self, target: &Target, query: &HashMap<String, String>) -> Answer {
        match (&target.name, &target.subresource) {
            (_, Some(_)) => text_answer(),
            (Some(name), None) => {
                let namespace = target.namespace.as_deref().unwrap_or_default();
                match self.objects.get(&target.resource, namespace, name) {
                    Some(object) => json_answer(200, &object),
                    None => failure(404),
                }
            }
            (None, None) if query.get("watch").is_some_and(|watch| watch != "false") => {
                self.watch(target, query)
            }
            (None, None) => self.list(target, query),
        }
    }

    fn list(&self, target: &Target, query: &HashMap<String, String>) -> Answer {
        let wanted = Wanted::of(target, query);
        let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
        let start = query.get("continue").and_then(|token| parse_continue(token));
        let after = start.as_ref().map(|(_, place)| place);
        let (now, items, last) =
            self.objects.page(&target.resource, after, limit, |object| wanted.has(object));
        // All pages speak of the moment of the first: a watch from there misses nothing.
        let version = start.as_ref().map_or(now, |(version, _)| *version);
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if let Some((namespace, name)) = last {
            metadata["continue"] = format!("{version}/{namespace}/{name}").into();
        }
        let mut text =
            format!(r#"{{"kind":"List","apiVersion":"v1","metadata":{metadata},"items":["#);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(&item.to_string());
        }
        text.push_str("]}");
        answer(200, "application/json", stream::once(async { Bytes::from(text) }).boxed())
    }

    fn watch(&self, target: &Target, query: &HashMap<String, String>) -> Answer {
        let seconds = query.get("timeoutSeconds").and_then(|text| text.parse().ok());
        let version = query.get("resourceVersion").and_then(|text| text.parse().ok());
        let watching = Watching {
            objects: self.objects.clone(),
            versions: self.objects.versions(),
            resource: target.resource.clone(),
            wanted: Wanted::of(target, query),
            version: version.unwrap_or(0),
            until: Instant::now() + seconds.map_or(WATCH, Duration::from_secs),
        };
        let lines = stream::unfold(Some(watching), |watching| async move {
            let mut watching = watching?;
            let lines = watching.next().await?;
            let is_over = lines.starts_with(br#"{"type":"ERROR""#);
            Some((lines, (!is_over).then_some(watching)))
        });
        answer(200, "application/json", lines.boxed())
    }

    fn write(&self, method: &Method, target: &Target, body: Value) -> Answer {
        let namespace = target.namespace.clone().unwrap_or_default();
        let Some(name) = &target.name else {
            if *method != Method::POST {
                return failure(405);
            }
            let mut object = body;
            object["metadata"]["namespace"] = namespace.into();
            self.objects.put(&target.resource, object.clone());
            return json_answer(201, &object);
        };
        let place: Place = (namespace, name.clone());
        let written = match *method {
            Method::PUT => self.objects.replace(&target.resource, &place, body),
            Method::PATCH => self.patch(target, &place, &body),
            Method::DELETE => {
                let removed = self.objects.remove(&target.resource, &place.0, &place.1);
                return if removed {
                    json_answer(200, &json!({"kind": "Status"}))
                } else {
                    failure(404)
                };
            }
            _ => return failure(405),
        };
        match written {
            Ok(object) => json_answer(200, &object),
            Err(Refused::Absent) => failure(404),
            Err(Refused::Conflict) => failure(409),
        }
    }

    /// A patch that asks Flux for something new is an effect.
    fn patch(&self, target: &Target, place: &Place, patch: &Value) -> Result<Arc<Value>, Refused> {
        let (patched, changes) = self.objects.merge(&target.resource, place, patch)?;
        let asked = patch["metadata"]["annotations"][REQUESTED_AT].as_str();
        if let (Some(command), Some(ledger)) = (asked, &self.ledger)
            && place.0 == FLUX_NAMESPACE
            && changes
        {
            let object = format!("{}/{}", target.resource, place.1);
            ledger.note(Effect::Requested { object, command: command.to_owned() });
        }
        Ok(patched)
    }
}

/// One watch that goes on.
struct Watching {
    objects: Objects,
    versions: tokio::sync::watch::Receiver<u64>,
    resource: String,
    wanted: Wanted,
    version: u64,
    until: Instant,
}

impl Watching {
    /// The next lines; `None` when the watch is over.
    async fn next(&mut self) -> Option<Bytes> {
        let quiet_until = Instant::now() + BOOKMARK;
        loop {
            self.versions.mark_unchanged();
            let Some((version, changes)) = self.objects.changes_since(&self.resource, self.version)
            else {
                return Some(line("ERROR", &status(410, "Expired")));
            };
            self.version = version;
            let lines = changes.iter().filter(|change| self.wanted.has(&change.object));
            let lines: Vec<u8> =
                lines.flat_map(|Change { kind, object, .. }| line(kind, object)).collect();
            if !lines.is_empty() {
                return Some(lines.into());
            }
            tokio::select! {
                changed = self.versions.changed() => changed.ok()?,
                () = sleep_until(self.until) => return None,
                () = sleep_until(quiet_until) => {
                    let version = self.version.to_string();
                    let metadata = json!({"resourceVersion": version});
                    let bookmark =
                        json!({"kind": "Bookmark", "apiVersion": "v1", "metadata": metadata});
                    return Some(line("BOOKMARK", &bookmark));
                }
            }
        }
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    Bytes::from(format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n"))
}

/// Which objects a list or watch is about.
#[derive(Debug)]
struct Wanted {
    namespace: Option<String>,
    /// Path of the field, whether it has to be equal, and to what.
    fields: Vec<(Vec<String>, bool, String)>,
}

impl Wanted {
    fn of(target: &Target, query: &HashMap<String, String>) -> Self {
        let selector = query.get("fieldSelector").map(String::as_str).unwrap_or_default();
        let fields = selector.split(',').filter_map(|term| {
            let (path, equal, value) = match term.split_once("!=") {
                Some((path, value)) => (path, false, value),
                None => {
                    let (path, value) = term.split_once('=')?;
                    (path, true, value.trim_start_matches('='))
                }
            };
            Some((path.split('.').map(str::to_owned).collect(), equal, value.to_owned()))
        });
        Self { namespace: target.namespace.clone(), fields: fields.collect() }
    }

    fn has(&self, object: &Value) -> bool {
        let in_namespace = self
            .namespace
            .as_ref()
            .is_none_or(|namespace| object["metadata"]["namespace"] == namespace.as_str());
        in_namespace
            && self.fields.iter().all(|(path, equal, value)| {
                let found = path.iter().fold(object, |object, part| &object[part.as_str()]);
                (found.as_str().unwrap_or_default() == value) == *equal
            })
    }
}

impl Target {
    /// `/api/v1/…` and `/apis/<group>/<version>/…`.
    fn parse(path: &str) -> Option<Self> {
        let mut parts = path.trim_matches('/').split('/');
        let prefix = match parts.next()? {
            "api" => parts.next()?.to_owned(),
            "apis" => format!("{}/{}", parts.next()?, parts.next()?),
            _ => return None,
        };
        let rest: Vec<&str> = parts.collect();
        let (namespace, rest) = match rest.as_slice() {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => {
                (Some((*namespace).to_owned()), rest)
            }
            rest => (None, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (plural, None, None),
            [plural, name] => (plural, Some(name), None),
            [plural, name, subresource] => (plural, Some(name), Some(subresource)),
            _ => return None,
        };
        Some(Self {
            resource: format!("{prefix}/{plural}"),
            namespace,
            name: name.map(|name| (*name).to_owned()),
            subresource: subresource.map(|name| (*name).to_owned()),
        })
    }
}

fn parse_continue(token: &str) -> Option<(u64, Place)> {
    let mut parts = token.splitn(3, '/');
    let version = parts.next()?.parse().ok()?;
    Some((version, (parts.next()?.to_owned(), parts.next()?.to_owned())))
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "34", "gitVersion": "v1.34.4", "gitCommit": "scripted",
        "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.26",
        "compiler": "gc", "platform": "linux/amd64",
    })
}

fn status(code: u16, reason: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("scripted cluster: {reason}"), "reason": reason, "code": code,
    })
}

fn failure(code: u16) -> Answer {
    let reason = match code {
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        _ => "BadRequest",
    };
    json_answer(code, &status(code, reason))
}

fn json_answer(code: u16, body: &Value) -> Answer {
    let body = Bytes::from(body.to_string());
    answer(code, "application/json", stream::once(async { body }).boxed())
}

/// The output of a container: none, as none runs.
fn text_answer() -> Answer {
    answer(200, "text/plain", stream::empty().boxed())
}

fn answer(code: u16, kind: &'static str, body: BoxStream<'static, Bytes>) -> Answer {
    let body = StreamBody::new(body.map(|bytes| Ok(Frame::data(bytes))));
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    answer
}
