//! Charts of git repositories.

use std::path::Path;
use std::time::Duration;

use gimlet_charts::{
    ChartSource, FetchError, GitReference, GitSource, GitTransport, Outcome, Policy, SourceKind,
};

use crate::git_host::{GitHost, git};
use crate::hosts::Answer;
use crate::support::*;

const HEAD: &str = "apiVersion: v2\nname: web\nversion: 0.1.0\n";

fn at(url: &str, reference: GitReference, path: &str) -> ChartSource {
    ChartSource::Git(GitSource {
        url: url.into(),
        transport: GitTransport::Http,
        reference,
        path: path.into(),
    })
}

fn branch(url: &str, name: &str) -> ChartSource {
    at(url, GitReference::Branch(name.into()), "charts/web")
}

async fn host(place: &Place) -> (GitHost, String) {
    let host = GitHost::start(place.path()).await;
    let files = [
        ("charts/web/Chart.yaml", HEAD),
        ("charts/web/templates/a.yaml", "a: 1\n"),
        ("charts/web/.helmignore", "ci/\n"),
        ("charts/web/ci/values.yaml", "x: y\n"),
        ("README.md", "not of the chart\n"),
    ];
    let commit = host.push("r", "main", &files);
    (host, commit)
}

#[tokio::test]
async fn every_kind_of_reference_leads_to_its_commit() {
    let place = Place::new();
    let (host, first) = host(&place).await;
    git(&host.work("r"), &["tag", "-a", "-m", "one", "v1"]);
    host.push_ref("r", "refs/tags/v1");
    let second = host.push("r", "next", &[("charts/web/templates/a.yaml", "a: 2\n")]);
    let charts = place.charts();
    for (reference, commit) in [
        (GitReference::DefaultBranch, &first),
        (GitReference::Branch("main".into()), &first),
        (GitReference::Branch("next".into()), &second),
        (GitReference::Tag("v1".into()), &first),
        (GitReference::Commit(first.clone()), &first),
        (GitReference::Commit(second[..10].to_owned()), &second),
    ] {
        let source = at(&host.url("r"), reference, "charts/web");
        let fetched = charts.fetch(&source, &anonymous()).await.unwrap();
        assert_eq!(fetched.revision.as_ref(), Some(commit), "{source:?}");
        assert_eq!(fetched.version, "0.1.0");
        assert_eq!(fetched.chart.templates.len(), 1);
        let names: Vec<&str> = fetched.chart.files.iter().map(|file| &*file.path).collect();
        assert_eq!(names, [".helmignore"]);
    }
}

#[tokio::test]
async fn a_commit_that_no_branch_ends_with_is_fetched() {
    let place = Place::new();
    let (host, first) = host(&place).await;
    host.push("r", "main", &[("charts/web/templates/a.yaml", "a: 2\n")]);
    let source = at(&host.url("r"), GitReference::Commit(first.clone()), "charts/web");
    let fetched = place.charts().fetch(&source, &anonymous()).await.unwrap();
    assert_eq!(fetched.revision, Some(first));
    assert_eq!(&*fetched.chart.templates[0].data, b"a: 1\n");
}

#[tokio::test]
async fn a_branch_is_followed_and_a_commit_is_kept() {
    let place = Place::new();
    let (host, first) = host(&place).await;
    let charts = place.charts();
    let (moving, fixed) = (
        branch(&host.url("r"), "main"),
        at(&host.url("r"), GitReference::Commit(first.clone()), "charts/web"),
    );
    charts.fetch(&moving, &anonymous()).await.unwrap();
    host.host.asked();
    charts.fetch(&fixed, &anonymous()).await.unwrap();
    assert!(host.host.asked().is_empty());
    let second = host.push("r", "main", &[("charts/web/templates/a.yaml", "a: 2\n")]);
    let fetched = charts.fetch(&moving, &anonymous()).await.unwrap();
    assert_eq!(fetched.revision, Some(second));
    assert_eq!(&*fetched.chart.templates[0].data, b"a: 2\n");
    // Another program finds the commit where it was kept.
    let other = place.charts();
    other.fetch(&fixed, &anonymous()).await.unwrap();
    assert_eq!(other.counters().count(SourceKind::Git, Outcome::Cached), 1);
    // So does one with the beginning of its name, the second time.
    let short = at(&host.url("r"), GitReference::Commit(first[..9].to_owned()), "charts/web");
    other.fetch(&short, &anonymous()).await.unwrap();
    host.host.asked();
    assert_eq!(other.fetch(&short, &anonymous()).await.unwrap().revision, Some(first));
    assert!(host.host.asked().is_empty());
    // One that trusts does not ask within a minute.
    host.host.asked();
    let trusting = place.with(|options| options.time_to_live = Duration::from_secs(600));
    trusting.fetch(&moving, &anonymous()).await.unwrap();
    assert!(host.host.asked().is_empty());
}

