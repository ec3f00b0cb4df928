//! The one door: a source in, a chart out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use gimlet_helm::Dialect;
use gimlet_manifest::ChartSource;
use gimlet_remote::Git;
use reqwest::ClientBuilder;
use tokio::sync::Semaphore;

use crate::access::Access;
use crate::cache::Cache;
use crate::digest::Digest;
use crate::error::FetchError;
use crate::fetched::{FetchedChart, Obtained};
use crate::flight::Flights;
use crate::metrics::{Counters, Outcome};
use crate::policy::Policy;
use crate::repository::Indexes;
use crate::shelf::Shelf;
use crate::source::{SourceKind, described};
use crate::web::Web;
use crate::work::Workshop;
use crate::{builtin, folder, git, oci, repository, stand_in};

/// How many exchanges git has at a time; each is a process or two, and a repository in the making.
const GIT_CONCURRENT: usize = 4;

/// How long a fetch may take with all its questions, and with waiting for its turn.
const WHOLE: Duration = Duration::from_secs(300);

/// How charts are fetched.
#[derive(Debug)]
pub struct Options {
    /// The folder of what was fetched before; programs may share it.
    pub cache: PathBuf,
    /// The most that it takes, in bytes.
    pub cache_limit: u64,
    /// What may be reached.
    pub policy: Policy,
    /// Whose reading of charts is meant.
    pub dialect: Dialect,
    /// The git binary.
    pub git: Git,
    /// The name, certificates and proxies of HTTP requests.
    pub http: ClientBuilder,
    /// For how long an index, tags, and where a branch stands, are taken for true.
    pub time_to_live: Duration,
    /// The pauses before each further attempt where nobody answers.
    pub retries: Vec<Duration>,
}

impl Options {
    /// The usual ones: a gibibyte of cache, one minute of trust, two further attempts.
    pub fn new(cache: impl Into<PathBuf>, policy: Policy, git: Git) -> Self {
        let http = reqwest::Client::builder().user_agent("gimlet");
        Self {
            cache: cache.into(),
            cache_limit: 1 << 30,
            policy,
            dialect: Dialect::Helm3,
            git,
            http,
            time_to_live: Duration::from_secs(60),
            retries: vec![Duration::from_millis(300), Duration::from_millis(1500)],
        }
    }
}

/// Why charts cannot be fetched at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder of the cache cannot be made or read.
    #[error("cannot use {path} for fetched charts")]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The HTTP client cannot be made.
    #[error("cannot prepare HTTP requests")]
    Http {
        /// Why.
        source: reqwest::Error,
    },
}

/// Fetches charts. Cheap to clone; clones share all of it.
///
/// It bounds what goes on at a time, for all who ask together; how much of that one organization may have is for
/// the caller to say.
#[derive(Clone, Debug)]
pub struct Charts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shop: Workshop,
    flights: Flights,
    counters: Arc<Counters>,
}

impl Charts {
    /// Opens the cache.
    ///
    /// # Errors
    /// When its folder, or the HTTP client, cannot be used.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let policy = Arc::new(options.policy);
        let cache = Cache::open(&options.cache, options.cache_limit)
            .map_err(|source| OpenError::Cache { path: options.cache.clone(), source })?;
        let web = Web::new(options.http, Arc::clone(&policy), options.retries)
            .map_err(|source| OpenError::Http { source })?;
        let drafts = cache.drafts();
        let shop = Workshop {
            web,
            git: options.git,
            shelf: Shelf::new(cache, options.dialect),
            indexes: Indexes::default(),
            policy,
            drafts,
            time_to_live: options.time_to_live,
            git_turns: Semaphore::new(GIT_CONCURRENT),
        };
        Ok(Self(Arc::new(Inner { shop, flights: Flights::default(), counters: Arc::default() })))
    }

    /// Fetches a chart, or finds it where it was kept.
    ///
    /// # Errors
    /// When there is no such chart, or it cannot be had; what is deployed stays as it is.
    pub async fn fetch(
        &self,
        source: &ChartSource,
        access: &Access,
    ) -> Result<FetchedChart, FetchError> {
        let key = Digest::of_parts(&[&format!("{source:?}"), access.scope(), &access.secret()]);
        let start = || {
            let (inner, source, access) = (Arc::clone(&self.0), source.clone(), access.clone());
            async move { inner.fetch(&source, &access).await }.boxed()
        };
        self.0.flights.join(key, start).await
    }

    /// What was fetched since the start.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.0.counters)
    }
}

impl Inner {
    async fn fetch(
        &self,
        source: &ChartSource,
        access: &Access,
    ) -> Result<FetchedChart, FetchError> {
        let origin = described(source);
        let in_time = tokio::time::timeout(WHOLE, self.obtain(source, access, &origin)).await;
        let obtained = in_time.unwrap_or_else(|_| {
            let detail = format!("it took longer than {} s", WHOLE.as_secs());
            Err(FetchError::Unreachable { place: origin.clone(), detail })
        });
        let outcome = obtained.as_ref().map_or(Outcome::Failed, |obtained| obtained.outcome);
        self.counters.add(SourceKind::from(source), outcome);
        obtained.map(|obtained| obtained.into_fetched(origin))
    }

    async fn obtain(
        &self,
        source: &ChartSource,
        access: &Access,
        place: &str,
    ) -> Result<Obtained, FetchError> {
        let shop = &self.shop;
        match source {
            ChartSource::Repository { url, name, version } => {
                let fetched = repository::fetch(shop, access, (url, name, version), place).await;
                match fetched {
                    Err(why) if why.is_temporary() && stand_in::is_for(url, name) => {
                        builtin::stand_in(shop, name, place, &why).await
                    }
                    fetched => fetched,
                }
            }
            ChartSource::Oci { url, version } => {
                oci::fetch(shop, access, (url, version), place).await
            }
            ChartSource::Git(source) => git::fetch(shop, access, source, place).await,
            ChartSource::Folder { path } => folder::fetch(shop, path, place).await,
            ChartSource::BuiltIn { chart, version } => {
                builtin::fetch(shop, *chart, version, place).await
            }
        }
    }
}
