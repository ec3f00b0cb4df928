//! References in Markdown, made from what the programs themselves use.

pub(crate) mod api;
pub(crate) mod cli;
mod configuration;
mod manifest;
mod problems;
mod shapes;

use serde_json::Value;

use crate::front::Begins;

/// What references are made from.
#[derive(Debug)]
pub struct Sources {
    /// The command line of `gimlet`.
    pub gimlet: clap::Command,
    /// The command line of `gimlet-server`.
    pub server: clap::Command,
    /// The OpenAPI document.
    pub openapi: Value,
    /// The commented configuration file with all defaults.
    pub configuration: &'static str,
    /// The kinds of problems of the API.
    pub problems: Vec<ProblemEntry>,
    /// The metrics of the server, as a table.
    pub metrics: String,
}

/// A kind of problem.
#[derive(Clone, Debug)]
pub struct ProblemEntry {
    /// Its stable word, the end of its `type`.
    pub word: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status that it comes with.
    pub status: u16,
    /// What has happened when it comes.
    pub what_happened: &'static str,
    /// What whoever asked can do.
    pub what_to_do: &'static str,
}

/// A page before it is rendered.
pub(crate) struct Made {
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) begins: Begins,
    pub(crate) body: String,
}

/// Puts a made part in the place of each line `{{made: name}}`.
pub(crate) fn fill(body: &str, sources: &Sources) -> Result<String, String> {
    let mut filled = String::with_capacity(body.len());
    for line in body.lines() {
        match line.strip_prefix("{{made: ").and_then(|rest| rest.strip_suffix("}}")) {
            Some(name) => filled.push_str(&part(name, sources)?),
            None => filled.push_str(line),
        }
        filled.push('\n');
    }
    Ok(filled)
}

fn part(name: &str, sources: &Sources) -> Result<String, String> {
    Ok(match name {
        "global options" => cli::global_options(&sources.gimlet),
        "environment and exit codes" => cli::after_help(&sources.gimlet),
        "server commands" => cli::whole(&sources.server),
        "command list" => cli::list(&sources.gimlet),
        "operation list" => api::list(&sources.openapi),
        "settings" => configuration::settings(sources.configuration),
        "configuration file" => configuration::file(sources.configuration),
        "template functions" => manifest::functions(),
        "metrics" => sources.metrics.clone(),
        "problem list" => problems::list(&sources.problems),
        "problems" => problems::sections(&sources.problems),
        _ => return Err(format!("nothing makes `{name}`")),
    })
}

/// Text from the code, made harmless between other Markdown: no tags, no cells that end early.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut in_code = false;
    for c in text.chars() {
        match c {
            '`' => {
                in_code = !in_code;
                plain.push(c);
            }
            '<' if !in_code => plain.push_str("&lt;"),
            '|' => plain.push_str("\\|"),
            '\n' => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

/// A sentence with its full stop.
fn sentence(text: &str) -> String {
    let text = plain(text.trim());
    if text.is_empty() || text.ends_with(['.', '!', '?', ':']) { text } else { text + "." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_code_stays_text() {
        assert_eq!(plain("a <b> `<c>` d|e\nf"), "a &lt;b> `<c>` d\\|e f");
        assert_eq!(sentence("Done"), "Done.");
    }
}
