//! The tables of `migrations/0008_activity.sql`, and of `migrations/0009_idempotency.sql` with
//! `migrations/0012_keyed_effects.sql`.

pub(crate) mod activity_head {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "activity_heads")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) organization_id: Uuid,
        pub(crate) last_seq: i64,
    }

    crate::entity::plain_table!();
}

pub(crate) mod activity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "activities")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) organization_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) seq: i64,
        pub(crate) at: i64,
        pub(crate) kind: String,
        pub(crate) actor: String,
        pub(crate) actor_data: String,
        pub(crate) environment_id: Option<Uuid>,
        pub(crate) app: Option<String>,
        pub(crate) data: String,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod idempotency_key {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "idempotency_keys")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) organization_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) user_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) route: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) key: String,
        pub(crate) request_sha256: String,
        pub(crate) running_until: i64,
        pub(crate) status: Option<i32>,
        pub(crate) answer: Option<String>,
        pub(crate) effect: Option<String>,
        pub(crate) created_at: i64,
    }

    crate::entity::tenant_table!();
}
