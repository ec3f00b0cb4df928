//! One kind of objects as a stream of inputs for the picture.

use std::{collections::HashSet, fmt::Debug};

use futures::TryStreamExt as _;
use gimlet_shared::{error_chain::Chain, observed::ObjectKey};
use kube::{
    Api, Client, Resource,
    runtime::{WatchStreamExt as _, watcher},
};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use super::{
    kinds::{
        DaemonSet, Deployment, Event, Gateway, GitRepository, HTTPRoute, HelmRelease, Ingress, Job,
        Kustomization, Pod, ReplicaSet, Service, StatefulSet,
    },
    picture::{Object, key},
};

/// Objects of one page of a list: bounds what is in memory while a large cluster is listed.
const PAGE: u32 = 200;

/// What a watcher tells the picture.
#[derive(Debug)]
pub(crate) enum Input {
    /// An object is there.
    Seen(Box<Object>),
    /// An object is gone.
    Lost(ObjectKey),
    /// An event has expired.
    Expired(Box<Event>),
    /// All objects of this kind were told; there are no others.
    Listed { kind: &'static str, keys: HashSet<ObjectKey> },
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

    fn lost(self) -> Input {
        Input::Lost(key(Self::KIND, self.meta()))
    }
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
}

impl Watched for Event {
    const KIND: &'static str = "Event";
    const FIELDS: &'static str = "type=Warning,metadata.namespace!=kube-system";

    fn into_object(self) -> Object {
        Object::Event(self)
    }

    fn lost(self) -> Input {
        Input::Expired(Box::new(self))
    }
}

/// Follows all objects of a kind until the other side of `inputs` is gone.
pub(crate) async fn follow<K: Watched>(client: Client, inputs: mpsc::Sender<Input>) {
    let config = watcher::Config::default().fields(K::FIELDS).page_size(PAGE);
    let stream = watcher(Api::<K>::all(client), config).default_backoff();
    let mut stream = std::pin::pin!(stream);
    let mut listing = HashSet::new();
    let mut was_listed = false;
    loop {
        let input = match stream.try_next().await {
            Ok(None) => return,
            Ok(Some(event)) => translate(event, &mut listing),
            Err(error) if K::OPTIONAL && is_absent(&error) => {
                debug!(
                    kind = K::KIND,
                    "the cluster does not know this kind yet, or does not show it"
                );
                (!was_listed).then(|| Input::Listed { kind: K::KIND, keys: HashSet::new() })
            }
            Err(error) => {
                warn!(kind = K::KIND, error = %Chain(&error), "watching failed, trying again");
                None
            }
        };
        let Some(input) = input else { continue };
        if matches!(input, Input::Listed { .. }) && !was_listed {
            was_listed = true;
            info!(kind = K::KIND, "watching");
        }
        if inputs.send(input).await.is_err() {
            return;
        }
    }
}

fn translate<K: Watched>(
    event: watcher::Event<K>,
    listing: &mut HashSet<ObjectKey>,
) -> Option<Input> {
    match event {
        watcher::Event::Init => {
            listing.clear();
            None
        }
        watcher::Event::InitApply(object) => {
            listing.insert(key(K::KIND, object.meta()));
            Some(Input::Seen(Box::new(object.into_object())))
        }
        watcher::Event::InitDone => {
            Some(Input::Listed { kind: K::KIND, keys: std::mem::take(listing) })
        }
        watcher::Event::Apply(object) => Some(Input::Seen(Box::new(object.into_object()))),
        watcher::Event::Delete(object) => Some(object.lost()),
    }
}

/// The API server does not know the kind, or does not show it to the agent.
fn is_absent(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => {
            matches!(status.code, 403 | 404)
        }
        _ => false,
    }
}
