//! Which replica leads: a Lease of 15 seconds, taken and renewed by compare-and-swap.
//!
//! Clocks of different machines are not compared: a foreign Lease counts as given up only after it did not
//! change for its whole duration while this replica looked on.

use std::time::Duration;

use gimlet_shared::{crash_point, error_chain::Chain};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{Api, Client, api::PostParams};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::names;

/// How long a Lease holds without being renewed.
const DURATION: Duration = Duration::from_secs(15);

/// A leader that could not renew for this long steps down, well before another may take over.
const STEP_DOWN: Duration = Duration::from_secs(10);

/// How often a leader renews.
const RENEW_EVERY: Duration = Duration::from_secs(4);

/// How often a follower looks, and a leader tries again to renew.
const RETRY_EVERY: Duration = Duration::from_secs(2);

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Takes part in the election until `shutdown`, telling through `leads` whether this replica leads. At the
/// end a held Lease is given back, so that the next leader need not wait for it.
pub async fn take_part(
    client: Client,
    namespace: &str,
    replica: &str,
    leads: watch::Sender<bool>,
    shutdown: CancellationToken,
) {
    let api: Api<Lease> = Api::namespaced(client, namespace);
    let mut candidate = Candidate::new(replica.to_owned());
    loop {
        let delay = round(&api, &mut candidate, &leads).await;
        if shutdown.run_until_cancelled(sleep(delay)).await.is_none() {
            break;
        }
    }
    leads.send_replace(false);
    if candidate.is_leader(Instant::now()) {
        give_back(&api, &candidate).await;
    }
}

/// Looks at the Lease once, and takes or renews it if it may. Returns when to look again.
async fn round(
    api: &Api<Lease>,
    candidate: &mut Candidate,
    leads: &watch::Sender<bool>,
) -> Duration {
    let began = Instant::now();
    let result = timeout(PATIENCE, attempt(api, candidate, began)).await;
    match result {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(error = %Chain(&error), "could not read or renew the Lease"),
        Err(_) => warn!("the Kubernetes API did not answer about the Lease"),
    }
    let is_leader = candidate.is_leader(Instant::now());
    let has_changed =
        leads.send_if_modified(|leads| std::mem::replace(leads, is_leader) != is_leader);
    if has_changed {
        info!(is_leader, replica = candidate.replica, "leadership changed");
    }
    if is_leader && candidate.renewed_at == Some(began) { RENEW_EVERY } else { RETRY_EVERY }
}

async fn attempt(
    api: &Api<Lease>,
    candidate: &mut Candidate,
    began: Instant,
) -> Result<(), kube::Error> {
    let lease = api.get(names::LEASE).await?;
    if candidate.look_at(&lease, began) == Move::Wait {
        return Ok(());
    }
    let wanted = candidate.claim(lease, Timestamp::now());
    crash_point!("agent.lease.before");
    let claimed = api.replace(names::LEASE, &PostParams::default(), &wanted).await;
    crash_point!("agent.lease.after");
    match claimed {
        Ok(_) => {
            candidate.renewed_at = Some(began);
            Ok(())
        }
        // Another replica was faster; the next look shows who.
        Err(kube::Error::Api(status)) if status.is_conflict() => Ok(()),
        Err(error) => Err(error),
    }
}

