//! What must hold at the end, read from git and from the effect ledger.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::source::AppName;
use crate::scripted_cluster::{Effect, Entry};

/// What was found wrong, in sentences.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) lost: Vec<String>,
    pub(super) doubled: Vec<String>,
    pub(super) broken: Vec<String>,
    pub(super) stuck: Vec<String>,
    /// Crash points that were never passed.
    pub(super) unreached: Vec<String>,
    /// Rounds that there was no time for.
    pub(super) left_out: usize,
    /// Commits of releases.
    pub(super) commits: usize,
}

impl Findings {
    /// Takes in those of another world.
    pub(super) fn merge(&mut self, other: Self) {
        let Self { lost, doubled, broken, stuck, unreached, left_out, commits } = other;
        self.lost.extend(lost);
        self.doubled.extend(doubled);
        self.broken.extend(broken);
        self.stuck.extend(stuck);
        self.unreached.extend(unreached);
        self.left_out += left_out;
        self.commits += commits;
    }

    /// All of them, each with what it is; none where everything held.
    pub(super) fn sentences(self) -> Vec<String> {
        let named = |what: &str, all: Vec<String>| -> Vec<String> {
            all.into_iter().map(|text| format!("{what}: {text}")).collect()
        };
        let left_out = match self.left_out {
            0 => Vec::new(),
            rounds => vec![format!("unfinished: {rounds} rounds were left out")],
        };
        [
            named("lost", self.lost),
            named("doubled", self.doubled),
            named("broken", self.broken),
            named("stuck", self.stuck),
            named("unreached", self.unreached),
            left_out,
        ]
        .concat()
    }
}

/// Heads by application, as [`super::pushes::Pushes`] has them.
pub(super) type Heads = BTreeMap<AppName, Vec<(String, bool)>>;

/// One release as git has it.
#[derive(Debug)]
struct Released {
    commit: String,
    app: String,
    sha: String,
}

/// Compares a gitops repository with what was pushed.
///
/// # Errors
/// When git cannot read it.
pub(super) fn judge_repository(
    environment: &str,
    repository: &Path,
    heads: &Heads,
    findings: &mut Findings,
) -> Result<()> {
    if let Err(error) = git(repository, &["fsck", "--strict", "--full"]) {
        findings.broken.push(format!("{environment}: {error:#}"));
    }
    let released = released(environment, repository, findings)?;
    findings.commits += released.len();
    let mut by_app: HashMap<&str, Vec<&str>> = HashMap::new();
    for release in &released {
        let shas = by_app.entry(&release.app).or_default();
        if shas.contains(&release.sha.as_str()) {
            let Released { commit, app, sha } = release;
            findings.doubled.push(format!("{environment}/{app} at {sha} again in {commit}"));
        }
        shas.push(&release.sha);
    }
    for (app, heads) in heads.iter().filter(|(app, _)| app.environment == environment) {
        let shas = by_app.get(app.app.as_str()).map(Vec::as_slice).unwrap_or_default();
        judge_app(app, heads, shas, findings);
    }
    Ok(())
}

/// Every head that was waited for is there, and none out of order.
fn judge_app(app: &AppName, heads: &[(String, bool)], shas: &[&str], findings: &mut Findings) {
    let place: HashMap<&str, usize> =
        heads.iter().enumerate().map(|(place, (sha, _))| (sha.as_str(), place)).collect();
    let places: Vec<Option<usize>> = shas.iter().map(|sha| place.get(sha).copied()).collect();
    if places.contains(&None) {
        findings.broken.push(format!("{app:?} has a release of a commit that nobody pushed"));
    }
    if !places.is_sorted() {
        findings.broken.push(format!("{app:?} went back in time"));
    }
    for (sha, _) in heads.iter().filter(|(sha, waited)| *waited && !shas.contains(&sha.as_str())) {
        findings.lost.push(format!("{app:?} at {sha} is not in git"));
    }
}

