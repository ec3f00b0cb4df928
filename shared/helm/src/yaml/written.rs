//! YAML as it is written, for those who give scalars another meaning than Helm does.

pub use super::resolve::Meaning;

use super::decode::{YamlError, check_characters};
use super::node::{CORE, Content, Document, parse_all};
use super::resolve::{complete_timestamp, resolve};

/// A node of a document, without aliases.
#[derive(Clone, Debug)]
pub struct Written {
    /// The line of the text, from 1.
    pub line: usize,
    /// What stands there.
    pub content: WrittenContent,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum WrittenContent {
    /// A text that may be more than a text.
    Scalar {
        /// As it is spelled, without quotes and escapes.
        text: String,
        /// The tag, in full; empty for none.
        tag: String,
        /// Whether neither quotes nor a tag say that it is a text.
        plain: bool,
    },
    /// A list.
    List(Vec<Written>),
    /// A map, in the order of the text. Keys may be there more than once.
    Map(Vec<(Written, Written)>),
}

impl Meaning {
    /// What a plain scalar means by YAML 1.1.
    pub fn of(text: &str) -> Self {
        resolve(text)
    }

    /// A moment's text as JSON has it: `2024-01-01` is `2024-01-01T00:00:00Z`. None if it is no moment.
    pub fn complete_timestamp(text: &str) -> Option<String> {
        complete_timestamp(text)
    }
}

/// Reads every document of a text; what an alias refers to is put in its place. `most` bounds how many nodes that
/// makes.
///
/// # Errors
/// Text that is no YAML, an alias within what it refers to, and more than `most` nodes.
pub fn read_written(text: &str, most: usize) -> Result<Vec<Written>, YamlError> {
    check_characters(text)?;
    let mut left = most;
    let mut documents = Vec::new();
    for document in parse_all(text)? {
        let mut reader = Reader { document: &document, open: Vec::new(), left, most };
        documents.extend(document.root.map(|root| reader.node(root)).transpose()?);
        left = reader.left;
    }
    Ok(documents)
}

struct Reader<'d> {
    document: &'d Document<'d>,
    /// The aliases that are being followed.
    open: Vec<usize>,
    left: usize,
    most: usize,
}

impl Reader<'_> {
    fn node(&mut self, index: usize) -> Result<Written, YamlError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(YamlError::new(format!("more than {} values", self.most)));
        };
        self.left = left;
        let node = &self.document.nodes[index];
        let content = match &node.content {
            Content::Alias(target, name) => return self.alias(*target, name),
            Content::Scalar { text, tag, plain } => WrittenContent::Scalar {
                text: text.as_ref().to_owned(),
                tag: tag.strip_prefix(CORE).map_or_else(|| tag.clone(), |tag| format!("!!{tag}")),
                plain: *plain,
            },
            Content::Sequence(items) => WrittenContent::List(
                items.iter().map(|item| self.node(*item)).collect::<Result<_, _>>()?,
            ),
            Content::Mapping(entries) => WrittenContent::Map(
                entries
                    .iter()
                    .map(|(key, value)| Ok((self.node(*key)?, self.node(*value)?)))
                    .collect::<Result<_, YamlError>>()?,
            ),
        };
        Ok(Written { line: node.line + 1, content })
    }

    fn alias(&mut self, target: usize, name: &str) -> Result<Written, YamlError> {
        if self.open.contains(&target) {
            return Err(YamlError::new(format!("anchor '{name}' value contains itself")));
        }
        self.open.push(target);
        let node = self.node(target);
        self.open.pop();
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Written) -> String {
        match &node.content {
            WrittenContent::Scalar { text, tag, plain } => {
                format!("{tag}{}{text}", if *plain { "" } else { "'" })
            }
            WrittenContent::List(items) => {
                format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(","))
            }
            WrittenContent::Map(entries) => {
                let entry =
                    |(key, value): &(Written, Written)| format!("{}:{}", shown(key), shown(value));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
            }
        }
    }

    fn all(text: &str) -> Vec<String> {
        read_written(text, 100).unwrap().iter().map(shown).collect()
    }

    #[test]
    fn every_document_is_read_and_scalars_keep_their_spelling() {
        assert_eq!(all("a: 0x10\n---\n- 'b'\n- !!str 1\n- ~\n"), ["{a:0x10}", "['b,!!str'1,~]"]);
        assert_eq!(all("--- a\n...\nb\n--- # c\n"), ["a", "b", ""]);
        assert_eq!(all("# only a comment\n"), Vec::<String>::new());
        assert_eq!(read_written("a: 1\n---\n\nb: 2", 100).unwrap()[1].line, 4);
    }

    #[test]
    fn aliases_are_put_in_place_and_bounded() {
        assert_eq!(all("a: &x [1]\nb: *x\n"), ["{a:[1],b:[1]}"]);
        for (text, problem) in [
            ("a: &x [*x]\n", "contains itself"),
            ("a: &a [1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]\n", "more than 100"),
            ("a: *x\n", "unknown anchor"),
            ("a: &x 1\n---\nb: *x\n", "unknown anchor"),
            ("a: [\n", "line 1"),
            ("a: 1\nb\n", "could not find expected ':'"),
            ("'a'\n'b'\n", "did not find expected"),
        ] {
            let error = read_written(text, 100).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn moments_are_completed() {
        for (text, complete) in [
            ("2001-01-01", Some("2001-01-01T00:00:00Z")),
            ("2001-1-1 10:00:00.5", Some("2001-01-01T10:00:00.5Z")),
            ("2001-1-1t1:2:3+02:00", Some("2001-01-01T01:02:03+02:00")),
            ("2001-13-01", None),
            ("12:30:45", None),
        ] {
            assert_eq!(Meaning::complete_timestamp(text).as_deref(), complete, "{text}");
        }
    }
}
