//! The `values` fields: trees whose scalars mean what they mean to `helm -f`.

use gimlet_helm::value::Value;
use gimlet_helm::yaml::plain_scalar;

use super::fields::{File, MAX_WARNINGS};
use crate::finding::{Finding, ManifestError, Warning, quoted};
use crate::text::{Anchor, Text};
use crate::values::{Entry, Kind, Tree, Values};
use crate::yaml::{self, Form, Node, Scalar};

/// Reads a map of values; null is none.
pub(super) fn read(
    file: File<'_>,
    node: &Node,
    path: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Values, ManifestError> {
    let mut reader = Reader { file, warnings };
    match &node.kind {
        yaml::Kind::Null => Ok(Values::default()),
        yaml::Kind::Map(entries) => reader.entries(entries, path).map(Values),
        yaml::Kind::Scalar(_) | yaml::Kind::List(_) => {
            let message = format!("must be a map of values, but is {}", node.describe());
            Err(file.error(node, path, message))
        }
    }
}

struct Reader<'a, 'w> {
    file: File<'a>,
    warnings: &'w mut Vec<Warning>,
}

impl Reader<'_, '_> {
    fn entries(
        &mut self,
        entries: &[yaml::Entry],
        path: &str,
    ) -> Result<Vec<Entry>, ManifestError> {
        let each = entries.iter().map(|entry| {
            let anchor = Anchor { place: entry.key_place, block: None };
            let key = Text::new(entry.key.as_str(), anchor);
            let value = self.tree(&entry.value, &format!("{path}.{}", entry.key))?;
            Ok(Entry { key, value })
        });
        each.collect()
    }

    fn tree(&mut self, node: &Node, path: &str) -> Result<Tree, ManifestError> {
        let kind = match &node.kind {
            yaml::Kind::Null => Kind::Null,
            yaml::Kind::Scalar(scalar) => self.scalar(node, scalar, path)?,
            yaml::Kind::List(items) => {
                let each = items.iter().enumerate();
                let each = each.map(|(index, item)| self.tree(item, &format!("{path}[{index}]")));
                Kind::List(each.collect::<Result<_, _>>()?)
            }
            yaml::Kind::Map(entries) => Kind::Map(self.entries(entries, path)?),
        };
        Ok(Tree { place: node.place, kind })
    }

    fn scalar(&mut self, node: &Node, scalar: &Scalar, path: &str) -> Result<Kind, ManifestError> {
        let text = || Kind::Text(Text::new(scalar.text.as_str(), self.file.anchor(node, scalar)));
        match scalar.form {
            Form::Quoted | Form::Literal => return Ok(text()),
            Form::Plain | Form::JsonLiteral => {}
        }
        Ok(match plain_scalar(&scalar.text) {
            Value::Bool(truth) => {
                if !scalar.text.eq_ignore_ascii_case(if truth { "true" } else { "false" }) {
                    self.warn(node, path, &scalar.text, &format!("the truth `{truth}`"));
                }
                Kind::Bool(truth)
            }
            Value::Float(number) if number.is_finite() => {
                let meant = number.to_string();
                // `0.5` and `5e3` are numbers to everyone; `1.10` and `0777` are not what they look like.
                if scalar.form == Form::Plain && looks_like_text(&scalar.text, &meant) {
                    self.warn(node, path, &scalar.text, &format!("the number {meant}"));
                }
                Kind::Number(number)
            }
            Value::Float(_) => {
                let message = format!("{} is no number of JSON; quote it", quoted(&scalar.text));
                return Err(self.file.error(node, path, message));
            }
            _ => text(),
        })
    }

    fn warn(&mut self, node: &Node, path: &str, text: &str, meaning: &str) {
        if self.warnings.len() < MAX_WARNINGS {
            let message =
                format!("{} means {meaning} to Helm; quote it if it is a text", quoted(text));
            self.warnings.push(Finding::new(self.file.name, node.place, path, message));
        }
    }
}

/// Whether a number is written in a way that is lost: versions such as `1.10`, octal numbers, long identifiers.
fn looks_like_text(written: &str, meant: &str) -> bool {
    let is_exponent = written.contains(['e', 'E']) && !written.starts_with("0x");
    written != meant && !is_exponent && !written.starts_with(['.', '+'])
}
