//! A database of an earlier version, with rows in it, is brought up to date and works.

use gimlet_store::Store;
use sea_orm::ConnectionTrait;

use crate::harness::{as_plain_owner, at, each_address, repository, shop};

/// The schema as it was before organizations were held apart by the database.
const EARLIER: [(&str, &str); 6] = [
    ("0001_people", include_str!("../../src/migrations/0001_people.sql")),
    ("0002_clusters", include_str!("../../src/migrations/0002_clusters.sql")),
    ("0003_repositories", include_str!("../../src/migrations/0003_repositories.sql")),
    ("0004_artifacts", include_str!("../../src/migrations/0004_artifacts.sql")),
    ("0005_releases", include_str!("../../src/migrations/0005_releases.sql")),
    ("0006_commands", include_str!("../../src/migrations/0006_commands.sql")),
];

async fn works(url: String) {
    let id = |number: u32| format!("00000000-0000-7000-8000-{number:012}");
    let db = sea_orm::Database::connect(format!("{url}{}", if_new(&url))).await.unwrap();
    let (bytes, quote): (_, fn(String) -> String) = match db.get_database_backend() {
        sea_orm::DbBackend::Postgres => ("bytea", |id| format!("'{id}'")),
        _ => ("blob", |id| format!("x'{}'", id.replace('-', ""))),
    };
    db.execute_unprepared(
        "CREATE TABLE seaql_migrations (version varchar NOT NULL PRIMARY KEY, applied_at bigint NOT NULL)",
    )
    .await
    .unwrap();
    for (name, sql) in EARLIER {
        db.execute_unprepared(&sql.replace("{bytes}", bytes)).await.unwrap();
        let noted = format!("INSERT INTO seaql_migrations VALUES ('{name}', 1)");
        db.execute_unprepared(&noted).await.unwrap();
    }
    let (organization, user) = (quote(id(1)), quote(id(2)));
    for row in [
        format!("INSERT INTO organizations VALUES ({organization}, 'acme', 1)"),
        format!("INSERT INTO users VALUES ({user}, 'acme-owner', 1)"),
        format!("INSERT INTO members VALUES ({organization}, {user}, 'owner', 1)"),
        format!(
            "INSERT INTO sign_in_links VALUES ('link', {organization}, {user}, {}, NULL)",
            at(60).0
        ),
        format!(
            "INSERT INTO source_repositories (id, organization_id, name, url, secret, look_token_hash, \
             poll_due_at, created_at, revision) VALUES ({}, {organization}, 'acme/old', 'u', 's', 'l', 1, 1, 1)",
            quote(id(3))
        ),
    ] {
        db.execute_unprepared(&row).await.unwrap();
    }
    db.close().await.unwrap();

    let store = Store::open(&url).await.unwrap();
    let scope = store.spend_sign_in_link("link", "session", at(99), at(1)).await.unwrap().unwrap();
    assert_eq!(scope.login(), "acme-owner");
    let found = store.find_repository_by_name(&scope, "acme/old").await.unwrap();
    assert_eq!(found.unwrap().organization_id, scope.organization());
    repository(&store, &scope, "acme/new").await;
    assert_eq!(store.all_repositories(&scope).await.unwrap().len(), 2);
    let other = shop(&store, "other").await;
    assert_eq!(store.all_repositories(&other.owner).await.unwrap().len(), 1);
}

/// SQLite's own connection makes no file by itself.
fn if_new(url: &str) -> &'static str {
    if url.starts_with("sqlite") { "?mode=rwc" } else { "" }
}

#[tokio::test]
async fn an_earlier_database_with_rows_is_brought_up_to_date() {
    each_address(works).await;
}

#[tokio::test]
async fn an_earlier_database_of_a_plain_login_is_brought_up_to_date() {
    as_plain_owner("", works).await;
}
