//! Helm repositories: an index over HTTP, and archives that it names.

use std::collections::VecDeque;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use url::Url;

use crate::access::Access;
use crate::digest::Digest;
use crate::error::FetchError;
use crate::fetched::Obtained;
use crate::index::{Entry, Index};
use crate::metrics::Outcome;
use crate::shelf::{Form, Held, Keep};
use crate::source::shown;
use crate::versions;
use crate::web::{Ask, Authorization};
use crate::work::{self, Workshop};

/// The largest index that is taken, in bytes; the largest public ones have a third of that.
const LARGEST_INDEX: u64 = 64 << 20;

/// How many bytes of indexes are held in memory as they were parsed.
const INDEX_MEMORY: usize = 64 << 20;

/// How many addresses of one archive are tried.
const ADDRESSES: usize = 3;

/// How many indexes are parsed at a time; a large one takes several times its size meanwhile.
const PARSED_AT_ONCE: usize = 2;

/// Indexes that were parsed.
#[derive(Debug)]
pub(crate) struct Indexes {
    /// The last that came stands last.
    known: Mutex<VecDeque<(Digest, usize, Arc<Index>)>>,
    turns: Semaphore,
}

impl Default for Indexes {
    fn default() -> Self {
        Self { known: Mutex::default(), turns: Semaphore::new(PARSED_AT_ONCE) }
    }
}

impl Indexes {
    fn find(&self, digest: Digest) -> Option<Arc<Index>> {
        let indexes = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        indexes.iter().find(|(known, ..)| *known == digest).map(|(.., index)| Arc::clone(index))
    }

    fn remember(&self, digest: Digest, size: usize, index: &Arc<Index>) {
        let mut indexes = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        indexes.retain(|(known, ..)| *known != digest);
        indexes.push_back((digest, size, Arc::clone(index)));
        while indexes.len() > 1 && indexes.iter().map(|it| it.1).sum::<usize>() > INDEX_MEMORY {
            indexes.pop_front();
        }
    }
}

/// The digest of an entry's archive, as the index writes it.
fn announced(entry: &Entry) -> Option<&str> {
    entry.digest.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// What is noted of an index.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct HeldIndex {
    digest: Digest,
    etag: Option<String>,
    checked_at: u64,
}

/// A chart of a repository that is being fetched.
struct Chart<'a> {
    shop: &'a Workshop,
    access: &'a Access,
    repository: Url,
    name: &'a str,
    wanted: &'a str,
    place: &'a str,
}

pub(crate) async fn fetch(
    shop: &Workshop,
    access: &Access,
    (url, name, wanted): (&str, &str, &str),
    place: &str,
) -> Result<Obtained, FetchError> {
    let repository = work::address(url, place)?;
    Chart { shop, access, repository, name, wanted, place }.fetch().await
}

