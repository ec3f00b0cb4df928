//! PostgreSQL itself holds the rows of organizations apart, whoever owns the tables.

use gimlet_store::{Store, StoreError};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::harness::{as_plain_owner, each_address, owner, shop};

/// Tables that belong to no organization: people may be members of many, and the steps of the schema.
const OF_NOBODY: [&str; 2] = ["seaql_migrations", "users"];

async fn number(db: &DatabaseConnection, query: &str) -> i64 {
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, query)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

/// One connection, so that a setting holds for the next query.
async fn connect(url: &str) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1);
    sea_orm::Database::connect(options).await.unwrap()
}

#[tokio::test]
async fn every_table_of_an_organization_is_protected_from_its_owner_too() {
    as_plain_owner("", async |url| {
        Store::open(&url).await.unwrap();
        let db = connect(&url).await;
        let open = "SELECT relname::text FROM pg_class c \
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') \
            AND NOT (relrowsecurity AND relforcerowsecurity AND EXISTS ( \
                SELECT FROM pg_policy p WHERE p.polrelid = c.oid)) ORDER BY 1";
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, open)).await;
        let open: Vec<String> =
            rows.unwrap().iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(open, OF_NOBODY, "a table needs a column organization_id, or a reason here");
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_says_nobody_sees_no_row() {
    as_plain_owner("", async |url| {
        let store = Store::open(&url).await.unwrap();
        let acme = shop(&store, "acme").await;
        let other = owner(&store, "other").await;
        let db = connect(&url).await;
        let clusters = "SELECT count(*) FROM clusters";
        let set = async |setting: &str, value: &str| {
            let set = format!("SET {setting} = '{value}'");
            db.execute_unprepared(&set).await.unwrap();
        };

        assert_eq!(number(&db, clusters).await, 0, "said nothing");
        set("gimlet.organization", "").await;
        assert_eq!(number(&db, clusters).await, 0, "said to be nobody");
        set("gimlet.system", "").await;
        assert_eq!(number(&db, clusters).await, 0, "said to be no system");
        set("gimlet.organization", &other.organization().0.to_string()).await;
        assert_eq!(number(&db, clusters).await, 0, "another organization");
        assert_eq!(number(&db, "SELECT count(*) FROM organizations").await, 1);
        set("gimlet.organization", &acme.owner.organization().0.to_string()).await;
        assert_eq!(number(&db, clusters).await, 1, "its own organization");
        set("gimlet.system", "on").await;
        assert_eq!(number(&db, "SELECT count(*) FROM organizations").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_row_cannot_be_written_into_another_organization() {
    as_plain_owner("", async |url| {
        let store = Store::open(&url).await.unwrap();
        let (acme, other) = (shop(&store, "acme").await, owner(&store, "other").await);
        let db = connect(&url).await;
        let speaks = format!("SET gimlet.organization = '{}'", other.organization().0);
        db.execute_unprepared(&speaks).await.unwrap();
        let stolen = format!(
            "INSERT INTO seen_refs (repository_id, name, organization_id, sha) \
             VALUES ('{}', 'refs/heads/x', '{}', 'a')",
            acme.repository.id.0,
            acme.owner.organization().0
        );
        let refused = db.execute_unprepared(&stolen).await.unwrap_err().to_string();
        assert!(refused.contains("row-level security"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn a_table_that_lost_its_protection_gets_it_back_at_the_next_start() {
    as_plain_owner("", async |url| {
        Store::open(&url).await.unwrap();
        let db = connect(&url).await;
        db.execute_unprepared("ALTER TABLE clusters NO FORCE ROW LEVEL SECURITY").await.unwrap();
        Store::open(&url).await.unwrap();
        let forced =
            "SELECT count(*) FROM pg_class WHERE relname = 'clusters' AND relforcerowsecurity";
        assert_eq!(number(&db, forced).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_login_that_no_policy_holds_is_refused_where_it_cannot_become_another() {
    // The role is made by the first server that may; a login without the right gets no share of it.
    each_address(async |url| drop(Store::open(&url).await.unwrap())).await;
    as_plain_owner("BYPASSRLS", async |url| {
        let refused = Store::open(&url).await.unwrap_err();
        assert!(matches!(refused, StoreError::RowSecurity { .. }), "{refused:?}");
        let text = refused.to_string();
        assert!(text.contains("BYPASSRLS") && text.contains("log in with"), "{text}");
    })
    .await;
}
