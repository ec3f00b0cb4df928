//! Deliveries on their way to the server's port, and what it answered.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use gimlet_shared::ids::BootId;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{runtime::Runtime, task::JoinSet};

use super::super::{api::Added, world::lock};

/// Deliveries that are under way at once; GitHub sends those of different repositories side by side.
const SENDERS: usize = 32;

/// What a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Signed, and told for the first time.
    Good,
    /// The same once more, perhaps before the first has arrived.
    Double,
    /// Signed wrongly or not at all.
    Forged,
}

/// One delivery, complete.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    kind: Kind,
    repository: String,
    id: String,
    body: String,
    signature: Option<String>,
}

impl Delivery {
    /// A good one.
    pub(super) fn new(added: &Added, body: String) -> Self {
        let signature = gimlet_github::sign(&added.secret, body.as_bytes()).ok();
        let (repository, id) = (added.id.clone(), BootId::new().to_string());
        Self { kind: Kind::Good, repository, id, body, signature }
    }

    /// The same again.
    pub(super) fn again(&self) -> Self {
        Self { kind: Kind::Double, ..self.clone() }
    }

    /// What somebody without the secret can make of it: no signature, an empty key's, another key's, and
    /// the good signature under another body.
    pub(super) fn forged(&self) -> [Self; 4] {
        let sign = |key: &str| gimlet_github::sign(key, self.body.as_bytes()).ok();
        // Even a library that refuses empty keys can be got around: HMAC pads them with zeroes.
        let empty = sign("").or_else(|| sign("\0"));
        let signed = |signature: Option<String>| {
            let id = BootId::new().to_string();
            Self { kind: Kind::Forged, id, signature, ..self.clone() }
        };
        let body = self.body.replace("refs/heads/", "refs/heads/evil-");
        [
            signed(None),
            signed(empty),
            signed(sign("guessed")),
            // Under the id that was delivered, too.
            Self { kind: Kind::Forged, body, ..self.clone() },
        ]
    }
}

/// What was answered to one of them.
#[derive(Clone, Copy, Debug)]
struct Answered {
    kind: Kind,
    status: u16,
    stored: bool,
    took: Duration,
}

/// Everything that was sent.
pub(super) struct Flood {
    runtime: Arc<Runtime>,
    client: Client,
    server: SocketAddr,
    answered: Vec<Answered>,
}

impl Flood {
    pub(super) fn new(runtime: &Arc<Runtime>, server: SocketAddr) -> Self {
        Self { runtime: Arc::clone(runtime), client: Client::new(), server, answered: Vec::new() }
    }

    /// Sends all of them, in order, several at a time.
    ///
    /// # Errors
    /// When one is not answered.
    pub(super) fn send(&mut self, mut deliveries: Vec<Delivery>) -> Result<()> {
        // The next one is taken from the end.
        deliveries.reverse();
        let waiting = Arc::new(Mutex::new(deliveries));
        let answered = self.runtime.block_on(async {
            let mut senders = JoinSet::new();
            for _ in 0..SENDERS {
                let (waiting, client, server) =
                    (Arc::clone(&waiting), self.client.clone(), self.server);
                senders.spawn(async move {
                    let mut answered = Vec::new();
                    loop {
                        let next = lock(&waiting).pop();
                        let Some(next) = next else { return anyhow::Ok(answered) };
                        answered.push(deliver(&client, server, next).await?);
                    }
                });
            }
            let mut all = Vec::new();
            while let Some(end) = senders.join_next().await {
                all.extend(end.context("a sender panicked")??);
            }
            anyhow::Ok(all)
        })?;
        self.answered.extend(answered);
        Ok(())
    }

    pub(super) fn count(&self, kind: Kind) -> usize {
        self.answered.iter().filter(|one| one.kind == kind).count()
    }

    /// Milliseconds until what was good was acknowledged.
    pub(super) fn figures(&self) -> Value {
        let took = self.took();
        let at = |share: usize| {
            let place = (took.len() * share / 1000).min(took.len().saturating_sub(1));
            took.get(place).map_or(0.0, |took| (took.as_secs_f64() * 1e4).round() / 10.0)
        };
        json!({"p50": at(500), "p99": at(990), "max": at(1000)})
    }

    fn took(&self) -> Vec<Duration> {
        let good = self.answered.iter().filter(|one| one.kind != Kind::Forged);
        let mut took: Vec<Duration> = good.map(|one| one.took).collect();
        took.sort_unstable();
        took
    }

    /// Answers that should have been others.
    pub(super) fn findings(&self, longest_p99: Duration) -> Vec<String> {
        let is_right = |one: &&Answered| match one.kind {
            Kind::Good | Kind::Double => matches!(one.status, 200 | 202),
            Kind::Forged => one.status == 401,
        };
        let wrong = self.answered.iter().filter(|one| !is_right(one));
        let mut findings: Vec<String> = wrong
            .map(|one| format!("a {:?} delivery was answered {}", one.kind, one.status))
            .collect();
        let (stored, ids) =
            (self.answered.iter().filter(|one| one.stored).count(), self.count(Kind::Good));
        if stored != ids {
            findings.push(format!("{stored} deliveries were stored for {ids} ids"));
        }
        let took = self.took();
        let p99 = took[took.len() * 99 / 100];
        if p99 > longest_p99 {
            findings.push(format!("1 of 100 waited longer than {} ms", p99.as_millis()));
        }
        findings
    }

    /// What the server has counted otherwise.
    pub(super) fn metrics_findings(&self, metrics: &str) -> Vec<String> {
        [("stored", Kind::Good), ("replay", Kind::Double), ("refused", Kind::Forged)]
            .into_iter()
            .filter_map(|(outcome, kind)| {
                let labelled = format!("gimlet_webhook_deliveries_total{{outcome=\"{outcome}\"}} ");
                let counted = metrics.lines().find_map(|line| line.strip_prefix(&labelled));
                let sent = self.count(kind).to_string();
                (counted != Some(sent.as_str()))
                    .then(|| format!("{sent} were sent to be {outcome}, and counted {counted:?}"))
            })
            .collect()
    }
}

async fn deliver(client: &Client, server: SocketAddr, delivery: Delivery) -> Result<Answered> {
    let url = format!("http://{server}/hooks/github/{}", delivery.repository);
    let mut request = client
        .post(url)
        .header("content-type", "application/json")
        .header("x-github-event", "push")
        .header("x-github-delivery", delivery.id);
    if let Some(signature) = delivery.signature {
        request = request.header("x-hub-signature-256", signature);
    }
    let began = Instant::now();
    let answer = request.body(delivery.body).send().await?;
    let status = answer.status().as_u16();
    let stored = answer.text().await?.contains("\"stored\"");
    Ok(Answered { kind: delivery.kind, status, stored, took: began.elapsed() })
}
