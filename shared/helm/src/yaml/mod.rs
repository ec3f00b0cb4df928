//! YAML and JSON, read and written as the libraries of Helm do it.

mod decode;
mod emit;
mod escape;
mod json;
mod json_read;
mod node;
mod order;
mod resolve;
mod scan;
mod scan_scalar;
mod scan_tag;

pub use decode::{YamlError, from_yaml, from_yaml_strict};
pub use emit::{to_yaml, to_yaml_pretty};
pub use json::{Html, to_json, to_json_pretty};
pub use json_read::from_json;
pub use resolve::plain_scalar;

#[cfg(test)]
mod tests;
