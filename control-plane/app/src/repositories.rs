//! Source repositories: adding them, and the news that they are worth a look.

use gimlet_domain::role::Role;
use gimlet_git::remote::RemoteUrl;
use gimlet_shared::{api, ids::RepositoryId};
use gimlet_store::{
    DeliveryReceipt, NewRepository, RepositoryAddition, SourceRepository, TenantScope,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::{
    App, AppError,
    inbox::Checked,
    ports::{HookHeaders, HookNews, HookRefusal},
    secrets,
    state::require,
    vault::Purpose,
};

/// As long as git hosts allow owner and name together.
const LONGEST_REPOSITORY_NAME: usize = 140;

/// GitHub's ids of deliveries have 36 characters.
const LONGEST_DELIVERY_ID: usize = 200;
/// Stored kind of a delivery that says that branches or tags moved; its body is a
/// [`crate::ports::BranchMove`] in JSON, or empty.
pub(crate) const REFS_DELIVERY: &str = "refs";
/// Stored kind of a delivery whose body is a [`crate::ports::PullRequest`] in JSON.
pub(crate) const PULL_REQUEST_DELIVERY: &str = "pull_request";

/// What is shown of a repository's hooks the one time that it is added.
#[derive(Serialize, Deserialize)]
struct HookSecrets {
    webhook_secret: String,
    look_token: String,
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is stored, and its repository will be looked at.
    Stored,
    /// It was stored before.
    Replay,
    /// It says nothing that matters here.
    Ignored,
}

impl App {
    /// Adds a source repository; it is looked at at once.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Invalid`] for a URL that cannot be used or a taken name.
    pub async fn add_repository(
        &self,
        scope: &TenantScope,
        request: api::NewRepository,
    ) -> Result<api::RepositoryAdded, AppError> {
        require(scope, Role::Admin)?;
        if let Some(done) = self.done_before::<HookSecrets>(scope)? {
            let repository = self.repository(scope, done.id()?).await?;
            return Ok(self.added_view(repository, done.kept));
        }
        let url: RemoteUrl =
            request.url.trim().parse().map_err(|error: gimlet_git::remote::InvalidUrl| {
                AppError::invalid("url", error.to_string())
            })?;
        let name = match request.name {
            Some(name) => name,
            None => name_from(&request.url).ok_or_else(|| {
                AppError::invalid("name", "cannot be read from the URL; give it as `owner/name`")
            })?,
        };
        check_name(&name)?;
        let secrets = HookSecrets {
            webhook_secret: secrets::new_secret("whs"),
            look_token: secrets::new_secret("look"),
        };
        let new = NewRepository {
            name,
            url: url.to_string(),
            default_branch: None,
            webhook_secret: self.sealed_webhook_secret(scope, &secrets.webhook_secret)?,
            look_token_hash: secrets::hash(&secrets.look_token),
        };
        let keeping = self.keeping(scope, &secrets)?;
        let added = self.parts().store.add_repository(&keeping, new, self.now()).await?;
        let repository = match added {
            RepositoryAddition::Added(repository) => repository,
            RepositoryAddition::NameTaken => {
                return Err(AppError::invalid(
                    "name",
                    "a repository of this name is there already",
                ));
            }
        };
        self.parts().wake.repositories.notify_one();
        self.tell_activity(scope.organization());
        Ok(self.added_view(repository_view(repository), secrets))
    }

    fn added_view(
        &self,
        repository: api::Repository,
        secrets: HookSecrets,
    ) -> api::RepositoryAdded {
        let HookSecrets { webhook_secret, look_token } = secrets;
        api::RepositoryAdded {
            webhook_url: self.page(&format!("/hooks/github/{}", repository.id)),
            look_url: self.page(&format!("/hooks/look/{}", repository.id)),
            repository,
            webhook_secret,
            look_token,
        }
    }

    /// One source repository.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn repository(
        &self,
        scope: &TenantScope,
        id: RepositoryId,
    ) -> Result<api::Repository, AppError> {
        let found = self.parts().store.find_repository(scope, id).await?;
        found.map(repository_view).ok_or(AppError::NotFound { what: "the repository" })
    }

    /// Has a repository looked at now.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Forbidden`].
    pub async fn look_now(&self, scope: &TenantScope, id: RepositoryId) -> Result<(), AppError> {
        require(scope, Role::Developer)?;
        if self.done_before::<()>(scope)?.is_some() {
            return Ok(());
        }
        let parts = self.parts();
        if !parts.store.look_for_member(scope, id, self.now()).await? {
            return Err(AppError::NotFound { what: "the repository" });
        }
        parts.wake.repositories.notify_one();
        Ok(())
    }

    /// The same, for whoever holds the repository's look token.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for an unknown repository and a wrong token alike.
    pub async fn look_by_token(&self, id: RepositoryId, token: &str) -> Result<(), AppError> {
        let parts = self.parts();
        let absent = || AppError::NotFound { what: "the repository" };
        let found =
            parts.store.find_repository_for_system(&parts.system, id).await?.ok_or_else(absent)?;
        let given = secrets::hash(token);
        if !bool::from(given.as_bytes().ct_eq(found.look_token_hash.as_bytes())) {
            return Err(absent());
        }
        parts.store.look_now(&parts.system, id, self.now()).await?;
        parts.wake.repositories.notify_one();
        Ok(())
    }

    /// Takes a webhook: it is stored before this returns, once for each delivery id.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Unauthorized`] for a wrong signature, [`AppError::Invalid`] for a
    /// body that cannot be read.
    pub async fn receive_hook(
        &self,
        id: RepositoryId,
        headers: HookHeaders<'_>,
        body: &[u8],
    ) -> Result<Received, AppError> {
        let received = self.store_hook(id, headers, body).await;
        let outcome = match &received {
            Ok(Received::Stored) => "stored",
            Ok(Received::Replay) => "replay",
            Ok(Received::Ignored) => "ignored",
            Err(_) => "refused",
        };
        self.parts().metrics.deliveries.with_label_values(&[outcome]).inc();
        received
    }

    async fn store_hook(
        &self,
        id: RepositoryId,
        headers: HookHeaders<'_>,
        body: &[u8],
    ) -> Result<Received, AppError> {
        let parts = self.parts();
        let secret = self.hook_key(id).await?;
        let news = parts.hooks.read(secret.expose_secret(), &headers, body).map_err(|refusal| {
            match refusal {
                HookRefusal::Signature => AppError::Unauthorized { detail: refusal.to_string() },
                HookRefusal::Body(detail) => AppError::invalid("body", detail),
            }
        })?;
        let (kind, body) = match &news {
            HookNews::Nothing => return Ok(Received::Ignored),
            HookNews::RefsMoved(None) => (REFS_DELIVERY, Vec::new()),
            HookNews::RefsMoved(Some(moved)) => (REFS_DELIVERY, stored_form(moved)?),
            HookNews::PullRequest(pull) => (PULL_REQUEST_DELIVERY, stored_form(pull)?),
        };
        if headers.delivery.is_empty() || headers.delivery.len() > LONGEST_DELIVERY_ID {
            return Err(AppError::invalid("x-github-delivery", "must be the delivery's id"));
        }
        let delivery = Checked {
            repository: id,
            provider: "github",
            delivery_id: headers.delivery.to_owned(),
            kind,
            body,
        };
        let receipt = self.store_checked(delivery).await?;
        parts.wake.repositories.notify_one();
        Ok(match receipt {
            DeliveryReceipt::Stored(id) => {
                self.note_cause(id.0);
                Received::Stored
            }
            DeliveryReceipt::Replay => Received::Replay,
        })
    }

    fn sealed_webhook_secret(
        &self,
        scope: &TenantScope,
        secret: &str,
    ) -> Result<SecretString, AppError> {
        let vault = &self.parts().vault;
        let sealed = vault.seal(Purpose::WebhookSecret, scope.organization(), secret);
        sealed
            .map(SecretString::from)
            .map_err(|error| AppError::unavailable("the webhook's secret", error))
    }
}

