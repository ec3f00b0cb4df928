//! Finds passages by their words: every word of the question begins a word of the passage or its headings.
//!
//! A few hundred passages are read through in well under a millisecond, so there is no index to keep.

use crate::site::Page;

/// Words around the first one that was found.
const SNIPPET_CHARS: usize = 160;
/// More words than anybody types; the rest is not looked for.
const MOST_WORDS: usize = 8;

/// A passage that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Address of its page below `/docs/`.
    pub slug: String,
    /// Title of the page.
    pub title: String,
    /// Anchor of the passage; empty at the head of the page.
    pub anchor: String,
    /// Heading of the passage; empty at the head of the page.
    pub heading: String,
    /// Some of its words.
    pub snippet: String,
}

/// What a word is worth, by where it stands.
const IN_TITLE: usize = 30;
const IN_HEADING: usize = 20;
const IN_TEXT: usize = 1;
/// The word is the whole word, and not only its beginning.
const WHOLE: usize = 4;

pub(crate) fn search(pages: &[Page], query: &str, most: usize) -> Vec<Hit> {
    let wanted: Vec<String> = words(query).take(MOST_WORDS).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(usize, Hit)> = Vec::new();
    for page in pages {
        for (number, passage) in page.passages.iter().enumerate() {
            let head = if number == 0 { page.summary.as_str() } else { "" };
            let fields = [
                (IN_TITLE, page.title.as_str()),
                (IN_HEADING, passage.heading.as_str()),
                (IN_HEADING, head),
                (IN_TEXT, passage.text.as_str()),
            ];
            let Some(score) = score(&wanted, &fields) else { continue };
            let text = if head.is_empty() { &passage.text } else { head };
            found.push((
                score,
                Hit {
                    slug: page.slug.clone(),
                    title: page.title.clone(),
                    anchor: passage.id.clone(),
                    heading: passage.heading.clone(),
                    snippet: snippet(text, &wanted),
                },
            ));
        }
    }
    // Passages of one page stay in their order.
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().take(most).map(|(_, hit)| hit).collect()
}

/// The worth of all wanted words; nothing where one of them is missing.
fn score(wanted: &[String], fields: &[(usize, &str)]) -> Option<usize> {
    let mut best = vec![0; wanted.len()];
    for (worth, text) in fields {
        for word in words(text) {
            for (index, wanted) in wanted.iter().enumerate() {
                if let Some(rest) = word.strip_prefix(wanted.as_str()) {
                    let factor = if rest.is_empty() { WHOLE } else { 1 };
                    best[index] = best[index].max(worth * factor);
                }
            }
        }
    }
    best.iter().all(|worth| *worth > 0).then(|| best.iter().sum())
}

/// Lower-case words; `image_pull` and `--wait` are found as they are written and by their parts.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .flat_map(|word| {
            let parts = word.contains('_').then(|| word.split('_')).into_iter().flatten();
            std::iter::once(word).chain(parts)
        })
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

fn snippet(text: &str, wanted: &[String]) -> String {
    let plain: Vec<&str> = text.split_whitespace().collect();
    let first = plain
        .iter()
        .position(|word| {
            words(word).any(|word| wanted.iter().any(|wanted| word.starts_with(wanted)))
        })
        .unwrap_or(0);
    let begin = first.saturating_sub(6);
    let mut snippet = String::new();
    if begin > 0 {
        snippet.push_str("… ");
    }
    for word in &plain[begin..] {
        if snippet.chars().count() + word.chars().count() > SNIPPET_CHARS {
            snippet.push('…');
            break;
        }
        snippet.push_str(word);
        snippet.push(' ');
    }
    snippet.trim_end().to_owned()
}

/// Whether two addresses differ by a slip of the finger: a third of the longer one at most.
pub(crate) fn is_near(slug: &str, typed: &str) -> bool {
    let (slug, typed): (Vec<char>, Vec<char>) =
        (slug.chars().collect(), typed.chars().take(64).collect());
    distance(&slug, &typed) * 3 <= slug.len().max(typed.len())
}

/// Insertions, deletions and replacements between two texts.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_by_its_beginning_and_by_its_parts() {
        let wanted = vec!["pull".to_owned(), "imag".to_owned()];
        assert!(score(&wanted, &[(1, "the cause image_pull")]).is_some());
        assert!(score(&wanted, &[(1, "the image alone")]).is_none());
    }

    #[test]
    fn a_heading_counts_more_than_text_and_a_whole_word_more_than_its_beginning() {
        let wanted = vec!["wait".to_owned()];
        let worth = |at, text| score(&wanted, &[(at, text)]).unwrap();
        assert!(worth(IN_HEADING, "wait") > worth(IN_TEXT, "wait"));
        assert!(worth(IN_TEXT, "wait") > worth(IN_TEXT, "waiting"));
    }

    #[test]
    fn a_snippet_begins_a_little_before_the_word() {
        let text = "one two three four five six seven eight nine";
        assert_eq!(snippet(text, &["nine".to_owned()]), "… three four five six seven eight nine");
        assert_eq!(snippet(text, &["zero".to_owned()]), text);
    }

    #[test]
    fn a_slip_of_the_finger_is_near() {
        assert!(is_near("quick-start", "quickstart") && is_near("manifest", "mainfest"));
        assert!(!is_near("cli", "api/releases"));
    }
}
