//! The methods of Go's types that charts can call.

use crate::files;
use crate::value::{Map, MapKind, Method, Ty, Value, deep_equal};
use crate::yaml;

/// The method of `receiver` called `name`.
pub(super) fn find(receiver: &Value, name: &str) -> Option<&'static Method> {
    let methods = match receiver {
        Value::Map(map) => match map.kind() {
            MapKind::Files(_) => files::METHODS,
            MapKind::Values(_) => VALUES,
            MapKind::Any | MapKind::Strings => return None,
        },
        Value::List(list) if list.kind().type_name().ends_with(".VersionSet") => VERSIONS,
        Value::Object(object) => return object.method(name),
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

/// Of the API versions of a cluster.
const VERSIONS: &[Method] = &[Method {
    name: "Has",
    params: &[Ty::Str],
    run: |receiver, args| {
        let versions = receiver.as_list().unwrap_or_default();
        Ok(Value::Bool(versions.iter().any(|version| deep_equal(version, &args[0]))))
    },
}];

/// Of a chart's values.
const VALUES: &[Method] = &[
    Method {
        name: "AsMap",
        params: &[],
        run: |receiver, _| match receiver {
            Value::Map(map) => {
                Ok(Value::Map(Map::new(MapKind::Any, map.to_vec().into_iter().collect())))
            }
            _ => Ok(Value::Nil),
        },
    },
    Method {
        name: "YAML",
        params: &[],
        run: |receiver, _| Ok(yaml::to_yaml(receiver).map_err(|error| error.to_string())?.into()),
    },
    Method {
        name: "Table",
        params: &[Ty::Str],
        run: |receiver, args| table(receiver, args[0].as_str().unwrap_or_default()),
    },
];

/// The map at a path of dots.
fn table(receiver: &Value, path: &str) -> Result<Value, String> {
    let mut current = receiver.clone();
    for part in path.split('.') {
        let next = current.as_map().and_then(|map| map.get(part));
        match next {
            Some(Value::Map(map)) => current = Value::Map(map),
            _ => return Err(format!("{} is not a table", crate::format::quote(part))),
        }
    }
    Ok(current)
}
