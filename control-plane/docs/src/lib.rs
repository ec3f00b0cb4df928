//! The documentation that the server shows at `/docs`: pages in Markdown, references made from the code,
//! and a search over both.
//!
//! The crate turns text into pages and knows nothing of HTTP or layout; `gimlet-web` serves what it makes.
//! What a reference is made from is handed in as [`Sources`], so that it cannot differ from the program.
//!
//! - `pages/` holds what people wrote; [`Page::begins`] and [`Fence`] say how tests carry it out.
//! - `made` turns the command line, the API's description, the configuration file and the manifest's tables
//!   into Markdown.
//! - `markdown` turns Markdown into HTML, headings and passages; `search` finds passages again.

mod catalog;
mod code;
mod fence;
mod front;
mod made;
mod markdown;
mod search;
mod site;

pub use fence::{Block, Fence, FenceError, Use};
pub use front::Begins;
pub use made::{ProblemEntry, Sources};
pub use markdown::Heading;
pub use search::Hit;
pub use site::{Page, Section, Site, SiteError};

/// The code blocks of a Markdown text that is no page of the site, such as a README.
///
/// # Errors
/// A code block whose head is none that [`Fence`] knows, in words.
pub fn blocks(text: &str) -> Result<Vec<Block>, String> {
    markdown::render(text).map(|rendered| rendered.blocks)
}
