//! What the agent counts.

use gimlet_shared::link::CommandOutcome;
use prometheus::{Encoder as _, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

/// The agent's metrics; labels come from closed sets.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// 1 while a session stands.
    pub(crate) link_up: IntGauge,
    /// 1 while this replica leads.
    pub(crate) leading: IntGauge,
    /// Sessions that were welcomed.
    pub(crate) sessions: IntCounter,
    /// Messages by direction, `sent` or `received`.
    messages: IntCounterVec,
    /// Commands by outcome.
    commands: IntCounterVec,
    /// Changes of the cluster that were seen.
    pub(crate) changes: IntCounter,
    /// When the certificate ends, in Unix seconds.
    pub(crate) certificate_expiry: IntGauge,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Errors
    /// When two metrics have the same name, which a test rules out.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let counters = |name: &str, help: &str, label: &str| {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        Ok(Self {
            link_up: gauge("gimlet_agent_link_up", "1 while a session stands")?,
            leading: gauge("gimlet_agent_leading", "1 while this replica leads")?,
            sessions: counter("gimlet_agent_sessions_total", "Sessions that were welcomed")?,
            messages: counters("gimlet_agent_messages_total", "Messages", "direction")?,
            commands: counters("gimlet_agent_commands_total", "Commands that ended", "outcome")?,
            changes: counter("gimlet_agent_changes_total", "Changes of the cluster")?,
            certificate_expiry: gauge(
                "gimlet_agent_certificate_expiry_seconds",
                "When the certificate ends, in Unix seconds",
            )?,
            registry,
        })
    }

    pub(crate) fn sent(&self) {
        self.messages.with_label_values(&["sent"]).inc();
    }

    pub(crate) fn received(&self) {
        self.messages.with_label_values(&["received"]).inc();
    }

    pub(crate) fn command_ended(&self, outcome: &CommandOutcome) {
        let outcome = match outcome {
            CommandOutcome::Succeeded => "succeeded",
            CommandOutcome::Failed { .. } => "failed",
            CommandOutcome::Expired => "expired",
            CommandOutcome::Refused { .. } => "refused",
        };
        self.commands.with_label_values(&[outcome]).inc();
    }

    /// Everything in the text format.
    pub(crate) fn text(&self) -> String {
        let mut out = Vec::new();
        // Writing to memory fails only for metrics without samples, which are left out then.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let metrics = Metrics::new().unwrap();
        metrics.sent();
        metrics.command_ended(&CommandOutcome::Expired);
        let text = metrics.text();
        assert!(text.contains("gimlet_agent_messages_total{direction=\"sent\"} 1"), "{text}");
        assert!(text.contains("gimlet_agent_commands_total{outcome=\"expired\"} 1"), "{text}");
        assert!(text.contains("gimlet_agent_link_up 0"), "{text}");
    }
}
