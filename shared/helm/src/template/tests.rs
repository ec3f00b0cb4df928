//! What Go's templates do, and that hostile ones end. What Helm 3.17.3 and 4.2.3 printed is the expectation.

use super::*;
use crate::value::{Entries, Value};
use crate::{Limits, Settings, yaml};

fn settings(dialect: Dialect) -> Settings {
    Settings { dialect, seed: [7; 32], now: 1_700_000_000_000_000, limits: Limits::default() }
}

fn render_with(settings: &Settings, text: &str, values: &str) -> Result<String, String> {
    let templates = Templates::parse(settings.dialect, [("c/templates/case.yaml", text)])
        .map_err(|error| error.to_string())?;
    let values = yaml::from_yaml(values).map_err(|error| error.to_string())?;
    let data = Value::map(Entries::from([("Values".into(), values)]));
    Render::new(&templates, settings)
        .file("c/templates/case.yaml", &data)
        .map_err(|error| error.to_string())
}

fn render(text: &str, values: &str) -> Result<String, String> {
    render_with(&settings(Dialect::Helm3), text, values)
}

fn refusal(text: &str) -> String {
    render(text, "").expect_err(text)
}

#[test]
fn a_map_is_a_reference_and_changes_show_everywhere() {
    let text = r#"{{ $_ := set .Values.a "x" 1 }}{{ .Values.a.x }}{{ $b := .Values.a }}{{ $_ := unset $b "x" }}{{ len .Values.a }}"#;
    assert_eq!(render(text, "a: {}"), Ok("10".to_owned()));
}

#[test]
fn a_field_of_nil_is_an_error_but_not_behind_parentheses_or_in_a_variable() {
    let values = "a: null";
    assert_eq!(
        render("{{ (.Values.a).b }}{{ $x := .Values.a }}{{ $x.b.c }}", values),
        Ok(String::new())
    );
    assert_eq!(
        render("{{ .Values.a.b }}", values),
        Err("template: c/templates/case.yaml:1:10: executing \"c/templates/case.yaml\" at <.Values.a.b>: \
             nil pointer evaluating interface {}.b"
            .to_owned())
    );
}

#[test]
fn errors_have_the_place_and_words_of_go() {
    assert_eq!(
        refusal("a\n  {{ upper 1 }}"),
        "template: c/templates/case.yaml:2:11: executing \"c/templates/case.yaml\" at <1>: expected string; found 1"
    );
    assert_eq!(
        refusal("{{ upper (list 1) }}"),
        "template: c/templates/case.yaml:1:15: executing \"c/templates/case.yaml\" at <1>: \
         wrong type for value; expected string; got []interface {}"
    );
    assert_eq!(
        refusal("{{ nope }}"),
        "parse error at (c/templates/case.yaml:1): function \"nope\" not defined"
    );
    assert_eq!(refusal("{{ fail \"no\" }}"), "execution error at (c/templates/case.yaml:1:3): no");
}

#[test]
fn helm_4_traces_an_error_through_its_templates() {
    let text = "{{ define \"x\" }}{{ .a.b.c }}{{ end }}{{ include \"x\" (dict \"a\" nil) }}";
    let error = render_with(&settings(Dialect::Helm4), text, "").expect_err("nil");
    assert_eq!(
        error,
        "c/templates/case.yaml:1:40\n  executing \"c/templates/case.yaml\" at <include \"x\" (dict \"a\" nil)>:\n    \
         error calling include:\nc/templates/case.yaml:1:21\n  executing \"x\" at <.a.b.c>:\n    \
         nil pointer evaluating interface {}.b"
    );
}

