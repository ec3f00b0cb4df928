//! The cases: files of TOML, one a theme, written by hand.
//!
//! Most cases need no chart of their own: `expressions` (one a line) and `[[template]]` share the values of
//! their file and are rendered together in one chart. `[[chart]]` is a chart with everything around it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// One file of cases.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// The file's name without its ending.
    #[serde(skip)]
    pub name: String,
    /// `values.yaml` of the chart that holds all snippets.
    #[serde(default)]
    pub values: String,
    /// Files of that chart that are no templates.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// One expression a line; blank lines and lines that begin with `#` say nothing.
    #[serde(default)]
    pub expressions: String,
    /// Expressions that are made of a form and every combination of what stands in it.
    #[serde(default, rename = "product")]
    pub products: Vec<Product>,
    /// Whole templates.
    #[serde(default, rename = "template")]
    pub templates: Vec<Template>,
    /// Whole charts.
    #[serde(default, rename = "chart")]
    pub charts: Vec<ChartCase>,
}

/// Many expressions of one form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The expression, with names in angle brackets.
    pub form: String,
    /// What to put in place of each name.
    pub with: BTreeMap<String, Vec<String>>,
}

impl Product {
    fn expressions(&self) -> Vec<String> {
        let mut all = vec![self.form.clone()];
        for (name, choices) in &self.with {
            let place = format!("<{name}>");
            all = all
                .iter()
                .flat_map(|form| choices.iter().map(|choice| form.replace(&place, choice)))
                .collect();
        }
        all
    }
}

/// A template of the theme's chart.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// What the case shows, as a sentence.
    pub name: String,
    /// The template.
    pub text: String,
}

/// A chart of its own, and how it is rendered.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChartCase {
    /// What the case shows, as a sentence.
    pub name: String,
    /// The chart's files by their path; what lies below `x.tgz/` is packed into the archive `x.tgz`.
    /// Without a `Chart.yaml`, and without anything in `templates`, there are those of [`CHART_YAML`] and
    /// [`SHOW_VALUES`].
    pub files: BTreeMap<String, String>,
    /// Files beside the chart, for `set_file`.
    pub beside: BTreeMap<String, String>,
    /// Contents of the files for `--values`, in order.
    pub values: Vec<String>,
    /// `--set`, in order.
    pub set: Vec<String>,
    /// `--set-string`.
    pub set_string: Vec<String>,
    /// `--set-json`.
    pub set_json: Vec<String>,
    /// `--set-file`.
    pub set_file: Vec<String>,
    /// `--set-literal`.
    pub set_literal: Vec<String>,
    /// The release's name; `rel` when it is empty.
    pub release: String,
    /// `--namespace`.
    pub namespace: String,
    /// `--kube-version`.
    pub kube_version: String,
    /// `--api-versions`.
    pub api_versions: Vec<String>,
    /// `--include-crds`.
    pub include_crds: bool,
    /// `--no-hooks`.
    pub no_hooks: bool,
    /// `--skip-tests`.
    pub skip_tests: bool,
    /// `--is-upgrade`.
    pub is_upgrade: bool,
    /// `--skip-schema-validation`.
    pub skip_schema: bool,
}

/// A chart's head where a case gives none.
pub const CHART_YAML: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\n";
/// The only template of a chart whose case gives none.
pub const SHOW_VALUES: &str = "values: {{ toJson .Values }}\n";

/// A snippet: text that is rendered together with others.
#[derive(Clone, Debug)]
pub struct Snippet {
    /// The expression, or the template's name.
    pub name: String,
    /// The template.
    pub text: String,
}

impl Theme {
    /// Every snippet of the file, expressions first. Forms overlap: each expression is there once.
    #[must_use]
    pub fn snippets(&self) -> Vec<Snippet> {
        let lines = self.expressions.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let products = self.products.iter().flat_map(Product::expressions);
        let mut seen = BTreeSet::new();
        let all = lines.map(str::to_owned).chain(products);
        let expressions = all.filter(|line| seen.insert(line.clone())).map(|line| {
            let text = format!("{{{{ {line} }}}}");
            Snippet { name: line, text }
        });
        let templates = self.templates.iter();
        expressions
            .chain(templates.map(|it| Snippet { name: it.name.clone(), text: it.text.clone() }))
            .collect()
    }

    fn check(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        let charts = self.charts.iter().map(|chart| chart.name.clone());
        for name in self.snippets().into_iter().map(|snippet| snippet.name).chain(charts) {
            ensure!(!name.is_empty(), "{}: a case without a name", self.name);
            ensure!(seen.insert(name.clone()), "{}: two cases are called {name:?}", self.name);
        }
        Ok(())
    }
}

/// The folder of the cases.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

/// Reads every file of cases, in the order of their names.
///
/// # Errors
/// Names the file that is no such TOML.
pub fn read() -> Result<Vec<Theme>> {
    let themes = read_files(&folder())?.into_iter().map(|(name, theme)| {
        let theme = Theme { name, ..theme };
        theme.check()?;
        Ok(theme)
    });
    themes.collect()
}

/// Reads every file of cases in a folder: its name without the ending, and what is in it, in the order of names.
///
/// # Errors
/// Names the file that is no such TOML.
pub(crate) fn read_files<T: DeserializeOwned>(folder: &Path) -> Result<Vec<(String, T)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let name = path.file_stem().context("a file has a name")?.to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path)?;
        let read = toml::from_str(&text).with_context(|| format!("{name}.toml"))?;
        files.push((name, read));
    }
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(files)
}
