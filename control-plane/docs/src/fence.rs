//! What stands behind the three backticks of a code block: what it is, and how tests hold it to the truth.
//!
//! | info | what tests do |
//! | --- | --- |
//! | `sh` | run it, in the order of the page, against a real server |
//! | `sh await="text"` | run it again until it prints this |
//! | `sh background` | start it, and go on; it ends with the page |
//! | `sh stream` | run it for a moment; it must go on until then |
//! | `sh request` | run it with a body and ids that fit, which tests have a table of |
//! | `sh cluster` | run it where an agent is connected |
//! | `sh paste` | run it there, and what it prints where `kubectl` is; both must end well |
//! | `sh shown="reason"` | do not run it; every `gimlet` command in it must still be one |
//! | `output` | compare it with what the block before it printed; `…` stands for anything |
//! | `yaml manifest` | read, resolve and render it as a Gimlet manifest |
//! | `yaml` | read it as YAML |
//! | `json shape="Release"` | hold it against that shape of the API |
//! | `toml` | have `gimlet-server check` read it |
//! | `text` | nothing; it must hold no command |
//!
//! `file="path"` writes the block to a file of the page's folder before the next command runs.

use std::fmt;

/// The head of a code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// What it is for.
    pub used_as: Use,
    /// Where tests write it.
    pub file: Option<String>,
}

/// What a code block is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// Commands that need a server at most.
    Commands,
    /// Commands that are run again until they print something.
    AwaitedCommands {
        /// What they print in the end.
        until: String,
    },
    /// A command that goes on.
    BackgroundCommand,
    /// A command that goes on until it is interrupted.
    StreamCommand,
    /// A request of the API's reference.
    RequestCommand,
    /// Commands that need a connected cluster.
    ClusterCommands,
    /// A command that prints one to run where `kubectl` is, and waits for what comes of it.
    PastedCommand,
    /// Commands that no test can run, and why.
    ShownCommands {
        /// Why.
        reason: String,
    },
    /// What the commands before it print.
    Output,
    /// A Gimlet manifest.
    Manifest,
    /// Other YAML.
    Yaml,
    /// JSON, of a shape of the API where one is named.
    Json {
        /// Name of the shape.
        shape: Option<String>,
    },
    /// A configuration of the server.
    Configuration,
    /// Text.
    Text,
}

/// A code block of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its head.
    pub fence: Fence,
    /// Its lines.
    pub text: String,
}

/// Why the head of a code block cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code block `{info}` is none that tests know: {why}")]
pub struct FenceError {
    info: String,
    why: &'static str,
}

impl Fence {
    /// Reads the info string of a code block.
    ///
    /// # Errors
    /// A block without a language, or with one that nothing checks.
    pub fn parse(info: &str) -> Result<Self, FenceError> {
        let fail = |why| FenceError { info: info.to_owned(), why };
        let mut parts = split(info);
        if parts.is_empty() {
            return Err(fail("it has no language"));
        }
        let language = parts.remove(0);
        let mut take = |name: &str| {
            let found = parts.iter().position(|part| part.starts_with(&format!("{name}=")))?;
            let part = parts.remove(found);
            Some(part[name.len() + 1..].to_owned())
        };
        let (shown, shape, file, until) =
            (take("shown"), take("shape"), take("file"), take("await"));
        let word = parts.pop();
        if !parts.is_empty() {
            return Err(fail("it has too many words"));
        }
        let used_as = match (language.as_str(), word.as_deref(), shown.or(until.clone())) {
            ("sh", None, Some(text)) if until.is_some() => Use::AwaitedCommands { until: text },
            ("sh", Some("background"), None) => Use::BackgroundCommand,
            ("sh", None, None) => Use::Commands,
            ("sh", Some("stream"), None) => Use::StreamCommand,
            ("sh", Some("request"), None) => Use::RequestCommand,
            ("sh", Some("cluster"), None) => Use::ClusterCommands,
            ("sh", Some("paste"), None) => Use::PastedCommand,
            ("sh", None, Some(reason)) if !reason.is_empty() => Use::ShownCommands { reason },
            ("output", None, None) => Use::Output,
            ("yaml", Some("manifest"), None) => Use::Manifest,
            ("yaml", None, None) => Use::Yaml,
            ("json", None, None) => Use::Json { shape },
            ("toml", None, None) => Use::Configuration,
            ("text", None, None) => Use::Text,
            _ => return Err(fail("see the table in fence.rs")),
        };
        Ok(Self { used_as, file })
    }

    /// What the block is in, for readers.
    #[must_use]
    pub fn language(&self) -> &'static str {
        match self.used_as {
            Use::Commands
            | Use::AwaitedCommands { .. }
            | Use::BackgroundCommand
            | Use::StreamCommand
            | Use::RequestCommand
            | Use::ClusterCommands
            | Use::PastedCommand
            | Use::ShownCommands { .. } => "sh",
            Use::Output => "output",
            Use::Manifest | Use::Yaml => "yaml",
            Use::Json { .. } => "json",
            Use::Configuration => "toml",
            Use::Text => "text",
        }
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.language())
    }
}

/// Words, where quotes hold several together and go away.
fn split(info: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for c in info.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                if !part.is_empty() {
                    parts.push(std::mem::take(&mut part));
                }
            }
            c => part.push(c),
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_block_is_read() {
        let used_as = |info: &str| Fence::parse(info).map(|fence| fence.used_as);
        assert_eq!(used_as("sh"), Ok(Use::Commands));
        assert_eq!(used_as("sh cluster"), Ok(Use::ClusterCommands));
        assert_eq!(used_as("sh background"), Ok(Use::BackgroundCommand));
        assert_eq!(used_as("sh stream"), Ok(Use::StreamCommand));
        assert_eq!(used_as("sh request"), Ok(Use::RequestCommand));
        assert_eq!(used_as("sh paste"), Ok(Use::PastedCommand));
        let until = "it works".to_owned();
        assert_eq!(used_as("sh await=\"it works\""), Ok(Use::AwaitedCommands { until }));
        let reason = "needs a browser".to_owned();
        assert_eq!(used_as("sh shown=\"needs a browser\""), Ok(Use::ShownCommands { reason }));
        let shape = Some("Release".to_owned());
        assert_eq!(used_as("json shape=Release"), Ok(Use::Json { shape }));
        let file = Fence::parse("yaml manifest file=\".gimlet/web.yaml\"").unwrap().file;
        assert_eq!(file.as_deref(), Some(".gimlet/web.yaml"));
    }

    #[test]
    fn a_block_that_nothing_would_check_is_refused() {
        for info in ["", "bash", "sh run", "sh shown=\"\"", "yaml manifest more", "rust"] {
            assert!(Fence::parse(info).is_err(), "{info}");
        }
    }
}
