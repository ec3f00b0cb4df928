//! The schema, forward only: one file per group of tables, run once each, in order.
//!
//! A step that was released is never edited. A column goes away two releases after its last reader, so
//! that the previous binary runs on the new schema.

use sea_orm_migration::{async_trait::async_trait, prelude::*, sea_orm::DbBackend};

/// All steps, oldest first.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        STEPS.iter().map(|step| Box::new(*step) as Box<dyn MigrationTrait>).collect()
    }
}

const STEPS: [Step; 6] = [
    Step { name: "0001_people", sql: include_str!("0001_people.sql") },
    Step { name: "0002_clusters", sql: include_str!("0002_clusters.sql") },
    Step { name: "0003_repositories", sql: include_str!("0003_repositories.sql") },
    Step { name: "0004_artifacts", sql: include_str!("0004_artifacts.sql") },
    Step { name: "0005_releases", sql: include_str!("0005_releases.sql") },
    Step { name: "0006_commands", sql: include_str!("0006_commands.sql") },
];

#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    /// Both databases read it. Where they have no word in common it stands in braces: `{bytes}`.
    sql: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let bytes = match manager.get_database_backend() {
            DbBackend::Postgres => "bytea",
            _ => "blob",
        };
        manager
            .get_connection()
            .execute_unprepared(&self.sql.replace("{bytes}", bytes))
            .await
            .map(drop)
    }
}
