//! What differs between an object as it is and as the API server says it would become.

use serde_json::Value;

/// What the API server itself keeps; none of it is anybody's wish.
const BOOKKEEPING: [&str; 5] = [
    ".metadata.managedFields",
    ".metadata.resourceVersion",
    ".metadata.generation",
    ".metadata.creationTimestamp",
    ".status",
];

/// The paths of the fields that differ, never their values, which may be secret. Empty when nothing
/// would change.
pub fn differences(live: &Value, proposed: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    compare(live, proposed, String::new(), &mut paths);
    paths
}

fn compare(live: &Value, proposed: &Value, path: String, paths: &mut Vec<String>) {
    if live == proposed || BOOKKEEPING.contains(&path.as_str()) {
        return;
    }
    match (live, proposed) {
        (Value::Object(live), Value::Object(proposed)) => {
            let gone = live.keys().filter(|key| !proposed.contains_key(*key));
            for key in proposed.keys().chain(gone) {
                let (old, new) = (live.get(key), proposed.get(key));
                let path = format!("{path}.{key}");
                compare(old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null), path, paths);
            }
        }
        (Value::Array(live), Value::Array(proposed)) if live.len() == proposed.len() => {
            for (index, (old, new)) in live.iter().zip(proposed).enumerate() {
                compare(old, new, format!("{path}[{index}]"), paths);
            }
        }
        _ => paths.push(path),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changed_added_and_removed_fields_are_named() {
        let live =
            json!({"spec": {"same": 1, "changed": 1, "gone": 1, "list": [{"a": 1}, {"a": 2}]}});
        let proposed =
            json!({"spec": {"same": 1, "changed": 2, "new": 1, "list": [{"a": 1}, {"a": 3}]}});
        let mut paths = differences(&live, &proposed);
        paths.sort();
        assert_eq!(paths, [".spec.changed", ".spec.gone", ".spec.list[1].a", ".spec.new"]);
    }

    #[test]
    fn the_api_servers_bookkeeping_is_no_difference() {
        let object = |version: &str| {
            let metadata = json!({"resourceVersion": version, "managedFields": [version]});
            json!({"metadata": metadata, "status": {"seen": version}, "spec": {"status": "kept"}})
        };
        assert!(differences(&object("1"), &object("2")).is_empty());
    }

    #[test]
    fn a_field_named_status_deeper_down_counts() {
        let (live, proposed) = (json!({"spec": {"status": 1}}), json!({"spec": {"status": 2}}));
        assert_eq!(differences(&live, &proposed), [".spec.status"]);
    }
}
