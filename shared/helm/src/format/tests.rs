//! The expectations are what Go 1.26 printed.

use super::*;
use crate::value::{Entries, ListKind};

fn s(text: &str) -> Value {
    Value::str(text)
}

fn i(number: i64) -> Value {
    Value::Int(number)
}

fn f(number: f64) -> Value {
    Value::Float(number)
}

fn check(format: &str, values: &[Value], expected: &str) {
    assert_eq!(printf(format, values).unwrap_or_else(|error| error), expected, "{format}");
}

#[test]
fn numbers_are_printed_as_go_prints_them() {
    for (number, expected) in [
        (1_000_000.0, "1e+06"),
        (1_234_567.0, "1.234567e+06"),
        (1e20, "1e+20"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (100_000.0, "100000"),
        (-0.0, "-0"),
        (f64::INFINITY, "+Inf"),
    ] {
        assert_eq!(float(number), expected);
    }
    check(
        "%v %g %.3g %.10g %G %e %f %s",
        &[f(1e6), f(1e6), f(1e6), f(1e6), f(1e-7), f(1.5), f(2.5), f(3.5)],
        "1e+06 1e+06 1e+06 1000000 1E-07 1.500000e+00 2.500000 %!s(float64=3.5)",
    );
}

#[test]
fn flags_widths_and_precisions_are_gos() {
    check(
        "%8.3f|%-8d|%+d|%x|%08.3f|%+q|%#q|% x|%#x|%t|%5t|%q",
        &[
            f(1.5),
            i(3),
            i(3),
            s("hi"),
            f(-1.5),
            s("é"),
            s("a`b"),
            s("hi"),
            s("hi"),
            true.into(),
            false.into(),
            i(120),
        ],
        "   1.500|3       |+3|6869|-001.500|\"\\u00e9\"|\"a`b\"|68 69|0x6869|true|false|'x'",
    );
    check(
        "%.2s|%5.1q|%x|%X|%U|%#U|%c|%b|%o|%#o|%O",
        &[s("héllo"), s("héllo"), i(-255), i(255), i(64), i(64), i(64), i(5), i(8), i(8), i(8)],
        "hé|  \"h\"|-ff|FF|U+0040|U+0040 '@'|@|101|10|010|0o10",
    );
    check(
        "%6.2f%%|%*d|%.*f|%-5s|%05s|%05d|%+.2e",
        &[f(99.5), i(5), i(42), i(2), f(3.1449), s("ab"), s("ab"), i(-42), f(12345.678)],
        " 99.50%|   42|3.14|ab   |000ab|-0042|+1.23e+04",
    );
    check(
        "%6d|%-6d|%06d|% d|%+.3d|%8.3d|%x",
        &[i(12), i(12), i(12), i(12), i(12), i(12), f(3.5)],
        "    12|12    |000012| 12|+012|     012|0x1.cp+01",
    );
}

#[test]
fn what_does_not_fit_is_complained_about_in_the_text() {
    check(
        "%d %s %v %!|%z|%-010d|%[2]d|%[5]d|%d",
        &[s("a"), i(5), Value::Nil, i(3), i(4)],
        "%!d(string=a) %!s(int=5) <nil> %!!(int=3)|%!z(int=4)|%!d(MISSING)|5|4|%!d(MISSING)",
    );
    check("%s|%d|%v", &[Value::Nil, Value::Nil, Value::Nil], "%!s(<nil>)|%!d(<nil>)|<nil>");
    check("%s %s", &[s("a")], "a %!s(MISSING)");
    check("x", &[i(1), s("b")], "x%!(EXTRA int=1, string=b)");
    check("%", &[], "%!(NOVERB)");
}

#[test]
fn lists_and_maps_are_printed_by_the_verb_of_their_parts() {
    let list = || Value::list(vec![i(1), s("a")]);
    check(
        "%v|%d|%s|%q",
        &[list(), list(), list(), list()],
        "[1 a]|[1 %!d(string=a)]|[%!s(int=1) a]|['\\x01' \"a\"]",
    );
    let nested = Value::map(Entries::from([
        ("a".into(), s("x")),
        ("b".into(), Value::list(vec![i(1), f(2.0), Value::Nil, true.into()])),
    ]));
    check(
        "%v|%#v",
        &[nested.clone(), nested],
        "map[a:x b:[1 2 <nil> true]]|map[string]interface {}{\"a\":\"x\", \"b\":[]interface {}{1, 2, interface {}(nil), true}}",
    );
    let strings = Value::List(crate::value::List::new(ListKind::Strings, vec![]));
    check("%T %v", &[strings.clone(), strings], "[]string []");
}

#[test]
fn a_format_cannot_fill_the_memory() {
    let format = "%1000000d".repeat(200);
    let values = vec![i(1); 200];
    assert!(printf(&format, &values).is_err());
}
