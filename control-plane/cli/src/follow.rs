//! Keeps looking at one release until it is closed: by stream, and by asking where no stream gets through.

use gimlet_shared::{api::Release, backoff::Backoff, ids::ReleaseId};
use tokio::{sync::mpsc, time::sleep};

use crate::{Pace, client::Client, error::CliError};

/// After so many streams in a row that told nothing, something on the way holds streams back.
const SILENT_STREAMS: u32 = 3;

/// What following a release brings to light.
#[derive(Debug)]
pub(crate) enum Sighting {
    /// A version of the release.
    Seen(Box<Release>),
    /// The server is away, for this reason.
    Lost(String),
}

/// How a stream ended.
enum StreamEnd {
    Closed(Box<Release>),
    /// It told something, and then broke off.
    Broken,
    /// It never told anything.
    Silent,
}

/// Follows a release to its end, and tells of each version on the way.
///
/// # Errors
/// What the server answers that will not change by asking again: no such release, no valid token.
pub(crate) async fn follow(
    client: Client,
    id: ReleaseId,
    pace: Pace,
    tell: mpsc::Sender<Sighting>,
) -> Result<Release, CliError> {
    let mut backoff = Backoff::new(pace.retry_first, pace.retry_longest);
    let mut silent = 0;
    loop {
        let streams_work = silent < SILENT_STREAMS;
        let mut delay = pace.poll;
        if streams_work {
            match follow_stream(&client, id, &tell).await {
                StreamEnd::Closed(release) => return Ok(*release),
                StreamEnd::Broken => {
                    silent = 0;
                    delay = backoff.restart();
                }
                StreamEnd::Silent => {
                    silent += 1;
                    delay = backoff.next_delay();
                }
            }
        }
        match client.release(id).await {
            Ok(release) if release.closed => return Ok(release),
            // Nobody listens only when nobody waits any more.
            Ok(release) => _ = tell.send(Sighting::Seen(Box::new(release))).await,
            Err(error) if error.may_pass() => _ = tell.send(Sighting::Lost(error.sentence())).await,
            Err(error) => return Err(error),
        }
        sleep(delay).await;
    }
}

async fn follow_stream(client: &Client, id: ReleaseId, tell: &mpsc::Sender<Sighting>) -> StreamEnd {
    let Ok(mut events) = client.release_events(id).await else { return StreamEnd::Silent };
    let mut end = StreamEnd::Silent;
    // Why it broke does not matter: asking tells whether the release, or the login, is still there.
    while let Ok(Some(release)) = events.next().await {
        if release.closed {
            return StreamEnd::Closed(Box::new(release));
        }
        _ = tell.send(Sighting::Seen(Box::new(release))).await;
        end = StreamEnd::Broken;
    }
    end
}
