//! All pages, rendered once at start.

use std::collections::BTreeMap;

use crate::{
    catalog::{Entry, PARTS},
    fence::Block,
    front::{self, Begins},
    made::{self, Made, Sources},
    markdown::{self, Heading, Passage},
    search::{self, Hit},
};

/// The documentation.
#[derive(Clone, Debug)]
pub struct Site {
    sections: Vec<Section>,
    /// In the order in which they are read.
    pages: Vec<Page>,
}

/// A part of the table of contents.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its title.
    pub title: &'static str,
    /// Places of its pages among [`Site::pages`].
    pub pages: std::ops::Range<usize>,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its address below `/docs/`.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// What it is good for, in one sentence.
    pub summary: String,
    /// What is there before its first command runs.
    pub begins: Begins,
    /// Its body.
    pub html: String,
    /// Its headings, in order.
    pub headings: Vec<Heading>,
    /// Where it links to.
    pub links: Vec<String>,
    /// Its code blocks, in order.
    pub blocks: Vec<Block>,
    /// It stands below another page in the table of contents.
    pub is_below: bool,
    pub(crate) passages: Vec<Passage>,
}

/// A page that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page `{slug}` cannot be made: {why}")]
pub struct SiteError {
    slug: String,
    why: String,
}

impl Site {
    /// Renders all pages.
    ///
    /// # Errors
    /// The first page that cannot be made: a head that lacks something, a code block that nothing checks,
    /// a reference that asks for something unknown.
    pub fn build(sources: &Sources) -> Result<Self, SiteError> {
        let mut site = Self { sections: Vec::new(), pages: Vec::new() };
        for part in PARTS {
            let first = site.pages.len();
            for entry in part.entries {
                site.add(entry, sources)?;
            }
            site.sections.push(Section { title: part.title, pages: first..site.pages.len() });
        }
        Ok(site)
    }

    fn add(&mut self, entry: &Entry, sources: &Sources) -> Result<(), SiteError> {
        let (slug, text, below) = match entry {
            Entry::Written { slug, text } => (slug, text, Vec::new()),
            Entry::CommandLine { slug, text } => (slug, text, made::cli::pages(&sources.gimlet)),
            Entry::Api { slug, text } => (slug, text, made::api::pages(&sources.openapi)),
        };
        let (front, body) = front::split(text).map_err(|why| failed(slug, why))?;
        let body = made::fill(body, sources).map_err(|why| failed(slug, why))?;
        let made = Made {
            slug: (*slug).to_owned(),
            title: front.title,
            summary: front.summary,
            begins: front.begins,
            body,
        };
        self.pages.push(page(made, false)?);
        for made in below {
            self.pages.push(page(made, true)?);
        }
        Ok(())
    }

    /// The parts of the table of contents.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Every page, in the order in which they are read.
    #[must_use]
    pub fn pages(&self) -> &[Page] {
        &self.pages
    }

    /// The pages of a section.
    #[must_use]
    pub fn pages_of(&self, section: &Section) -> &[Page] {
        self.pages.get(section.pages.clone()).unwrap_or_default()
    }

    /// The page at `/docs/{slug}`.
    #[must_use]
    pub fn find(&self, slug: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.slug == slug)
    }

    /// The pages before and after this one.
    #[must_use]
    pub fn neighbours(&self, slug: &str) -> (Option<&Page>, Option<&Page>) {
        let place = self.pages.iter().position(|page| page.slug == slug);
        let before = place.and_then(|place| place.checked_sub(1)).and_then(|at| self.pages.get(at));
        (before, place.and_then(|place| self.pages.get(place + 1)))
    }

    /// Where the words of `query` stand, the best first, `most` of them.
    #[must_use]
    pub fn search(&self, query: &str, most: usize) -> Vec<Hit> {
        search::search(&self.pages, query, most)
    }

    /// The pages that someone may have meant by an address that is none.
    #[must_use]
    pub fn suggest(&self, slug: &str, most: usize) -> Vec<&Page> {
        let mut likely: BTreeMap<usize, &Page> = BTreeMap::new();
        let words = slug.replace(['-', '/', '_', '.'], " ");
        for hit in self.search(&words, most) {
            if let Some((place, page)) =
                self.pages.iter().enumerate().find(|(_, page)| page.slug == hit.slug)
            {
                likely.insert(place, page);
            }
        }
        let near =
            self.pages.iter().enumerate().filter(|(_, page)| search::is_near(&page.slug, slug));
        likely.extend(near);
        likely.into_values().take(most).collect()
    }
}

fn page(made: Made, is_below: bool) -> Result<Page, SiteError> {
    let rendered = markdown::render(&made.body).map_err(|why| failed(&made.slug, why))?;
    Ok(Page {
        slug: made.slug,
        title: made.title,
        summary: made.summary,
        begins: made.begins,
        html: rendered.html,
        headings: rendered.headings,
        links: rendered.links,
        blocks: rendered.blocks,
        is_below,
        passages: rendered.passages,
    })
}

fn failed(slug: &str, why: String) -> SiteError {
    SiteError { slug: slug.to_owned(), why }
}
