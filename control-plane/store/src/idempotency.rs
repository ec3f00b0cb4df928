//! Requests that carry an `Idempotency-Key`: which of them run, and what was answered.

use gimlet_domain::time::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{
    columns::insert_new,
    connect::Store,
    entity::idempotency_key,
    error::{During, StoreError},
    scope::TenantScope,
};

/// A request that carries a key. Keys are the member's own, and each route has its own.
#[derive(Clone, Copy, Debug)]
pub struct KeyedRequest<'a> {
    /// Method and template of the path.
    pub route: &'a str,
    /// The key.
    pub key: &'a str,
    /// SHA-256 over whatever tells one request from another.
    pub request_sha256: &'a str,
}

/// What to do with a request that carries a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is the first one: carry it out.
    First,
    /// It was answered like this.
    Answered {
        /// HTTP status.
        status: u16,
        /// The answer as it was given to [`Store::finish_keyed`].
        answer: String,
    },
    /// The first one is still being carried out.
    Running,
    /// The key came with another request.
    OtherRequest,
}

const BEGIN: &str = "look up an idempotency key";
const FINISH: &str = "keep an answer";

impl Store {
    /// Takes the key for this request until `running_until`, or says what came of the earlier one. A run
    /// that did not end by then was cut off, and may be tried again.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn begin_keyed(
        &self,
        scope: &TenantScope,
        request: KeyedRequest<'_>,
        running_until: Timestamp,
        now: Timestamp,
    ) -> Result<Turn, StoreError> {
        let row = idempotency_key::Model {
            organization_id: scope.organization().0,
            user_id: scope.user().0,
            route: request.route.to_owned(),
            key: request.key.to_owned(),
            request_sha256: request.request_sha256.to_owned(),
            running_until: running_until.0,
            status: None,
            answer: None,
            created_at: now.0,
        };
        let key = [
            idempotency_key::Column::OrganizationId,
            idempotency_key::Column::UserId,
            idempotency_key::Column::Route,
            idempotency_key::Column::Key,
        ];
        let txn = self.begin(scope, BEGIN).await?;
        let turn = if insert_new(&txn, row, key).await.during(BEGIN)? {
            Turn::First
        } else {
            let found = idempotency_key::Entity::find()
                .filter(this(scope, request))
                .one(&txn)
                .await
                .during(BEGIN)?
                .ok_or(StoreError::Conflict { what: "the idempotency key" })?;
            let turn = judge(&found, request, now);
            if turn == Turn::First && !retake(&txn, scope, request, &found, running_until).await? {
                Turn::Running
            } else {
                turn
            }
        };
        txn.commit().await?;
        Ok(turn)
    }

    /// Keeps the answer for whoever repeats the request.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn finish_keyed(
        &self,
        scope: &TenantScope,
        request: KeyedRequest<'_>,
        status: u16,
        answer: String,
    ) -> Result<(), StoreError> {
        let txn = self.begin(scope, FINISH).await?;
        idempotency_key::Entity::update_many()
            .col_expr(idempotency_key::Column::Status, Expr::value(i32::from(status)))
            .col_expr(idempotency_key::Column::Answer, Expr::value(answer))
            .filter(this(scope, request))
            .exec(&txn)
            .await
            .during(FINISH)?;
        txn.commit().await
    }

    /// Forgets a request that changed nothing: the key is free for the next try.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn forget_keyed(
        &self,
        scope: &TenantScope,
        request: KeyedRequest<'_>,
    ) -> Result<(), StoreError> {
        let txn = self.begin(scope, FINISH).await?;
        idempotency_key::Entity::delete_many()
            .filter(this(scope, request))
            .exec(&txn)
            .await
            .during(FINISH)?;
        txn.commit().await
    }
}

fn judge(found: &idempotency_key::Model, request: KeyedRequest<'_>, now: Timestamp) -> Turn {
    if found.request_sha256 != request.request_sha256 {
        return Turn::OtherRequest;
    }
    match (found.status.and_then(|status| u16::try_from(status).ok()), &found.answer) {
        (Some(status), Some(answer)) => Turn::Answered { status, answer: answer.clone() },
        (None, _) | (_, None) if found.running_until > now.0 => Turn::Running,
        (None, _) | (_, None) => Turn::First,
    }
}

/// Takes over from a run that was cut off; false where another one was faster.
async fn retake(
    db: &impl sea_orm::ConnectionTrait,
    scope: &TenantScope,
    request: KeyedRequest<'_>,
    found: &idempotency_key::Model,
    running_until: Timestamp,
) -> Result<bool, StoreError> {
    let taken = idempotency_key::Entity::update_many()
        .col_expr(idempotency_key::Column::RunningUntil, Expr::value(running_until.0))
        .filter(this(scope, request))
        .filter(idempotency_key::Column::RunningUntil.eq(found.running_until))
        .exec(db)
        .await
        .during(BEGIN)?;
    Ok(taken.rows_affected == 1)
}

fn this(scope: &TenantScope, request: KeyedRequest<'_>) -> Expr {
    use sea_orm::ExprTrait as _;

    idempotency_key::owned_by(scope.organization())
        .and(idempotency_key::Column::UserId.eq(scope.user().0))
        .and(idempotency_key::Column::Route.eq(request.route))
        .and(idempotency_key::Column::Key.eq(request.key))
}
