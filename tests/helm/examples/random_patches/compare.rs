//! The same cases given to both.

use anyhow::Result;
use gimlet_helm_cases::{
    Oracle, Outcome,
    patches::{JsonCase, Question, ask},
};
use gimlet_manifest::patch::{Json6902Patch, Patches, Target, patch};
use similar::TextDiff;

/// How cases ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) alike: usize,
    pub(crate) refused: usize,
    /// Objects that kustomize leaves its own `$patch` in, which is recorded as a deliberate difference.
    pub(crate) littered: usize,
    /// What is not there, and kustomize copies as null; likewise.
    pub(crate) nothing_copied: usize,
    /// Cases that the older release panics at: a patch after one that deletes an object.
    pub(crate) panicked: usize,
    /// Objects that kustomize refuses for what other objects refer to in them, after they were patched.
    pub(crate) elsewhere: usize,
    pub(crate) differences: Vec<String>,
}

/// Asks about all cases at once; where one of them is refused, which refuses all, one by one.
pub(crate) fn all(oracle: &Oracle, cases: &[Question], tally: &mut Tally) -> Result<()> {
    if cases.len() == 1 {
        one(oracle, &cases[0], tally)?;
        return Ok(());
    }
    // Those that we refuse are asked alone: kustomize is expected to refuse them too.
    let (good, bad): (Vec<_>, Vec<_>) = cases.iter().partition(|case| ours(case).is_ok());
    for case in bad {
        one(oracle, case, tally)?;
    }
    let together = Question {
        documents: join(good.iter().map(|case| case.documents.as_str())),
        merge: Some(join(good.iter().filter_map(|case| case.merge.as_deref()))),
        json: good.iter().flat_map(|case| case.json.iter().cloned()).collect(),
    };
    let ours: String = join_output(good.iter().filter_map(|case| ours(case).ok()));
    match ask(oracle, &together)? {
        Outcome::Output(theirs) if theirs == ours => tally.alike += good.len(),
        Outcome::Output(_) | Outcome::Refused(_) => {
            for case in good {
                one(oracle, case, tally)?;
            }
        }
    }
    Ok(())
}

fn join<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.map(|text| format!("{text}---\n")).collect()
}

fn join_output(texts: impl Iterator<Item = String>) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("---\n")
}

fn one(oracle: &Oracle, case: &Question, tally: &mut Tally) -> Result<()> {
    let (theirs, ours) = (ask(oracle, case)?, ours(case));
    match (&theirs, &ours) {
        (Outcome::Output(theirs), Ok(ours)) if theirs == ours => tally.alike += 1,
        (Outcome::Refused(_), Err(_)) => tally.refused += 1,
        (Outcome::Output(theirs), Ok(_)) if theirs.contains("$patch") => tally.littered += 1,
        (Outcome::Output(_), Err(why)) if why.contains(": copy ") && why.contains("is no ") => {
            tally.nothing_copied += 1;
        }
        (Outcome::Refused(why), Ok(_)) if why.starts_with("panic: ") => tally.panicked += 1,
        (Outcome::Refused(why), Ok(_)) if why.contains("updating name reference") => {
            tally.elsewhere += 1;
        }
        _ => tally.differences.push(format!(
            "objects:\n{}merge:\n{}json: {:?}\n{}",
            case.documents,
            case.merge.as_deref().unwrap_or_default(),
            case.json,
            difference(&theirs, &ours)
        )),
    }
    Ok(())
}

fn difference(theirs: &Outcome, ours: &Result<String, String>) -> String {
    let (Outcome::Output(theirs), Ok(ours)) = (theirs, ours) else {
        return format!("kustomize: {theirs:?}\nours: {ours:?}");
    };
    let diff = TextDiff::from_lines(theirs, ours);
    diff.unified_diff().header("kustomize", "ours").to_string()
}

fn ours(case: &Question) -> Result<String, String> {
    let json: Vec<Json6902Patch> = case.json.iter().map(json_patch).collect();
    let patches = Patches { strategic_merge: case.merge.as_deref(), json6902: &json };
    patch(&case.documents, &patches).map_err(|error| error.to_string())
}

fn json_patch(case: &JsonCase) -> Json6902Patch {
    let field = |name: &str| case.target.get(name).cloned();
    let target = Target {
        group: field("group"),
        version: field("version"),
        kind: field("kind"),
        name: field("name"),
    };
    Json6902Patch { patch: case.patch.clone(), target }
}
