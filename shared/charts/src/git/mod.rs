//! Folders of git repositories, at one commit.
//!
//! The git binary fetches that commit alone into a folder that goes away again; what is kept are the chart's files.

mod checkout;
mod remote;

use gimlet_manifest::{GitReference, GitSource};

use crate::access::Access;
use crate::digest::Digest;
use crate::error::FetchError;
use crate::fetched::Obtained;
use crate::metrics::Outcome;
use crate::shelf::{Form, Held, Keep};
use crate::source::Shown;
use crate::work::{self, Workshop};
use checkout::Checkout;
use remote::Remote;
use serde::{Deserialize, Serialize};

/// Where a reference stood.
#[derive(Debug, Serialize, Deserialize)]
struct HeldCommit {
    commit: String,
    checked_at: u64,
}

/// A commit, by its name.
enum Wanted {
    Whole(String),
    /// The beginning of a name, which only the repository can complete.
    Short(String),
}

struct Chart<'a> {
    shop: &'a Workshop,
    access: &'a Access,
    source: &'a GitSource,
    remote: Remote<'a>,
    place: &'a str,
}

pub(crate) async fn fetch(
    shop: &Workshop,
    access: &Access,
    source: &GitSource,
    place: &str,
) -> Result<Obtained, FetchError> {
    check_path(&source.path, place)?;
    let remote = Remote::new(shop, access, source, place)?;
    Chart { shop, access, source, remote, place }.fetch().await
}

/// The path becomes part of an argument, and no way out of the repository.
fn check_path(path: &str, place: &str) -> Result<(), FetchError> {
    let is_fine = |part: &str| !matches!(part, "." | ".." | "") && !part.contains(char::is_control);
    if path.is_empty() || path.split('/').all(is_fine) {
        return Ok(());
    }
    let fault = "the path of a chart is a folder of the repository, such as charts/web";
    Err(FetchError::source_fault(place, fault))
}

impl Chart<'_> {
    async fn fetch(&self) -> Result<Obtained, FetchError> {
        let (wanted, note) = self.wanted().await?;
        if let Wanted::Whole(commit) = &wanted
            && let Some(kept) = self.kept(commit).await
        {
            return Ok(kept.noted(note));
        }
        let checkout = self.remote.check_out(&wanted).await?;
        let commit = checkout.commit.clone();
        if let Wanted::Short(hash) = &wanted {
            let noted = HeldCommit { commit: commit.clone(), checked_at: work::now() };
            self.shop.shelf.note(self.short(hash), noted).await;
        }
        if let Some(kept) = self.kept(&commit).await {
            return Ok(kept);
        }
        let obtained = self.read(&checkout).await?;
        let held = Held {
            digest: obtained.digest,
            form: Form::Listing,
            revision: Some(commit.clone()),
            checked_at: work::now(),
        };
        self.shop.shelf.note(self.key("files", &[&commit, &self.source.path]), held).await;
        Ok(obtained)
    }

    /// The commit that is meant, and a note where it may be an old one because the repository is away.
    async fn wanted(&self) -> Result<(Wanted, Option<String>), FetchError> {
        let name = match &self.source.reference {
            // A commit is what it is; of a short name, that is seen in the repository only.
            GitReference::Commit(hash) => {
                if matches!(hash.len(), 40 | 64) {
                    return Ok((Wanted::Whole(hash.clone()), None));
                }
                let held: Option<HeldCommit> = self.shop.shelf.record(self.short(hash)).await;
                let whole = held.map(|held| Wanted::Whole(held.commit));
                return Ok((whole.unwrap_or_else(|| Wanted::Short(hash.clone())), None));
            }
            GitReference::DefaultBranch => "HEAD".to_owned(),
            GitReference::Branch(branch) => format!("refs/heads/{branch}"),
            GitReference::Tag(tag) => format!("refs/tags/{tag}"),
        };
        let key = self.key("reference", &[&name]);
        let held: Option<HeldCommit> = self.shop.shelf.record(key).await;
        let held = match held {
            Some(held) if self.shop.is_fresh(held.checked_at) => {
                return Ok((Wanted::Whole(held.commit), None));
            }
            held => held,
        };
        match (self.remote.resolve(&name).await, held) {
            (Ok(commit), _) => {
                let noted = HeldCommit { commit: commit.clone(), checked_at: work::now() };
                self.shop.shelf.note(key, noted).await;
                Ok((Wanted::Whole(commit), None))
            }
            (Err(error), Some(held)) if error.is_temporary() => {
                let age = work::age(held.checked_at);
                let note = format!("the commit of {age} was used: {error}");
                Ok((Wanted::Whole(held.commit), Some(note)))
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn kept(&self, commit: &str) -> Option<Obtained> {
        let key = self.key("files", &[commit, &self.source.path]);
        let held: Held = self.shop.shelf.record(key).await?;
        let chart = self.shop.shelf.find(held.digest, held.form).await?;
        Some(Obtained::new(held.digest, chart, Outcome::Cached).at(held.revision))
    }

    async fn read(&self, checkout: &Checkout) -> Result<Obtained, FetchError> {
        let tar = checkout.archive(&self.shop.git, &self.source.path, self.place).await?;
        let listed = self.shop.shelf.on_disk(move |_| checkout::listed(&tar));
        let cut_off = || FetchError::CutOff { place: self.place.to_owned() };
        let bytes = listed
            .await
            .ok_or_else(cut_off)?
            .map_err(|source| FetchError::Chart { place: self.place.to_owned(), source })?;
        let put = self.shop.shelf.put(self.place, bytes, Form::Listing, Keep::OnDisk);
        let (digest, chart) = put.await?;
        let obtained = Obtained::new(digest, chart, Outcome::Fetched);
        Ok(obtained.at(Some(checkout.commit.clone())))
    }

    /// Under which a short name's whole one is noted.
    fn short(&self, hash: &str) -> Digest {
        self.key("short", &[hash])
    }

    fn key(&self, what: &str, parts: &[&str]) -> Digest {
        let url = Shown(&self.source.url).to_string();
        let mut all = vec!["git", what, self.access.scope(), &url];
        all.extend(parts);
        Digest::of_parts(&all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_the_repository() {
        for path in ["", "charts/web", "-x", "a..b"] {
            assert!(check_path(path, "it").is_ok(), "{path}");
        }
        for path in ["..", "a/../../b", "/etc", "a//b", "a/", "a\nb", "./a"] {
            assert!(check_path(path, "it").is_err(), "{path}");
        }
    }
}
