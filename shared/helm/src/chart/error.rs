//! Why a chart is not rendered, in the words of Helm.

use super::schema::SchemaFault;
use crate::template::RenderError;

/// A refusal. The text is Helm's where Helm refuses, and says what to do where only we do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// The chart cannot be read, or is no chart.
    #[error("{0}")]
    Load(String),
    /// The given values cannot be read.
    #[error("{0}")]
    Values(String),
    /// The values do not fit the chart's schema, or that of a chart within it.
    #[error("{text}")]
    Schema {
        /// What Helm says.
        text: String,
        /// The same, fault by fault.
        faults: Vec<SchemaFault>,
    },
    /// A name, version or range is not usable, or something that the chart needs is missing.
    #[error("{0}")]
    Request(String),
    /// The templates fail, or what they print is no YAML.
    #[error("{0}")]
    Render(Box<RenderError>),
}

impl ChartError {
    /// What was printed or asked for is not right, without a place in a template.
    pub(super) fn render(text: impl Into<String>) -> Self {
        Self::Render(Box::new(RenderError::plain(text)))
    }

    /// As the command `helm` ends with it.
    pub fn as_printed(&self) -> String {
        match self {
            Self::Render(text) => {
                format!("Error: {text}\n\nUse --debug flag to render out invalid YAML")
            }
            Self::Load(text)
            | Self::Values(text)
            | Self::Schema { text, .. }
            | Self::Request(text) => format!("Error: {text}"),
        }
    }
}
