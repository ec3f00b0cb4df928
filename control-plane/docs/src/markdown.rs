//! Markdown to what a page consists of: HTML, headings, passages for the search, links and code blocks.

use std::collections::HashSet;

use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html,
};

use crate::{
    code,
    fence::{Block, Fence},
};

/// A heading that a link can lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// 2 to 4; the title of the page is 1.
    pub level: u8,
    /// Its anchor.
    pub id: String,
    /// Its words.
    pub text: String,
}

/// The text below one heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Anchor of the heading; empty for what stands above the first one.
    pub(crate) id: String,
    pub(crate) heading: String,
    pub(crate) text: String,
}

/// A page in parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) html: String,
    pub(crate) headings: Vec<Heading>,
    pub(crate) passages: Vec<Passage>,
    pub(crate) links: Vec<String>,
    pub(crate) blocks: Vec<Block>,
}

/// Renders Markdown that we wrote or made; it may hold HTML.
///
/// # Errors
/// A code block whose head is not known, in words.
pub(crate) fn render(text: &str) -> Result<Rendered, String> {
    let mut writer = Writer {
        page: Rendered { passages: vec![Passage::default()], ..Rendered::default() },
        ids: HashSet::new(),
        events: Vec::new(),
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
    let mut parser = Parser::new_ext(text, options);
    while let Some(event) = parser.next() {
        match event {
            Event::Start(Tag::Heading { level, id, .. }) => writer.heading(level, id, &mut parser),
            Event::Start(Tag::CodeBlock(kind)) => writer.code(&kind, &mut parser)?,
            other => writer.other(other),
        }
    }
    html::push_html(&mut writer.page.html, writer.events.into_iter());
    Ok(writer.page)
}

struct Writer<'a> {
    page: Rendered,
    ids: HashSet<String>,
    events: Vec<Event<'a>>,
}

impl<'a> Writer<'a> {
    fn heading(&mut self, level: HeadingLevel, id: Option<CowStr<'a>>, parser: &mut Parser<'a>) {
        let (mut text, mut inner) = (String::new(), Vec::new());
        for event in parser.by_ref() {
            match &event {
                Event::End(TagEnd::Heading(_)) => break,
                Event::Text(part) | Event::Code(part) => text.push_str(part),
                _ => {}
            }
            inner.push(event);
        }
        let id = self.unique(id.map_or_else(|| anchor(&text), |id| id.to_string()));
        let depth = level as u8;
        self.push(format!("<h{depth} id=\"{id}\">"));
        self.events.extend(inner);
        self.push(format!(
            "<a class=\"docs-anchor\" href=\"#{id}\" aria-label=\"Link to this section\">#</a></h{depth}>\n"
        ));
        self.page.passages.push(Passage {
            id: id.clone(),
            heading: text.clone(),
            text: String::new(),
        });
        self.page.headings.push(Heading { level: depth, id, text });
    }

    fn code(&mut self, kind: &CodeBlockKind<'a>, parser: &mut Parser<'a>) -> Result<(), String> {
        let mut text = String::new();
        for event in parser.by_ref() {
            match event {
                Event::End(TagEnd::CodeBlock) => break,
                Event::Text(part) => text.push_str(&part),
                _ => {}
            }
        }
        let info = match kind {
            CodeBlockKind::Fenced(info) => info.as_ref(),
            CodeBlockKind::Indented => "",
        };
        let fence = Fence::parse(info).map_err(|error| error.to_string())?;
        self.push(code::html(&fence, &text, self.page.blocks.len() + 1));
        self.words(&text);
        self.page.blocks.push(Block { fence, text });
        Ok(())
    }

    fn other(&mut self, event: Event<'a>) {
        match &event {
            Event::Text(text) | Event::Code(text) => self.words(text),
            Event::SoftBreak
            | Event::HardBreak
            | Event::End(TagEnd::Paragraph | TagEnd::TableCell | TagEnd::Item) => self.words(" "),
            Event::Start(Tag::Link { dest_url, .. }) => self.page.links.push(dest_url.to_string()),
            // A table that is wider than the page scrolls by itself, also by keyboard.
            Event::Start(Tag::Table(_)) => {
                self.push("<div class=\"docs-table\" tabindex=\"0\">".to_owned());
            }
            _ => {}
        }
        let ends_table = matches!(event, Event::End(TagEnd::Table));
        self.events.push(event);
        if ends_table {
            self.push("</div>\n".to_owned());
        }
    }

    fn push(&mut self, html: String) {
        self.events.push(Event::Html(html.into()));
    }

    fn words(&mut self, text: &str) {
        if let Some(passage) = self.page.passages.last_mut() {
            passage.text.push_str(text);
        }
    }

    fn unique(&mut self, wanted: String) -> String {
        let mut id = wanted.clone();
        let mut number = 2;
        while !self.ids.insert(id.clone()) {
            id = format!("{wanted}-{number}");
            number += 1;
        }
        id
    }
}

/// The words of a heading as the part of an address.
pub(crate) fn anchor(text: &str) -> String {
    let mut anchor = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || c == '_' {
            anchor.extend(c.to_lowercase());
        } else if !anchor.is_empty() && !anchor.ends_with('-') {
            anchor.push('-');
        }
    }
    anchor.truncate(anchor.trim_end_matches('-').len());
    anchor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_get_anchors_that_are_unique_and_may_be_named() {
        let page = render("## A `b` c\n\ntext\n\n### A b c\n\n## Other {#x_1}\n").unwrap();
        let ids: Vec<_> = page.headings.iter().map(|heading| heading.id.as_str()).collect();
        assert_eq!(ids, ["a-b-c", "a-b-c-2", "x_1"]);
        assert!(page.html.contains("<h2 id=\"a-b-c\">A <code>b</code> c<a class"), "{}", page.html);
    }

    #[test]
    fn passages_hold_the_words_below_their_heading() {
        let page = render("intro\n\n## One\n\n- a\n- b\n\n```text\ncode\n```\n").unwrap();
        let texts: Vec<_> = page.passages.iter().map(|passage| passage.text.as_str()).collect();
        assert_eq!(texts, ["intro ", "a b code\n"]);
    }

    #[test]
    fn a_code_block_that_nothing_checks_is_refused() {
        assert!(render("```\nx\n```").unwrap_err().contains("no language"));
        assert!(render("    x\n").is_err());
    }

    #[test]
    fn links_are_known() {
        assert_eq!(render("[a](/docs/b#c)").unwrap().links, ["/docs/b#c"]);
    }
}
