//! The cluster to reports: watches what matters to releases and turns it into facts.
//!
//! One task per kind follows the API server; one owns the picture that joins what they see; container
//! output is fetched beside it. What changed goes out in order. Deciding what the facts mean is not done
//! here.

mod complaints;
mod flux;
mod kinds;
mod lines;
mod list;
mod picture;
mod pod;
mod reach;
mod revisions;
mod stream;
mod workload;

use std::collections::{HashSet, VecDeque};

use gimlet_shared::observed::{ObjectKey, Observation, text};
use kube::Client;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use kinds::{
    DaemonSet, Deployment, Event, Gateway, GitRepository, HTTPRoute, HelmRelease, Ingress, Job,
    Kustomization, Pod, ReplicaSet, Service, StatefulSet,
};
use lines::Run;
use picture::{Effects, Picture};
use stream::{Input, Watched, follow};

pub(crate) use text::clean;

/// Inputs on their way to the picture. Each holds a decoded object, and the API server keeps what waits.
const INPUTS: usize = 8;

/// Fetches of container output at a time: each holds a connection through to a kubelet.
const FETCHES: usize = 4;

/// What changed on the cluster.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "most of them are the large one")]
pub enum Change {
    /// An object is new or changed.
    Seen(Observation),
    /// An object is gone.
    Gone(ObjectKey),
    /// A list of all objects of this kind begins: each that is there is told again.
    Listing(&'static str),
    /// That list is complete: what was not told is gone.
    Listed(&'static str),
    /// Everything there is was told once. Comes once.
    Synced,
}

/// Why the watch ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A watcher ended.
    #[error("a watcher ended by itself")]
    Ended,
    /// Nobody takes the changes any more.
    #[error("nobody takes the changes of the cluster")]
    Unheard,
}

/// Watches the cluster and tells every change, until `shutdown`.
///
/// # Errors
/// [`WatchError`] if it cannot go on. Trouble with the API server is none: it is tried again.
pub async fn run(
    client: Client,
    changes: mpsc::Sender<Change>,
    shutdown: CancellationToken,
) -> Result<(), WatchError> {
    let (sender, mut inputs) = mpsc::channel(INPUTS);
    let mut watch = Watch {
        client,
        changes,
        sender,
        watchers: JoinSet::new(),
        picture: Picture::default(),
        unlisted: HashSet::new(),
        wanted: VecDeque::new(),
        fetches: JoinSet::new(),
    };
    watch.follow::<ReplicaSet>();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            Some(_) = watch.watchers.join_next() => return Err(WatchError::Ended),
            Some(input) = inputs.recv() => watch.take(input).await?,
            Some(Ok((run, lines))) = watch.fetches.join_next() => {
                let effects = watch.picture.hear(&run, lines);
                watch.tell(effects).await?;
            }
        }
    }
}

struct Watch {
    client: Client,
    changes: mpsc::Sender<Change>,
    sender: mpsc::Sender<Input>,
    watchers: JoinSet<()>,
    picture: Picture,
    /// Kinds whose first list is not complete.
    unlisted: HashSet<&'static str>,
    wanted: VecDeque<Run>,
    fetches: JoinSet<(Run, Option<Vec<String>>)>,
}

impl Watch {
    fn follow<K: Watched>(&mut self) {
        self.unlisted.insert(K::KIND);
        self.watchers.spawn(follow::<K>(self.client.clone(), self.sender.clone()));
    }

    /// Everything else begins when all `ReplicaSets` are known: a Deployment that comes before its own has
    /// to wait for it, and a large cluster's would all wait at once.
    fn follow_the_rest(&mut self) {
        self.follow::<Deployment>();
        self.follow::<StatefulSet>();
        self.follow::<DaemonSet>();
        self.follow::<Job>();
        self.follow::<Pod>();
        self.follow::<GitRepository>();
        self.follow::<Kustomization>();
        self.follow::<HelmRelease>();
        self.follow::<Ingress>();
        self.follow::<Service>();
        self.follow::<Gateway>();
        self.follow::<HTTPRoute>();
        self.follow::<Event>();
    }

    async fn take(&mut self, input: Input) -> Result<(), WatchError> {
        let effects = match input {
            Input::Seen(object) => self.picture.see(*object),
            Input::Lost(object) => self.picture.lose(*object),
            Input::Listing(kind) => self.picture.begin_list(kind),
            Input::Listed(kind) => {
                let mut effects = self.picture.end_list(kind);
                let is_first = self.unlisted.remove(kind);
                if is_first && kind == ReplicaSet::KIND {
                    self.follow_the_rest();
                }
                if is_first && self.unlisted.is_empty() {
                    effects.changes.push(Change::Synced);
                }
                effects
            }
        };
        self.tell(effects).await
    }

    async fn tell(&mut self, effects: Effects) -> Result<(), WatchError> {
        for change in effects.changes {
            self.changes.send(change).await.map_err(|_| WatchError::Unheard)?;
        }
        self.wanted.extend(effects.wanted);
        while self.fetches.len() < FETCHES
            && let Some(run) = self.wanted.pop_front()
        {
            let client = self.client.clone();
            self.fetches.spawn(async move {
                let lines = lines::fetch(client, &run).await;
                (run, lines)
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