impl Chart<'_> {
    async fn fetch(&self) -> Result<Obtained, FetchError> {
        let (index, note) = match self.index().await {
            Err(error) if error.is_temporary() => return self.without_index(error).await,
            index => index?,
        };
        let entry = self.entry(&index)?;
        match self.archive(entry).await {
            // The index may be there while the archive's host is not. Where it announces a digest, what is kept
            // has another one, and is not what it means.
            Err(error) if error.is_temporary() && announced(entry).is_none() => {
                self.held(&entry.version, &error).await.ok_or(error)
            }
            obtained => obtained.map(|it| it.noted(note)),
        }
    }

    /// The index, and a note where it may be old because the repository is away.
    async fn index(&self) -> Result<(Arc<Index>, Option<String>), FetchError> {
        let key = self.key("index", &[]);
        let held: Option<HeldIndex> = self.shop.shelf.record(key).await;
        let known = match &held {
            Some(held) => self.parsed(held.digest).await,
            None => None,
        };
        let held = held.filter(|_| known.is_some());
        if let (Some(held), Some(index)) = (&held, &known)
            && self.shop.is_fresh(held.checked_at)
        {
            return Ok((Arc::clone(index), None));
        }
        let etag = held.as_ref().and_then(|held| held.etag.clone());
        match (self.ask_index(etag).await, held, known) {
            (Ok(None), Some(held), Some(index)) => {
                self.shop.shelf.note(key, HeldIndex { checked_at: work::now(), ..held }).await;
                Ok((index, None))
            }
            (Ok(Some((index, noted))), ..) => {
                self.shop.shelf.note(key, noted).await;
                Ok((index, None))
            }
            (Ok(None), ..) => {
                let fault = "an answer that nothing has changed, to a question that did not ask so";
                Err(FetchError::malformed(shown(&self.repository), fault))
            }
            (Err(error), Some(held), Some(index)) if error.is_temporary() => {
                let age = work::age(held.checked_at);
                Ok((index, Some(format!("the repository's index of {age} was used: {error}"))))
            }
            (Err(error), ..) => Err(error),
        }
    }

    /// An index of the disk, parsed.
    async fn parsed(&self, digest: Digest) -> Option<Arc<Index>> {
        if let Some(index) = self.shop.indexes.find(digest) {
            return Some(index);
        }
        let _turn = self.shop.indexes.turns.acquire().await.ok()?;
        let read = self.shop.shelf.on_disk(move |cache| {
            let bytes = cache.bytes(digest)?;
            Some((bytes.len(), Index::parse(&bytes).ok()?))
        });
        let (size, index) = read.await??;
        let index = Arc::new(index);
        self.shop.indexes.remember(digest, size, &index);
        Some(index)
    }

    /// Asks for the index; `None` where it is still the one with that tag.
    async fn ask_index(
        &self,
        etag: Option<String>,
    ) -> Result<Option<(Arc<Index>, HeldIndex)>, FetchError> {
        let url = work::join(&self.repository, "index.yaml", self.place)?;
        let ask = Ask {
            url: url.clone(),
            accept: None,
            authorization: self.authorization()?,
            etag,
            limit: LARGEST_INDEX,
        };
        let reply = self.shop.web.get(&ask).await?;
        if reply.status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let reply = reply.success(&url)?;
        let (etag, body) = (reply.etag(), reply.body);
        let (digest, size) = (Digest::of(&body), body.len());
        let cut_off = || FetchError::CutOff { place: self.place.to_owned() };
        let _turn = self.shop.indexes.turns.acquire().await.map_err(|_| cut_off())?;
        let read = self.shop.shelf.on_disk(move |cache| {
            let index = Index::parse(&body)?;
            // A full disk costs another question later.
            let _ = cache.keep(digest, &body);
            Ok::<_, String>(index)
        });
        let index = read.await.ok_or_else(cut_off)?;
        let index = index.map_err(|fault| {
            FetchError::malformed(shown(&url), format!("it is no index of charts: {fault}"))
        })?;
        let index = Arc::new(index);
        self.shop.indexes.remember(digest, size, &index);
        Ok(Some((index, HeldIndex { digest, etag, checked_at: work::now() })))
    }

    fn entry<'i>(&self, index: &'i Index) -> Result<&'i Entry, FetchError> {
        let place = || format!("chart {} of {}", self.name, shown(&self.repository));
        let Some(entries) = index.entries(self.name) else {
            let similar = index.similar(self.name);
            let hint = match similar.is_empty() {
                true => String::new(),
                false => format!(" (there is {})", similar.join(", ")),
            };
            return Err(FetchError::NotFound { place: format!("{}{hint}", place()) });
        };
        let dialect = self.shop.shelf.dialect();
        let known = entries.clone().map(|entry| entry.version.as_str());
        let picked = versions::pick(known.clone(), self.wanted, dialect);
        let found =
            picked.and_then(|version| entries.into_iter().find(|entry| entry.version == version));
        found.ok_or_else(|| FetchError::NoVersion {
            place: place(),
            wanted: self.wanted.to_owned(),
            hint: versions::hint(known, self.wanted, dialect),
        })
    }

    /// The archive of an entry: the one that was kept, if the index says that it is the same.
    async fn archive(&self, entry: &Entry) -> Result<Obtained, FetchError> {
        let expected = announced(entry).map(Digest::from_str).transpose().map_err(|fault| {
            let place = format!("the index of {}", shown(&self.repository));
            FetchError::malformed(place, format!("the digest of {}: {fault}", self.name))
        })?;
        let key = self.key("archive", &[self.name, &entry.version]);
        let held: Option<Held> = self.shop.shelf.record(key).await;
        if let Some(held) = held {
            let is_same = match expected {
                Some(expected) => held.digest == expected,
                None => self.shop.is_fresh(held.checked_at),
            };
            if is_same && let Some(chart) = self.shop.shelf.find(held.digest, held.form).await {
                return Ok(Obtained::new(held.digest, chart, Outcome::Cached).at(held.revision));
            }
        }
        let obtained = self.download(entry, expected).await?;
        let held = Held {
            digest: obtained.digest,
            form: Form::Archive,
            revision: obtained.revision.clone(),
            checked_at: work::now(),
        };
        self.shop.shelf.note(key, held).await;
        Ok(obtained)
    }

    async fn download(
        &self,
        entry: &Entry,
        expected: Option<Digest>,
    ) -> Result<Obtained, FetchError> {
        let no_address = || {
            let place = format!("the index of {}", shown(&self.repository));
            let (name, version) = (self.name, &entry.version);
            FetchError::malformed(place, format!("{name} {version} has no address"))
        };
        let mut last = None;
        for address in entry.urls.iter().flatten().take(ADDRESSES) {
            match self.download_from(address, expected).await {
                Err(error) if error.is_temporary() => last = Some(error),
                obtained => return obtained,
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    async fn download_from(
        &self,
        address: &str,
        expected: Option<Digest>,
    ) -> Result<Obtained, FetchError> {
        let url = work::join(&self.repository, address, self.place)?;
        if url.scheme() == "oci" {
            // What a registry holds has digests of its own, and the repository's credentials are not for it.
            return crate::oci::fetch_tagged(self.shop, &Access::anonymous(), &url, self.place)
                .await;
        }
        let ask = Ask {
            url: url.clone(),
            accept: None,
            // They are the repository's: another host, named by an index, does not get them.
            authorization: self.authorization()?,
            etag: None,
            limit: work::LARGEST_ARCHIVE,
        };
        let body = self.shop.web.get(&ask).await?.success(&url)?.body;
        let found = Digest::of(&body);
        if let Some(expected) = expected
            && expected != found
        {
            return Err(FetchError::WrongDigest { place: shown(&url), expected, found });
        }
        let put = self.shop.shelf.put(self.place, body, Form::Archive, Keep::OnDisk);
        let (digest, chart) = put.await?;
        Ok(Obtained::new(digest, chart, Outcome::Fetched))
    }

    /// Without any index, one exact version may still be there.
    async fn without_index(&self, error: FetchError) -> Result<Obtained, FetchError> {
        if !versions::is_exact(self.wanted, self.shop.shelf.dialect()) {
            return Err(error);
        }
        self.held(self.wanted, &error).await.ok_or(error)
    }

    /// A version that was fetched before, although nobody can say whether it is still the same.
    async fn held(&self, version: &str, error: &FetchError) -> Option<Obtained> {
        let key = self.key("archive", &[self.name, version]);
        let held: Held = self.shop.shelf.record(key).await?;
        let chart = self.shop.shelf.find(held.digest, held.form).await?;
        let age = work::age(held.checked_at);
        let note = format!("the chart as it was fetched {age} was used: {error}");
        let obtained = Obtained::new(held.digest, chart, Outcome::WithoutSource);
        Some(obtained.at(held.revision).noted(Some(note)))
    }

    fn authorization(&self) -> Result<Option<Authorization>, FetchError> {
        work::authorization(self.access, &self.repository, self.place)
    }

    fn key(&self, what: &str, parts: &[&str]) -> Digest {
        let mut all = vec!["repository", what, self.access.scope(), self.repository.as_str()];
        all.extend(parts);
        Digest::of_parts(&all)
    }
}
