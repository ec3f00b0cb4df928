//! A chart's objects, and why there are none.

use gimlet_helm::chart::documents::Hook;
use gimlet_helm::chart::render::{Release, Rendered, render as render_chart};
use gimlet_helm::chart::schema::SchemaFault;
use gimlet_helm::chart::{Chart, ChartError};
use gimlet_helm::template::{Cause, RenderError, Spot};
use gimlet_helm::{Limits, Settings};

use super::{RenderInputs, assumed_capabilities};
use crate::finding::{ManifestError, Warning, quoted};
use crate::resolve::Resolved;

/// How many faults of values are told at once.
const MAX_FAULTS: usize = 5;

/// How many objects are named in one warning.
const MAX_NAMED: usize = 5;

/// The longest sentence that is taken over from a chart or its schema, in characters.
const MAX_SENTENCE: usize = 300;

/// A document that a template printed.
pub(super) struct ChartDocument {
    /// The template, with the chart's name in front.
    pub(super) source: String,
    /// The file that it goes to.
    pub(super) file: String,
    pub(super) text: String,
}

/// Renders the chart, as Helm does when it installs it for the first time.
pub(super) fn render(
    resolved: &Resolved,
    inputs: &RenderInputs<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<ChartDocument>, ManifestError> {
    let source = &resolved.source;
    let fail = |message: String| source.error_at(source.chart, "chart", message);
    let Some(chart) = inputs.chart else {
        return Err(fail("was not fetched, and so nothing can be rendered".to_owned()));
    };
    let release = Release {
        name: resolved.app.clone(),
        namespace: resolved.namespace.clone(),
        is_upgrade: false,
        capabilities: match inputs.capabilities {
            Some(capabilities) => capabilities.clone(),
            None => assumed_capabilities(inputs.dialect),
        },
        skip_schema: false,
    };
    let settings = Settings {
        dialect: inputs.dialect,
        seed: inputs.draw.seed,
        now: inputs.draw.now,
        limits: Limits::default(),
    };
    let rendered = render_chart(chart, &resolved.values.to_value(), &release, &settings)
        .map_err(|error| refusal(resolved, chart, error))?;
    let left_out = left_out(chart, &rendered);
    warnings.extend(left_out.map(|message| source.warning_at(source.chart, "chart", message)));
    let documents = rendered.documents.into_iter().map(|document| ChartDocument {
        file: file_name(&document.source),
        source: document.source,
        text: document.text,
    });
    Ok(documents.collect())
}

/// A chart by its name and version.
fn named(chart: &Chart) -> String {
    let version = quoted(&chart.metadata.version);
    format!("chart {} {}", quoted(&chart.metadata.name), version.trim_matches('`'))
}

/// What Helm would have done besides.
fn left_out(chart: &Chart, rendered: &Rendered) -> impl Iterator<Item = String> {
    let hooks: Vec<&Hook> = rendered.hooks.iter().filter(|hook| !hook.is_test()).collect();
    let names = hooks.iter().take(MAX_NAMED).map(|hook| {
        let document = &hook.document;
        quoted(&format!("{} {}", document.kind, document.name)).trim_matches('`').to_owned()
    });
    let names = names.collect::<Vec<_>>().join(", ");
    let hooks = (!hooks.is_empty()).then(|| {
        format!("{} runs {} when Helm installs it; such hooks are left out", named(chart), names)
    });
    let definitions = (!rendered.definitions.is_empty()).then(|| {
        format!(
            "{} brings definitions of kinds in `crds/`, which are left out; install them with the cluster's \
             components",
            named(chart)
        )
    });
    hooks.into_iter().chain(definitions)
}

/// The file of a template's documents: its base name, made safe for Flux, which reads only YAML and takes a
/// `kustomization.yaml` for its own.
fn file_name(source: &str) -> String {
    let base = source.rsplit('/').next().unwrap_or(source);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut name: String = base.chars().map(|c| if plain(c) { c } else { '-' }).collect();
    name = name.trim_start_matches('.').chars().take(100).collect();
    if !name.ends_with(".yaml") && !name.ends_with(".yml") {
        name.push_str(".yaml");
    }
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    if stem.is_empty() || stem.eq_ignore_ascii_case("kustomization") {
        name = format!("chart-{name}");
    }
    name
}

/// Why a chart gives nothing, at the place in the manifest that can be changed.
fn refusal(resolved: &Resolved, chart: &Chart, error: ChartError) -> ManifestError {
    let source = &resolved.source;
    let of_chart = |message: String| source.error_at(source.chart, "chart", message);
    let chart = named(chart);
    match error {
        ChartError::Schema { faults, .. } => of_values(resolved, &chart, &faults),
        ChartError::Values(text) => {
            let message = format!("do not fit {chart}: {}", cut(&text));
            source.error_at(resolved.values.place_at(""), "values", message)
        }
        ChartError::Request(text) | ChartError::Load(text) => {
            of_chart(format!("{chart} cannot be installed: {}", cut(&text)))
        }
        ChartError::Render(error) => of_chart(of_templates(&chart, &error)),
    }
}

/// Values that the schema does not let in, each with its JSON pointer; the place is that of the first.
fn of_values(resolved: &Resolved, chart: &str, faults: &[SchemaFault]) -> ManifestError {
    let told = faults.iter().take(MAX_FAULTS).map(|fault| {
        let pointer = if fault.pointer.is_empty() { "/" } else { &fault.pointer };
        format!("{}: {}", cut(pointer), cut(&fault.message))
    });
    let mut message = told.collect::<Vec<_>>().join("; ");
    if faults.len() > MAX_FAULTS {
        message.push_str(&format!("; and {} more", faults.len() - MAX_FAULTS));
    }
    let first = faults.first().map_or("", |fault| fault.pointer.as_str());
    resolved.source.error_at(
        resolved.values.place_at(first).or(resolved.source.chart),
        "values",
        format!("do not fit the schema of {chart}: {message}"),
    )
}

/// What went wrong in a template, where, how it came there, and what to do.
fn of_templates(chart: &str, error: &RenderError) -> String {
    let message = cut(&error.message);
    let way = way(&error.trace);
    match &error.cause {
        Cause::Refused => format!("{chart} refuses these values: {message}{way}"),
        Cause::Spent => format!("{chart} cannot be rendered: {message}{way}"),
        Cause::UnknownFunction(_) | Cause::Unclosed => format!(
            "{chart} is broken: {message}{way}; use another version of it, or tell its authors"
        ),
        Cause::MissingName(_) | Cause::Other => format!(
            "{chart} cannot be rendered with these values: {message}{way}; correct `values`, or use another version \
             of the chart"
        ),
    }
}

/// The place of an error, and the places that included it, the nearest first.
fn way(trace: &[Spot]) -> String {
    let place = |spot: &Spot| format!("{}:{}:{}", spot.file, spot.line, spot.column);
    let Some((end, before)) = trace.split_last() else { return String::new() };
    let inside = if end.template == end.file {
        String::new()
    } else {
        format!(" in template {}", quoted(&end.template))
    };
    // What recurses has thousands of them.
    let included = before.iter().rev().take(MAX_NAMED);
    let included: String =
        included.map(|spot| format!(", included from {}", place(spot))).collect();
    format!(" (at {}{inside}{included})", place(end))
}

/// A sentence of somebody else's, not longer than it needs to be.
fn cut(text: &str) -> String {
    let mut sentence: String = text.chars().take(MAX_SENTENCE).collect();
    if sentence.len() < text.len() {
        sentence.push('…');
    }
    sentence
}

#[cfg(test)]
#[path = "chart_tests.rs"]
mod tests;
