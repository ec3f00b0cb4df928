//! A list of the API server, read as it comes: one object at a time, so that a page costs no more memory
//! than its largest object.

/// What a list says beside its objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListMetadata {
    /// From where a watch misses nothing.
    pub(crate) resource_version: String,
    /// The next page; empty on the last one.
    #[serde(rename = "continue")]
    pub(crate) next: String,
}

/// A whole value of a list, as JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Metadata(&'a [u8]),
    Item(&'a [u8]),
}

/// Room that is kept between objects; a larger one's is given back.
const KEPT_ROOM: usize = 32 * 1024;

/// Cuts the text of a list into its pieces. It relies on JSON that is well formed: what is not comes out as
/// a piece that cannot be read, or as none.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    /// Open braces and brackets.
    depth: usize,
    is_text: bool,
    is_escaped: bool,
    /// The key of the list whose value is being read.
    key: Vec<u8>,
    is_key: bool,
    /// The part of an unfinished piece that came already.
    begun: Vec<u8>,
    is_piece: bool,
}

impl Pieces {
    /// Takes the next bytes, and gives every piece that they complete to `found`.
    pub(crate) fn push<Error>(
        &mut self,
        bytes: &[u8],
        mut found: impl FnMut(Piece<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut start = 0;
        for (place, byte) in bytes.iter().copied().enumerate() {
            if self.is_text {
                self.step_text(byte);
                continue;
            }
            match byte {
                b'"' => self.open_text(),
                b'{' | b'[' => {
                    if byte == b'{' && !self.is_piece && self.is_wanted() {
                        self.is_piece = true;
                        start = place;
                    }
                    self.depth += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.is_piece && self.is_wanted() {
                        self.is_piece = false;
                        self.finish(&bytes[start..=place], &mut found)?;
                    }
                }
                _ => {}
            }
        }
        if self.is_piece {
            self.begun.extend_from_slice(&bytes[start..]);
        }
        Ok(())
    }

    /// A value that begins or ends here is a piece.
    fn is_wanted(&self) -> bool {
        match self.key.as_slice() {
            b"items" => self.depth == 2,
            b"metadata" => self.depth == 1,
            _ => false,
        }
    }

    fn finish<Error>(
        &mut self,
        rest: &[u8],
        found: &mut impl FnMut(Piece<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut begun = std::mem::take(&mut self.begun);
        let whole = if begun.is_empty() {
            rest
        } else {
            begun.extend_from_slice(rest);
            begun.as_slice()
        };
        let is_item = self.key == b"items";
        found(if is_item { Piece::Item(whole) } else { Piece::Metadata(whole) })?;
        begun.clear();
        begun.shrink_to(KEPT_ROOM);
        self.begun = begun;
        Ok(())
    }

    fn open_text(&mut self) {
        self.is_text = true;
        // In the list's own object a text is a key, or a value that nobody asks for.
        self.is_key = self.depth == 1;
        if self.is_key {
            self.key.clear();
        }
    }

    fn step_text(&mut self, byte: u8) {
        match (self.is_escaped, byte) {
            (true, _) => self.is_escaped = false,
            (false, b'\\') => self.is_escaped = true,
            (false, b'"') => self.is_text = false,
            // No key that is wanted is longer.
            (false, _) if self.is_key && self.key.len() <= b"metadata".len() => self.key.push(byte),
            (false, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn pieces(text: &str, step: usize) -> Vec<String> {
        let mut reader = Pieces::default();
        let mut all = Vec::new();
        for bytes in text.as_bytes().chunks(step) {
            let note = |piece: Piece<'_>| {
                let (kind, bytes) = match piece {
                    Piece::Metadata(bytes) => ("metadata", bytes),
                    Piece::Item(bytes) => ("item", bytes),
                };
                all.push(format!("{kind} {}", std::str::from_utf8(bytes).unwrap()));
                Ok::<_, Infallible>(())
            };
            reader.push(bytes, note).unwrap();
        }
        all
    }

    #[test]
    fn a_list_comes_in_pieces_however_its_bytes_are_cut() {
        let text = r#"{ "kind":"PodList", "x": {"items":[{"a":1}],"metadata":{}}, "y":"items",
            "metadata": {"resourceVersion":"7","continue":"a\"}"},
            "items": [ {"a":{"b":[{}, 1, "]}\\"]}} , {"metadata":{"name":"{\"größe"},"items":[{}]}],
            "z": [{"items":[{}]}]}"#;
        let expected = [
            r#"metadata {"resourceVersion":"7","continue":"a\"}"}"#,
            r#"item {"a":{"b":[{}, 1, "]}\\"]}}"#,
            r#"item {"metadata":{"name":"{\"größe"},"items":[{}]}"#,
        ];
        for step in 1..=text.len() {
            assert_eq!(pieces(text, step), expected, "{step}");
        }
    }

    #[test]
    fn an_empty_list_has_no_items_and_no_text_breaks_the_reader() {
        assert!(pieces(r#"{"metadata":null,"items":[]}"#, 3).is_empty());
        assert!(pieces(r#"{"metadata":null,"items":null}"#, 3).is_empty());
        assert!(pieces("}}]]<html>\"items\":[{", 2).is_empty());
    }

    #[test]
    fn metadata_tells_the_next_page() {
        let read: ListMetadata = serde_json::from_str(
            r#"{"resourceVersion":"7","continue":"b","remainingItemCount":9}"#,
        )
        .unwrap();
        assert_eq!((read.resource_version.as_str(), read.next.as_str()), ("7", "b"));
    }
}
