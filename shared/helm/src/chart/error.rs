//! Why a chart is not rendered, in the words of Helm.

/// A refusal. The text is Helm's where Helm refuses, and says what to do where only we do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// The chart cannot be read, or is no chart.
    #[error("{0}")]
    Load(String),
    /// The given values cannot be read, or do not fit the chart's schema.
    #[error("{0}")]
    Values(String),
    /// A name, version or range is not usable, or something that the chart needs is missing.
    #[error("{0}")]
    Request(String),
    /// The templates fail, or what they print is no YAML.
    #[error("{0}")]
    Render(String),
}

impl ChartError {
    /// As the command `helm` ends with it.
    pub fn as_printed(&self) -> String {
        match self {
            Self::Render(text) => {
                format!("Error: {text}\n\nUse --debug flag to render out invalid YAML")
            }
            Self::Load(text) | Self::Values(text) | Self::Request(text) => format!("Error: {text}"),
        }
    }
}
