//! The tables of `migrations/0006_commands.sql`.

pub(crate) mod command {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "commands")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) organization_id: Uuid,
        pub(crate) cluster_id: Uuid,
        pub(crate) seq: i64,
        pub(crate) body: String,
        pub(crate) state: String,
        pub(crate) outcome: Option<String>,
        pub(crate) expires_at: i64,
        pub(crate) created_at: i64,
        pub(crate) accepted_at: Option<i64>,
        pub(crate) done_at: Option<i64>,
        pub(crate) release_id: Option<Uuid>,
    }

    crate::entity::tenant_table!();
}
