//! How typed values stand in columns: words, JSON as text, and numbers.

use std::{error::Error, str::FromStr};

use gimlet_domain::time::Timestamp;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, ModelTrait,
    sea_query::{IntoIden, OnConflict},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::StoreError;

/// The text of a JSON column.
pub(crate) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| corrupt(what, error))
}

/// Reads a JSON column.
pub(crate) fn from_json<T: DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| corrupt(what, error))
}

/// Reads a column that holds one of a closed list of words.
pub(crate) fn from_word<T>(what: &'static str, word: &str) -> Result<T, StoreError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    word.parse().map_err(|error| corrupt(what, error))
}

/// Reads a column that counts upwards from zero.
pub(crate) fn from_count(what: &'static str, number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|error| corrupt(what, error))
}

/// A count as a column; what does not fit equals no stored row.
pub(crate) fn to_count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A moment that may not have come.
pub(crate) fn moment(column: Option<i64>) -> Option<Timestamp> {
    column.map(Timestamp)
}

/// The whole row as an insert wants it.
pub(crate) fn active<M>(row: M) -> <M::Entity as EntityTrait>::ActiveModel
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
{
    row.into_active_model().reset_all()
}

/// Inserts a whole row.
pub(crate) async fn insert<M>(db: &impl ConnectionTrait, row: M) -> Result<(), DbErr>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
{
    M::Entity::insert(active(row)).exec_without_returning(db).await.map(drop)
}

/// Inserts a whole row unless its unique `columns` are taken; true if it was inserted.
pub(crate) async fn insert_new<M, C>(
    db: &impl ConnectionTrait,
    row: M,
    columns: impl IntoIterator<Item = C>,
) -> Result<bool, DbErr>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    C: IntoIden,
{
    let inserted = M::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(OnConflict::columns(columns).do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    Ok(inserted == 1)
}

fn corrupt(what: &'static str, source: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Corrupt { what, source: Box::new(source) }
}
