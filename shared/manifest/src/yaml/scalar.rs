//! Which plain scalars are texts, in the eyes of the programs that read Kubernetes objects.

use super::{Form, Scalar};

/// Words that YAML 1.1 reads as null or as a boolean.
const WORDS: [&str; 12] =
    ["~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", "<<"];

/// Whether a Kubernetes tool reads this scalar as a string. Plain numbers, booleans and nulls are not.
pub(crate) fn is_string_in_kubernetes(scalar: &Scalar) -> bool {
    match scalar.form {
        Form::Quoted | Form::Literal => true,
        Form::JsonLiteral => false,
        Form::Plain => !is_word(&scalar.text) && !is_number(&scalar.text),
    }
}

/// Whether a plain scalar is null.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn is_word(text: &str) -> bool {
    text.is_empty() || WORDS.contains(&text.to_ascii_lowercase().as_str())
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.replace('_', "");
    if digits.eq_ignore_ascii_case(".inf") {
        return true;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            return !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix));
        }
    }
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && digits.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> bool {
        is_string_in_kubernetes(&Scalar { text: text.to_owned(), form: Form::Plain })
    }

    #[test]
    fn plain_words_and_numbers_are_no_strings() {
        for text in [
            "", "~", "null", "NULL", "true", "False", "yes", "ON", "off", "y", "1", "-1", "0.5",
            ".5", "1e3", "0x1F", "0o17", "1_000", ".inf", "-.INF", ".NaN",
        ] {
            assert!(!plain(text), "{text:?}");
        }
    }

    #[test]
    fn other_plain_texts_are_strings() {
        for text in [
            "web",
            "v1",
            "1.2.3",
            "2024-01-01",
            "yesterday",
            "0xfg",
            "e3",
            ".",
            "-",
            "12:30:45",
            "inf",
        ] {
            assert!(plain(text), "{text:?}");
        }
    }

    #[test]
    fn quotes_make_a_string_of_anything() {
        let quoted = Scalar { text: "true".to_owned(), form: Form::Quoted };
        assert!(is_string_in_kubernetes(&quoted));
    }
}
