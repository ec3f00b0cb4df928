//! What our own patching makes of every case, against what is recorded of kustomize; and, where it is deliberately
//! otherwise, against what the case says.

use anyhow::{Context as _, Result, bail, ensure};
use gimlet_helm_cases::{
    Outcome, Release,
    patches::{self, PatchCase, PatchTheme, recorded},
};
use gimlet_manifest::patch::{Json6902Patch, Patches, Target, patch};
use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let themes = patches::read().expect("the cases can be read");
    let trials = themes.into_iter().map(|theme| {
        let name = format!("our_patching_says_what_kustomize_says_of_{}", theme.name);
        Trial::test(name, move || compare(&theme).map_err(|error| format!("{error:#}").into()))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn compare(theme: &PatchTheme) -> Result<()> {
    let recorded = recorded::read(theme)?;
    let mut differ = Vec::new();
    for case in theme.cases()? {
        let expected = recorded.get(&case.name).context("a case that was not recorded")?;
        let expected = Release::ALL.map(|release| expected.of_release(release));
        if let Err(error) = check(&case, expected) {
            differ.push(format!("{}\n{error:#}", case.name));
        }
    }
    ensure!(differ.is_empty(), "{} of {} differ:\n{}", differ.len(), theme.name, differ.join("\n"));
    Ok(())
}

fn check(case: &PatchCase, expected: [&Outcome; 2]) -> Result<()> {
    let ours = ours(case);
    let Some(otherwise) = &case.otherwise else {
        for expected in expected {
            match (&ours, expected) {
                (Ok(ours), Outcome::Output(theirs)) if ours == theirs => {}
                (Err(error), Outcome::Refused(_)) => says(error, &case.says)?,
                _ => bail!("kustomize: {expected:?}\n     ours: {ours:?}"),
            }
        }
        return Ok(());
    };
    let same = |expected: &Outcome| match (&ours, expected) {
        (Ok(ours), Outcome::Output(theirs)) => ours == theirs,
        (Err(_), Outcome::Refused(_)) => true,
        (Ok(_), Outcome::Refused(_)) | (Err(_), Outcome::Output(_)) => false,
    };
    ensure!(!expected.into_iter().all(same), "is no difference: {}", otherwise.why);
    match (&ours, &otherwise.output) {
        (Ok(ours), Some(output)) => ensure!(ours == output, "ours is {ours:?}, not {output:?}"),
        (Err(error), None) => says(error, &otherwise.says)?,
        _ => bail!("ours is {ours:?}"),
    }
    Ok(())
}

fn says(error: &str, parts: &[String]) -> Result<()> {
    let missing = parts.iter().find(|part| !error.contains(*part));
    ensure!(missing.is_none(), "our error says {error:?}, and not {missing:?}");
    Ok(())
}

fn ours(case: &PatchCase) -> Result<String, String> {
    let json: Vec<Json6902Patch> = case
        .json
        .iter()
        .map(|json| {
            let field = |name: &str| json.target.get(name).cloned();
            let target = Target {
                group: field("group"),
                version: field("version"),
                kind: field("kind"),
                name: field("name"),
            };
            Json6902Patch { patch: json.patch.clone(), target }
        })
        .collect();
    let patches = Patches { strategic_merge: case.merge.as_deref(), json6902: &json };
    patch(&case.documents, &patches).map_err(|error| error.to_string())
}
