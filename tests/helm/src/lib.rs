//! Small Helm charts and templates, what both releases of Helm make of each, and the two Helms themselves.
//!
//! The cases are ours; the outcomes are recorded, so that they say something without Helm, and checked again
//! where pip can bring it. Rendering itself is elsewhere: here is what it is compared with.
//!
//! - [`cases`]: the files of cases.
//! - [`charts`]: the cases of the charts that come with Gimlet.
//! - [`expected`]: what was recorded.
//! - [`oracle`]: the two Helms.
//! - [`lay_out`], [`ask`], [`record`]: cases as files, given to Helm, and its answers kept or compared.

pub mod ask;
pub mod cases;
pub mod charts;
pub mod expected;
pub mod lay_out;
pub mod oracle;
pub mod record;

pub use cases::Theme;
pub use expected::{Both, Expected, Outcome};
pub use oracle::{Oracle, Release};