/// The releases of a repository, oldest first. Each commit has one parent, and one `Deploy-Id` of its own.
fn released(
    environment: &str,
    repository: &Path,
    findings: &mut Findings,
) -> Result<Vec<Released>> {
    const FORMAT: &str =
        "--format=%x1e%H%x1f%P%x1f%s%x1f%(trailers:key=Deploy-Id,valueonly,separator=%x2C)%x1f";
    let log = git(repository, &["log", "--reverse", "--name-only", FORMAT, "main"])?;
    let (mut released, mut ids, mut before) = (Vec::new(), BTreeSet::new(), String::new());
    let mut wanted = String::new();
    for record in log.split('\u{1e}').skip(1) {
        let fields: Vec<&str> = record.split('\u{1f}').collect();
        let [commit, parents, subject, deploy, files] = fields.as_slice() else { continue };
        if *parents != before {
            findings.broken.push(format!("{environment}: {commit} does not follow on {before}"));
        }
        (*commit).clone_into(&mut before);
        let deploy = deploy.trim();
        if deploy.is_empty() {
            if !subject.contains("Bootstrapping") {
                findings.broken.push(format!("{environment}: {commit} has no Deploy-Id"));
            }
            continue;
        }
        if !ids.insert(deploy.to_owned()) {
            findings.doubled.push(format!("{environment}: {deploy} again in {commit}"));
        }
        let app = files
            .lines()
            .find_map(|file| file.strip_suffix("/release.json").filter(|app| !app.is_empty()));
        let Some(app) = app else {
            findings.broken.push(format!("{environment}: {commit} changes no application"));
            continue;
        };
        wanted.push_str(&format!("{commit}:{app}/release.json\n"));
        let (commit, app) = ((*commit).to_owned(), app.to_owned());
        released.push(Released { commit, app, sha: String::new() });
    }
    let records = read_all(repository, &wanted)?;
    ensure!(records.len() == released.len(), "git did not give every release.json");
    for (release, record) in released.iter_mut().zip(records) {
        let record: Value = serde_json::from_str(&record)?;
        let sha = record["version"]["sha"].as_str().context("a release.json names no commit")?;
        sha.clone_into(&mut release.sha);
    }
    Ok(released)
}

/// Compares the ledger with what was pushed: no command had its effect twice, each cluster ended where its
/// developers did, and none went back in time.
pub(super) fn judge_ledger(entries: &[Entry], heads: &Heads, findings: &mut Findings) {
    let mut requests = BTreeSet::new();
    let mut applied: HashMap<AppName, Vec<String>> = HashMap::new();
    for entry in entries {
        match &entry.effect {
            Effect::Requested { object, command } => {
                if !requests.insert((object, command)) {
                    findings.doubled.push(format!("{command} asked twice for {object}"));
                }
            }
            Effect::Applied { environment, app, sha, .. } => {
                let name = AppName { environment: environment.clone(), app: app.clone() };
                applied.entry(name).or_default().push(sha.clone());
            }
            Effect::Fetched { .. } => {}
        }
    }
    for (app, heads) in heads {
        let shas = applied.get(app).map(Vec::as_slice).unwrap_or_default();
        let last = heads.last().map(|(sha, _)| sha);
        if shas.last() != last {
            findings.lost.push(format!("{app:?} runs {:?} and not {last:?}", shas.last()));
        }
        let place = |sha: &String| heads.iter().position(|(head, _)| head == sha);
        if !shas.iter().map(place).is_sorted() {
            findings.broken.push(format!("{app:?} went back in time on its cluster"));
        }
    }
}

/// The texts of `<commit>:<path>` lines.
fn read_all(repository: &Path, wanted: &str) -> Result<Vec<String>> {
    let input = tempfile::NamedTempFile::new()?;
    std::fs::write(input.path(), wanted)?;
    let mut command = command(repository, &["cat-file", "--batch"]);
    command.stdin(std::fs::File::open(input.path())?);
    let output = command.output().context("cannot run git")?;
    let output = String::from_utf8(output.stdout)?;
    let (mut rest, mut texts) = (output.as_str(), Vec::new());
    while let Some((head, after)) = rest.split_once('\n') {
        let size: usize = head.rsplit(' ').next().unwrap_or_default().parse()?;
        texts.push(after.get(..size).context("git cat-file said too little")?.to_owned());
        rest = after.get(size + 1..).unwrap_or_default();
    }
    Ok(texts)
}

fn git(repository: &Path, arguments: &[&str]) -> Result<String> {
    let output = command(repository, arguments).output().context("cannot run git")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {} failed: {complaint}", arguments[0]);
    Ok(String::from_utf8(output.stdout)?)
}

