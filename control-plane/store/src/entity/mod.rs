//! One module per table: its row as stored. Nothing here leaves this crate.

mod artifacts;
mod changes;
mod clusters;
mod commands;
mod people;
mod releases;
mod repositories;

pub(crate) use artifacts::{artifact, decision};
pub(crate) use changes::{activity, activity_head, idempotency_key};
pub(crate) use clusters::{cluster, cluster_certificate, enrolment, environment, git_credential};
pub(crate) use commands::command;
pub(crate) use people::{
    api_token, device_login, member, organization, session, sign_in_link, user,
};
pub(crate) use releases::{application, release, release_log};
pub(crate) use repositories::{delivery, seen_ref, source_repository};

/// What the ORM wants of every table. Joins are written where they are used, so no table names relations.
macro_rules! plain_table {
    () => {
        #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
        pub(crate) enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    };
}

/// A table whose rows belong to an organization and are read under a scope.
macro_rules! tenant_table {
    () => {
        crate::entity::plain_table!();

        /// Only the rows of this organization: the filter of every scoped query.
        pub(crate) fn owned_by(
            organization: gimlet_shared::ids::OrganizationId,
        ) -> sea_orm::sea_query::SimpleExpr {
            crate::planted::scope_filter(Column::OrganizationId.eq(organization.0))
        }
    };
}

pub(crate) use {plain_table, tenant_table};
