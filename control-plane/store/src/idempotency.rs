//! Requests that carry an `Idempotency-Key`: which of them run, what they did, and what was answered.
//!
//! A request has its effect in one transaction, and [`note_effect`] writes down in the same one that it had
//! it. So nothing is done twice: not by a request that is repeated after a crash, and not by one that was
//! taken for dead and was only slow.

use gimlet_domain::time::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde::{Deserialize, Serialize};

use crate::{
    columns::{from_json, insert_new, to_json},
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

/// One run of a request that carries a key, as the scope of its member has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    route: String,
    key: String,
    /// Until when the run has the key; tells it from other runs of the same request.
    running_until: Timestamp,
    kept: Option<String>,
    before: Option<Effect>,
}

impl Keyed {
    /// What an earlier run of the request did before it was cut off: answer with that, and do nothing.
    #[must_use]
    pub fn before(&self) -> Option<&Effect> {
        self.before.as_ref()
    }

    pub(crate) fn keeping(self, kept: String) -> Self {
        Self { kept: Some(kept), ..self }
    }
}

/// What a request did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Ids of what it made, in order.
    pub made: Vec<String>,
    /// What was given to [`TenantScope::keeping`].
    pub kept: Option<String>,
}

/// What to do with a request that carries a key.
#[expect(clippy::large_enum_variant, reason = "it is handed on at once, one for each request")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It has the key: carry it out under this scope, or answer with what it did [before](Keyed::before).
    First(TenantScope),
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
const NOTE: &str = "note what a request did";

impl Store {
    /// Takes the key for this request until `running_until`, or says what came of the earlier one. A run
    /// that had no effect by then was cut off, and may be tried again.
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
        let key = [
            idempotency_key::Column::OrganizationId,
            idempotency_key::Column::UserId,
            idempotency_key::Column::Route,
            idempotency_key::Column::Key,
        ];
        let keyed = Keyed {
            route: request.route.to_owned(),
            key: request.key.to_owned(),
            running_until,
            kept: None,
            before: None,
        };
        let txn = self.begin(scope, BEGIN).await?;
        let row = new_row(scope, request, running_until, now);
        let turn = if insert_new(&txn, row, key).await.during(BEGIN)? {
            Turn::First(scope.asking(keyed))
        } else {
            let found = idempotency_key::Entity::find()
                .filter(this(scope, &keyed))
                .one(&txn)
                .await
                .during(BEGIN)?
                .ok_or(StoreError::Conflict { what: "the idempotency key" })?;
            turn_after(&txn, scope, request, keyed, found, now).await?
        };
        txn.commit().await?;
        Ok(turn)
    }

    /// Keeps the answer of this run for whoever repeats the request.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn finish_keyed(
        &self,
        scope: &TenantScope,
        status: u16,
        answer: String,
    ) -> Result<(), StoreError> {
        let Some(keyed) = scope.keyed() else { return Ok(()) };
        let txn = self.begin(scope, FINISH).await?;
        idempotency_key::Entity::update_many()
            .col_expr(idempotency_key::Column::Status, Expr::value(i32::from(status)))
            .col_expr(idempotency_key::Column::Answer, Expr::value(answer))
            .filter(run(scope, keyed))
            .exec(&txn)
            .await
            .during(FINISH)?;
        txn.commit().await
    }

    /// Forgets a run that did nothing: the key is free for the next try. One that had its effect stays.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn forget_keyed(&self, scope: &TenantScope) -> Result<(), StoreError> {
        let Some(keyed) = scope.keyed() else { return Ok(()) };
        let txn = self.begin(scope, FINISH).await?;
        idempotency_key::Entity::delete_many()
            .filter(run(scope, keyed))
            .filter(idempotency_key::Column::Effect.is_null())
            .exec(&txn)
            .await
            .during(FINISH)?;
        txn.commit().await
    }
}

/// Writes down, in the transaction of the effect, that the request has had it. Without a key there is
/// nothing to write.
///
/// # Errors
/// [`StoreError::Conflict`] where another run has taken the key over: the transaction must not commit.
pub(crate) async fn note_effect(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    made: &[String],
) -> Result<(), StoreError> {
    let Some(keyed) = scope.keyed() else { return Ok(()) };
    let effect = Effect { made: made.to_vec(), kept: keyed.kept.clone() };
    let noted = idempotency_key::Entity::update_many()
        .col_expr(
            idempotency_key::Column::Effect,
            Expr::value(to_json("effect of a request", &effect)?),
        )
        .filter(run(scope, keyed))
        .filter(idempotency_key::Column::Effect.is_null())
        .exec(db)
        .await
        .during(NOTE)?;
    match noted.rows_affected {
        1 => Ok(()),
        _ => Err(StoreError::Conflict { what: "the idempotency key" }),
    }
}

fn new_row(
    scope: &TenantScope,
    request: KeyedRequest<'_>,
    running_until: Timestamp,
    now: Timestamp,
) -> idempotency_key::Model {
    idempotency_key::Model {
        organization_id: scope.organization().0,
        user_id: scope.user().0,
        route: request.route.to_owned(),
        key: request.key.to_owned(),
        request_sha256: request.request_sha256.to_owned(),
        running_until: running_until.0,
        status: None,
        answer: None,
        effect: None,
        created_at: now.0,
    }
}

/// What comes after a run that was there before.
async fn turn_after(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    request: KeyedRequest<'_>,
    keyed: Keyed,
    found: idempotency_key::Model,
    now: Timestamp,
) -> Result<Turn, StoreError> {
    if found.request_sha256 != request.request_sha256 {
        return Ok(Turn::OtherRequest);
    }
    let status = found.status.and_then(|status| u16::try_from(status).ok());
    if let (Some(status), Some(answer)) = (status, found.answer) {
        return Ok(Turn::Answered { status, answer });
    }
    if let Some(effect) = found.effect {
        // The earlier run may be about to answer: both say the same.
        let before = Some(from_json("effect of a request", &effect)?);
        let running_until = Timestamp(found.running_until);
        return Ok(Turn::First(scope.asking(Keyed { running_until, before, ..keyed })));
    }
    if found.running_until > now.0 {
        return Ok(Turn::Running);
    }
    let taken = take_over(db, scope, &keyed, found.running_until).await?;
    Ok(if taken { Turn::First(scope.asking(keyed)) } else { Turn::Running })
}

/// Takes over from a run that was cut off; false where another one was faster.
async fn take_over(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    keyed: &Keyed,
    from: i64,
) -> Result<bool, StoreError> {
    let taken = idempotency_key::Entity::update_many()
        .col_expr(idempotency_key::Column::RunningUntil, Expr::value(keyed.running_until.0))
        .filter(this(scope, keyed))
        .filter(idempotency_key::Column::RunningUntil.eq(from))
        .filter(idempotency_key::Column::Effect.is_null())
        .exec(db)
        .await
        .during(BEGIN)?;
    Ok(taken.rows_affected == 1)
}

/// The row of this run, as long as no other one has taken over.
fn run(scope: &TenantScope, keyed: &Keyed) -> Expr {
    use sea_orm::ExprTrait as _;

    this(scope, keyed).and(idempotency_key::Column::RunningUntil.eq(keyed.running_until.0))
}

fn this(scope: &TenantScope, keyed: &Keyed) -> Expr {
    use sea_orm::ExprTrait as _;

    idempotency_key::owned_by(scope.organization())
        .and(idempotency_key::Column::UserId.eq(scope.user().0))
        .and(idempotency_key::Column::Route.eq(keyed.route.as_str()))
        .and(idempotency_key::Column::Key.eq(keyed.key.as_str()))
}
