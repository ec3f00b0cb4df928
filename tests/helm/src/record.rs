//! Records what both releases of Helm make of every case, and checks that they still say the same.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, ensure};

use crate::{
    Both, Expected, Oracle, Outcome, Release, Theme,
    ask::{self, Known},
    cases,
    charts::{self, CHARTS, RECORDED},
    expected,
};

/// Both Helms.
#[derive(Debug)]
pub struct Helms {
    three: Oracle,
    four: Oracle,
}

impl Helms {
    /// Finds or fetches them.
    ///
    /// # Errors
    /// As [`Oracle::fetch`].
    pub fn fetch(cache: &Path) -> Result<Self> {
        Ok(Self {
            three: Oracle::fetch(cache, Release::Three)?,
            four: Oracle::fetch(cache, Release::Four)?,
        })
    }

    /// One of them.
    #[must_use]
    pub fn of_release(&self, release: Release) -> &Oracle {
        match release {
            Release::Three => &self.three,
            Release::Four => &self.four,
        }
    }
}

/// Asks both Helms about every case of a theme; they work side by side. `known` are outcomes of another
/// time: the cases that were refused then are asked alone from the start, which is quicker.
///
/// # Errors
/// When a Helm cannot be asked.
pub fn ask_both(helms: &Helms, theme: &Theme, known: &Expected) -> Result<Expected> {
    let (three, four) = std::thread::scope(|scope| {
        let three = scope.spawn(|| ask_one(helms, Release::Three, theme, known));
        let four = ask_one(helms, Release::Four, theme, known);
        (three.join(), four)
    });
    let three = three.map_err(|_| anyhow::anyhow!("the thread that asks Helm 3 panicked"))??;
    let mut four = four?;
    three
        .into_iter()
        .map(|(name, three)| {
            let four = four.remove(&name).with_context(|| format!("Helm 4 skipped {name}"))?;
            Ok((name, Both::of(three, four)))
        })
        .collect()
}

fn ask_one(
    helms: &Helms,
    release: Release,
    theme: &Theme,
    known: &Expected,
) -> Result<BTreeMap<String, Outcome>> {
    let oracle = helms.of_release(release);
    let mut names = Known::default();
    for (name, both) in known {
        let list = match both.of_release(release) {
            Outcome::Refused(_) => &mut names.refused,
            Outcome::Output(_) => &mut names.rendered,
        };
        list.insert(name.clone());
    }
    let mut outcomes: BTreeMap<_, _> = ask::snippets(oracle, theme, &names)?.into_iter().collect();
    for case in &theme.charts {
        let outcome = ask::chart(oracle, case).with_context(|| case.name.clone())?;
        outcomes.insert(case.name.clone(), outcome);
    }
    Ok(outcomes)
}

/// Writes down what both Helms say of every theme, and returns how many cases there are.
///
/// # Errors
/// When a Helm cannot be asked, or a file not be written.
pub fn record(helms: &Helms) -> Result<usize> {
    let mut count = 0;
    for theme in cases::read()? {
        // A theme that is new has nothing yet.
        let known = expected::read(&theme).unwrap_or_default();
        let now = ask_both(helms, &theme, &known)?;
        count += now.len();
        expected::write(&theme, &now)?;
    }
    for chart in CHARTS {
        let now = ask_both_of_chart(helms, chart, Some(RECORDED))?;
        count += now.len();
        expected::write_file(&expected::path_of_chart(chart), &now)?;
    }
    Ok(count)
}

/// Asks both Helms about the cases of one of our charts: all, or those of one file.
///
/// # Errors
/// When a Helm cannot be asked.
pub fn ask_both_of_chart(helms: &Helms, chart: &str, file: Option<&str>) -> Result<Expected> {
    let cases = charts::read(chart)?.into_iter();
    cases
        .filter(|case| file.is_none_or(|file| case.file == file))
        .map(|case| {
            let three = charts::ask(helms.of_release(Release::Three), chart, &case)?;
            let four = charts::ask(helms.of_release(Release::Four), chart, &case)?;
            Ok((case.name, Both::of(three, four)))
        })
        .collect()
}

/// Has both Helms check one of our charts as strictly as they can.
///
/// # Errors
/// With what they say of it.
pub fn lint(helms: &Helms, chart: &str) -> Result<()> {
    for release in Release::ALL {
        let mut helm = helms.of_release(release).helm();
        let output = helm.args(["lint", "--strict"]).arg(charts::folder(chart)).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "helm {release:?} about {chart}: {said}");
    }
    Ok(())
}

/// Asks both Helms about a theme again.
///
/// # Errors
/// Lists the cases of which they say something else now than was recorded, and those that were not recorded.
pub fn check(helms: &Helms, theme: &Theme) -> Result<usize> {
    let recorded = expected::read(theme)?;
    let now = ask_both(helms, theme, &recorded)?;
    expected::compare(&theme.name, &recorded, &now)
}
