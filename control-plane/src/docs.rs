//! The documentation, made from the programs' own definitions.

use gimlet_docs::{ProblemEntry, Site, SiteError, Sources};

/// Makes all pages of `/docs`.
///
/// # Errors
/// A page that cannot be made; a test keeps that from happening to anybody.
pub fn docs_site() -> Result<Site, SiteError> {
    Site::build(&sources())
}

/// What the references are made from.
#[must_use]
pub fn sources() -> Sources {
    Sources {
        gimlet: gimlet_cli::command(),
        server: <crate::command::Command as clap::CommandFactory>::command(),
        // A document of plain text and lists is always JSON.
        openapi: serde_json::to_value(gimlet_api::openapi()).unwrap_or_default(),
        configuration: crate::config::DEFAULTS,
        metrics: crate::metrics_docs::all()
            .map(|all| crate::metrics_docs::markdown(&all))
            .unwrap_or_default(),
        problems: gimlet_api::problems().into_iter().map(entry).collect(),
    }
}

fn entry(doc: gimlet_api::ProblemDoc) -> ProblemEntry {
    ProblemEntry {
        word: doc.word,
        title: doc.title,
        status: doc.status,
        what_happened: doc.what_happened,
        what_to_do: doc.what_to_do,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_can_be_made() {
        let site = docs_site().expect("all pages");
        assert!(site.pages().len() > 20, "{}", site.pages().len());
    }

    #[test]
    fn the_type_of_every_problem_leads_to_its_section() {
        let site = docs_site().expect("all pages");
        for doc in gimlet_api::problems() {
            let (path, anchor) = doc.type_uri.split_once('#').expect("an anchor");
            let slug = path.strip_prefix("/docs/").expect("a page of the documentation");
            let page = site.find(slug).expect("the page");
            assert!(page.headings.iter().any(|heading| heading.id == anchor), "{}", doc.type_uri);
        }
    }
}