#[tokio::test]
async fn files_come_as_they_were_committed_and_nothing_is_left_behind() {
    let place = Place::new();
    let (host, _) = host(&place).await;
    let attributes =
        "* text eol=crlf ident export-subst\nsecret.txt export-ignore\n* filter=evil\n";
    let files = [
        (".gitattributes", attributes),
        ("charts/web/.gitattributes", attributes),
        ("charts/web/secret.txt", "$Format:%H$ $Id$\n"),
    ];
    host.push("r", "attributes", &files);
    let source = branch(&host.url("r"), "attributes");
    let fetched = place.charts().fetch(&source, &anonymous()).await.unwrap();
    let file = fetched.chart.files.iter().find(|file| &*file.path == "secret.txt").unwrap();
    assert_eq!(&*file.data, b"$Format:%H$ $Id$\n");
    assert_eq!(&*fetched.chart.templates[0].data, b"a: 1\n");
    let drafts = place.path().join("cache/drafts");
    assert_eq!(std::fs::read_dir(drafts).unwrap().count(), 0);
}

#[tokio::test]
async fn links_and_submodules_are_refused() {
    let place = Place::new();
    let (host, first) = host(&place).await;
    let link = host.work("r").join("charts/web/values.yaml");
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    host.commit("r", "main");
    let source = branch(&host.url("r"), "main");
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(told(&error).contains("values.yaml is a link"), "{error}");

    // The folder itself, by a link.
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("charts", host.work("r").join("linked")).unwrap();
    host.commit("r", "main");
    let source = at(&host.url("r"), GitReference::Branch("main".into()), "linked/web");
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotFound { .. }), "{error}");

    let entry = format!("160000,{first},charts/web/charts");
    git(&host.work("r"), &["update-index", "--add", "--cacheinfo", &entry]);
    git(&host.work("r"), &["commit", "-q", "-m", "a submodule"]);
    host.push_ref("r", "refs/heads/main");
    let error =
        place.charts().fetch(&branch(&host.url("r"), "main"), &anonymous()).await.unwrap_err();
    assert!(told(&error).contains("is a submodule"), "{error}");
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let place = Place::new();
    let (host, _) = host(&place).await;
    let charts = place.charts();
    let url = host.url("r");
    let said =
        async |source: ChartSource| told(&charts.fetch(&source, &anonymous()).await.unwrap_err());
    assert_eq!(
        said(branch(&url, "absent")).await,
        format!("absent of {url} was not found; check its name")
    );
    let tag = at(&url, GitReference::Tag("v9".into()), "charts/web");
    assert_eq!(said(tag).await, format!("tags/v9 of {url} was not found; check its name"));
    let commit = at(&url, GitReference::Commit("0".repeat(40)), "charts/web");
    assert!(said(commit).await.contains("was not found"));
    let path = at(&url, GitReference::DefaultBranch, "charts/absent");
    assert!(said(path).await.starts_with("the folder /charts/absent of"));
    let file = at(&url, GitReference::DefaultBranch, "README.md");
    assert!(said(file).await.contains("was not found"));
    let no_chart = at(&url, GitReference::DefaultBranch, "charts");
    assert!(said(no_chart).await.contains("Chart.yaml file is missing"));
    assert!(said(branch(&host.url("absent"), "main")).await.contains("was not found"));
    let outside = at(&url, GitReference::DefaultBranch, "charts/../../x");
    assert!(said(outside).await.contains("is a folder of the repository"));
}

#[tokio::test]
async fn a_commit_stands_in_while_its_host_is_away() {
    let place = Place::new();
    let (host, first) = host(&place).await;
    let source = branch(&host.url("r"), "main");
    place.charts().fetch(&source, &anonymous()).await.unwrap();
    host.host.becomes(|_| Answer::status(503));
    let fetched = place.charts().fetch(&source, &anonymous()).await.unwrap();
    assert_eq!(fetched.revision, Some(first));
    assert!(fetched.note.unwrap().starts_with("the commit of"));
    let error = place.charts().fetch(&branch(&host.url("r"), "other"), &anonymous()).await;
    assert!(error.unwrap_err().is_temporary());
}

