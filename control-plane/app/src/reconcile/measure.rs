//! Measures what no event tells: how much waits, how the database answers, what room is left.

use std::time::Instant;

use gimlet_domain::time::Timestamp;

use crate::{App, AppError};

/// One round.
pub(super) async fn measure(app: &App) -> Result<(), AppError> {
    let (parts, now) = (app.parts(), app.now());
    let metrics = &parts.metrics;
    note_surroundings(app);
    let began = Instant::now();
    parts.store.ping().await?;
    metrics.note_database("connection", began.elapsed());
    let began = Instant::now();
    let waiting = parts.store.waiting(&parts.system, now).await?;
    metrics.note_database("query", began.elapsed());

    for state in ["queued", "committed", "observed"] {
        let found = waiting.releases.iter().find(|(word, _)| word == state);
        let count = found.map_or(0, |(_, count)| i64::try_from(*count).unwrap_or(i64::MAX));
        metrics.releases_open.with_label_values(&[state]).set(count);
    }
    let age = |since: Option<Timestamp>| since.map_or(0.0, |since| now.since(since).as_secs_f64());
    for (queue, since) in [
        ("releases", waiting.oldest_release),
        ("looks", waiting.oldest_look),
        ("deliveries", waiting.oldest_delivery),
        ("commands", waiting.oldest_command),
    ] {
        metrics.queue_age.with_label_values(&[queue]).set(age(since));
    }
    Ok(())
}

fn note_surroundings(app: &App) {
    let parts = app.parts();
    if let Some(free) = crate::durable::free_bytes(&parts.config.data_dir) {
        parts.metrics.data_free.set(i64::try_from(free).unwrap_or(i64::MAX));
    }
    parts.metrics.authority_expiry.set(parts.ca.not_after().seconds() as f64);
}
