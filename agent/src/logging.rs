//! Logs: for people on a terminal, for machines elsewhere.

use std::io::IsTerminal as _;

use tracing_subscriber::{
    Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, registry,
    util::SubscriberInitExt as _,
};

/// Starts logging to standard error by `filter`, in the form of `RUST_LOG`: levels, alone or by target.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(filter: &str) -> Result<(), tracing_subscriber::filter::ParseError> {
    // Filters by fields of spans would bring regular expressions, more than all the rest of logging.
    let filter: Targets = filter.parse()?;
    let output = fmt::layer().with_writer(std::io::stderr);
    let output = if std::io::stderr().is_terminal() {
        output.boxed()
    } else {
        output.json().flatten_event(true).with_current_span(false).boxed()
    };
    registry().with(output.with_filter(filter)).init();
    Ok(())
}
