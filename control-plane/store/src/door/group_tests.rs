use sea_orm::{
    ConnectionTrait, DbBackend, Statement,
    sqlx::{
        Executor as _,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
    },
};

use super::*;
use crate::{door::UseCase, error::StoreError};

/// A writer on a table whose foreign key is looked at by the commit, and somebody else who reads.
struct Bench {
    group: Group,
    reader: SqlitePool,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("group.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .foreign_keys(true);
        let pool = || SqlitePoolOptions::new().max_connections(1);
        let writer = pool().connect_with(options.clone()).await.expect("a writer");
        let schema = "CREATE TABLE rows (id integer PRIMARY KEY, \
            parent integer REFERENCES rows (id) DEFERRABLE INITIALLY DEFERRED)";
        writer.execute(schema).await.expect("a table");
        let reader = pool().connect_with(options).await.expect("a reader");
        let counts = Counts::new().expect("counters");
        Self { group: Group::new(writer, counts), reader, _folder: folder }
    }

    async fn begin(&self) -> UseCase {
        UseCase::shared(self.group.enter().await.expect("a turn"), "test")
    }

    /// What somebody else sees, and what a crash would leave.
    async fn committed(&self) -> i64 {
        let count = sea_orm::sqlx::query_scalar("SELECT count(*) FROM rows");
        count.fetch_one(&self.reader).await.expect("a count")
    }
}

async fn insert(case: &UseCase, id: u32, parent: &str) -> Result<(), DbErr> {
    let sql = format!("INSERT INTO rows VALUES ({id}, {parent})");
    case.execute_unprepared(&sql).await.map(drop)
}

async fn seen(case: &UseCase) -> i64 {
    let count = Statement::from_string(DbBackend::Sqlite, "SELECT count(*) FROM rows");
    let row = case.query_one_raw(count).await.expect("an answer").expect("a row");
    row.try_get_by_index(0).expect("a number")
}

#[tokio::test]
async fn a_commit_that_fails_fails_everyone_who_shares_it_and_no_later_one() {
    let bench = Bench::new().await;
    let good = bench.begin().await;
    insert(&good, 1, "NULL").await.expect("a row");
    let bad = async {
        let bad = bench.begin().await;
        insert(&bad, 2, "99").await.expect("looked at by the commit");
        bad.commit().await
    };
    let (good, bad) = tokio::join!(good.commit(), bad);
    let words = |error: StoreError| format!("{error:?}");
    assert!(words(good.expect_err("shares the commit")).contains("FOREIGN KEY"));
    assert!(words(bad.expect_err("is the cause")).contains("FOREIGN KEY"));
    assert_eq!(bench.committed().await, 0);

    let later = bench.begin().await;
    insert(&later, 3, "NULL").await.expect("a row");
    later.commit().await.expect("alone again");
    assert_eq!(bench.committed().await, 1);
    assert_eq!((bench.group.counts.read().commits, bench.group.counts.read().failed), (1, 1));
}

#[tokio::test]
async fn a_use_case_that_is_dropped_leaves_nothing_and_its_neighbour_whole() {
    let bench = Bench::new().await;
    let first = bench.begin().await;
    insert(&first, 1, "NULL").await.expect("a row");
    let dropped = async {
        let dropped = bench.begin().await;
        insert(&dropped, 2, "NULL").await.expect("a row");
        drop(dropped);
        let last = bench.begin().await;
        insert(&last, 3, "NULL").await.expect("a row");
        last.commit().await
    };
    let (first, last) = tokio::join!(first.commit(), dropped);
    first.expect("kept");
    last.expect("kept");
    assert_eq!(bench.committed().await, 2);
    let alone = bench.begin().await;
    insert(&alone, 4, "NULL").await.expect("a row");
    drop(alone);
    assert_eq!(seen(&bench.begin().await).await, 2);
}

#[tokio::test]
async fn an_answer_about_a_neighbour_waits_until_the_neighbour_is_durable() {
    let bench = Bench::new().await;
    let first = bench.begin().await;
    insert(&first, 1, "NULL").await.expect("a row");
    let repeated = async {
        let repeated = bench.begin().await;
        let found = seen(&repeated).await;
        repeated.undo(found).await.expect("the neighbour was committed");
        (found, bench.committed().await)
    };
    let (first, (found, committed)) = tokio::join!(first.commit(), repeated);
    first.expect("kept");
    assert_eq!((found, committed), (1, 1), "what was seen was durable when it was told");
}

#[tokio::test]
async fn an_error_that_may_have_ended_the_transaction_gives_up_all_of_it() {
    let bench = Bench::new().await;
    let first = bench.begin().await;
    insert(&first, 1, "NULL").await.expect("a row");
    let spoiled = async {
        let spoiled = bench.begin().await;
        // As full as a disk can be: no page may be added any more.
        spoiled.execute_unprepared("PRAGMA max_page_count = 1").await.expect("a limit");
        let big = "INSERT INTO rows SELECT value + 10, NULL FROM generate";
        let with = format!(
            "WITH RECURSIVE generate (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM generate \
             LIMIT 100000) {big}"
        );
        let full = spoiled.execute_unprepared(&with).await;
        assert!(full.expect_err("no space").to_string().contains("full"));
        drop(spoiled);
    };
    let (first, ()) = tokio::join!(first.commit(), spoiled);
    first.expect_err("it shared the transaction that was given up");
    assert_eq!(bench.committed().await, 0);
    let later = bench.begin().await;
    insert(&later, 3, "NULL").await.expect("a row");
    later.commit().await.expect("on a connection of its own");
    assert_eq!(bench.committed().await, 1);
}
