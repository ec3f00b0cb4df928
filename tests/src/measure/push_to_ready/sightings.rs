//! What the cluster shows, and when: open watches whose news are kept with the time they came.

use std::{
    io::BufReader,
    process::{Child, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{MARK, Milestones, NAMESPACE};
use crate::{child::until, scripted_cluster::FLUX_NAMESPACE, stack::Stack};

/// A point of time that another process of this machine can name as well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(SystemTime);

/// Which push is looked for.
pub(super) struct Seen<'a> {
    /// The application.
    pub(super) app: &'a str,
    /// What its pods are marked with.
    pub(super) mark: &'a str,
    /// The commit of the gitops repository.
    pub(super) commit: &'a str,
}

/// Everything that was seen. Its watches end when it is dropped.
pub(super) struct Sightings {
    watches: Vec<Child>,
    all: Arc<Mutex<Vec<(Moment, Value)>>>,
}

/// Whether an object shows a step of a push.
type IsSeen = fn(&Seen<'_>, &Value) -> bool;

impl Moment {
    pub(super) fn now() -> Self {
        Self(SystemTime::now())
    }

    pub(super) fn of_rfc3339(text: &str) -> Result<Self> {
        let parsed =
            time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339);
        Ok(Self(parsed.with_context(|| format!("`{text}` is no time"))?.into()))
    }

    /// Seconds since an earlier one; negative for a later one.
    pub(super) fn since(self, earlier: Self) -> f64 {
        match self.0.duration_since(earlier.0) {
            Ok(time) => time.as_secs_f64(),
            Err(error) => -error.duration().as_secs_f64(),
        }
    }
}

impl Sightings {
    /// Opens the watches.
    pub(super) fn start(stack: &Stack) -> Result<Self> {
        let mut started = Self { watches: Vec::new(), all: Arc::default() };
        for (kind, namespace) in [
            ("gitrepositories.source.toolkit.fluxcd.io", FLUX_NAMESPACE),
            ("kustomizations.kustomize.toolkit.fluxcd.io", FLUX_NAMESPACE),
            ("deployments.apps", NAMESPACE),
            ("pods", NAMESPACE),
        ] {
            let mut kubectl = stack.cluster.kubectl().command();
            kubectl.args(["--namespace", namespace, "get", kind, "--watch", "--output", "json"]);
            kubectl.stdout(Stdio::piped()).stderr(Stdio::null());
            let mut watch = kubectl.spawn().context("cannot watch")?;
            let out = watch.stdout.take().context("a watch without output")?;
            started.watches.push(watch);
            let all = Arc::clone(&started.all);
            // It ends with the watch, whose process is killed below.
            std::thread::spawn(move || {
                let objects = serde_json::Deserializer::from_reader(BufReader::new(out));
                for object in objects.into_iter::<Value>().map_while(Result::ok) {
                    lock(&all).push((Moment::now(), object));
                }
            });
        }
        Ok(started)
    }

    /// When a push was seen to come through, step by step, in seconds after `began`.
    pub(super) fn after(
        &self,
        began: Moment,
        push: &Seen<'_>,
        limit: Duration,
    ) -> Result<Milestones> {
        let steps: [(&'static str, IsSeen); 4] = [
            ("fetched", |push, object| push.is_fetched(object)),
            ("applied", |push, object| push.is_applied(object)),
            ("pod-ready", |push, object| push.is_pod_ready(object)),
            ("kustomization-ready", |push, object| push.is_ready(object)),
        ];
        let mut found = Milestones::new();
        for (name, is_it) in steps {
            let at = until(limit, || self.first(began, |object| is_it(push, object)));
            let at = at.with_context(|| format!("`{name}` was not seen of {}", push.mark))?;
            found.insert(name, at.since(began));
        }
        // Somebody asked the source to look, just before it had fetched.
        let asked = self.first(began, |object| {
            let asked = &object["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"];
            object["kind"] == "GitRepository"
                && asked.is_string()
                && object["status"]["lastHandledReconcileAt"] != *asked
        });
        if let Some(asked) = asked {
            found.insert("poked", asked.since(began));
        }
        Ok(found)
    }

    fn first(&self, began: Moment, is_it: impl Fn(&Value) -> bool) -> Option<Moment> {
        let all = lock(&self.all);
        let after = all.iter().filter(|(at, _)| at.since(began) >= 0.0);
        after.into_iter().find(|(_, object)| is_it(object)).map(|(at, _)| *at)
    }
}

impl Seen<'_> {
    fn is_fetched(&self, object: &Value) -> bool {
        object["kind"] == "GitRepository"
            && self.names_commit(&object["status"]["artifact"]["revision"])
    }

    fn is_applied(&self, object: &Value) -> bool {
        object["kind"] == "Deployment" && self.is_marked(&object["spec"]["template"]["metadata"])
    }

    fn is_pod_ready(&self, object: &Value) -> bool {
        object["kind"] == "Pod" && self.is_marked(&object["metadata"]) && is_true(object, "Ready")
    }

    fn is_ready(&self, object: &Value) -> bool {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        object["kind"] == "Kustomization"
            && name.ends_with(self.app)
            && self.names_commit(&object["status"]["lastAppliedRevision"])
            && is_true(object, "Ready")
    }

    fn is_marked(&self, metadata: &Value) -> bool {
        metadata["labels"]["app"] == self.app && metadata["annotations"][MARK] == self.mark
    }

    fn names_commit(&self, revision: &Value) -> bool {
        revision.as_str().is_some_and(|revision| revision.ends_with(self.commit))
    }
}

fn is_true(object: &Value, condition: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|it| it["type"] == condition && it["status"] == "True")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Sightings {
    fn drop(&mut self) {
        for watch in &mut self.watches {
            // It may have ended by itself.
            let _ = watch.kill();
            let _ = watch.wait();
        }
    }
}