#[test]
fn the_later_definition_counts_unless_it_is_empty() {
    let dialect = Dialect::Helm3;
    let files = [
        ("a", "{{ define \"x\" }}one{{ end }}"),
        ("b", "{{ define \"x\" }}two{{ end }}"),
        ("c", "{{ define \"x\" }} {{ end }}{{ include \"x\" . }}"),
    ];
    let templates = Templates::parse(dialect, files).expect("they are sound");
    let mut render = Render::new(&templates, &settings(dialect));
    assert_eq!(render.file("c", &Value::Nil), Ok("two".to_owned()));
}

#[test]
fn what_tpl_defines_is_visible_only_inside() {
    let text =
        r#"{{ tpl "{{ define \"y\" }}in{{ end }}{{ include \"y\" . }}" . }}{{ include "y" . }}"#;
    assert!(refusal(text).contains("no template \"y\" associated with template \"gotpl\""));
    let text = r#"{{ define "y" }}out{{ end }}{{ tpl "{{ define \"y\" }}in{{ end }}{{ include \"y\" . }}" . }}{{ include "y" . }}"#;
    assert_eq!(render(text, ""), Ok("inout".to_owned()));
}

#[test]
fn loops_can_be_left_and_skipped() {
    let text = "{{ range $i, $x := .Values.l }}{{ if eq $x \"b\" }}{{ continue }}{{ end }}{{ if eq $x \"d\" }}{{ break }}{{ end }}{{ $i }}{{ $x }}{{ else }}none{{ end }}";
    assert_eq!(render(text, "l: [a, b, c, d, e]"), Ok("0a2c".to_owned()));
    assert_eq!(render(text, "l: []"), Ok("none".to_owned()));
}

#[test]
fn the_same_seed_draws_the_same_values() {
    let text = "{{ randAlphaNum 20 }} {{ uuidv4 }} {{ shuffle \"abcdef\" }}";
    assert_eq!(render(text, ""), render(text, ""));
    let other = Settings { seed: [8; 32], ..settings(Dialect::Helm3) };
    assert_ne!(render(text, ""), render_with(&other, text, ""));
}

#[test]
fn hostile_templates_end_with_an_error() {
    let looped = "{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}";
    let template_loop = "{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}";
    let two = "{{ define \"x\" }}{{ include \"y\" . }}{{ end }}{{ define \"y\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}";
    for text in [
        looped,
        template_loop,
        two,
        "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}{{ $d }}",
        "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}{{ deepCopy $d }}",
        "{{ range until 100000000 }}x{{ end }}",
        "{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}",
        "{{ $x := \"xxxxxxxxxxxxxxxx\" }}{{ range until 100 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}",
        "{{ repeat 1000000000 \"xxxxxxxxxx\" }}",
        "{{ repeat 9000000000000000000 \"xx\" }}",
        "{{ indent 1000000000 \"x\" }}",
        "{{ $x := repeat 100000 \"ab\" }}{{ replace \"\" $x $x }}",
        "{{ printf \"%1000000d %1000000d\" 1 1 | repeat 1000 }}",
        "{{ seq 1 2000000000 }}",
        "{{ randAlphaNum 999999999 }}",
        "{{ $l := list }}{{ range until 30 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}",
        "{{ regexMatch \"(x{1000}){1000}\" \"x\" | ternary (fail \"a\") (fail \"b\") }}",
        &"(".repeat(100_000),
        &format!("{{{{ {} }}}}", "(".repeat(100_000)),
        &"{{ if 1 }}".repeat(100_000),
        &format!("{{{{ fromJson {:?} }}}}{{{{ fail \"x\" }}}}", "[".repeat(100_000)),
        &format!("{{{{ fromYaml {:?} }}}}{{{{ fail \"x\" }}}}", "[".repeat(100_000)),
    ] {
        if text.starts_with('(') {
            assert!(render(text, "").is_ok());
            continue;
        }
        let started = std::time::Instant::now();
        let shown: String = text.chars().take(80).collect();
        assert!(render(text, "").is_err(), "{shown}");
        // Generous, for a loaded machine without optimization.
        assert!(started.elapsed().as_secs() < 60, "{shown}");
    }
}
