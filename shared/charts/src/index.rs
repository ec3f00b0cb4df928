//! The index of a Helm repository.

use std::collections::HashMap;

use serde::Deserialize;

/// What a repository has.
#[derive(Debug, Deserialize)]
pub(crate) struct Index {
    #[serde(default)]
    entries: HashMap<String, Option<Vec<Option<Entry>>>>,
}

/// One version of one chart.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    #[serde(default)]
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) urls: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) digest: Option<String>,
}

impl Index {
    /// Reads an index: YAML, or JSON, which is read faster.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if let Ok(index) = serde_json::from_slice(bytes) {
            return Ok(index);
        }
        // Whatever is in an index costs at most what its own bytes cost: nothing in it is multiplied.
        let most = bytes.len();
        let budget = serde_saphyr::budget! {
            max_reader_input_bytes: Some(most),
            max_events: most,
            max_nodes: most,
            max_total_scalar_bytes: most,
            max_depth: 64,
            max_aliases: 1000,
        };
        let options = serde_saphyr::options! { budget: budget };
        serde_saphyr::from_slice_with_options(bytes, options).map_err(|error| {
            let text = error.to_string();
            text.lines().next().unwrap_or_default().chars().take(300).collect()
        })
    }

    /// The versions of a chart; `None` where there is no such chart.
    pub(crate) fn entries(&self, name: &str) -> Option<impl Iterator<Item = &Entry> + Clone> {
        Some(self.entries.get(name)?.iter().flatten().flatten())
    }

    /// Names of charts that read like `name`, for whoever mistyped it.
    pub(crate) fn similar(&self, name: &str) -> Vec<&str> {
        let mut names: Vec<&str> = self.entries.keys().map(String::as_str).collect();
        names.retain(|other| other.contains(name) || name.contains(*other));
        names.sort_unstable();
        names.truncate(5);
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_with_whatever_else_is_in_it() {
        let text = "apiVersion: v1\ngenerated: 2024-01-01T00:00:00Z\nentries:\n  web:\n  - version: 1.0.0\n    \
                    name: web\n    urls: [a.tgz]\n    digest: 00\n    annotations: {a: b}\n  -\n  empty:\n";
        let index = Index::parse(text.as_bytes()).expect("an index");
        let entries: Vec<&Entry> = index.entries("web").expect("a chart").collect();
        assert_eq!(entries.len(), 1);
        assert_eq!(
            (entries[0].version.as_str(), entries[0].digest.as_deref()),
            ("1.0.0", Some("00"))
        );
        assert_eq!(index.entries("empty").expect("a chart").count(), 0);
        assert!(index.entries("other").is_none());
        assert_eq!(index.similar("webs"), ["web"]);
        let json = br#"{"entries": {"web": [{"version": "1.0.0"}]}}"#;
        assert!(Index::parse(json).expect("an index").entries("web").is_some());
    }

    #[test]
    fn what_multiplies_itself_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let inner = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        assert!(Index::parse(text.as_bytes()).is_err());
        let deep = format!("entries: {}", "[".repeat(100_000));
        assert!(Index::parse(deep.as_bytes()).is_err());
        assert!(Index::parse(b"<html>404</html>").is_err());
        assert!(Index::parse(b"\xff\xfe\x00").is_err());
    }

    #[test]
    fn a_large_index_is_read() {
        let mut text = "entries:\n  web:\n".to_owned();
        for patch in 0..20_000 {
            text.push_str(&format!(
                "  - version: 1.0.{patch}\n    urls:\n    - https://charts.example.com/web-1.0.{patch}.tgz\n    \
                 description: A chart like many others, with a text of some length that nobody reads\n"
            ));
        }
        let index = Index::parse(text.as_bytes()).expect("an index");
        assert_eq!(index.entries("web").expect("a chart").count(), 20_000);
    }
}
