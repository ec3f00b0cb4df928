//! What patterns match, and which are refused.

use super::*;

fn matches(pattern: &str, text: &str) -> bool {
    Pattern::parse(pattern).unwrap().matches(text)
}

#[test]
fn patterns_match_whole_texts() {
    for (pattern, text) in [
        ("main", "main"),
        ("*", ""),
        ("*", "feature/a/b"),
        ("**", "feature/a\nb"),
        ("feature/*", "feature/a/b"),
        ("a?c", "a/c"),
        ("a?c", "aßc"),
        ("a?c", "a\nc"),
        ("{main,release-*}", "release-1"),
        ("{main,release-*}", "main"),
        ("{a,b{c,d}}x", "bdx"),
        ("{a,}x", "x"),
        ("{,a}x", "ax"),
        ("[abc]", "b"),
        ("[a-c]", "b"),
        ("[!abc]", "d"),
        ("[!a-c]", "^"),
        ("[^a]", "^"),
        ("[^a]", "a"),
        ("[-a]", "-"),
        ("[a-]", "-"),
        ("[\\]]", "]"),
        ("[\\-a]", "-"),
        ("[&&a]", "&"),
        ("\\*", "*"),
        ("\\{a\\}", "{a}"),
        ("a}", "a}"),
        ("a,b", "a,b"),
        ("a]", "a]"),
        ("v1.*", "v1.2"),
        ("(a|b)", "(a|b)"),
        ("feature[1]", "feature[1]"),
        ("", ""),
    ] {
        assert!(matches(pattern, text), "{pattern:?} should match {text:?}");
    }
}

#[test]
fn patterns_do_not_match_parts_or_other_texts() {
    for (pattern, text) in [
        ("main", "Main"),
        ("main", "main2"),
        ("main", "xmain"),
        ("a?c", "ac"),
        ("a?c", "abbc"),
        ("v1.*", "v112"),
        ("{a,b}", "ab"),
        ("[a-c]", "d"),
        ("[!a-c]", "b"),
        ("[a-c]", "-"),
        ("feature/*", "feature"),
        ("", "a"),
        ("a", "a\n"),
    ] {
        assert!(!matches(pattern, text), "{pattern:?} should not match {text:?}");
    }
}

#[test]
fn a_leading_bang_negates_the_whole() {
    assert!(!matches("!main", "main"));
    assert!(matches("!main", "dev"));
    assert!(!matches("!{main,master}", "master"));
    assert!(matches("!v*", "1.0"));
    assert!(!matches("!v*", "v1"));
    assert!(matches("!!a", "a"));
    assert!(!matches("!!a", "!a"));
}

#[test]
fn malformed_patterns_are_errors_that_say_what_to_do() {
    for (pattern, remedy) in [
        ("[abc", "add `]`"),
        ("[]", "no characters"),
        ("[!]", "no characters"),
        ("[c-a]", "`a-c`"),
        ("[a-z0-9]", "{[a-z],[0-9]}"),
        ("x{}", "no alternatives"),
        ("{main", "add `}`"),
        ("{a,{b}", "add `}`"),
        ("a\\", "nothing follows"),
        ("[a\\", "nothing follows"),
        ("!", "nothing follows"),
    ] {
        let error = Pattern::parse(pattern).unwrap_err().to_string();
        assert!(error.contains(remedy), "{pattern:?}: {error}");
    }
}

#[test]
fn brackets_are_ordinary_in_message_patterns() {
    for (pattern, text) in [
        ("[deploy]*", "[deploy] now"),
        ("*[skip*", "please [skip"),
        ("\\[x\\]", "[x]"),
        ("*[a-c]", "x[a-c]"),
        ("{[a],b}", "[a]"),
    ] {
        assert!(
            Pattern::parse_for_messages(pattern).unwrap().matches(text),
            "{pattern:?} {text:?}"
        );
    }
    assert!(!Pattern::parse_for_messages("[a]").unwrap().matches("a"));
}

#[test]
fn oversized_patterns_are_refused() {
    assert!(Pattern::parse(&"a".repeat(MAX_PATTERN + 1)).is_err());
    assert!(Pattern::parse(&"{".repeat(MAX_NESTING + 1)).is_err());
    assert!(Pattern::parse(&format!("{}a{}", "{".repeat(16), "}".repeat(16))).is_ok());
}

#[test]
fn adversarial_patterns_take_linear_time() {
    let text = "a".repeat(100_000);
    let start = std::time::Instant::now();
    for pattern in [
        format!("{}b", "*a".repeat(30)),
        format!("{}b", "{a,aa}".repeat(20)),
        format!("{}b", "{a*,*a}".repeat(20)),
        format!("{}b", "?*".repeat(100)),
    ] {
        assert!(!matches(&pattern, &text), "{pattern:?}");
    }
    // Backtracking would take years; the bound is generous for a busy machine.
    assert!(start.elapsed().as_secs() < 20);
}

proptest::proptest! {
    #[test]
    fn no_pattern_panics(pattern in ".*", special in "[*?{},!\\\\\\[\\]a-c-]{0,40}", text in ".*") {
        for pattern in [pattern, special] {
            for parsed in [Pattern::parse(&pattern), Pattern::parse_for_messages(&pattern)].into_iter().flatten() {
                parsed.matches(&text);
            }
        }
    }

    #[test]
    fn escaped_texts_match_themselves(text in "[ -~]{1,40}") {
        let escaped: String = text.chars().flat_map(|c| ['\\', c]).collect();
        proptest::prop_assert!(matches(&escaped, &text));
    }
}
