//! The expectations are what Helm 3.17.3 and 4.2.3 made of the same.

use super::*;
use crate::value::{Entries, Value};

fn yaml(value: &Value) -> String {
    to_yaml(value).unwrap_or_else(|error| error.to_string())
}

/// Reads and writes again.
fn again(text: &str) -> String {
    from_yaml(text).map_or_else(|error| error.to_string(), |value| yaml(&value))
}

fn json(text: &str) -> String {
    match from_yaml(text) {
        Ok(value) => to_json(&value, Html::Escaped).unwrap_or_else(|error| error.to_string()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn scalars_are_those_of_yaml_1_1() {
    for (text, expected) in [
        ("y", "true"),
        ("off", "false"),
        ("0777", "511"),
        ("0o777", "511"),
        ("1_000", "1000"),
        ("0xff", "255"),
        ("1e3", "1000"),
        ("08", "8"),
        ("12:30:45", "\"12:30:45\""),
        ("2001-01-01", "\"2001-01-01\""),
        (".5", "0.5"),
        ("~", "null"),
        ("'y'", "\"y\""),
        ("9007199254740993", "9007199254740992"),
        ("!!str 1", "\"1\""),
        ("!!float 1", "1"),
    ] {
        assert_eq!(json(text), expected, "{text}");
    }
    assert_eq!(
        json("{y: 1, 2: a, 1.5: b, null-ish: c}"),
        r#"{"1.5":"b","2":"a","null-ish":"c","true":1}"#
    );
}

#[test]
fn what_would_be_read_as_something_else_is_quoted() {
    let texts = [
        "yes",
        "1",
        "1.",
        "",
        "null",
        "a: b",
        "- a",
        "#x",
        "a #b",
        " a",
        "12:30",
        "x'y",
        "{{ x }}",
        "2001-01-01",
    ];
    let list = Value::list(texts.into_iter().map(Value::from).collect());
    assert_eq!(
        yaml(&list),
        "- \"yes\"\n- \"1\"\n- \"1.\"\n- \"\"\n- \"null\"\n- 'a: b'\n- '- a'\n- '#x'\n- 'a #b'\n- ' a'\n- \"12:30\"\n- x'y\n- '{{ x }}'\n- \"2001-01-01\"\n"
    );
}

#[test]
fn lines_are_literal_or_quoted_or_folded() {
    assert_eq!(yaml(&"a\nb\n".into()), "|\n  a\n  b\n");
    assert_eq!(yaml(&"a\n\nb".into()), "|-\n  a\n\n  b\n");
    assert_eq!(yaml(&"a\n\n".into()), "|+\n  a\n\n");
    assert_eq!(yaml(&" a\nb".into()), "|2-\n   a\n  b\n");
    assert_eq!(yaml(&"a \nb".into()), "\"a \\nb\"\n");
    assert_eq!(yaml(&"tab\there".into()), "\"tab\\there\"\n");
    assert_eq!(yaml(&"\u{1f600}".into()), "\"\\U0001F600\"\n");
    let long = "word ".repeat(20);
    assert_eq!(
        yaml(&long.trim().into()),
        "word word word word word word word word word word word word word word word word word\n  word word word\n"
    );
}

#[test]
fn keys_are_in_natural_order_and_lists_are_not_indented() {
    assert_eq!(
        again("{a10: 1, a2: [x, {y: 1}], a1: {}, b: []}"),
        "a1: {}\na2:\n- x\n- \"y\": 1\na10: 1\nb: []\n".replace("- \"y\"", "- \"true\"")
    );
}

#[test]
fn numbers_lose_what_json_cannot_keep() {
    assert_eq!(
        again("[1000000, 1e21, 1.5e-7, 1234567.5, 18446744073709551615]"),
        "- 1000000\n- 1e+21\n- 1.5e-07\n- 1.2345675e+06\n- 1.8446744073709552e+19\n"
    );
}

#[test]
fn anchors_merge_and_do_not_explode() {
    assert_eq!(
        json("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\nc: {k: 3, <<: *x}"),
        r#"{"a":{"k":1,"l":2},"b":{"k":3,"l":2},"c":{"k":1,"l":2}}"#
    );
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let last = level - 1;
        let aliases = vec![format!("*a{last}"); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(
        json(&bomb),
        "error converting YAML to JSON: yaml: document contains excessive aliasing"
    );
    assert_eq!(
        json("a: &a [*a]"),
        "error converting YAML to JSON: yaml: anchor 'a' value contains itself"
    );
}

#[test]
fn errors_are_the_librarys() {
    for (text, expected) in [
        ("a: b: c", "yaml: mapping values are not allowed in this context"),
        ("a: 1\nb: [", "yaml: line 2: did not find expected node content"),
        ("a: 1\n\tb: 2", "yaml: line 2: found a tab character that violates indentation"),
        ("a: *x", "yaml: unknown anchor 'x' referenced"),
        ("\u{1}", "yaml: control characters are not allowed"),
    ] {
        assert_eq!(json(text), format!("error converting YAML to JSON: {expected}"), "{text:?}");
    }
    let error = from_yaml_strict("a: 1\na: 2").expect_err("twice");
    assert_eq!(
        error.library_text(),
        "yaml: unmarshal errors:\n  line 2: key \"a\" already set in map"
    );
}

#[test]
fn multi_line_scalars_fold() {
    assert_eq!(json("a: b\n  c\n\n  d"), r#"{"a":"b c\nd"}"#);
    assert_eq!(json("a: \"b\n  c\\\n  d\\x41\""), r#"{"a":"b cdA"}"#);
    assert_eq!(json("a: 'it''s\n\n  x'"), r#"{"a":"it's\nx"}"#);
    assert_eq!(
        json("a: >\n  b\n  c\n\n   d\n  e\nf: |+\n  x\n\ng: |-\n  y\n"),
        "{\"a\":\"b c\\n\\n d\\ne\\n\",\"f\":\"x\\n\\n\",\"g\":\"y\"}"
    );
}

#[test]
fn json_is_written_and_read_as_go_does() {
    let value = Value::map(Entries::from([("<a>".into(), "x&\u{2028}\u{8}\u{7f}".into())]));
    assert_eq!(
        to_json(&value, Html::Escaped),
        Ok("{\"\\u003ca\\u003e\":\"x\\u0026\\u2028\\b\u{7f}\"}".to_owned())
    );
    assert_eq!(
        from_json("{\"a\": }").map(|_| ()),
        Err("invalid character '}' looking for beginning of value".to_owned())
    );
    assert_eq!(from_json("[1,").map(|_| ()), Err("unexpected end of JSON input".to_owned()));
    assert_eq!(
        from_json("\"\\ud83d\\ude00\"").map(|value| value.as_str().map(str::to_owned)),
        Ok(Some("\u{1f600}".to_owned()))
    );
}

#[test]
fn whole_numbers_have_as_few_digits_as_tell_them_from_others() {
    for (text, expected) in [
        ("1234567890123456789", "1234567890123456800"),
        ("36028797018963969", "36028797018963970"),
        ("9223372036854775807", "9223372036854776000"),
        ("-9223372036854775809", "-9.223372036854776e+18"),
        ("18446744073709551610", "1.8446744073709552e+19"),
        ("-0", "0"),
    ] {
        assert_eq!(again(text).trim_end(), expected, "{text}");
    }
}
