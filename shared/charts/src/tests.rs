use super::*;
use gimlet_helm::{
    Settings,
    chart::{
        capabilities::Capabilities,
        overrides::Overrides,
        render::{Release, render},
    },
};
use gimlet_manifest::{BuiltInChart, GitReference, GitSource, GitTransport};

fn built_in(chart: BuiltInChart, version: &str) -> ChartSource {
    ChartSource::BuiltIn { chart, version: version.to_owned() }
}

fn of_one_chart(name: &str) -> ChartSource {
    ChartSource::Repository {
        url: "https://chart.onechart.dev".to_owned(),
        name: name.to_owned(),
        version: "0.74.0".to_owned(),
    }
}

/// What a chart prints with these values.
fn printed(chart: &Arc<Chart>, values: &str) -> String {
    let values = Overrides {
        files: vec![("values".to_owned(), values.as_bytes().to_vec())],
        ..Overrides::default()
    };
    let release = Release {
        name: "shop".to_owned(),
        namespace: "shop".to_owned(),
        is_upgrade: false,
        capabilities: Capabilities::assumed(DIALECT),
        skip_schema: false,
    };
    let settings = Settings {
        dialect: DIALECT,
        seed: [0; 32],
        now: 0,
        limits: gimlet_helm::Limits::default(),
    };
    let values = values.merge(DIALECT, &|_| Err("none".to_owned())).unwrap();
    let rendered = render(chart, &values, &release, &settings).unwrap();
    rendered.documents.iter().map(|document| document.text.as_str()).collect()
}

#[test]
fn every_chart_that_manifests_can_name_is_carried_and_renders() {
    for name in BuiltInChart::NAMES {
        let chart = BuiltInChart::from_name(name).unwrap();
        let found = find(&built_in(chart, "")).unwrap();
        assert_eq!(*found.chart.metadata.name, *chart.folder());
        assert_eq!(found.note, None);
        let text =
            printed(&found.chart, "gitCloneUrl: https://git.example.com/a/b.git\ngitSha: abc\n");
        assert!(text.contains("image:"), "{name}: {text}");
    }
}

#[test]
fn a_version_that_is_not_carried_is_an_error_with_the_one_that_is() {
    let chart = BuiltInChart::WebApplication;
    let carried = find(&built_in(chart, "")).unwrap().chart.metadata.version.to_string();
    assert!(find(&built_in(chart, &carried)).is_ok());
    let error = find(&built_in(chart, "^99.1")).unwrap_err().to_string();
    assert!(error.contains(&carried) && error.contains("`^99.1`"), "{error}");
}

#[test]
fn one_chart_s_charts_have_stand_ins_that_do_what_those_did() {
    let own = find(&built_in(BuiltInChart::WebApplication, "")).unwrap().chart;
    assert!(printed(&own, "").contains("runAsNonRoot: true"));
    for source in [of_one_chart("onechart"), built_in(BuiltInChart::OneChart, "0.70.0")] {
        let chart = find(&source).unwrap().chart;
        let text = printed(&chart, "");
        assert!(text.contains("app.kubernetes.io/name: onechart"), "{text}");
        assert!(text.contains("nginx:latest") && !text.contains("runAsNonRoot: true"), "{text}");
        assert!(printed(&chart, "image: {repository: ours, tag: v1}").contains("ours:v1"));
    }
    for name in ["onechart", "cron-job", "static-site"] {
        let note = find(&of_one_chart(name)).unwrap().note.unwrap();
        assert!(note.contains(name) && note.contains("0.74.0"), "{note}");
    }
}

#[test]
fn what_lies_elsewhere_is_named_with_what_to_do() {
    let git = GitSource {
        url: "https://git.example.com/a/b.git".to_owned(),
        transport: GitTransport::Http,
        reference: GitReference::DefaultBranch,
        path: String::new(),
    };
    let other = ChartSource::Repository {
        url: "https://charts.example.com".to_owned(),
        name: "web".to_owned(),
        version: String::new(),
    };
    for source in [other, of_one_chart("nothing"), ChartSource::Git(git)] {
        let error = find(&source).unwrap_err().to_string();
        assert!(error.contains(&source.to_string()) && error.contains("built-in"), "{error}");
    }
}

#[test]
fn folders_are_read_for_the_command_line_alone() {
    let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts");
    let source = ChartSource::Folder { path: "./web-application".to_owned() };
    assert!(matches!(find(&source), Err(ChartFault::Folder { .. })));
    let found = find_locally(&source, &charts).unwrap();
    assert_eq!(*found.chart.metadata.name, *"web-application");
    let gone = ChartSource::Folder { path: "./nothing".to_owned() };
    assert!(matches!(find_locally(&gone, &charts), Err(ChartFault::Unreadable { .. })));
}
