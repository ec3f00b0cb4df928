//! How long after a change's commit its events were handed out, by the server's own histogram.

use anyhow::{Context as _, Result};

use crate::server::Server;

/// What the histogram has counted so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delays {
    within_2_ms: f64,
    within_10_ms: f64,
    all: f64,
}

impl Delays {
    /// Those of events for `reader`: `page` or `stream`.
    pub(super) async fn of(server: &Server, reader: &str) -> Result<Self> {
        Self::read(&server.metrics().await?, reader)
    }

    fn read(metrics: &str, reader: &str) -> Result<Self> {
        let reader = format!("reader=\"{reader}\"");
        let bucket = |bound: &str| -> Result<f64> {
            let bound = format!("le=\"{bound}\"");
            let mut lines = metrics.lines().filter(|line| {
                line.starts_with("gimlet_live_event_seconds_bucket{")
                    && line.contains(&reader)
                    && line.contains(&bound)
            });
            let line = lines.next().context("the server counts no events")?;
            Ok(line.rsplit(' ').next().unwrap_or_default().parse()?)
        };
        let (within_2_ms, within_10_ms) = (bucket("0.002")?, bucket("0.01")?);
        Ok(Self { within_2_ms, within_10_ms, all: bucket("+Inf")? })
    }

    /// The shares of events since `before` that were handed out within 2 ms and within 10 ms.
    pub(super) fn shares_since(self, before: Self) -> (f64, f64) {
        let all = (self.all - before.all).max(1.0);
        let share = |now: f64, then: f64| (now - then) / all;
        (share(self.within_2_ms, before.within_2_ms), share(self.within_10_ms, before.within_10_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_events_since() {
        let text = |few: u32, more: u32, all: u32| {
            let line = |bound: &str, count| {
                format!(
                    "gimlet_live_event_seconds_bucket{{reader=\"page\",le=\"{bound}\"}} {count}\n"
                )
            };
            [line("0.002", few), line("0.01", more), line("+Inf", all)].concat()
        };
        let before = Delays::read(&text(1, 1, 2), "page").unwrap();
        let after = Delays::read(&text(6, 10, 12), "page").unwrap();
        assert_eq!(after.shares_since(before), (0.5, 0.9));
        assert!(Delays::read(&text(1, 1, 1), "stream").is_err());
    }
}
