//! The secrets of webhooks that were needed lately, opened: so that a flood of deliveries does not ask the
//! database for each. A repository keeps its secret for as long as it lives, and whether it still does is
//! found out when a delivery of its is stored.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use gimlet_shared::ids::RepositoryId;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{App, AppError, vault::Purpose};

/// Repositories whose secret is remembered, some hundred bytes each. Beyond that all are read anew.
const MOST: usize = 10_000;

/// Opened secrets by repository.
#[derive(Debug, Default)]
pub(crate) struct HookKeys(Mutex<HashMap<RepositoryId, Arc<SecretString>>>);

impl HookKeys {
    fn find(&self, id: RepositoryId) -> Option<Arc<SecretString>> {
        self.lock().get(&id).cloned()
    }

    fn remember(&self, id: RepositoryId, secret: Arc<SecretString>) {
        let mut keys = self.lock();
        if keys.len() >= MOST {
            keys.clear();
        }
        keys.insert(id, secret);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RepositoryId, Arc<SecretString>>> {
        // Each change is one insert or clear, so the map is whole even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// What the deliveries of a repository are signed with.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for an unknown repository, [`AppError::Unavailable`].
    pub(crate) async fn hook_key(&self, id: RepositoryId) -> Result<Arc<SecretString>, AppError> {
        let parts = self.parts();
        if let Some(secret) = parts.hook_keys.find(id) {
            return Ok(secret);
        }
        let repository = parts
            .store
            .find_repository_for_system(&parts.system, id)
            .await?
            .ok_or(AppError::NotFound { what: "the repository" })?;
        let sealed = repository.webhook_secret.expose_secret();
        let secret = parts
            .vault
            .unseal(Purpose::WebhookSecret, repository.organization_id, sealed)
            .map_err(|error| AppError::unavailable("the webhook's secret", error))?;
        let secret = Arc::new(secret);
        parts.hook_keys.remember(id, Arc::clone(&secret));
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_secrets_are_remembered_than_there_is_room_for() {
        let keys = HookKeys::default();
        let first = RepositoryId::new();
        keys.remember(first, Arc::new(SecretString::from("one")));
        assert!(keys.find(first).is_some());
        for _ in 0..MOST {
            keys.remember(RepositoryId::new(), Arc::new(SecretString::from("other")));
        }
        assert!(keys.find(first).is_none() && keys.lock().len() <= MOST);
    }
}
