//! What the pages say of each other and of the command line.

use std::collections::{BTreeMap, BTreeSet};

use gimlet_docs::Use;

use crate::{SITE, each, texts};

/// What stands for an id that a shell would fill in.
const ID: &str = "rel_0197a0000000700080000000000000a1";
/// The commands that are shown and not run, by page and first line; the page says why beside each.
const ONLY_SHOWN: [(&str, &str); 7] = [
    ("README", "cargo build --bins"),
    ("README", "cargo demo"),
    ("README", "cargo verify"),
    ("api/auth", "curl --fail-with-body --silent --request POST \\"),
    ("quick-start", "cargo demo"),
    ("quick-start", "gimlet auth login --server https://gimlet.example.com"),
    ("uninstall", "flux uninstall"),
];

#[test]
fn every_link_leads_somewhere() {
    let mut anchors: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    anchors.insert("/docs".to_owned(), BTreeSet::new());
    for page in SITE.pages() {
        let ids = page.headings.iter().map(|heading| heading.id.as_str()).collect();
        anchors.insert(format!("/docs/{}", page.slug), ids);
    }
    each(|text| {
        for link in text.links.iter().filter(|link| !link.starts_with("https://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let own = format!("/docs/{}", text.name);
            let path = if path.is_empty() { own.as_str() } else { path };
            let ids = anchors.get(path).ok_or(format!("`{link}` leads to no page"))?;
            if !anchor.is_empty() && !ids.contains(anchor) {
                return Err(format!("`{link}` leads to no section"));
            }
        }
        Ok(())
    });
}

#[test]
fn every_gimlet_command_is_one() {
    each(|text| {
        for block in &text.blocks {
            let shown = matches!(
                block.fence.used_as,
                Use::Commands
                    | Use::AwaitedCommands { .. }
                    | Use::BackgroundCommand
                    | Use::StreamCommand
                    | Use::RequestCommand
                    | Use::ClusterCommands
                    | Use::PastedCommand
                    | Use::ShownCommands { .. }
            );
            if shown {
                block.text.replace("\\\n", " ").lines().try_for_each(check_line)?;
            }
        }
        Ok(())
    });
}

/// Parses what stands in the place of a command; the shell's own words around it do not matter.
fn check_line(line: &str) -> Result<(), String> {
    let line = line.split("   # ").next().unwrap_or_default();
    let (line, inner) = filled(line);
    inner.iter().try_for_each(|inner| check_line(inner))?;
    for part in line.split(['|', ';']).map(str::trim) {
        let command = match part.split_whitespace().next() {
            Some("gimlet") => gimlet_cli::command(),
            Some("gimlet-server") => gimlet_control_plane::sources().server,
            _ => continue,
        };
        let words = words(part);
        let parsed = command.try_get_matches_from(&words);
        if let Err(error) = parsed {
            let help = matches!(
                error.kind(),
                clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion
            );
            if !help {
                return Err(format!("`{part}` is no command: {error}"));
            }
        }
    }
    Ok(())
}

/// The line with an id in the place of each `$(…)`, and what stands in those.
fn filled(line: &str) -> (String, Vec<String>) {
    let (mut outer, mut inner) = (String::new(), Vec::new());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("$(") {
        let end = after.find(')').unwrap_or(after.len());
        outer.push_str(before);
        outer.push_str(ID);
        inner.push(after[..end].to_owned());
        rest = after.get(end + 1..).unwrap_or_default();
    }
    (outer + rest, inner)
}

/// Words as a shell parts them.
fn words(part: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in part.chars() {
        match c {
            '"' | '\'' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            '>' | '&' if quote.is_none() => break,
            ' ' if quote.is_none() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    // A hash of a commit has another form than an id.
    for place in 1..words.len() {
        if words[place - 1] == "--sha" {
            "8f31c2a".clone_into(&mut words[place]);
        }
    }
    words
}

#[test]
fn few_commands_are_only_shown_and_text_holds_none() {
    let mut shown: Vec<(String, String)> = Vec::new();
    for text in texts() {
        let blocks = text.blocks.iter();
        let only = blocks.filter(|block| matches!(block.fence.used_as, Use::ShownCommands { .. }));
        let first = only.map(|block| block.text.lines().next().unwrap_or_default().to_owned());
        shown.extend(first.map(|line| (text.name.clone(), line)));
    }
    shown.sort();
    let listed = ONLY_SHOWN.map(|(page, line)| (page.to_owned(), line.to_owned()));
    assert_eq!(shown, listed, "what is not run has its line in this list");
    each(|text| {
        let is_reference = text.name.starts_with("cli") || text.name == "configuration";
        let hidden = text.blocks.iter().find(|block| {
            block.fence.used_as == Use::Text
                && block
                    .text
                    .lines()
                    .any(|line| line.starts_with("gimlet") || line.starts_with("$ "))
        });
        match hidden.filter(|_| !is_reference) {
            Some(block) => Err(format!("a text block holds a command:\n{}", block.text)),
            None => Ok(()),
        }
    });
}

#[test]
fn an_unknown_address_suggests_pages_and_the_search_finds_what_people_type() {
    let suggested = SITE.suggest("quickstart", 5);
    assert_eq!(suggested.first().map(|page| page.slug.as_str()), Some("quick-start"));
    for (query, slug) in [
        ("rollback", "roll-back"),
        ("image_pull", "troubleshooting"),
        ("exit code", "scripting"),
        ("data_dir", "configuration"),
        ("idempotency", "problems"),
        ("sanitizeDNSName", "templates"),
    ] {
        let hits = SITE.search(query, 10);
        assert!(hits.iter().any(|hit| hit.slug == slug), "{query}: {hits:?}");
    }
    assert!(SITE.search("zyxw", 10).is_empty() && SITE.search(" ", 10).is_empty());
}

#[test]
fn titles_and_addresses_are_unique() {
    let slugs: BTreeSet<_> = SITE.pages().iter().map(|page| &page.slug).collect();
    let titles: BTreeSet<_> = SITE.pages().iter().map(|page| &page.title).collect();
    assert_eq!((slugs.len(), titles.len()), (SITE.pages().len(), SITE.pages().len()));
}
