//! Texts with variables and what they give. The expectations are those of Go's own engine, except where noted.

use super::*;

fn data() -> BTreeMap<String, String> {
    [
        ("SHA", "abc123"),
        ("BRANCH", "Feature/JIRA_12"),
        ("EMPTY", ""),
        ("LINES", "a\nb\nc"),
        ("N", "42"),
        ("U", "héllo"),
        ("CODE", "{{ .SHA }}"),
        ("JSON", "{\"a\":[1,2.5],\"b\":null}"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn run(text: &str) -> Result<String, TemplateError> {
    render("x", text, &data())
}

/// Asserts templates and their outputs.
fn assert_renders(cases: &[(&str, &str)]) {
    for (template, output) in cases {
        match run(template) {
            Ok(rendered) => assert_eq!(rendered, *output, "{template}"),
            Err(error) => panic!("{template}\n{error}"),
        }
    }
}

/// Asserts templates and a part of their errors.
fn assert_fails(cases: &[(&str, &str)]) {
    for (template, part) in cases {
        match run(template) {
            Ok(rendered) => panic!("{template} should fail, but gave {rendered:?}"),
            Err(error) => {
                assert!(error.message.contains(part), "{template} should say {part:?}: {error}")
            }
        }
    }
}

#[test]
fn text_stays_as_it_is() {
    assert_renders(&[
        ("", ""),
        ("plain } text {", "plain } text {"),
        ("a\n\tb", "a\n\tb"),
        ("}}", "}}"),
    ]);
}

#[test]
fn variables_are_inserted_verbatim() {
    assert_renders(&[
        ("{{ .SHA }}", "abc123"),
        ("{{.SHA}}{{ $.SHA }}", "abc123abc123"),
        ("{{ .CODE }}", "{{ .SHA }}"),
        ("{{ .LINES }}", "a\nb\nc"),
        ("{{ .EMPTY }}", ""),
    ]);
}

#[test]
fn a_missing_variable_is_an_error_even_with_a_default() {
    assert_fails(&[
        ("{{ .NOPE }}", "variable `NOPE` is not set"),
        ("{{ .NOPE | default \"x\" }}", "`{{ index . \"NOPE\" | default"),
        ("{{ .sha }}", "`sha` is not set"),
        ("{{ default \"x\" .NOPE }}", "`NOPE` is not set"),
        ("{{ if .NOPE }}{{ end }}", "`NOPE` is not set"),
        ("{{ $.NOPE }}", "`NOPE` is not set"),
    ]);
    assert_renders(&[
        ("{{ index . \"NOPE\" | default \"y\" }}", "y"),
        ("{{ index . \"SHA\" | default \"y\" }}", "abc123"),
    ]);
}

#[test]
fn white_space_is_trimmed_on_request() {
    assert_renders(&[
        ("a {{- .SHA -}} b", "aabc123b"),
        ("a {{ .SHA -}} \n b", "a abc123b"),
        ("a \n{{- .SHA }} b", "aabc123 b"),
        ("{{-3}}", "-3"),
        ("{{- -3 -}}", "-3"),
        ("a {{- /* c */ -}} b", "ab"),
    ]);
}

#[test]
fn comments_give_nothing() {
    assert_renders(&[("a{{/* c }} \n */}}b", "ab")]);
    assert_fails(&[
        ("{{/* x", "unclosed comment"),
        ("{{/* x */ .SHA }}", "comment ends before closing delimiter"),
    ]);
}

#[test]
fn constants_are_those_of_go() {
    assert_renders(&[
        (r#"{{ "a\tb\"\\\u00e9\x41\101\n" }}"#, "a\tb\"\\éAA\n"),
        ("{{ `raw \\n {{` }}", "raw \\n {{"),
        ("{{ 'a' }} {{ '\\n' }}", "97 10"),
        ("{{ 0x1F }} {{ 010 }} {{ 1_000 }} {{ 0b11 }} {{ 0o17 }}", "31 8 1000 3 15"),
        ("{{ 1.5 }} {{ 1e3 }} {{ .5 }} {{ -3 }} {{ +3 }}", "1.5 1000 0.5 -3 3"),
        ("{{ 1000000.0 }} {{ 100000.0 }} {{ 0.0001 }} {{ 0.00001 }}", "1e+06 100000 0.0001 1e-05"),
        ("{{ true }} {{ false }}", "true false"),
        ("{{ -9223372036854775808 }}", "-9223372036854775808"),
    ]);
    assert_fails(&[
        ("{{ 99999999999999999999 }}", "integer overflow: \"99999999999999999999\""),
        ("{{ 08 }}", "integer overflow: \"08\""),
        ("{{ 1.2.3 }}", "unexpected \".3\" in operand"),
        ("{{ 'ab' }}", "malformed character constant: 'ab'"),
        ("{{ \"\\q\" }}", "invalid syntax"),
        ("{{ \"a }}", "unterminated quoted string"),
        ("{{ `a }}", "unterminated raw quoted string"),
        ("{{ \"\\xff\" }}", "UTF-8"),
    ]);
}

#[test]
fn variables_of_a_template_have_scopes() {
    assert_renders(&[
        ("{{ $x := 1 }}{{ $x = 2 }}{{ $x }}", "2"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
        ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1"),
        ("{{ if $x := .SHA }}{{ $x }}{{ end }}", "abc123"),
        ("{{ $x := 0 }}{{ range until 4 }}{{ $x = add $x . }}{{ end }}{{ $x }}", "6"),
    ]);
    assert_fails(&[
        ("{{ $y }}", "undefined variable \"$y\""),
        ("{{ $y = 1 }}", "undefined variable: $y"),
        ("{{ if $x := 1 }}{{ end }}{{ $x }}", "undefined variable \"$x\""),
        ("{{ define \"t\" }}{{ $x }}{{ end }}{{ $x := 1 }}", "undefined variable \"$x\""),
    ]);
}

#[test]
fn if_and_with_choose() {
    assert_renders(&[
        ("{{ if .EMPTY }}a{{ else if .SHA }}b{{ else }}c{{ end }}", "b"),
        ("{{ if .EMPTY }}a{{ else if 0 }}b{{ else }}c{{ end }}", "c"),
        ("{{ if false }}a{{ end }}", ""),
        ("{{ with .SHA }}{{ . }}{{ $.N }}{{ end }}", "abc12342"),
        ("{{ with .EMPTY }}a{{ else }}b{{ end }}", "b"),
        ("{{ with .EMPTY }}a{{ else with .SHA }}{{ . }}{{ end }}", "abc123"),
        ("{{ if list }}a{{ else }}b{{ end }}{{ if dict }}a{{ else }}b{{ end }}", "bb"),
    ]);
}

#[test]
fn range_goes_over_lists_maps_and_numbers() {
    assert_renders(&[
        ("{{ range list 1 2 3 }}{{ . }},{{ end }}", "1,2,3,"),
        ("{{ range $i, $e := list \"a\" \"b\" }}{{ $i }}{{ $e }}{{ end }}", "0a1b"),
        ("{{ range $e := list \"a\" }}{{ $e }}{{ end }}", "a"),
        ("{{ range list }}x{{ else }}none{{ end }}", "none"),
        ("{{ range $k, $v := dict \"b\" 1 \"a\" 2 }}{{ $k }}{{ $v }}{{ end }}", "a2b1"),
        ("{{ range 3 }}{{ . }}{{ end }}", "012"),
        ("{{ range $k, $v := . }}{{ if eq $k \"SHA\" }}{{ $v }}{{ end }}{{ end }}", "abc123"),
        (
            "{{ range until 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}",
            "02",
        ),
    ]);
    assert_fails(&[
        ("{{ range .SHA }}{{ end }}", "range can't iterate over abc123"),
        ("{{ range 1.5 }}{{ end }}", "range can't iterate over 1.5"),
    ]);
}

#[test]
fn templates_call_each_other() {
    assert_renders(&[
        ("{{ define \"t\" }}[{{ . }}]{{ end }}{{ template \"t\" .SHA }}", "[abc123]"),
        ("{{ template \"t\" }}{{ define \"t\" }}x{{ end }}", "x"),
        ("{{ block \"b\" .N }}<{{ . }}>{{ end }}", "<42>"),
        ("{{ define \"t\" }}{{ $.SHA }}{{ end }}{{ template \"t\" . }}", "abc123"),
    ]);
    assert_fails(&[
        ("{{ template \"nope\" }}", "template \"nope\" not defined"),
        ("{{ if true }}{{ define \"x\" }}{{ end }}{{ end }}", "unexpected <define> in command"),
        ("{{ template x }}", "unexpected \"x\" in template clause"),
    ]);
}

#[test]
fn malformed_templates_are_errors() {
    assert_fails(&[
        ("{{ .SHA", "unclosed action"),
        ("{{ }}", "missing value for command"),
        ("{{ if }}x{{ end }}", "missing value for if"),
        ("{{ if true }}x", "has no `{{ end }}`"),
        ("{{ end }}", "unexpected {{end}}"),
        ("{{ else }}", "unexpected {{else}}"),
        ("{{ if true }}a{{ else }}b{{ else }}c{{ end }}", "expected end; found {{else}}"),
        ("{{ range list }}a{{ else if 1 }}b{{ end }}", "unexpected <if> in input"),
        ("{{ break }}", "{{break}} outside {{range}}"),
        ("{{ (1 }}", "unclosed left paren"),
        ("{{ 1) }}", "unexpected right paren"),
        ("{{ .A-B }}", "bad character U+002D '-'"),
        ("{{ .SHA | | upper }}", "unexpected \"|\" in command"),
        ("{{ .SHA .N }}", "SHA is not a method but has arguments"),
        ("{{ 1 | .SHA }}", "SHA is not a method but has arguments"),
        ("{{ nil }}", "nil is not a command"),
        ("{{ \"a\".B }}", "unexpected . after term \"\\\"a\\\"\""),
        ("{{ upper end }}", "unexpected <end> in operand"),
        ("{{ $x, $y := 1 }}", "too many declarations in command"),
        ("{{ ? }}", "unexpected \"?\" in command"),
        ("{{ define \"x\" }}", "has no `{{ end }}`"),
    ]);
}

#[test]
fn errors_name_line_and_column() {
    let error = run("a\nbé {{ .NOPE }}").unwrap_err();
    assert_eq!((error.line, error.column), (2, 7));
    assert_eq!(error.to_string().split(':').next(), Some("line 2, column 7"));
    let error = run("{{ if true }}\n\n  {{ nope }}{{ end }}").unwrap_err();
    assert_eq!((error.line, error.column), (3, 6));
}

#[test]
fn unknown_functions_are_named() {
    for name in ["nope", "env", "expandenv", "getHostByName", "include", "tpl", "toYaml", "lookup"]
    {
        let error = run(&format!("{{{{ {name} }}}}")).unwrap_err();
        assert_eq!(error.message, format!("function `{name}` is not defined"));
    }
}

#[test]
fn arguments_are_checked() {
    assert_fails(&[
        ("{{ upper }}", "wrong number of args for upper: want 1 got 0"),
        ("{{ upper \"a\" \"b\" }}", "wrong number of args for upper: want 1 got 2"),
        ("{{ upper 1 }}", "expected string; found 1"),
        ("{{ trunc \"3\" .SHA }}", "expected integer; found \"3\""),
        ("{{ first 1 }}", "Cannot find first on type int"),
        (
            "{{ get . \"SHA\" }}",
            "wrong type for value; expected map[string]interface {}; got map[string]string",
        ),
        (
            "{{ hasKey . \"SHA\" }}",
            "wrong type for value; expected map[string]interface {}; got map[string]string",
        ),
        (
            "{{ keys . }}",
            "wrong type for value; expected map[string]interface {}; got map[string]string",
        ),
        ("{{ ternary 1 2 \"x\" }}", "expected bool; found \"x\""),
        ("{{ repeat -1 \"a\" }}", "strings: negative Repeat count"),
        ("{{ .SHA.X }}", "can't evaluate field X in type string"),
        ("{{ (dict).x }}", "map has no entry for key \"x\""),
    ]);
}

#[test]
fn comparison_keeps_kinds_apart() {
    assert_renders(&[
        (
            "{{ eq .SHA \"x\" \"abc123\" }} {{ ne 1 2 }} {{ eq 1.5 1.5 }} {{ eq true true }}",
            "true true true true",
        ),
        ("{{ lt 1 2 }} {{ le 2 2 }} {{ gt \"b\" \"a\" }} {{ ge 1.5 1.5 }}", "true true true true"),
        ("{{ not .EMPTY }} {{ and 1 0 2 }} {{ or 0 \"\" \"x\" }}", "true 0 x"),
        ("{{ and .EMPTY .NOPE }}|{{ or .SHA .NOPE }}", "|abc123"),
    ]);
    assert_fails(&[
        ("{{ eq 1 1.0 }}", "incompatible types for comparison: int and float64"),
        ("{{ eq .N 42 }}", "incompatible types for comparison: string and int"),
        ("{{ lt true false }}", "invalid type for comparison"),
    ]);
}

#[test]
fn len_index_and_slice_look_into_values() {
    assert_renders(&[
        ("{{ len .SHA }} {{ len (list 1 2) }} {{ len (dict \"a\" 1) }} {{ len . }}", "6 2 1 8"),
        ("{{ index (list \"a\" \"b\") 1 }} {{ index (dict \"a\" (list 1 2)) \"a\" 1 }}", "b 2"),
        ("{{ slice (list 1 2 3 4) 1 3 }}", "[2 3]"),
    ]);
    assert_fails(&[
        ("{{ index (list 1) 5 }}", "index out of range: 5"),
        ("{{ index . 1 }}", "value has type int; should be string"),
        ("{{ slice \"héé\" 2 }}", "list should be type of slice or array but string"),
        ("{{ slice (list 1) 1 5 }}", "reflect.Value.Slice: slice index out of bounds"),
        ("{{ len 1 }}", "len of type int"),
    ]);
}

#[test]
fn functions_that_forgive_say_so_in_their_result() {
    assert_renders(&[
        ("{{ b64dec \"!\" }}", "illegal base64 data at input byte 0"),
        ("{{ printf \"%d\" \"x\" }}", "%!d(string=x)"),
        ("{{ regexMatch \"[\" \"x\" }}", "false"),
        ("{{ toJson (dict \"a\" 1) }}", "{\"a\":1}"),
    ]);
    assert_fails(&[
        ("{{ mustRegexMatch \"[\" \"x\" }}", "error parsing regexp"),
        ("{{ trunc 2 .U }}", "is no UTF-8"),
    ]);
}

#[test]
fn what_differs_from_render_to_render_needs_a_draw() {
    for function in ["now", "randAlpha 3", "uuidv4", "genPrivateKey `ed25519`", "bcrypt `x`"] {
        let text = format!("{{{{ {function} }}}}");
        let error = Scope::new(&data(), None).fill("x", &text).unwrap_err();
        assert!(error.message.contains("gives something else on each render"), "{error}");
    }
    let drawn = |seed: u8| {
        let draw = Draw { seed: [seed; 32], now: 1_700_000_000_000_000 };
        let mut scope = Scope::new(&data(), Some(draw));
        let text = scope.fill("x", "{{ randAlphaNum 9 }} {{ now | date `2006` }}").unwrap();
        assert!(scope.volatile.contains("now") && scope.volatile.contains("randAlphaNum"));
        text
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    assert!(drawn(1).ends_with(" 2023"), "{}", drawn(1));
}

#[test]
fn a_long_text_in_a_loop_spends_the_output() {
    let text = format!("{{{{ range until 10000 }}}}{}{{{{ end }}}}", "x".repeat(10_000));
    assert!(run(&text).unwrap_err().message.contains("output grows too large"));
}

#[test]
fn a_text_that_looks_like_no_value_stays() {
    let data = BTreeMap::from([("X".to_owned(), "a <no value> b".to_owned())]);
    assert_eq!(render("x", "{{ .X }}", &data).as_deref(), Ok("a <no value> b"));
}

#[test]
fn values_print_as_in_go() {
    assert_renders(&[
        ("{{ print 1 2 \"a\" \"b\" 3 4 true nil }}", "1 2ab3 4 true <nil>"),
        ("{{ println \"a\" 1 }}", "a 1\n"),
        (
            "{{ list 1 \"a\" nil 1.5 }} {{ dict \"b\" 1 \"a\" (list) }}",
            "[1 a <nil> 1.5] map[a:[] b:1]",
        ),
        (
            "{{ html \"<a b='c'>&\" }} {{ js \"<'a'=\" }} {{ urlquery \"a b&ü/~\" }}",
            "&lt;a b=&#39;c&#39;&gt;&amp; \\u003C\\'a\\'\\u003D a+b%26%C3%BC%2F~",
        ),
    ]);
    assert_fails(&[
        ("{{ index (dict) \"x\" }}", "no value to print"),
        ("{{ first (list) }}", "no value to print"),
    ]);
}

#[test]
fn printf_formats() {
    assert_renders(&[
        ("{{ printf \"%s-%d|%v|%t|%%\" .SHA 5 1.5 true }}", "abc123-5|1.5|true|%"),
        ("{{ printf \"%5d|%-5d|%05d|%+d|% d\" 42 42 42 42 42 }}", "   42|42   |00042|+42| 42"),
        ("{{ printf \"%x %X %o %b %c %U %q\" 255 255 8 5 65 65 65 }}", "ff FF 10 101 A U+0041 'A'"),
        (
            "{{ printf \"%q %.2s|%8s|%-4s|\" \"a\\\"b\\n\" \"abc\" \"abc\" \"é\" }}",
            "\"a\\\"b\\n\" ab|     abc|é   |",
        ),
        (
            "{{ printf \"%f %.2f %e %g %8.3f\" 3.14159 3.14159 3.14159 3.14159 3.14159 }}",
            "3.141590 3.14 3.141590e+00 3.14159    3.142",
        ),
        (
            "{{ printf \"%G %E %.3g %#x %*d\" 1e21 1e21 1234.5678 255 5 42 }}",
            "1E+21 1.000000E+21 1.23e+03 0xff    42",
        ),
    ]);
    assert_fails(&[]);
}

#[test]
fn defaults_choose() {
    assert_renders(&[
        ("{{ default \"d\" \"\" }} {{ \"v\" | default \"d\" }} {{ default 5 0 }}", "d v 5"),
        (
            "{{ empty \"\" }} {{ empty 0 }} {{ empty (list) }} {{ empty \"x\" }}",
            "true true true false",
        ),
        (
            "{{ coalesce \"\" 0 \"x\" }} {{ ternary \"a\" \"b\" true }} {{ false | ternary \"a\" \"b\" }}",
            "x a b",
        ),
        ("{{ all 1 \"\" }} {{ any 0 \"x\" }}", "false true"),
    ]);
    assert_fails(&[("{{ fail \"stop here\" }}", "stop here")]);
}

#[test]
fn texts_are_cut_and_asked() {
    assert_renders(&[
        (
            "{{ trim \"  a \" }}|{{ trimAll \"$\" \"$5$\" }}|{{ trimPrefix \"a\" \"aab\" }}|{{ trimSuffix \"b\" \"abb\" }}",
            "a|5|ab|ab",
        ),
        (
            "{{ upper .U }} {{ lower .BRANCH }} {{ title \"don't stop_me\" }} {{ untitle \"Hello World\" }}",
            "HÉLLO feature/jira_12 Don'T Stop_me hello world",
        ),
        (
            "{{ substr 0 3 .SHA }} {{ substr 2 -1 .SHA }} {{ substr -1 3 .SHA }} {{ substr 2 99 .SHA }}",
            "abc c123 abc c123",
        ),
        (
            "{{ trunc 3 .SHA }} {{ trunc -3 .SHA }} {{ trunc 99 .SHA }} {{ trunc 1 .U }}",
            "abc 123 abc123 h",
        ),
        ("{{ abbrev 5 .BRANCH }} {{ abbrev 3 .SHA }}", "Fe... abc123"),
        (
            "{{ contains \"b\" .SHA }} {{ hasPrefix \"ab\" .SHA }} {{ hasSuffix \"x\" .SHA }}",
            "true true false",
        ),
        (
            "{{ replace \"a\" \"X\" \"banana\" }} {{ replace \"\" \"-\" \"ab\" }} {{ repeat 3 \"ab\" }} {{ nospace \" a b \" }}",
            "bXnXnX -a-b- ababab ab",
        ),
        (
            "{{ quote .SHA 1 nil \"x y\" }} {{ squote .SHA nil }} {{ cat \"a\" 1 nil \"b\" }}",
            "\"abc123\" \"1\" \"x y\" 'abc123' a 1 b",
        ),
        ("{{ indent 2 .LINES }}", "  a\n  b\n  c"),
        ("x:{{ nindent 2 .LINES }}", "x:\n  a\n  b\n  c"),
        (
            "{{ base \"a/b/c.txt\" }} {{ ext \"a/b/c.txt\" }} {{ base \"\" }} {{ plural \"one\" \"many\" 2 }}",
            "c.txt .txt . many",
        ),
    ]);
}

#[test]
fn names_change_their_case() {
    assert_renders(&[
        (
            "{{ snakecase \"FirstName\" }} {{ snakecase \"HTTPServer\" }} {{ snakecase \"http2xx\" }}",
            "first_name http_server http_2xx",
        ),
        (
            "{{ snakecase \"Bld4Floor3rd\" }} {{ snakecase \"GO PATH\" }} {{ snakecase \"Duration2m3s\" }}",
            "bld4_floor_3rd go_path duration_2m3s",
        ),
        (
            "{{ kebabcase \"FirstName\" }} {{ camelcase \"http_server\" }} {{ camelcase \"GOLANG_IS_GREAT\" }}",
            "first-name HttpServer GolangIsGreat",
        ),
        (
            "{{ camelcase \"_complex__case_\" }} {{ initials \"First Try\" }} {{ swapcase \"aBc\" }}",
            "_Complex_Case_ FT AbC",
        ),
    ]);
}

#[test]
fn sanitize_dns_name_makes_labels() {
    assert_renders(&[
        ("{{ .BRANCH | sanitizeDNSName }}", "feature-jira-12"),
        ("{{ sanitizeDNSName \"-x-\" }}", "x"),
    ]);
}

#[test]
fn regular_expressions_are_re2() {
    assert_renders(&[
        (
            "{{ regexMatch \"^[a-z]+[0-9]+$\" .SHA }} {{ regexFind \"[0-9]+\" .SHA }} {{ regexFindAll \"[a-z]\" .SHA 2 }}",
            "true 123 [a b]",
        ),
        (
            "{{ regexReplaceAll \"a(x*)b\" \"-ab-axxb-\" \"${1}W\" }} {{ regexReplaceAll \"a(x*)b\" \"-ab-\" \"$1W\" }}",
            "-W-xxW- --",
        ),
        (
            "{{ regexReplaceAllLiteral \"a(x*)b\" \"-ab-\" \"${1}\" }} {{ regexQuoteMeta \"1.2-[a]\" }}",
            "-${1}- 1\\.2-\\[a\\]",
        ),
        (
            "{{ regexSplit \"z+\" \"pizza\" -1 }} {{ regexSplit \"\" \"abc\" -1 }} {{ regexSplit \"a\" \"banana\" 2 }}",
            "[pi a] [a b c] [b nana]",
        ),
        (
            "{{ regexMatch \"\\\\d\" \"٣\" }} {{ regexMatch \"\\\\w\" \"é\" }} {{ regexMatch \"[[a]\" \"[\" }} {{ regexMatch \"[]a]\" \"]\" }}",
            "false false true true",
        ),
        ("{{ mustRegexMatch \"a\" \"a\" }}", "true"),
    ]);
    assert_fails(&[]);
}

#[test]
fn digests_and_encodings() {
    assert_renders(&[
        ("{{ sha1sum \"a\" }}", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        (
            "{{ sha256sum \"a\" }}",
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        ),
        (
            "{{ adler32sum \"hello\" }} {{ b64enc .U }} {{ b64dec \"aMOpbGxv\" }}",
            "103547413 aMOpbGxv héllo",
        ),
        (
            "{{ b32enc \"a\" }} {{ b32enc .SHA }} {{ b32dec \"MFRGGMJSGM======\" }} {{ b32enc \"abcde\" }}",
            "ME====== MFRGGMJSGM====== abc123 MFRGGZDF",
        ),
    ]);
    assert_fails(&[("{{ b64dec \"/w==\" }}", "is no UTF-8")]);
}

#[test]
fn numbers_are_calculated() {
    assert_renders(&[
        (
            "{{ add 1 2 3 }} {{ add \"1\" \"2\" }} {{ sub 5 3 }} {{ mul 2 3 4 }} {{ div -7 2 }} {{ mod -7 3 }} {{ .N | add1 }}",
            "6 3 2 24 -3 -1 43",
        ),
        (
            "{{ max 1 5 3 }} {{ min 4 2 8 }} {{ floor 3.7 }} {{ ceil 3.2 }} {{ round 3.14159 2 }} {{ round 123.5 0 }}",
            "5 2 3 4 3.14 124",
        ),
        (
            "{{ int \"42\" }} {{ int \"x\" }} {{ int64 \"0x1f\" }} {{ int 3.9 }} {{ float64 \"3.5\" }} {{ int \"3.0\" }} {{ atoi \"12\" }}",
            "42 0 31 3 3.5 3 12",
        ),
        (
            "{{ toString 5 }} {{ toStrings (list 1 \"a\") }} {{ toDecimal \"777\" }} {{ kindOf 1 }}",
            "5 [1 a] 511 int",
        ),
        (
            "{{ until 3 }} {{ until -3 }} {{ untilStep 0 10 3 }} {{ untilStep 0 10 -1 }}",
            "[0 1 2] [0 -1 -2] [0 3 6 9] []",
        ),
    ]);
    assert_fails(&[
        ("{{ div 1 0 }}", "runtime error: integer divide by zero"),
        ("{{ mod 1 0 }}", "runtime error: integer divide by zero"),
    ]);
}

#[test]
fn lists_are_made_from_lists() {
    assert_renders(&[
        (
            "{{ first (list 1 2) }} {{ last (list 1 2) }} {{ rest (list 1 2 3) }} {{ initial (list 1 2 3) }}",
            "1 2 [2 3] [1 2]",
        ),
        (
            "{{ append (list 1) 2 }} {{ prepend (list 1) 0 }} {{ concat (list 1) (list 2 3) }} {{ reverse (list 1 2) }}",
            "[1 2] [0 1] [1 2 3] [2 1]",
        ),
        (
            "{{ uniq (list 1 1 2) }} {{ without (list 1 2 3) 2 }} {{ has 2 (list 1 2) }} {{ has \"2\" (list 2) }} {{ compact (list 1 0 \"\") }}",
            "[1 2] [1 3] true false [1]",
        ),
        (
            "{{ sortAlpha (list \"b\" \"a\") }} {{ join \"-\" (list 1 \"a\") }} {{ splitList \",\" \"a,,b\" | len }} {{ (split \",\" \"a,b\")._1 }} {{ (splitn \",\" 2 \"a,b,c\")._1 }}",
            "[a b] 1-a 3 b b,c",
        ),
        ("{{ $a := list 1 }}{{ $b := append $a 2 }}{{ $a }}{{ $b }}", "[1][1 2]"),
    ]);
}

#[test]
fn maps_are_changed_in_place() {
    assert_renders(&[
        (
            "{{ $d := dict \"a\" 1 }}{{ $e := $d }}{{ $_ := set $e \"b\" 2 }}{{ $d.b }} {{ get $d \"zz\" }} {{ hasKey $d \"a\" }} {{ keys $d }}",
            "2  true [a b]",
        ),
        (
            "{{ $d := dict \"a\" 1 \"b\" 2 }}{{ $_ := unset $d \"a\" }}{{ $d }} {{ values $d }}",
            "map[b:2] [2]",
        ),
        (
            "{{ pluck \"a\" (dict \"a\" 1) (dict \"b\" 2) }} {{ pick (dict \"a\" 1 \"b\" 2) \"a\" }} {{ omit (dict \"a\" 1 \"b\" 2) \"a\" }}",
            "[1] map[a:1] map[b:2]",
        ),
    ]);
}

#[test]
fn json_goes_in_and_out() {
    assert_renders(&[
        (
            "{{ toJson (dict \"a\" 1 \"b\" (list 1.5 \"<x>\" nil true)) }}",
            "{\"a\":1,\"b\":[1.5,\"\\u003cx\\u003e\",null,true]}",
        ),
        (
            "{{ toRawJson \"<x>\" }} {{ toPrettyJson (dict \"a\" (list 1)) }}",
            "\"<x>\" {\n  \"a\": [\n    1\n  ]\n}",
        ),
        (
            "{{ $j := fromJson .JSON }}{{ index $j.a 0 }} {{ index $j.a 1 }} {{ toJson $j }}",
            "1 2.5 {\"a\":[1,2.5],\"b\":null}",
        ),
        ("{{ fromJson \"1000000\" }} {{ toJson 1.0 }}", "1e+06 1"),
    ]);
    assert_fails(&[("{{ fromJson \"{\" }}", "unexpected end of JSON input")]);
}

#[test]
fn budgets_end_every_template() {
    assert_fails(&[
        ("{{ range until 1000000 }}x{{ end }}", "too many steps"),
        ("{{ range 99999999999 }}{{ end }}", "too many steps"),
        ("{{ range until 1000 }}{{ range until 1000 }}{{ end }}{{ end }}", "too many steps"),
        ("{{ repeat 2000000 \"x\" }}", "the output grows too large"),
        ("{{ indent 2000000 \"x\" }}", "the output grows too large"),
        (
            "{{ $x := repeat 1000 \"x\" }}{{ replace \"x\" (repeat 10000 \"y\") $x }}",
            "the output grows too large",
        ),
        (
            "{{ $x := repeat 1000 \"x\" }}{{ join (repeat 10000 \"y\") (splitList \"\" $x) }}",
            "the output grows too large",
        ),
        ("{{ $x := repeat 1000000 \"x\" }}{{ $x }}{{ $x }}", "the output grows too large"),
        (
            "{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}",
            "the templates call each other too deep",
        ),
        ("{{ template \"x\" }}", "the templates call each other too deep"),
        (
            "{{ $l := list 1 }}{{ range until 60 }}{{ $l = concat $l $l }}{{ end }}",
            "too many steps",
        ),
        ("{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $d }}", "contain themselves"),
        (
            "{{ $l := list }}{{ range until 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}",
            "grows larger",
        ),
    ]);
    for deep in [
        "{{ if true }}".repeat(1000),
        format!("{{{{ {} }}}}", "(".repeat(1000)),
        "{{ else }}".repeat(1000),
    ] {
        assert!(run(&deep).is_err());
    }
    assert!(run(&format!("{{{{{}", "x".repeat(MAX_TEXT))).is_err());
}

#[test]
fn nesting_up_to_the_limit_fits_the_stack() {
    let blocks = format!(
        "{}x{}",
        "{{ with 1 }}{{ if (and (or 1)) }}".repeat(31),
        "{{ end }}{{ end }}".repeat(31)
    );
    assert_eq!(run(&blocks).as_deref(), Ok("x"));
    let chain = "{{ if 0 }}".to_owned() + &"{{ else if 0 }}".repeat(62) + "{{ else }}y{{ end }}";
    assert_eq!(run(&chain).as_deref(), Ok("y"));
    let calls = "{{ define \"a\" }}{{ if lt . 30 }}{{ template \"a\" (add1 .) }}{{ else }}z{{ end }}{{ end }}{{ template \"a\" 0 }}";
    assert_eq!(run(calls).as_deref(), Ok("z"));
}

proptest::proptest! {
    #[test]
    fn no_template_panics(
        text in ".*",
        action in "[ .$a-c|()\"'`0-9:=,{}/*-]{0,40}",
        words in proptest::collection::vec(proptest::sample::select(vec![
            "{{", "}}", "{{-", "-}}", "if", "else", "end", "range", "with", "define", "template", "block", "$x", ":=",
            "=", "|", "(", ")", ".", ".SHA", "\"a\"", "1", "-2", "1.5", "list", "dict", "set", "printf", "\"%5.2v\"",
            "substr", "trunc", "slice", "index", "splitList", "regexSplit", "fromJson", "toJson", "round", "until",
            "break", "nil", "camelcase", "snakecase", ".U",
        ]), 0..24),
    ) {
        let _ = run(&text);
        let _ = run(&format!("{{{{{action}}}}}"));
        let _ = run(&words.join(" "));
        let _ = run(&format!("{{{{ {} }}}}", words.join(" ")));
    }

    #[test]
    fn no_function_panics(
        function in proptest::sample::select(functions().flat_map(|(_, names)| names).collect::<Vec<_>>()),
        arguments in proptest::collection::vec(proptest::sample::select(vec![
            "nil", "0", "-1", "3", "9223372036854775807", "-9223372036854775808", "1.5", "1e300", "true", "\"\"",
            "\"é\"", "\"aß-B\"", "\"[\"", "\"%d\"", "(list)", "(list 1 \"é\")", "(dict)", "(dict \"é\" 1)", ".", ".U",
        ]), 0..4),
    ) {
        // A key takes a second to make.
        proptest::prop_assume!(!function.starts_with("gen") && function != "bcrypt" && function != "htpasswd");
        let _ = run(&format!("{{{{ {} {} }}}}", function, arguments.join(" ")));
    }
}
