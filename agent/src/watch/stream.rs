//! One kind of objects as a stream of inputs for the picture.

use std::{fmt::Debug, time::Duration};

use futures::TryStreamExt as _;
use gimlet_shared::{backoff::Backoff, error_chain::Chain};
use http_body_util::{BodyExt as _, Limited};
use kube::{
    Client, Resource,
    api::{ListParams, WatchParams},
    client::Body,
    core::{Request, Status, WatchEvent},
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::mpsc,
    time::{Instant, error::Elapsed, sleep, timeout},
};
use tracing::{debug, info, warn};

use super::{
    kinds::{
        DaemonSet, Deployment, Event, Gateway, GitRepository, HTTPRoute, HelmRelease, Ingress, Job,
        Kustomization, Pod, ReplicaSet, Service, StatefulSet,
    },
    list::{ListMetadata, Piece, Pieces},
    picture::Object,
};

/// Objects of one page of a list: what the API server reads at a time.
const PAGE: u32 = 250;

/// How long a page may take, with what the picture needs to take it in.
const PAGE_PATIENCE: Duration = Duration::from_secs(120);

/// Seconds after which the API server ends a watch, and how much later one that did not end is dead.
const WATCH_SECONDS: u32 = 290;
const WATCH_PATIENCE: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 5);

/// A watch that stood this long proves that the API server is well.
const PROVEN: Duration = Duration::from_secs(30);

/// The bounds of the delay before the API server is asked again.
const FIRST_DELAY: Duration = Duration::from_millis(800);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// Bytes that are read of an answer that is an error.
const ERROR_BYTES: usize = 64 * 1024;

/// The API server does not know a version any more, or none of that age.
const EXPIRED: u16 = 410;

/// What a watcher tells the picture.
#[derive(Debug)]
pub(crate) enum Input {
    /// A list of all objects of this kind begins.
    Listing(&'static str),
    /// An object is there.
    Seen(Box<Object>),
    /// An object is gone, or an event has expired; this is how it was last.
    Lost(Box<Object>),
    /// All objects of this kind were told; there are no others.
    Listed(&'static str),
}

/// Why a list or a watch did not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    #[error("the Kubernetes API did not answer as it should")]
    Api {
        #[from]
        source: kube::Error,
    },
    #[error("an object or a list of the Kubernetes API cannot be read")]
    Unreadable {
        #[from]
        source: serde_json::Error,
    },
    #[error("the Kubernetes API did not answer in time")]
    TimedOut {
        #[from]
        source: Elapsed,
    },
    #[error("the version to go on from has expired")]
    Expired,
    /// The picture takes nothing more: the agent ends.
    #[error("nobody takes what is seen")]
    Unheard,
}

/// A kind that is watched.
pub(crate) trait Watched:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static
{
    const KIND: &'static str;
    /// Which objects of it matter. What runs Kubernetes itself does not.
    const FIELDS: &'static str = "metadata.namespace!=kube-system";
    /// Its definition may be absent, as parts of Flux can be left out, or the right to read it, which an
    /// older installation did not give.
    const OPTIONAL: bool = false;

