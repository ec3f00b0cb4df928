//! Structured logs on standard error: lines for people on a terminal, JSON elsewhere. What is logged can be
//! changed while the server runs.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::{
    EnvFilter, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

use crate::config::LogFormat;

/// The logs of this process.
#[derive(Clone, Debug)]
pub struct Logs(reload::Handle<EnvFilter, Registry>);

impl Logs {
    /// Starts logging by a filter such as `info,gimlet_app=debug`.
    ///
    /// # Errors
    /// When the filter cannot be read, or logging was started before.
    pub fn start(filter: &str, format: LogFormat) -> anyhow::Result<Self> {
        let (filter, handle) = reload::Layer::new(EnvFilter::try_new(filter)?);
        let registry = tracing_subscriber::registry().with(filter);
        let lines = fmt::layer().with_writer(std::io::stderr);
        let is_json = match format {
            LogFormat::Json => true,
            LogFormat::Text => false,
            LogFormat::Auto => !std::io::stderr().is_terminal(),
        };
        if is_json {
            registry.with(lines.json().flatten_event(true)).try_init()?;
        } else {
            registry.with(lines).try_init()?;
        }
        Ok(Self(handle))
    }

    /// Logs by another filter from now on.
    ///
    /// # Errors
    /// When the filter cannot be read; the one before then stays.
    pub fn change(&self, filter: &str) -> anyhow::Result<()> {
        let filter = EnvFilter::try_new(filter)?;
        self.0.reload(filter).context("the logs cannot be changed")
    }
}