#[tokio::test]
async fn credentials_reach_the_host_and_nobody_else() {
    let place = Place::new();
    let (host, _) = host(&place).await;
    let root = place.path().join("repositories");
    host.host.becomes(move |seen| match seen.authorization.as_deref() {
        Some("Basic Ym90OmNhbmFyeS1zZWNyZXQ=") => crate::git_host::backend(&root, seen),
        _ => Answer::status(401).header("WWW-Authenticate", "Basic realm=git"),
    });
    let source = branch(&host.url("r"), "main");
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(told(&error).contains("refused access"), "{error}");
    place.charts().fetch(&source, &member("acme")).await.unwrap();
    // What was opened by them stays theirs.
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(told(&error).contains("refused access"), "{error}");

    let thief = crate::hosts::Host::start(|_| Answer::status(404)).await;
    let there = thief.url("");
    host.host.becomes(move |seen| Answer::redirect(format!("{there}{}", seen.path)));
    let error = place.charts().fetch(&source, &member("acme")).await.unwrap_err();
    assert!(told(&error).contains("redirects elsewhere"), "{error}");
    assert!(thief.asked().is_empty());
}

#[tokio::test]
async fn a_server_clones_nothing_of_its_own_network_and_nothing_over_ssh() {
    let place = Place::new();
    let (host, _) = host(&place).await;
    let server = place.with(|options| options.policy = Policy::server([]));
    for url in [host.url("r"), format!("http://localhost:{}/r.git", host.host.port)] {
        let error = server.fetch(&branch(&url, "main"), &anonymous()).await.unwrap_err();
        assert!(matches!(error, FetchError::NotAllowed { .. }), "{error}");
    }
    let path = place.path().join("repositories/r.git");
    let local = format!("file://{}", path.display());
    let error = server.fetch(&branch(&local, "main"), &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotAllowed { .. }), "{error}");
    assert!(place.charts().fetch(&branch(&local, "main"), &anonymous()).await.is_ok());
    let ssh = ChartSource::Git(GitSource {
        url: "git@github.com:o/r.git".into(),
        transport: GitTransport::Ssh,
        reference: GitReference::DefaultBranch,
        path: String::new(),
    });
    let error = server.fetch(&ssh, &anonymous()).await.unwrap_err();
    assert!(told(&error).contains("a server has no ssh keys"), "{error}");
    assert!(host.host.asked().is_empty());
    let allowed = place.with(|options| options.policy = Policy::server(["localhost".to_owned()]));
    let url = format!("http://localhost:{}/r.git", host.host.port);
    assert!(allowed.fetch(&branch(&url, "main"), &anonymous()).await.is_ok());
}

/// A program that stands in for ssh, and hands what it is asked to git on this machine.
fn stand_in(place: &Place) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = place.path().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let root = place.path().join("repositories");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" > {}/asked\nfor last; do :; done\ncd {} && exec sh -c \"$last\"\n",
        folder.display(),
        root.display()
    );
    write_program(&folder.join("ssh"), &script);
    let git = format!("#!/bin/sh\nPATH={}:$PATH exec /usr/bin/env git \"$@\"\n", folder.display());
    let program = folder.join("with-ssh");
    write_program(&program, &git);
    return program;

    fn write_program(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn a_person_uses_ssh_which_asks_nothing() {
    let place = Place::new();
    let (_host, first) = host(&place).await;
    let program = stand_in(&place);
    let charts = place.with(|options| options.git = options.git.clone().with_program(program));
    let source = ChartSource::Git(GitSource {
        url: "git@git.example.com:r.git".into(),
        transport: GitTransport::Ssh,
        reference: GitReference::Branch("main".into()),
        path: "charts/web".into(),
    });
    let fetched = charts.fetch(&source, &anonymous()).await.unwrap();
    assert_eq!(fetched.revision, Some(first));
    let asked = std::fs::read_to_string(place.path().join("bin/asked")).unwrap();
    assert!(asked.contains("BatchMode=yes") && asked.contains("git@git.example.com"), "{asked}");
}
