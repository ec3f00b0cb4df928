//! The schema, forward only: one file per group of tables, run once each, in order.
//!
//! A step that was released is never edited. A column goes away two releases after its last reader, so
//! that the previous binary runs on the new schema.
//!
//! A table that carries an `organization_id` needs no more than that to be held apart on PostgreSQL: see
//! `row_security`. One thing the previous binary cannot do there: a version from before row-level security
//! says nobody's name, and so sees no rows once this one has run, unless its login is a superuser.

use gimlet_shared::crash_point;
use sea_orm_migration::{async_trait::async_trait, prelude::*, sea_orm::DbBackend};

/// All steps, oldest first.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        STEPS.iter().map(|step| Box::new(*step) as Box<dyn MigrationTrait>).collect()
    }
}

const STEPS: [Step; 12] = [
    Step { name: "0001_people", sql: include_str!("0001_people.sql") },
    Step { name: "0002_clusters", sql: include_str!("0002_clusters.sql") },
    Step { name: "0003_repositories", sql: include_str!("0003_repositories.sql") },
    Step { name: "0004_artifacts", sql: include_str!("0004_artifacts.sql") },
    Step { name: "0005_releases", sql: include_str!("0005_releases.sql") },
    Step { name: "0006_commands", sql: include_str!("0006_commands.sql") },
    Step { name: "0007_lists", sql: include_str!("0007_lists.sql") },
    Step { name: "0008_activity", sql: include_str!("0008_activity.sql") },
    Step { name: "0009_idempotency", sql: include_str!("0009_idempotency.sql") },
    Step { name: "0010_release_pages", sql: include_str!("0010_release_pages.sql") },
    Step { name: "0011_pages", sql: include_str!("0011_pages.sql") },
    Step { name: "0012_keyed_effects", sql: include_str!("0012_keyed_effects.sql") },
];

#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    /// Both databases read it. Where they have no word in common it stands in braces: see [`words`].
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
        let words = words(manager.get_database_backend());
        let sql = words.iter().fold(self.sql.to_owned(), |sql, (word, own)| sql.replace(word, own));
        crash_point!("migration.step.before");
        let done = manager.get_connection().execute_unprepared(&sql).await;
        crash_point!("migration.step.after");
        done.map(drop)
    }
}

/// What stands in braces, and what each database says instead.
const fn words(backend: DbBackend) -> [(&'static str, &'static str); 4] {
    match backend {
        DbBackend::Postgres => [
            ("{bytes}", "bytea"),
            ("{json}", "::json"),
            ("{computed}", "STORED"),
            ("{kind_group}", "split_part(kind, '.', 1)"),
        ],
        _ => [
            ("{bytes}", "blob"),
            ("{json}", ""),
            ("{computed}", "VIRTUAL"),
            ("{kind_group}", "substr(kind, 1, instr(kind, '.') - 1)"),
        ],
    }
}
