//! What values promise.

use serde_json::json;

use super::*;

#[test]
fn a_change_shows_in_all_copies_of_a_map() {
    let map = Map::new(MapKind::Any, Entries::new());
    let copy = map.clone();
    map.insert("a", Value::Int(1));
    assert!(matches!(copy.get("a"), Some(Value::Int(1))));
    copy.remove("a");
    assert!(map.is_empty());
}

#[test]
fn deep_values_are_freed_without_recursion() {
    let mut value = Value::Nil;
    for _ in 0..200_000 {
        value = Value::list(vec![value]);
        value = Value::map(Entries::from([("a".into(), value)]));
    }
    drop(value);
}

#[test]
fn a_map_that_contains_itself_can_be_compared_and_cleared() {
    let map = Map::new(MapKind::Any, Entries::new());
    map.insert("self", Value::Map(map.clone()));
    let other = Map::new(MapKind::Any, Entries::new());
    other.insert("self", Value::Map(other.clone()));
    assert!(!deep_equal(&Value::Map(map.clone()), &Value::Map(other.clone())));
    assert_eq!(Value::Map(map.clone()).to_json(), Err(JsonError::Depth));
    map.clear();
    other.clear();
    assert!(map.is_empty());
}

#[test]
fn numbers_of_different_types_are_not_the_same() {
    assert!(!deep_equal(&Value::Int(1), &Value::Int64(1)));
    assert!(!deep_equal(&Value::Int(1), &Value::Float(1.0)));
    assert!(deep_equal(&Value::Float(1.0), &Value::Float(1.0)));
}

#[test]
fn json_comes_back_as_it_was() {
    let json = json!({"a": [1, 2.5, "x", null, true], "b": {"c": "d"}});
    let value = Value::from(&json);
    assert_eq!(value.to_json(), Ok(json));
    assert_eq!(value.freeze().thaw().freeze(), value.freeze());
}

#[test]
fn bytes_that_are_no_text_come_back_as_they_were() {
    let bytes = [b'a', 0xff, 0x80, 0xc3, 0xa9, 0xf0, 0x9f];
    let text = from_bytes(&bytes);
    assert_eq!(to_bytes(&text).as_ref(), bytes);
    assert_eq!(text.chars().count(), 6);
}

#[test]
fn truth_is_gos() {
    assert!(!Value::Nil.is_true());
    assert!(!Value::str("").is_true());
    assert!(Value::str("false").is_true());
    assert!(!Value::list(Vec::new()).is_true());
    assert!(Value::Float(0.1).is_true());
}