fn command(repository: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(repository);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> AppName {
        AppName { environment: "prod".into(), app: "web".into() }
    }

    fn heads() -> Heads {
        let heads = [("one", true), ("two", false), ("three", true)];
        Heads::from([(app(), heads.map(|(sha, waited)| (sha.to_owned(), waited)).to_vec())])
    }

    fn findings_of(shas: &[&str]) -> Findings {
        let mut findings = Findings::default();
        judge_app(&app(), &heads()[&app()], shas, &mut findings);
        findings
    }

    #[test]
    fn a_head_that_was_pushed_over_may_be_missing_and_no_other() {
        assert!(findings_of(&["one", "three"]).lost.is_empty());
        assert_eq!(findings_of(&["one", "two"]).lost.len(), 1);
    }

    #[test]
    fn releases_in_another_order_than_the_pushes_are_found() {
        assert_eq!(findings_of(&["three", "one"]).broken.len(), 1);
        assert_eq!(findings_of(&["one", "four", "three"]).broken.len(), 1 + 1);
    }

    /// A gitops repository with these releases: the id, and the source commit.
    fn repository(releases: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "--quiet", "--bare", "--initial-branch=main"]).unwrap();
        let mut script = String::new();
        for (number, (id, sha)) in releases.iter().enumerate() {
            let message = format!("Release\n\nDeploy-Id: {id}\n");
            let record = format!(r#"{{"version": {{"sha": "{sha}"}}, "number": {number}}}"#);
            script += "commit refs/heads/main\ncommitter G <g@example.com> 1700000000 +0000\n";
            script += &format!("data {}\n{message}\n", message.len());
            script += "M 100644 inline web/release.json\n";
            script += &format!("data {}\n{record}\n", record.len());
        }
        let input = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(input.path(), script).unwrap();
        let mut import = command(folder.path(), &["fast-import", "--quiet"]);
        let import = import.stdin(std::fs::File::open(input.path()).unwrap());
        assert!(import.status().unwrap().success());
        folder
    }

    fn findings_in(releases: &[(&str, &str)]) -> Findings {
        let (folder, mut findings) = (repository(releases), Findings::default());
        judge_repository("prod", folder.path(), &heads(), &mut findings).unwrap();
        assert_eq!(findings.commits, releases.len());
        findings
    }

    #[test]
    fn a_repository_with_each_waited_release_once_is_in_order() {
        let found = findings_in(&[("rel_1", "one"), ("rel_3", "three")]);
        assert!(found.sentences().is_empty());
    }

    #[test]
    fn a_release_that_was_committed_twice_or_not_at_all_is_found_by_its_trailer() {
        let twice = findings_in(&[("rel_1", "one"), ("rel_1", "one"), ("rel_3", "three")]);
        assert_eq!(twice.doubled.len(), 2, "{twice:?}");
        let again = findings_in(&[("rel_1", "one"), ("rel_2", "one"), ("rel_3", "three")]);
        assert_eq!(again.doubled.len(), 1, "{again:?}");
        let missing = findings_in(&[("rel_1", "one")]);
        assert_eq!((missing.lost.len(), missing.doubled.len()), (1, 0), "{missing:?}");
    }

    #[test]
    fn an_effect_that_happened_twice_is_found_in_the_ledger() {
        let applied = |sha: &str| Effect::Applied {
            environment: "prod".into(),
            app: "web".into(),
            commit: "c".into(),
            sha: sha.into(),
        };
        let asked = || Effect::Requested { object: "apps".into(), command: "cmd_1".into() };
        let entries = |effects: Vec<Effect>| -> Vec<Entry> {
            effects.into_iter().map(|effect| Entry { at: 0, effect }).collect()
        };
        let mut good = Findings::default();
        judge_ledger(
            &entries(vec![asked(), applied("one"), applied("three")]),
            &heads(),
            &mut good,
        );
        assert!(good.lost.is_empty() && good.doubled.is_empty() && good.broken.is_empty());
        let mut bad = Findings::default();
        judge_ledger(
            &entries(vec![asked(), asked(), applied("three"), applied("one")]),
            &heads(),
            &mut bad,
        );
        assert_eq!((bad.doubled.len(), bad.lost.len(), bad.broken.len()), (1, 1, 1));
    }
}
