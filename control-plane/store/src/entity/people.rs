//! The tables of `migrations/0001_people.sql`.

pub(crate) mod organization {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "organizations")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) name: String,
        pub(crate) created_at: i64,
    }

    crate::entity::plain_table!();
}

pub(crate) mod user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) login: String,
        pub(crate) created_at: i64,
    }

    crate::entity::plain_table!();
}

pub(crate) mod member {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "members")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) organization_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) user_id: Uuid,
        pub(crate) role: String,
        pub(crate) created_at: i64,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod sign_in_link {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sign_in_links")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) hash: String,
        pub(crate) organization_id: Uuid,
        pub(crate) user_id: Uuid,
        pub(crate) expires_at: i64,
        pub(crate) spent_at: Option<i64>,
    }

    crate::entity::plain_table!();
}

pub(crate) mod session {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sessions")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) hash: String,
        pub(crate) organization_id: Uuid,
        pub(crate) user_id: Uuid,
        pub(crate) created_at: i64,
        pub(crate) expires_at: i64,
    }

    crate::entity::plain_table!();
}

pub(crate) mod api_token {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "api_tokens")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) hash: String,
        pub(crate) organization_id: Uuid,
        pub(crate) user_id: Uuid,
        pub(crate) name: String,
        pub(crate) created_at: i64,
        pub(crate) last_used_at: Option<i64>,
        pub(crate) revoked_at: Option<i64>,
        pub(crate) expires_at: Option<i64>,
    }

    crate::entity::tenant_table!();
}

pub(crate) mod device_login {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "device_logins")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) device_hash: String,
        pub(crate) user_code: String,
        pub(crate) organization_id: Option<Uuid>,
        pub(crate) user_id: Option<Uuid>,
        pub(crate) expires_at: i64,
        pub(crate) taken_at: Option<i64>,
    }

    crate::entity::plain_table!();
}
