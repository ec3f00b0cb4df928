//! What our own rendering makes of every case, against what is recorded of Helm.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use gimlet_helm::{
    Dialect, Limits, Settings,
    chart::{
        Chart, ChartError,
        capabilities::{Capabilities, KubeVersion},
        load::{self, LoadLimits},
        overrides::Overrides,
        render::{Printing, Release as Named, render},
    },
    value::{Entries, Value},
};
use gimlet_helm_cases::{
    Outcome, Release, Theme,
    cases::{self, ChartCase, Snippet},
    expected, lay_out,
};
use libtest_mimic::{Arguments, Trial};

/// Cases that are known to differ, with the reason; a line that has become wrong fails too.
const KNOWN: &str = include_str!("known-differences.txt");
/// How many differences a failing test shows.
const SHOWN: usize = 25;

fn main() {
    let arguments = Arguments::from_args();
    let themes = cases::read().expect("the cases can be read");
    let trials = themes.into_iter().map(|theme| {
        let name = format!("our_rendering_says_what_helm_says_of_{}", theme.name);
        Trial::test(name, move || compare(&theme).map_err(|error| format!("{error:#}").into()))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn compare(theme: &Theme) -> Result<()> {
    let recorded = expected::read(theme)?;
    let mut found = BTreeMap::new();
    for release in Release::ALL {
        let said = |name: &str| recorded.get(name).map(|both| both.of_release(release));
        for snippet in theme.snippets() {
            let expected = said(&snippet.name).context("a case that was not recorded")?;
            let ours = ours_of_snippet(theme, &snippet, expected, release)?;
            if ours != *expected {
                found.insert(snippet.name, (release, expected.clone(), ours));
            }
        }
        for case in &theme.charts {
            let expected = said(&case.name).context("a case that was not recorded")?;
            let ours = ours_of_chart(case, release)?;
            if ours != *expected {
                found.insert(case.name.clone(), (release, expected.clone(), ours));
            }
        }
    }
    report(theme, &found)
}

fn report(theme: &Theme, found: &BTreeMap<String, (Release, Outcome, Outcome)>) -> Result<()> {
    let prefix = format!("{}: ", theme.name);
    let known: Vec<&str> = KNOWN.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
    let new: Vec<_> = found.iter().filter(|(name, _)| !known.contains(&name.as_str())).collect();
    let shown = new.iter().take(SHOWN).map(|(name, (release, expected, ours))| {
        format!("{name} ({release:?})\n  Helm: {expected:?}\n  ours: {ours:?}\n")
    });
    let shown: String = shown.collect();
    ensure!(new.is_empty(), "{} of {} differ:\n{shown}", new.len(), theme.name);
    let healed = known.iter().find(|name| !found.contains_key(**name));
    ensure!(healed.is_none(), "{healed:?} is listed as a difference and is none any more");
    Ok(())
}

fn dialect(release: Release) -> Dialect {
    match release {
        Release::Three => Dialect::Helm3,
        Release::Four => Dialect::Helm4,
    }
}

fn ours_of_snippet(
    theme: &Theme,
    snippet: &Snippet,
    expected: &Outcome,
    release: Release,
) -> Result<Outcome> {
    let is_refused = matches!(expected, Outcome::Refused(_));
    let files = if is_refused {
        lay_out::alone(theme, snippet)
    } else {
        lay_out::sheet(theme, &[(0, snippet.clone())])
    };
    let files = files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
    let chart = match load::files(files, dialect(release), LoadLimits::default()) {
        Ok(chart) => Arc::new(chart),
        Err(error) => return Ok(Outcome::Refused(error.as_printed())),
    };
    let printed = print(&chart, &Value::map(Entries::new()), &ChartCase::default(), release);
    let outcome = outcome(printed);
    match outcome {
        Outcome::Output(text) if !is_refused => {
            let line = text.lines().find_map(|line| line.strip_prefix("\"0000\": "));
            Ok(Outcome::Output(serde_json::from_str(line.context("no line was printed")?)?))
        }
        other => Ok(other),
    }
}

fn ours_of_chart(case: &ChartCase, release: Release) -> Result<Outcome> {
    let work = tempfile::tempdir()?;
    lay_out::write(&work.path().join("c"), &lay_out::chart_files(case))?;
    lay_out::write(work.path(), &case.beside)?;
    Ok(outcome(print_chart(case, work.path(), release)))
}

fn outcome(printed: Result<String, ChartError>) -> Outcome {
    match printed {
        Ok(text) => Outcome::Output(text),
        Err(error) => Outcome::Refused(error.as_printed()),
    }
}

fn print_chart(case: &ChartCase, folder: &Path, release: Release) -> Result<String, ChartError> {
    if !case.kube_version.is_empty() {
        KubeVersion::parse(&case.kube_version, dialect(release)).map_err(ChartError::Request)?;
    }
    let files = case.values.iter().enumerate();
    let given = Overrides {
        files: files
            .map(|(number, text)| (format!("values-{number}.yaml"), text.clone().into_bytes()))
            .collect(),
        json: case.set_json.clone(),
        set: case.set.clone(),
        strings: case.set_string.clone(),
        from_files: case.set_file.clone(),
        literals: case.set_literal.clone(),
    };
    let read = |path: &str| {
        std::fs::read_to_string(folder.join(path))
            .map_err(|_| format!("open {path}: no such file or directory"))
    };
    let given = given.merge(dialect(release), &read)?;
    let chart = load::path(&folder.join("c"), dialect(release), LoadLimits::default())?;
    print(&Arc::new(chart), &given, case, release)
}

fn print(
    chart: &Arc<Chart>,
    given: &Value,
    case: &ChartCase,
    release: Release,
) -> Result<String, ChartError> {
    let dialect = dialect(release);
    let mut capabilities = Capabilities::assumed(dialect);
    if !case.kube_version.is_empty() {
        capabilities.kube_version =
            KubeVersion::parse(&case.kube_version, dialect).map_err(ChartError::Request)?;
    }
    let more = case.api_versions.iter().flat_map(|list| list.split(',')).map(str::to_owned);
    capabilities.api_versions.extend(more);
    let or =
        |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let named = Named {
        name: or(&case.release, "rel"),
        namespace: or(&case.namespace, "default"),
        is_upgrade: case.is_upgrade,
        capabilities,
        skip_schema: case.skip_schema,
    };
    let settings =
        Settings { dialect, seed: [1; 32], now: 1_700_000_000_000_000, limits: Limits::default() };
    Ok(render(chart, given, &named, &settings)?.print(Printing {
        definitions: case.include_crds,
        no_hooks: case.no_hooks,
        no_tests: case.skip_tests,
    }))
}
