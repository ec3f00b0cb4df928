//! The tables of `migrations/0005_releases.sql` and `0010_release_pages.sql`.

pub(crate) mod application {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "applications")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) organization_id: Uuid,
        pub(crate) environment_id: Uuid,
        pub(crate) name: String,
        pub(crate) namespace: String,
        pub(crate) repository_id: Option<Uuid>,
        pub(crate) health: String,
        pub(crate) health_at: Option<i64>,
        pub(crate) current_release: Option<Uuid>,
        pub(crate) created_at: i64,
        pub(crate) deleted_at: Option<i64>,
        pub(crate) leased_until: i64,
        pub(crate) revision: i64,
        pub(crate) url: Option<String>,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod release {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "releases")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) organization_id: Uuid,
        pub(crate) environment_id: Uuid,
        pub(crate) application_id: Uuid,
        pub(crate) app: String,
        pub(crate) namespace: String,
        pub(crate) artifact_id: Option<Uuid>,
        pub(crate) intent: String,
        pub(crate) asked_by: String,
        pub(crate) state: String,
        pub(crate) state_data: String,
        pub(crate) commit_sha: Option<String>,
        pub(crate) requested_at: i64,
        pub(crate) deadline_at: i64,
        pub(crate) committed_at: Option<i64>,
        pub(crate) fetched_at: Option<i64>,
        pub(crate) applied_at: Option<i64>,
        pub(crate) finished_at: Option<i64>,
        pub(crate) attempts: i32,
        pub(crate) due_at: i64,
        pub(crate) note: Option<String>,
        pub(crate) idempotency_key: Option<String>,
        pub(crate) revision: i64,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod release_log {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "release_logs")]
    pub(crate) struct Model {
        pub(crate) organization_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) release_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) pod: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) container: String,
        pub(crate) restarts: i32,
        pub(crate) lines: String,
        pub(crate) seen_at: i64,
    }

    crate::entity::tenant_table!();
}
