//! How many use cases a second SQLite acknowledges, by how many write at the same time.
//!
//! ```text
//! group_commit FOLDER      # on the disk that is to be measured
//! ```
//!
//! Prints one line per number of writers: acknowledged use cases a second, commits (an fsync each), use
//! cases per commit, and the time to acknowledge one.

use std::{
    error::Error,
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use gimlet_domain::time::Timestamp;
use gimlet_store::{NewToken, Store, TenantScope};
use tokio::task::JoinSet;

/// Long enough that checkpoints of the write-ahead log are part of it.
const MEASURED: Duration = Duration::from_secs(5);

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder on the disk to measure")?;
    for writers in [1, 16, 64] {
        let file = std::path::absolute(&folder)?.join(format!("group-commit-{writers}.db"));
        let store = Store::open(&format!("sqlite://{}", file.display())).await?;
        let scope = Arc::new(member(&store).await?);
        let before = store.write_counts();
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..writers {
            tasks.spawn(write_for(store.clone(), scope.clone(), began + MEASURED));
        }
        let mut waits = Vec::new();
        while let Some(done) = tasks.join_next().await {
            waits.extend(done?);
        }
        let took = began.elapsed().as_secs_f64();
        let commits = store.write_counts().commits - before.commits;
        waits.sort_unstable();
        let at = |share: usize| waits[(waits.len() - 1) * share / 100].as_micros();
        writeln!(
            std::io::stdout(),
            "{writers:>3} writers: {:>6.0} a second, {:>6.0} commits a second, {:>5.1} a commit, \
             p50 {} us, p99 {} us",
            waits.len() as f64 / took,
            commits as f64 / took,
            waits.len() as f64 / commits as f64,
            at(50),
            at(99),
        )?;
    }
    Ok(())
}

async fn member(store: &Store) -> Result<TenantScope, Box<dyn Error>> {
    let now = Timestamp::from_seconds(1);
    let later = Timestamp::from_seconds(100);
    let (organization, user) = store.ensure_owner(&store.system(), "acme", "ana", now).await?;
    store.create_sign_in_link(&store.system(), organization, user, "link", later).await?;
    let scope = store.spend_sign_in_link("link", "session", later, now).await?;
    Ok(scope.ok_or("the link was just made")?)
}

/// Makes tokens one after the other, and tells how long each took.
async fn write_for(store: Store, scope: Arc<TenantScope>, until: Instant) -> Vec<Duration> {
    let mut waits = Vec::new();
    while Instant::now() < until {
        let hash = uuid::Uuid::now_v7().to_string();
        let began = Instant::now();
        let token = NewToken { hash: &hash, name: "measured", expires_at: None };
        if store.create_token(&scope, token, Timestamp::from_seconds(2)).await.is_ok() {
            waits.push(began.elapsed());
        }
    }
    waits
}
