//! The tables of `migrations/0004_artifacts.sql`.

pub(crate) mod artifact {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "artifacts")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) organization_id: Uuid,
        pub(crate) repository_id: Uuid,
        pub(crate) sha: String,
        pub(crate) event: String,
        pub(crate) ref_name: String,
        pub(crate) branch: Option<String>,
        pub(crate) tag: Option<String>,
        pub(crate) source_branch: Option<String>,
        pub(crate) target_branch: Option<String>,
        pub(crate) message: String,
        pub(crate) author_name: String,
        pub(crate) author_email: String,
        pub(crate) committer_name: String,
        pub(crate) committer_email: String,
        pub(crate) committed_at: i64,
        pub(crate) url: Option<String>,
        pub(crate) manifests: String,
        pub(crate) problems: String,
        pub(crate) is_head: bool,
        pub(crate) created_at: i64,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod decision {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "decisions")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) artifact_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) position: i32,
        pub(crate) organization_id: Uuid,
        pub(crate) env: String,
        pub(crate) app: String,
        pub(crate) file: String,
        pub(crate) releases: bool,
        pub(crate) reason: String,
    }

    crate::entity::tenant_table!();
}
