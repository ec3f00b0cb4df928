//! The tables of `migrations/0002_clusters.sql`.

pub(crate) mod cluster {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "clusters")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) organization_id: Uuid,
        pub(crate) name: String,
        pub(crate) created_at: i64,
        pub(crate) last_seen_at: Option<i64>,
        pub(crate) connected_at: Option<i64>,
        pub(crate) agent_version: Option<String>,
        pub(crate) kubernetes_version: Option<String>,
        pub(crate) epoch: i64,
        pub(crate) last_command_seq: i64,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod enrolment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "enrolments")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) organization_id: Uuid,
        pub(crate) cluster_id: Uuid,
        pub(crate) token_hash: String,
        pub(crate) created_at: i64,
        pub(crate) expires_at: i64,
        pub(crate) public_key_sha256: Option<String>,
        pub(crate) spent_at: Option<i64>,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod cluster_certificate {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "cluster_certificates")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) serial: String,
        pub(crate) organization_id: Uuid,
        pub(crate) cluster_id: Uuid,
        pub(crate) issued_at: i64,
        pub(crate) not_after: i64,
        pub(crate) revoked_at: Option<i64>,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod environment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "environments")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) organization_id: Uuid,
        pub(crate) cluster_id: Uuid,
        pub(crate) name: String,
        pub(crate) namespace: Option<String>,
        pub(crate) gitops: String,
        pub(crate) created_at: i64,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod git_credential {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "git_credentials")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) environment_id: Uuid,
        pub(crate) organization_id: Uuid,
        pub(crate) password_sha256: String,
        pub(crate) created_at: i64,
    }

    crate::entity::plain_table!();
}
