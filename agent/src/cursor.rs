//! The agent's cursor, kept in a `ConfigMap`, as pods lose their disks.

use gimlet_shared::{crash_point, error_chain::Chain, link::agent::Cursor};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, api::PostParams};
use tracing::warn;

use crate::names;

/// The key under which the cursor stands.
const KEY: &str = "cursor.json";

/// Why the cursor could not be read or stored.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// The API server could not be asked.
    #[error("could not read ConfigMap {}", names::CURSOR)]
    Read {
        /// Why.
        source: kube::Error,
    },
    /// The API server did not store it.
    #[error("could not store ConfigMap {}", names::CURSOR)]
    Store {
        /// Why.
        source: kube::Error,
    },
    /// It cannot be written as JSON.
    #[error("could not encode the cursor")]
    Encode {
        /// Why.
        source: serde_json::Error,
    },
    /// Another replica stored a cursor since this one was read.
    #[error("ConfigMap {} was changed by another replica", names::CURSOR)]
    Conflict,
}

/// The stored cursor as it was last read or written; the next write replaces exactly that.
#[derive(Clone, Debug)]
pub struct CursorSlot {
    api: Api<ConfigMap>,
    object: ConfigMap,
}

impl CursorSlot {
    /// Reads the cursor. One that is unreadable counts as empty: the control plane sends again what is not
    /// done, and effects carry their keys.
    ///
    /// # Errors
    /// [`CursorError::Read`].
    pub async fn open(client: Client, namespace: &str) -> Result<(Self, Cursor), CursorError> {
        let api: Api<ConfigMap> = Api::namespaced(client, namespace);
        let object = api.get(names::CURSOR).await.map_err(|source| CursorError::Read { source })?;
        let text = object.data.as_ref().and_then(|data| data.get(KEY));
        let cursor = match text.map(|text| serde_json::from_str(text)) {
            None => Cursor::default(),
            Some(Ok(cursor)) => cursor,
            Some(Err(error)) => {
                warn!(error = %Chain(&error), "the stored cursor is unreadable, starting with an empty one");
                Cursor::default()
            }
        };
        Ok((Self { api, object }, cursor))
    }

    /// Stores a cursor in place of the one that was last read or stored here.
    ///
    /// # Errors
    /// [`CursorError::Conflict`] if another replica was faster, else [`CursorError::Store`].
    pub async fn store(&mut self, cursor: &Cursor) -> Result<(), CursorError> {
        let text =
            serde_json::to_string(cursor).map_err(|source| CursorError::Encode { source })?;
        let mut object = self.object.clone();
        object.data.get_or_insert_default().insert(KEY.to_owned(), text);
        crash_point!("agent.journal.before");
        let stored = self.api.replace(names::CURSOR, &PostParams::default(), &object).await;
        crash_point!("agent.journal.after");
        self.object = stored.map_err(|source| match source {
            kube::Error::Api(status) if status.is_conflict() => CursorError::Conflict,
            source => CursorError::Store { source },
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_api::FakeApi;

    #[tokio::test]
    async fn a_cursor_reads_back_after_it_was_stored() {
        let api = FakeApi::with_own_objects();
        let (mut slot, cursor) = CursorSlot::open(api.client(), "infrastructure").await.unwrap();
        assert_eq!(cursor, Cursor::default());
        let cursor = Cursor { settled_below: 7, ..Cursor::default() };
        slot.store(&cursor).await.unwrap();
        slot.store(&cursor).await.unwrap();
        let (_, again) = CursorSlot::open(api.client(), "infrastructure").await.unwrap();
        assert_eq!(again, cursor);
    }

    #[tokio::test]
    async fn the_slower_of_two_replicas_is_told_so() {
        let api = FakeApi::with_own_objects();
        let (mut one, cursor) = CursorSlot::open(api.client(), "infrastructure").await.unwrap();
        let (mut two, _) = CursorSlot::open(api.client(), "infrastructure").await.unwrap();
        one.store(&cursor).await.unwrap();
        assert!(matches!(two.store(&cursor).await, Err(CursorError::Conflict)));
    }

    #[tokio::test]
    async fn an_unreadable_cursor_is_an_empty_one_and_an_absent_object_an_error() {
        let api = FakeApi::with_own_objects();
        api.set("configmaps", names::CURSOR, &serde_json::json!({"data": {KEY: "{broken"}}));
        let (_, cursor) = CursorSlot::open(api.client(), "infrastructure").await.unwrap();
        assert_eq!(cursor, Cursor::default());
        let empty = FakeApi::default();
        let error = CursorSlot::open(empty.client(), "infrastructure").await.unwrap_err();
        assert!(matches!(error, CursorError::Read { .. }));
    }
}