async fn give_back(api: &Api<Lease>, candidate: &Candidate) {
    let release = async {
        let mut lease = api.get(names::LEASE).await?;
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() == Some(candidate.replica.as_str()) {
            spec.holder_identity = None;
            api.replace(names::LEASE, &PostParams::default(), &lease).await?;
        }
        Ok::<_, kube::Error>(())
    };
    if !matches!(timeout(PATIENCE, release).await, Ok(Ok(()))) {
        warn!("could not give the Lease back; the next leader waits until it has run out");
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Move {
    Claim,
    Wait,
}

/// What one replica knows of the election.
#[derive(Debug)]
struct Candidate {
    replica: String,
    /// The foreign Lease as it was last seen, and since when it looks like that.
    seen: Option<(Option<String>, Instant)>,
    /// When the last successful renewal was begun.
    renewed_at: Option<Instant>,
}

impl Candidate {
    fn new(replica: String) -> Self {
        Self { replica, seen: None, renewed_at: None }
    }

    /// Whether the Lease may be claimed now.
    fn look_at(&mut self, lease: &Lease, now: Instant) -> Move {
        let spec = lease.spec.as_ref();
        let holder = spec.and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default();
        if holder.is_empty() || holder == self.replica {
            self.seen = None;
            return Move::Claim;
        }
        self.renewed_at = None;
        let version = lease.metadata.resource_version.clone();
        match &self.seen {
            Some((seen, since)) if *seen == version => {
                let duration = spec
                    .and_then(|spec| spec.lease_duration_seconds)
                    .and_then(|seconds| u64::try_from(seconds).ok())
                    .map_or(DURATION, Duration::from_secs);
                if now.duration_since(*since) > duration { Move::Claim } else { Move::Wait }
            }
            Some(_) | None => {
                self.seen = Some((version, now));
                Move::Wait
            }
        }
    }

    /// The Lease with this replica as its holder.
    fn claim(&self, mut lease: Lease, now: Timestamp) -> Lease {
        let before = lease.spec.take().unwrap_or_default();
        let is_renewal = before.holder_identity.as_deref() == Some(self.replica.as_str());
        let now = MicroTime(now);
        let (acquire_time, lease_transitions) = if is_renewal {
            (before.acquire_time, before.lease_transitions)
        } else {
            (Some(now.clone()), Some(before.lease_transitions.unwrap_or_default() + 1))
        };
        lease.spec = Some(LeaseSpec {
            acquire_time,
            lease_transitions,
            holder_identity: Some(self.replica.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            renew_time: Some(now),
            ..LeaseSpec::default()
        });
        lease
    }

    fn is_leader(&self, now: Instant) -> bool {
        self.renewed_at.is_some_and(|at| now.duration_since(at) < STEP_DOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_api::FakeApi;

    async fn until(leads: &mut watch::Receiver<bool>, wanted: bool) {
        leads.wait_for(|leads| *leads == wanted).await.unwrap();
    }

    struct Replica {
        leads: watch::Receiver<bool>,
        shutdown: CancellationToken,
        task: tokio::task::JoinHandle<()>,
    }

    fn replica(api: &FakeApi, name: &'static str) -> Replica {
        let (sender, leads) = watch::channel(false);
        let shutdown = CancellationToken::new();
        let (client, token) = (api.client(), shutdown.clone());
        #[expect(clippy::disallowed_methods, reason = "the test awaits the handle")]
        let task = tokio::spawn(async move {
            take_part(client, "infrastructure", name, sender, token).await;
        });
        Replica { leads, shutdown, task }
    }

    fn holder(api: &FakeApi) -> serde_json::Value {
        api.get("leases", names::LEASE)["spec"]["holderIdentity"].clone()
    }

    #[tokio::test(start_paused = true)]
    async fn one_replica_leads_and_the_other_follows_when_it_leaves() {
        let api = FakeApi::with_own_objects();
        let mut one = replica(&api, "one");
        until(&mut one.leads, true).await;
        let mut two = replica(&api, "two");
        sleep(Duration::from_secs(60)).await;
        assert!(*one.leads.borrow() && !*two.leads.borrow());

        one.shutdown.cancel();
        one.task.await.unwrap();
        let gone = Instant::now();
        until(&mut two.leads, true).await;
        assert!(gone.elapsed() <= RETRY_EVERY);
        assert_eq!(holder(&api), "two");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_leader_is_replaced_only_after_its_lease_has_run_out() {
        let api = FakeApi::with_own_objects();
        let mut one = replica(&api, "one");
        until(&mut one.leads, true).await;
        let mut two = replica(&api, "two");
        sleep(Duration::from_secs(5)).await;
        one.task.abort();
        let died = Instant::now();
        until(&mut two.leads, true).await;
        assert!(died.elapsed() >= DURATION - RENEW_EVERY, "{:?}", died.elapsed());
        assert!(died.elapsed() <= DURATION + RENEW_EVERY + RETRY_EVERY, "{:?}", died.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_cannot_renew_steps_down_before_another_may_take_over() {
        let api = FakeApi::with_own_objects();
        let mut one = replica(&api, "one");
        until(&mut one.leads, true).await;
        let since = Instant::now();
        for _ in 0..20 {
            api.fail_next("GET", 500);
        }
        until(&mut one.leads, false).await;
        assert!(since.elapsed() < DURATION, "{:?}", since.elapsed());
        until(&mut one.leads, true).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_restarted_replica_takes_its_own_lease_at_once() {
        let api = FakeApi::with_own_objects();
        let mut one = replica(&api, "one");
        until(&mut one.leads, true).await;
        one.task.abort();
        let began = Instant::now();
        let mut again = replica(&api, "one");
        until(&mut again.leads, true).await;
        assert!(began.elapsed() < Duration::from_secs(1));
        assert_eq!(api.get("leases", names::LEASE)["spec"]["leaseTransitions"], 1);
    }

    #[test]
    fn a_lease_that_goes_on_changing_is_never_claimed() {
        let mut candidate = Candidate::new("one".into());
        let start = Instant::now();
        for second in 0..100 {
            let mut lease = Lease::default();
            lease.metadata.resource_version = Some(second.to_string());
            lease.spec.get_or_insert_default().holder_identity = Some("two".into());
            assert_eq!(candidate.look_at(&lease, start + Duration::from_secs(second)), Move::Wait);
        }
    }
}
