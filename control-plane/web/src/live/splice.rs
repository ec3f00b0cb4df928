//! What changed between two texts: one piece, between what both begin and what both end with.

/// Replaces a piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Splice<'a> {
    /// Where the piece begins, in UTF-16 units: browsers count so.
    pub(super) from: usize,
    /// Where the piece ends.
    pub(super) to: usize,
    /// What stands there instead.
    pub(super) text: &'a str,
}

/// The smallest piece that makes `after` of `before`.
pub(super) fn splice<'a>(before: &str, after: &'a str) -> Splice<'a> {
    let mut start = common(before.bytes(), after.bytes());
    while !before.is_char_boundary(start) || !after.is_char_boundary(start) {
        start -= 1;
    }
    let (tail_before, tail_after) = (&before[start..], &after[start..]);
    let mut end = common(tail_before.bytes().rev(), tail_after.bytes().rev());
    while !tail_before.is_char_boundary(tail_before.len() - end)
        || !tail_after.is_char_boundary(tail_after.len() - end)
    {
        end -= 1;
    }
    let from = units(&before[..start]);
    let cut = &tail_before[..tail_before.len() - end];
    Splice { from, to: from + units(cut), text: &tail_after[..tail_after.len() - end] }
}

fn common(one: impl Iterator<Item = u8>, other: impl Iterator<Item = u8>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a browser does.
    fn applied(before: &str, splice: Splice<'_>) -> String {
        let units: Vec<u16> = before.encode_utf16().collect();
        let mut after = units[..splice.from].to_vec();
        after.extend(splice.text.encode_utf16());
        after.extend(&units[splice.to..]);
        String::from_utf16(&after).unwrap()
    }

    #[test]
    fn a_splice_is_no_longer_than_what_changed() {
        let splice = splice("<b>Rolling out</b>", "<b>Healthy</b>");
        assert_eq!(splice, Splice { from: 3, to: 14, text: "Healthy" });
    }

    #[test]
    fn a_splice_makes_the_one_of_the_other_whatever_they_are() {
        let texts = [
            "",
            "a",
            "aa",
            "aba",
            "grün",
            "grün 👩‍👩‍👧 x",
            "grüß 👩‍👩‍👦 x",
            "\u{10348}\u{10349}",
            "é",
            "è",
        ];
        for before in texts {
            for after in texts {
                assert_eq!(applied(before, splice(before, after)), after, "{before:?}");
            }
        }
    }
}
