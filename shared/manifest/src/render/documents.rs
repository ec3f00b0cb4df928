//! The documents of a YAML stream, as texts.

/// One document, without its marker.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document<'a> {
    /// From what follows `---` on its line to the next marker.
    pub(super) text: &'a str,
    /// The line, from 1, on which `text` starts.
    pub(super) line: usize,
}

impl Document<'_> {
    /// Appends the document after a `---` of its own, with plain newlines.
    pub(super) fn write(&self, content: &mut String) {
        content.push_str("---\n");
        for line in self.text.lines().skip_while(|line| line.trim().is_empty()) {
            content.push_str(line);
            content.push('\n');
        }
    }
}

/// Splits `text` at its document markers, which YAML knows by their column: nothing can quote them.
pub(super) fn split(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let (mut start, mut start_line, mut offset) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if is_marker(line) {
            documents.push(Document { text: &text[start..offset], line: start_line });
            (start, start_line) = (offset + "---".len(), index + 1);
        }
        offset += line.len();
    }
    documents.push(Document { text: &text[start..], line: start_line });
    documents
}

fn is_marker(line: &str) -> bool {
    let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(usize, &str)> {
        split(text).into_iter().map(|document| (document.line, document.text)).collect()
    }

    #[test]
    fn documents_are_split_at_markers_in_the_first_column() {
        assert_eq!(texts("a: 1\n---\nb: 2\n"), [(1, "a: 1\n"), (2, "\nb: 2\n")]);
        assert_eq!(texts("--- {a: 1}\n...\nb: 2"), [(1, ""), (1, " {a: 1}\n"), (2, "\nb: 2")]);
        assert_eq!(texts("a: |\n  ---\n  x\n"), [(1, "a: |\n  ---\n  x\n")]);
        assert_eq!(texts("---a\n"), [(1, "---a\n")]);
        assert_eq!(texts(""), [(1, "")]);
    }

    #[test]
    fn a_document_is_written_after_a_marker_of_its_own() {
        let mut content = String::new();
        Document { text: "\r\n\n# web\r\na: 1", line: 1 }.write(&mut content);
        assert_eq!(content, "---\n# web\na: 1\n");
    }
}
