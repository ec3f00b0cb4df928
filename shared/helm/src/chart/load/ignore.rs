//! `.helmignore`.

use crate::chart::paths;

/// The rules of a chart, and the one that every chart has: hidden files of `templates/` are none of it.
#[derive(Debug)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: String,
    negated: bool,
    only_folders: bool,
    /// Without a slash, it is about the last part of a path only.
    whole_path: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self(rule("templates/.?*").ok().flatten().into_iter().collect())
    }
}

impl Rules {
    /// Reads the lines of the file.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        // Go's editors' mark is read over.
        for line in text.trim_start_matches('\u{feff}').lines() {
            rules.extend(rule(line)?);
        }
        rules.extend(Self::default().0);
        Ok(Self(rules))
    }

    /// Whether a file or folder is none of the chart. The first rule that matches decides; one with `!` takes
    /// away whatever does not match it.
    pub(super) fn ignores(&self, path: &str, is_folder: bool) -> bool {
        for rule in &self.0 {
            let applies = !rule.only_folders || is_folder;
            let name = path.rsplit('/').next().unwrap_or(path);
            let subject = if rule.whole_path { path } else { name };
            let matches = applies && paths::matches(&rule.pattern, subject) == Some(true);
            if rule.negated != matches && (rule.negated || applies) {
                return true;
            }
        }
        false
    }
}

fn rule(line: &str) -> Result<Option<Rule>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    if line.contains("**") {
        return Err("double-star (**) syntax is not supported".to_owned());
    }
    if paths::matches(line, "abc").is_none() {
        return Err("syntax error in pattern".to_owned());
    }
    let (negated, rest) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
    let (only_folders, rest) = rest.strip_suffix('/').map_or((false, rest), |rest| (true, rest));
    let whole_path = rest.contains('/');
    let pattern = rest.strip_prefix('/').unwrap_or(rest).to_owned();
    Ok(Some(Rule { pattern, negated, only_folders, whole_path }))
}
