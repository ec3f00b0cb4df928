//! The tables of `migrations/0003_repositories.sql`.

pub(crate) mod source_repository {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "source_repositories")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) organization_id: Uuid,
        pub(crate) name: String,
        pub(crate) url: String,
        pub(crate) default_branch: Option<String>,
        pub(crate) secret: String,
        pub(crate) look_token_hash: String,
        pub(crate) poll_due_at: i64,
        pub(crate) last_polled_at: Option<i64>,
        pub(crate) last_error: Option<String>,
        pub(crate) created_at: i64,
        pub(crate) revision: i64,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod seen_ref {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "seen_refs")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) repository_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) name: String,
        pub(crate) organization_id: Uuid,
        pub(crate) sha: String,
    }

    crate::entity::plain_table!();
}

pub(crate) mod delivery {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "deliveries")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) organization_id: Uuid,
        pub(crate) repository_id: Uuid,
        pub(crate) provider: String,
        pub(crate) delivery_id: String,
        pub(crate) kind: String,
        pub(crate) body: Vec<u8>,
        pub(crate) received_at: i64,
        pub(crate) finished_at: Option<i64>,
        pub(crate) error: Option<String>,
    }

    crate::entity::plain_table!();
}
