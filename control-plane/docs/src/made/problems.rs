//! The kinds of problems: a list, and a section for each that its `type` leads to.

use super::{ProblemEntry, plain, sentence};

/// A table of all kinds.
pub(crate) fn list(problems: &[ProblemEntry]) -> String {
    let mut table = String::from("| type | status | title |\n| --- | --- | --- |\n");
    for ProblemEntry { word, title, status, .. } in problems {
        table.push_str(&format!("| [`{word}`](#{word}) | {status} | {} |\n", plain(title)));
    }
    table
}

/// A section for each kind; its anchor is the word that `type` ends with.
pub(crate) fn sections(problems: &[ProblemEntry]) -> String {
    let mut body = String::new();
    for ProblemEntry { word, title, status, what_happened, what_to_do } in problems {
        body.push_str(&format!(
            "## {word} {{#{word}}}\n\n**{status}** “{}”\n\n{}\n\n**What to do:** {}\n\n",
            plain(title),
            sentence(what_happened),
            sentence(what_to_do)
        ));
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_a_row_and_a_section_under_its_word() {
        let kinds = [ProblemEntry {
            word: "conflict",
            title: "It does not fit",
            status: 409,
            what_happened: "Someone was faster.",
            what_to_do: "Look again",
        }];
        assert!(list(&kinds).contains("| [`conflict`](#conflict) | 409 | It does not fit |"));
        let body = sections(&kinds);
        assert!(
            body.starts_with("## conflict {#conflict}\n\n**409** “It does not fit”\n"),
            "{body}"
        );
        assert!(body.contains("**What to do:** Look again."), "{body}");
    }
}
