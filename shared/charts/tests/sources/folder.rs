//! Charts of this machine.

use gimlet_charts::{ChartSource, Digest, FetchError, Policy};

use crate::support::*;

fn folder(path: &std::path::Path) -> ChartSource {
    ChartSource::Folder { path: path.display().to_string() }
}

#[tokio::test]
async fn a_person_has_folders_and_archives_and_a_server_has_none() {
    let place = Place::new();
    let chart = place.path().join("web");
    std::fs::create_dir_all(chart.join("templates")).unwrap();
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: web\nversion: 0.1.0\n")
        .unwrap();
    std::fs::write(chart.join("templates/a.yaml"), "a: 1\n").unwrap();
    let packed = place.path().join("web.tgz");
    std::fs::write(&packed, archive("web", "0.2.0")).unwrap();

    let charts = place.charts();
    let first = charts.fetch(&folder(&chart), &anonymous()).await.unwrap();
    assert_eq!((first.version.as_str(), first.chart.templates.len()), ("0.1.0", 1));
    let archived = charts.fetch(&folder(&packed), &anonymous()).await.unwrap();
    assert_eq!(archived.digest, Digest::of(&std::fs::read(&packed).unwrap()));

    std::fs::write(chart.join("templates/a.yaml"), "a: 2\n").unwrap();
    let second = charts.fetch(&folder(&chart), &anonymous()).await.unwrap();
    assert_ne!(first.digest, second.digest);

    let server = place.with(|options| options.policy = Policy::server([]));
    for path in [&chart, &packed, &place.path().join("absent")] {
        let error = server.fetch(&folder(path), &anonymous()).await.unwrap_err();
        assert!(matches!(error, FetchError::NotAllowed { .. }), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_chart_is_said_to_be_none() {
    let place = Place::new();
    let charts = place.charts();
    let error =
        charts.fetch(&folder(&place.path().join("absent")), &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotFound { .. }), "{error}");
    let error = charts.fetch(&folder(place.path()), &anonymous()).await.unwrap_err();
    assert!(told(&error).contains("Chart.yaml file is missing"), "{error}");
    let error = charts.fetch(&folder("/dev/zero".as_ref()), &anonymous()).await.unwrap_err();
    assert!(told(&error).contains("neither a folder nor a file"), "{error}");
}
