//! Where charts come from, in every form.

use super::*;

fn read(repository: &str, name: &str, version: &str) -> ChartSource {
    ChartSource::read(repository, name, version).unwrap_or_else(|fault| panic!("{name}: {fault:?}"))
}

fn git(name: &str) -> GitSource {
    match read("", name, "") {
        ChartSource::Git(git) => git,
        other => panic!("{name}: {other:?}"),
    }
}

fn refused(repository: &str, name: &str, version: &str, field: &str, part: &str) {
    match ChartSource::read(repository, name, version) {
        Ok(source) => panic!("{repository} {name} {version}: {source:?}"),
        Err(fault) => {
            assert_eq!(fault.field, field, "{fault:?}");
            assert!(fault.message.contains(part), "{fault:?} should say {part:?}");
        }
    }
}

#[test]
fn a_helm_repository_has_a_url_a_name_and_a_version() {
    for version in ["", "0.74.0", "^0.74", ">=1.0 <2.0", "0.x"] {
        let url = "https://chart.onechart.dev".to_owned();
        let (name, version) = ("onechart".to_owned(), version.to_owned());
        let read = read("https://chart.onechart.dev/", &name, &version);
        assert_eq!(read, ChartSource::Repository { url, name, version });
    }
}

#[test]
fn a_chart_in_git_has_a_commit_and_a_folder() {
    use GitReference::{Branch, Commit, DefaultBranch, Tag};
    let base = "https://git.test/o/r.git";
    for (query, reference, path) in [
        ("", DefaultBranch, ""),
        ("?path=/charts/x/", DefaultBranch, "charts/x"),
        ("?path=charts/x", DefaultBranch, "charts/x"),
        ("?path=/", DefaultBranch, ""),
        ("?sha=ABCDEF1234&path=/c/", Commit("abcdef1234".to_owned()), "c"),
        ("?tag=v1.0", Tag("v1.0".to_owned()), ""),
        ("?branch=feature/x", Branch("feature/x".to_owned()), ""),
        ("?branch=feature%2Fx&path=a%20b", Branch("feature/x".to_owned()), "a b"),
    ] {
        let read = git(&format!("{base}{query}"));
        assert_eq!((read.url.as_str(), read.path.as_str()), (base, path), "{query}");
        assert_eq!((read.reference, read.transport), (reference, GitTransport::Http), "{query}");
    }
    let read = git("git@git.test:o/r.git?tag=v1");
    assert_eq!((read.url.as_str(), read.transport), ("git@git.test:o/r.git", GitTransport::Ssh));
}

#[test]
fn a_url_that_does_not_end_in_git_is_no_git_repository() {
    refused("", "https://a.github.io/x.tgz", "", "name", "ends in `.git`");
    refused("", "https://a.github.io/charts", "", "name", "ends in `.git`");
}

#[test]
fn what_git_would_not_understand_is_refused() {
    let base = "https://git.test/o/r.git";
    for (query, part) in [
        ("?sha=abcdef1&branch=main", "names a `sha` and a `branch`"),
        ("?tag=a&tag=b", "names a `tag` and a `tag`"),
        ("?path=a&path=b", "`path` twice"),
        ("?path=../x", "leads out"),
        ("?path=a/../../x", "leads out"),
        ("?path=%2e%2e/x", "leads out"),
        ("?path=.git/hooks", "git's own"),
        ("?sha=main", "is no hash"),
        ("?branch=", "is no name in git"),
        ("?branch=--upload-pack=x", "is no name in git"),
        ("?tag=a..b", "is no name in git"),
        ("?ref=main", "none of `sha`, `tag`, `branch`, `path`"),
        ("?path=%ff", "UTF-8"),
        ("?path=a%0ab", "control characters"),
    ] {
        refused("", &format!("{base}{query}"), "", "name", part);
    }
    refused("", "https:///r.git", "", "name", "names no host");
    refused("", "git@-oProxyCommand=x:o/r.git", "", "name", "git@host:owner/name.git");
    refused("", "git@git.test:o/r", "", "name", "git@host:owner/name.git");
}

#[test]
fn a_chart_in_a_registry_has_its_version_beside_it() {
    let oci = |url: &str| ChartSource::Oci { url: url.to_owned(), version: "1.2.3".to_owned() };
    assert_eq!(read("", "oci://reg.test/charts/web", "1.2.3"), oci("oci://reg.test/charts/web"));
    assert_eq!(read("oci://reg.test/charts", "web", "1.2.3"), oci("oci://reg.test/charts/web"));
    refused("", "oci://reg.test", "", "name", "names no chart");
    refused("", "oci://reg.test/web:1.0", "", "name", "write it in `version`");
}

#[test]
fn a_folder_is_written_with_a_dot_or_a_slash() {
    for path in ["./charts/x", "../x", "/charts/x", "."] {
        assert_eq!(read("", path, ""), ChartSource::Folder { path: path.to_owned() });
    }
}

#[test]
fn charts_without_a_repository_are_built_in() {
    for (name, chart, folder) in [
        ("onechart", BuiltInChart::OneChart, "web-application"),
        ("web-application", BuiltInChart::WebApplication, "web-application"),
        ("cron-job", BuiltInChart::CronJob, "cron-job"),
        ("static-site", BuiltInChart::StaticSite, "static-site"),
    ] {
        assert_eq!(read("", name, ""), ChartSource::BuiltIn { chart, version: String::new() });
        assert_eq!(chart.folder(), folder);
    }
    refused(
        "",
        "postgresql",
        "",
        "name",
        "`onechart`, `web-application`, `cron-job`, `static-site`",
    );
}

#[test]
fn other_fields_are_checked_too() {
    refused("ftp://x", "web", "", "repository", "no URL of a Helm repository");
    refused("https://", "web", "", "repository", "no URL of a Helm repository");
    refused("https://x", "../web", "", "name", "no name of a chart");
    refused("https://x", "web", "newest", "version", "neither a version nor a range");
    refused("https://x y", "web", "", "repository", "white space");
    refused("", "one\nchart", "", "name", "white space");
}

#[test]
fn every_built_in_chart_lies_in_its_folder() {
    let charts = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts");
    for name in BuiltInChart::NAMES {
        let folder = BuiltInChart::from_name(name).unwrap().folder();
        assert!(charts.join(folder).join("Chart.yaml").is_file(), "{name} in {folder}");
    }
}