    fn into_object(self) -> Object;
}

macro_rules! watched {
    ($($kind:ident $({ $($constant:ident = $value:expr),* })?;)*) => {$(
        impl Watched for $kind {
            const KIND: &'static str = stringify!($kind);
            $($(watched!(@constant $constant $value);)*)?

            fn into_object(self) -> Object {
                Object::$kind(self)
            }
        }
    )*};
    (@constant OPTIONAL $value:expr) => { const OPTIONAL: bool = $value; };
    (@constant FIELDS $value:expr) => { const FIELDS: &'static str = $value; };
}

watched! {
    Deployment;
    StatefulSet;
    DaemonSet;
    ReplicaSet;
    Job;
    Pod;
    GitRepository { OPTIONAL = true };
    Kustomization { OPTIONAL = true };
    HelmRelease { OPTIONAL = true };
    Ingress { OPTIONAL = true };
    // Others are reached from inside the cluster only.
    Service { OPTIONAL = true, FIELDS = "spec.type=LoadBalancer,metadata.namespace!=kube-system" };
    Gateway { OPTIONAL = true };
    HTTPRoute { OPTIONAL = true };
    Event { FIELDS = "type=Warning,metadata.namespace!=kube-system" };
}

/// Follows all objects of a kind until the other side of `inputs` is gone.
pub(crate) async fn follow<K: Watched>(client: Client, inputs: mpsc::Sender<Input>) {
    let mut follower = Follower { client, inputs, version: None, was_listed: false };
    let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
    loop {
        let began = Instant::now();
        let end = follower.attempt::<K>().await;
        let has_held = began.elapsed() >= PROVEN;
        match end {
            // The API server ends every watch after a while.
            Ok(()) if has_held => continue,
            Ok(()) => {}
            Err(FollowError::Unheard) => return,
            Err(FollowError::Expired) => {
                debug!(kind = K::KIND, "the watch fell behind, listing again");
                follower.version = None;
            }
            Err(error) if K::OPTIONAL && is_absent(&error) => {
                debug!(
                    kind = K::KIND,
                    "the cluster does not know this kind yet, or does not show it"
                );
                if follower.say_absent::<K>().await.is_err() {
                    return;
                }
            }
            Err(error) => {
                warn!(kind = K::KIND, error = %Chain(&error), "watching failed, trying again");
            }
        }
        sleep(if has_held { backoff.restart() } else { backoff.next_delay() }).await;
    }
}

/// Follows one kind.
struct Follower {
    client: Client,
    inputs: mpsc::Sender<Input>,
    /// From where a watch goes on; `None` before a list.
    version: Option<String>,
    was_listed: bool,
}

impl Follower {
    /// A list where there is none to go on from, and a watch to its regular end.
    async fn attempt<K: Watched>(&mut self) -> Result<(), FollowError> {
        let version = match self.version.clone() {
            None => self.list::<K>().await?,
            Some(version) => version,
        };
        timeout(WATCH_PATIENCE, self.watch::<K>(version)).await?
    }

    /// Tells every object, and gives the version of the whole.
    async fn list<K: Watched>(&mut self) -> Result<String, FollowError> {
        self.tell(Input::Listing(K::KIND)).await?;
        let mut next = String::new();
        loop {
            let page = timeout(PAGE_PATIENCE, self.page::<K>(next)).await??;
            next = page.next;
            if next.is_empty() {
                self.tell(Input::Listed(K::KIND)).await?;
                self.version = Some(page.resource_version.clone());
                self.note_listed::<K>();
                return Ok(page.resource_version);
            }
        }
    }

    /// Reads one page, object by object.
    async fn page<K: Watched>(&self, next: String) -> Result<ListMetadata, FollowError> {
        let parameters = ListParams {
            field_selector: Some(K::FIELDS.to_owned()),
            limit: Some(PAGE),
            continue_token: Some(next).filter(|next| !next.is_empty()),
            ..ListParams::default()
        };
        let request = Request::new(K::url_path(&(), None)).list(&parameters);
        let request = request.map_err(kube::Error::BuildRequest)?;
        let mut body = self.send(request).await?;
        let (mut pieces, mut metadata) = (Pieces::default(), ListMetadata::default());
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame?.into_data() else { continue };
            let mut seen = Vec::new();
            pieces.push(&bytes, |piece| {
                match piece {
                    Piece::Metadata(json) => metadata = serde_json::from_slice(json)?,
                    Piece::Item(json) => seen.push(serde_json::from_slice::<K>(json)?),
                }
                Ok::<_, FollowError>(())
            })?;
            for object in seen {
                self.tell(Input::Seen(Box::new(object.into_object()))).await?;
            }
        }
        Ok(metadata)
    }

    /// The body of an answer that is no error.
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<Body, FollowError> {
        let (parts, body) = self.client.send(request.map(Body::from)).await?.into_parts();
        if parts.status.is_success() {
            return Ok(body);
        }
        if parts.status.as_u16() == EXPIRED {
            return Err(FollowError::Expired);
        }
        // What cannot be read, or is too long, is told by its number alone.
        let text = Limited::new(body, ERROR_BYTES).collect().await;
        let text = text.map(|text| text.to_bytes()).unwrap_or_default();
        let status = serde_json::from_slice(&text).unwrap_or_else(|_| {
            let code = parts.status.as_u16();
            Status::failure(&parts.status.to_string(), "Unreadable").with_code(code)
        });
        Err(kube::Error::Api(status.boxed()).into())
    }

    async fn watch<K: Watched>(&mut self, version: String) -> Result<(), FollowError> {
        let parameters = WatchParams {
            field_selector: Some(K::FIELDS.to_owned()),
            timeout: Some(WATCH_SECONDS),
            ..WatchParams::default()
        };
        let request = Request::new(K::url_path(&(), None)).watch(&parameters, &version);
        let request = request.map_err(kube::Error::BuildRequest)?;
        let events = self.client.request_events::<K>(request).await.map_err(expired)?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.try_next().await.map_err(expired)? {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    let version = object.meta().resource_version.clone();
                    self.tell(Input::Seen(Box::new(object.into_object()))).await?;
                    self.version = version;
                }
                WatchEvent::Deleted(object) => {
                    let version = object.meta().resource_version.clone();
                    self.tell(Input::Lost(Box::new(object.into_object()))).await?;
                    self.version = version;
                }
                WatchEvent::Bookmark(bookmark) => {
                    self.version = Some(bookmark.metadata.resource_version);
                }
                WatchEvent::Error(status) => return Err(expired(kube::Error::Api(status))),
            }
        }
        Ok(())
    }

    /// Without the kind there are no objects of it; said once, so that nobody waits for them.
    async fn say_absent<K: Watched>(&mut self) -> Result<(), FollowError> {
        if self.was_listed {
            return Ok(());
        }
        self.tell(Input::Listed(K::KIND)).await?;
        self.note_listed::<K>();
        Ok(())
    }

    fn note_listed<K: Watched>(&mut self) {
        if !std::mem::replace(&mut self.was_listed, true) {
            info!(kind = K::KIND, "watching");
        }
    }

    async fn tell(&self, input: Input) -> Result<(), FollowError> {
        self.inputs.send(input).await.map_err(|_| FollowError::Unheard)
    }
}

fn expired(error: kube::Error) -> FollowError {
    match error {
        kube::Error::Api(status) if status.code == EXPIRED => FollowError::Expired,
        source => source.into(),
    }
}

/// The API server does not know the kind, or does not show it to the agent.
fn is_absent(error: &FollowError) -> bool {
    match error {
        FollowError::Api { source: kube::Error::Api(status) } => matches!(status.code, 403 | 404),
        _ => false,
    }
}
