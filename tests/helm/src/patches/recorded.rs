//! What kustomize made of each case, recorded beside it: `<theme>.json`, written by the recorder alone.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context as _, Result};

use super::{PatchCase, PatchTheme, Question, ask, folder};
use crate::{Both, Expected, Outcome, Release, expected, record::Helms};

fn path(theme: &PatchTheme) -> PathBuf {
    folder().join(format!("{}.json", theme.name))
}

/// Reads what was recorded for a theme.
///
/// # Errors
/// When nothing was, or it cannot be read.
pub fn read(theme: &PatchTheme) -> Result<Expected> {
    expected::read_file(&path(theme))
}

/// Asks both releases about every case of a theme; they work side by side.
fn ask_both(helms: &Helms, theme: &PatchTheme) -> Result<Expected> {
    let cases = theme.cases()?;
    let one = |release| ask_one(helms, release, &cases);
    let (three, four) = std::thread::scope(|scope| {
        let three = scope.spawn(|| one(Release::Three));
        let four = one(Release::Four);
        (three.join(), four)
    });
    let three = three.map_err(|_| anyhow::anyhow!("the thread that asks kubectl panicked"))??;
    let mut four = four?;
    let both = three.into_iter().map(|(name, three)| {
        let four = four.remove(&name).with_context(|| format!("kubectl skipped {name}"))?;
        Ok((name, Both::of(three, four)))
    });
    both.collect()
}

fn ask_one(
    helms: &Helms,
    release: Release,
    cases: &[PatchCase],
) -> Result<BTreeMap<String, Outcome>> {
    let outcomes = cases.iter().map(|case| {
        let outcome = ask(helms.of_release(release), &Question::from(case));
        Ok((case.name.clone(), outcome.with_context(|| case.name.clone())?))
    });
    outcomes.collect()
}

/// Writes down what both say of every theme, and returns how many cases there are.
///
/// # Errors
/// When kubectl cannot be asked, or a file not be written.
pub fn record(helms: &Helms) -> Result<usize> {
    let mut count = 0;
    for theme in super::read()? {
        let now = ask_both(helms, &theme)?;
        count += now.len();
        expected::write_file(&path(&theme), &now)?;
    }
    Ok(count)
}

/// Asks both about a theme again.
///
/// # Errors
/// Lists the cases of which they say something else now than was recorded, and those that were not recorded.
pub fn check(helms: &Helms, theme: &PatchTheme) -> Result<usize> {
    let recorded = read(theme)?;
    let now = ask_both(helms, theme)?;
    expected::compare(&theme.name, &recorded, &now)
}
