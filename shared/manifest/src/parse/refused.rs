//! Fields of the format that this version recognises and does not deploy.
//!
//! They are refused, and not ignored: a manifest must never be deployed with a part of it left out.

use super::fields::Dialect;
use crate::yaml::{Kind, Node, Scalar};

/// A field that is refused when it asks for something.
pub(super) struct Refused {
    pub(super) name: &'static str,
    asks: fn(&Node) -> bool,
    message: &'static str,
}

const FIELDS: [Refused; 7] = [
    Refused {
        name: "chart",
        asks: names_a_chart,
        message: "charts are not deployed by this version; put plain Kubernetes YAML in `manifests`",
    },
    Refused {
        name: "values",
        asks: is_set,
        message: "values are for charts, which are not deployed by this version; put plain Kubernetes YAML in \
                  `manifests`",
    },
    Refused {
        name: "strategicMergePatches",
        asks: is_set,
        message: "patches are not applied by this version; write the patched objects in `manifests`",
    },
    Refused {
        name: "json6902Patches",
        asks: is_set,
        message: "patches are not applied by this version; write the patched objects in `manifests`",
    },
    Refused {
        name: "preview",
        asks: is_set,
        message: "previews are not made by this version; remove `preview`",
    },
    Refused {
        name: "cleanup",
        asks: is_set,
        message: "cleanup policies are not followed by this version; remove `cleanup` and delete the application \
                  by hand",
    },
    Refused {
        name: "dependencies",
        asks: is_set,
        message: "dependencies are not made by this version; put their Kubernetes objects in `manifests`",
    },
];

/// The refused field of this name.
pub(super) fn find(key: &str, dialect: Dialect) -> Option<&'static Refused> {
    FIELDS.iter().find(|field| dialect.same_name(key, field.name))
}

/// The names of all refused fields, and what is said of them.
pub(super) fn reasons() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIELDS.iter().map(|field| (field.name, field.message))
}

/// The names of all refused fields.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|field| field.name)
}

impl Refused {
    /// Why `value` is refused, or nothing if it asks for nothing.
    pub(super) fn refusal(&self, value: &Node) -> Option<&'static str> {
        (self.asks)(value).then_some(self.message)
    }
}

/// A chart without a name is no chart: forms and other programs write such.
fn names_a_chart(node: &Node) -> bool {
    match &node.kind {
        Kind::Map(entries) => entries
            .iter()
            .any(|entry| entry.key.eq_ignore_ascii_case("name") && is_set(&entry.value)),
        Kind::Null | Kind::Scalar(_) | Kind::List(_) => is_set(node),
    }
}

fn is_set(node: &Node) -> bool {
    match &node.kind {
        Kind::Null => false,
        Kind::Scalar(Scalar { text, .. }) => {
            let text = text.to_ascii_lowercase();
            !matches!(text.trim(), "" | "false" | "no" | "off")
        }
        Kind::List(items) => !items.is_empty(),
        Kind::Map(entries) => !entries.is_empty(),
    }
}
