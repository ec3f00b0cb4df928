//! Go's types of parameters.

use super::{IntKind, ListKind, MapKind, Value};

/// What a parameter of a function or method takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    /// `interface {}`: anything, nil included.
    Any,
    /// `reflect.Value`: anything, and both nils as they are.
    Reflect,
    /// `string`
    Str,
    /// `int`
    Int,
    /// `uint32`
    Uint32,
    /// `float64`
    Float,
    /// `bool`
    Bool,
    /// `map[string]interface {}`; a nil one arrives as [`Value::Nil`].
    Map,
    /// `[]interface {}`; a nil one arrives as [`Value::Nil`].
    List,
    /// `time.Time`
    Time,
    /// `time.Duration`
    Duration,
    /// `*semver.Version`
    Version,
    /// A structure of sprig's: a certificate with its key.
    Certificate,
}

impl Ty {
    /// Go's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Str => "string",
            Self::Int => "int",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Time => "time.Time",
            Self::Duration => "time.Duration",
            Self::Version => "*semver.Version",
            Self::Certificate => "sprig.certificate",
        }
    }

    /// Whether a value can be passed as it is.
    pub fn accepts(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, value) => !matches!(value, Value::Invalid),
            (Self::Reflect, _) => true,
            (Self::Str, Value::Str(_))
            | (Self::Int, Value::Int(_))
            | (Self::Float, Value::Float(_))
            | (Self::Bool, Value::Bool(_)) => true,
            (Self::Map, Value::Map(map)) => matches!(map.kind(), MapKind::Any | MapKind::Values(_)),
            (Self::List, Value::List(list)) => list.kind() == ListKind::Any,
            (Self::Duration, Value::Other(IntKind::Duration, _))
            | (Self::Uint32, Value::Other(IntKind::Uint32, _)) => true,
            (Self::Time | Self::Version | Self::Certificate, Value::Object(object)) => {
                object.type_name() == self.name()
            }
            _ => false,
        }
    }

    /// What nil becomes for it, if it can be nil.
    pub fn zero(self) -> Option<Value> {
        match self {
            Self::Any | Self::Map | Self::List => Some(Value::Nil),
            Self::Reflect => Some(Value::Invalid),
            _ => None,
        }
    }
}
