//! How many requests a credential, or an address without one, may make.
//!
//! Answers say so in the headers `RateLimit-Policy` and `RateLimit` of the IETF's draft
//! (draft-ietf-httpapi-ratelimit-headers). The counting is a leaky bucket: it fills at an even rate, and
//! holds a minute's worth. Work that proves itself by a signature or key is not counted at all, only its
//! failures are: the ingest of signed webhooks has no limit here.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use gimlet_app::{Credential, TenantScope};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use uuid::Uuid;

use crate::problem::{ApiError, ProblemKind};

/// Buckets that are full again are forgotten each time that so many requests were counted.
const TIDY_EVERY: u64 = 16 * 1024;
/// Quotas are for this many seconds.
const WINDOW_S: u64 = 60;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// How many requests are let through. Zero is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Requests a minute of one API token or browser session.
    pub per_credential: u32,
    /// Requests a minute of one address that prove nobody, or fail to.
    pub per_address: u32,
    /// Proxies in front of the server that add to `X-Forwarded-For`: so many entries from its end is the
    /// address of the caller. With none, the header is not read, since anyone can write it.
    pub proxies: u8,
}

impl Default for RequestLimits {
    /// 100 a second and 20 a second: far above what people and CI do, far below what hurts.
    fn default() -> Self {
        Self { per_credential: 6_000, per_address: 1_200, proxies: 0 }
    }
}

/// Where a connection comes from; set for each request by whoever serves the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerAddress(pub(crate) IpAddr);

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    Credential(Uuid),
    Address(IpAddr),
}

/// What is left to whoever was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    policy: &'static str,
    quota: u32,
    left: u32,
}

type Buckets =
    RateLimiter<Counted, DefaultKeyedStateStore<Counted>, DefaultClock, StateInformationMiddleware>;

/// The buckets of one port.
#[derive(Debug)]
pub(crate) struct RateLimits {
    credentials: Option<(NonZeroU32, Buckets)>,
    addresses: Option<(NonZeroU32, Buckets)>,
    proxies: u8,
    counted: AtomicU64,
}

impl RateLimits {
    pub(crate) fn new(limits: RequestLimits) -> Self {
        let buckets = |each_minute| {
            let quota = NonZeroU32::new(each_minute)?;
            let buckets = RateLimiter::keyed(Quota::per_minute(quota))
                .with_middleware::<StateInformationMiddleware>();
            Some((quota, buckets))
        };
        Self {
            credentials: buckets(limits.per_credential),
            addresses: buckets(limits.per_address),
            proxies: limits.proxies,
            counted: AtomicU64::new(0),
        }
    }

    /// Counts one request; `None` where there is no limit.
    pub(crate) fn count(&self, who: &Counted) -> Result<Option<Allowance>, ApiError> {
        let (policy, buckets) = match who {
            Counted::Credential(_) => ("credential", &self.credentials),
            Counted::Address(_) => ("address", &self.addresses),
        };
        let Some((quota, buckets)) = buckets else { return Ok(None) };
        if self.counted.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
        let quota = quota.get();
        match buckets.check_key(who) {
            Ok(state) => {
                Ok(Some(Allowance { policy, quota, left: state.remaining_burst_capacity() }))
            }
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                let seconds = wait.as_secs() + 1;
                let detail = format!(
                    "this {policy} has made its {quota} requests of a minute; try again in {seconds} s"
                );
                let allowance = Allowance { policy, quota, left: 0 };
                Err(ApiError::new(ProblemKind::TooMany, detail)
                    .retry_after(seconds)
                    .with_headers(allowance.headers()))
            }
        }
    }

    /// The address of the caller: as a trusted proxy has seen it, or the connection's own.
    pub(crate) fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> Counted {
        let peer = extensions.get::<PeerAddress>().map(|peer| peer.0);
        let seen = self.proxies.checked_sub(1).and_then(|beyond| {
            let lines = headers.get_all("x-forwarded-for").iter();
            let entries: Vec<&str> = lines
                .filter_map(|line| line.to_str().ok())
                .flat_map(|line| line.split(','))
                .collect();
            entries.iter().rev().nth(usize::from(beyond))?.trim().parse::<IpAddr>().ok()
        });
        Counted::Address(network(seen.or(peer).unwrap_or(Ipv6Addr::UNSPECIFIED.into())))
    }
}

impl Counted {
    /// A proven member's credential; one that was spent by this very request has no name and counts as
    /// its person.
    pub(crate) fn of(scope: &TenantScope) -> Self {
        Self::Credential(match scope.credential() {
            Credential::Link => scope.user().0,
            Credential::Session(id) => id.0,
            Credential::Token { id, .. } => id.0,
        })
    }
}

impl Allowance {
    /// The headers of the draft: `q`uota a `w`indow, `r`emaining, seconds un`t`il the quota is whole again.
    pub(crate) fn headers(self) -> HeaderMap {
        let Self { policy, quota, left } = self;
        let used = u64::from(quota.saturating_sub(left));
        let whole_in = (used * WINDOW_S).div_ceil(u64::from(quota.max(1)));
        let lines = [
            (POLICY, format!("\"{policy}\";q={quota};w={WINDOW_S}")),
            (LEFT, format!("\"{policy}\";r={left};t={whole_in}")),
        ];
        lines
            .into_iter()
            .filter_map(|(name, text)| Some((name, HeaderValue::try_from(text).ok()?)))
            .collect()
    }
}

/// One household or machine has a whole /64 of IPv6 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    fn limits(per_credential: u32, proxies: u8) -> RateLimits {
        RateLimits::new(RequestLimits { per_credential, per_address: 2, proxies })
    }

    #[test]
    fn a_bucket_that_is_empty_says_when_to_come_back() {
        let limits = limits(2, 0);
        let who = Counted::Credential(Uuid::nil());
        let first = limits.count(&who).unwrap().unwrap().headers();
        assert_eq!(first[POLICY], "\"credential\";q=2;w=60");
        assert_eq!(first[LEFT], "\"credential\";r=1;t=30");
        limits.count(&who).unwrap();
        let refused = limits.count(&who).unwrap_err().into_response();
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()[LEFT], "\"credential\";r=0;t=60");
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=31).contains(&wait), "{wait}");
        assert!(limits.count(&Counted::Credential(Uuid::max())).is_ok());
    }

    #[test]
    fn zero_is_no_limit() {
        let limits = limits(0, 0);
        for _ in 0..10 {
            assert_eq!(limits.count(&Counted::Credential(Uuid::nil())).unwrap(), None);
        }
    }

    #[test]
    fn a_forwarded_address_counts_only_where_proxies_are_trusted_and_only_theirs() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("6.6.6.6, 7.7.7.7, 8.8.8.8"));
        let mut extensions = Extensions::new();
        extensions.insert(PeerAddress("10.0.0.1".parse().unwrap()));
        for (proxies, seen) in [(0, "10.0.0.1"), (1, "8.8.8.8"), (2, "7.7.7.7"), (9, "10.0.0.1")] {
            let expected = Counted::Address(seen.parse().unwrap());
            assert_eq!(limits(1, proxies).address(&headers, &extensions), expected, "{proxies}");
        }
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3::4"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:1.2.3.4"), "1.2.3.4");
    }
}
