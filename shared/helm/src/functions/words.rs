//! Texts as words: their case and their borders.

use super::{Function, function};
use crate::value::{Ty, to_bytes};

const ONE: &[Ty] = &[Ty::Str];

pub(super) const FUNCTIONS: &[Function] = &[
    function("title", ONE, |_, args| Ok(title(args.text(0)).into())),
    function("untitle", ONE, |_, args| Ok(untitle(args.text(0)).into())),
    function("swapcase", ONE, |_, args| Ok(swap_case(args.text(0)).into())),
    function("initials", ONE, |_, args| Ok(initials(args.text(0)).into())),
    function("camelcase", ONE, |_, args| Ok(camel(args.text(0)).into())),
    function("snakecase", ONE, |_, args| Ok(joined(args.text(0), '_').into())),
    function("kebabcase", ONE, |_, args| Ok(joined(args.text(0), '-').into())),
];

/// The first byte of each word, as Latin-1: so Go's library does it.
fn initials(text: &str) -> String {
    let mut gap = true;
    let mut initials = String::new();
    for byte in to_bytes(text).iter() {
        let c = char::from(*byte);
        if c.is_whitespace() {
            gap = true;
        } else if std::mem::take(&mut gap) {
            initials.push(c);
        }
    }
    initials
}

fn swap_case(text: &str) -> String {
    text.chars().map(swap).collect()
}

/// Upper case, one character to one.
pub(super) fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

/// Lower case, one character to one.
pub(super) fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn swap(c: char) -> char {
    if c.is_uppercase() { lower(c) } else { upper(c) }
}

fn title(text: &str) -> String {
    let mut inside = false;
    let change = |c: char| {
        let first = !std::mem::replace(&mut inside, !separates(c));
        if first { upper(c) } else { c }
    };
    text.chars().map(change).collect()
}

/// What ends a word for `title`: beyond ASCII only spaces do.
fn separates(c: char) -> bool {
    if c.is_ascii() { !(c.is_ascii_alphanumeric() || c == '_') } else { c.is_whitespace() }
}

fn untitle(text: &str) -> String {
    let mut inside = false;
    let change = |c: char| {
        let first = !std::mem::replace(&mut inside, !c.is_whitespace()) && !c.is_whitespace();
        if first { lower(c) } else { c }
    };
    text.chars().map(change).collect()
}

fn connects(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// `some_words` as `SomeWords`. Of several connectors between words one goes; at the ends they stay.
fn camel(text: &str) -> String {
    let words = text.trim_start_matches(connects);
    let mut camel = text[..text.len() - words.len()].to_owned();
    let mut waiting: Option<char> = None;
    let mut first = true;
    // Whether every letter of the word so far is upper case, which makes the rest of it lower case.
    let mut shouting = false;
    for c in words.chars() {
        if connects(c) {
            camel.extend(waiting.replace(c));
            first = true;
        } else if std::mem::take(&mut first) {
            waiting = None;
            shouting = c.is_uppercase();
            camel.push(upper(c));
        } else {
            shouting = shouting && c.is_uppercase();
            camel.push(if shouting { lower(c) } else { c });
        }
    }
    camel.extend(waiting);
    camel
}

/// What a piece of a name is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Connectors,
    Punctuation,
    Number,
    /// Starts with an upper-case letter.
    Capital,
    /// Lower-case letters.
    Small,
    Other,
}

impl Piece {
    fn of(c: char) -> Self {
        if connects(c) {
            Self::Connectors
        } else if c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c) {
            Self::Punctuation
        } else if c.is_uppercase() {
            Self::Capital
        } else if c.is_alphabetic() {
            Self::Small
        } else if c.is_numeric() {
            Self::Number
        } else {
            Self::Other
        }
    }

    fn is_word(self) -> bool {
        !matches!(self, Self::Connectors | Self::Punctuation)
    }
}

/// `SomeWords` as `some_words`, with any connector. A number belongs to the word before it, or, if lower-case
/// letters follow it, to them.
fn joined(text: &str, connector: char) -> String {
    let pieces = pieces(text);
    let mut joined = String::with_capacity(text.len() + 8);
    // Whether the word began with a number, and goes on through letters and numbers.
    let mut numbered = false;
    for (index, (piece, part)) in pieces.iter().enumerate() {
        if *piece == Piece::Connectors {
            joined.extend(part.chars().map(|_| connector));
        } else {
            joined.extend(part.chars().map(lower));
        }
        let Some((next, _)) = pieces.get(index + 1) else { break };
        let after = pieces.get(index + 2).map(|(piece, _)| *piece);
        let starts_number = *next == Piece::Number && after == Some(Piece::Small);
        let continues = match piece {
            Piece::Connectors | Piece::Punctuation => {
                numbered = *next == Piece::Number;
                continue;
            }
            _ if numbered || *piece == Piece::Number && index == 0 => {
                matches!(next, Piece::Small | Piece::Number)
            }
            Piece::Number => false,
            Piece::Capital | Piece::Small | Piece::Other => {
                *next == Piece::Number && !starts_number
            }
        };
        numbered =
            if continues { numbered || *piece == Piece::Number } else { *next == Piece::Number };
        if !continues && next.is_word() {
            joined.push(connector);
        }
    }
    joined
}

/// Cuts a name where its kind of characters changes. Of several capitals the last belongs to the small letters
/// that follow.
fn pieces(text: &str) -> Vec<(Piece, String)> {
    let mut pieces: Vec<(Piece, String)> = Vec::new();
    for c in text.chars() {
        let piece = Piece::of(c);
        match pieces.last_mut() {
            Some((last, part))
                if *last == piece && (piece != Piece::Capital || is_shouted(part)) =>
            {
                part.push(c)
            }
            // They are punctuation as well, and continue a run of it.
            Some((Piece::Punctuation, part)) if matches!(c, '-' | '_') => part.push(c),
            Some((Piece::Capital, part)) if piece == Piece::Small => {
                if is_shouted(part) && part.chars().count() > 1 {
                    let Some(capital) = part.pop() else { continue };
                    pieces.push((Piece::Capital, String::from_iter([capital, c])));
                } else {
                    part.push(c);
                }
            }
            _ => pieces.push((piece, c.to_string())),
        }
    }
    pieces
}

fn is_shouted(part: &str) -> bool {
    part.chars().all(char::is_uppercase)
}