fn stored_form(news: &impl serde::Serialize) -> Result<Vec<u8>, AppError> {
    serde_json::to_vec(news).map_err(|error| AppError::unavailable("the webhook", error))
}

/// The last two parts of the URL's path, without `.git`.
fn name_from(url: &str) -> Option<String> {
    let url = url::Url::parse(url.trim()).ok()?;
    let parts: Vec<&str> = url.path().trim_matches('/').split('/').collect();
    let name = parts.last()?.trim_end_matches(".git");
    let owner = parts.len().checked_sub(2).map_or("local", |index| parts[index]);
    (!name.is_empty()).then(|| format!("{owner}/{name}"))
}

fn check_name(name: &str) -> Result<(), AppError> {
    let word = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let good = name.len() <= LONGEST_REPOSITORY_NAME
        && name.split_once('/').is_some_and(|(owner, rest)| word(owner) && word(rest));
    if good {
        Ok(())
    } else {
        Err(AppError::invalid("name", "must be `owner/name` of letters, digits, `-`, `_` and `.`"))
    }
}

pub(crate) fn repository_view(repository: SourceRepository) -> api::Repository {
    api::Repository {
        id: repository.id.to_string(),
        name: repository.name,
        url: repository.url,
        default_branch: repository.default_branch,
        last_polled_at: repository.last_polled_at.map(|at| at.rfc3339()),
        last_error: repository.last_error,
        created_at: repository.created_at.rfc3339(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_from_the_end_of_the_url() {
        assert_eq!(
            name_from("https://git.example.com/acme/shop.git").as_deref(),
            Some("acme/shop")
        );
        assert_eq!(name_from("https://git.example.com/a/b/shop/").as_deref(), Some("b/shop"));
        assert_eq!(name_from("http://10.0.0.1/shop.git").as_deref(), Some("local/shop"));
        assert_eq!(name_from("https://git.example.com/"), None);
    }

    #[test]
    fn a_name_is_two_plain_words() {
        assert!(check_name("acme/shop.web-1").is_ok());
        for bad in ["shop", "a/b/c", "/shop", "acme/", "acme/..", "ac me/shop", "acme/sh<op"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
