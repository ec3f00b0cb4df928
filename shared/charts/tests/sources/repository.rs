//! Helm repositories.

use std::time::Duration;

use gimlet_charts::{Digest, FetchError, Outcome, SourceKind};

use crate::hosts::{Answer, Host, serving};
use crate::support::*;

/// A repository with two versions of a chart: one by a relative address, one by a whole one.
fn files(port: u16) -> Vec<(&'static str, Vec<u8>)> {
    let (old, new) = (archive("web", "1.0.0"), archive("web", "1.2.0"));
    let index = format!(
        "apiVersion: v1\nentries:\n  web:\n  - version: 1.0.0\n    urls: [packed/web-1.0.0.tgz]\n    digest: {}\n  \
         - version: 1.2.0\n    urls: ['http://127.0.0.1:{port}/elsewhere/web-1.2.0.tgz']\n    digest: sha256:{}\n  \
         - version: 2.0.0-rc.1\n    urls: [gone.tgz]\n",
        Digest::of(&old).to_hex(),
        Digest::of(&new).to_hex(),
    );
    vec![
        ("/charts/index.yaml", index.into_bytes()),
        ("/charts/packed/web-1.0.0.tgz", old),
        ("/elsewhere/web-1.2.0.tgz", new),
    ]
}

async fn repository() -> Host {
    let host = Host::start(|_| Answer::status(404)).await;
    host.becomes(serving(&files(host.port)));
    host
}

#[tokio::test]
async fn the_version_that_is_asked_for_comes() {
    let (place, host) = (Place::new(), repository().await);
    let charts = place.charts();
    for (wanted, expected) in
        [("", "1.2.0"), ("1.0.0", "1.0.0"), ("~1.0", "1.0.0"), ("^1", "1.2.0")]
    {
        let source = in_repository(&host.url("/charts"), "web", wanted);
        let fetched = charts.fetch(&source, &anonymous()).await.unwrap();
        assert_eq!((fetched.version.as_str(), fetched.note), (expected, None), "{wanted}");
        assert_eq!(&*fetched.chart.metadata.name, "web");
        assert_eq!(fetched.digest, Digest::of(&archive("web", expected)));
    }
}

#[tokio::test]
async fn what_there_is_not_is_said_with_what_there_is() {
    let (place, host) = (Place::new(), repository().await);
    let charts = place.charts();
    let said = async |name: &str, version: &str| {
        let source = in_repository(&host.url("/charts"), name, version);
        told(&charts.fetch(&source, &anonymous()).await.unwrap_err())
    };
    let url = host.url("/charts/");
    assert_eq!(
        said("web", "~3").await,
        format!("chart web of {url} has no version \"~3\"; it has 2.0.0-rc.1, 1.2.0, 1.0.0")
    );
    assert_eq!(
        said("webs", "").await,
        format!("chart webs of {url} (there is web) was not found; check its name")
    );
    let source = in_repository(&host.url("/nowhere"), "web", "");
    let error = charts.fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn nothing_is_downloaded_twice() {
    let (place, host) = (Place::new(), repository().await);
    let source = in_repository(&host.url("/charts"), "web", "1.0.0");
    let charts = place.charts();
    charts.fetch(&source, &anonymous()).await.unwrap();
    assert_eq!(host.asked(), ["/charts/index.yaml", "/charts/packed/web-1.0.0.tgz"]);
    charts.fetch(&source, &anonymous()).await.unwrap();
    // Another program finds what this one kept.
    place.charts().fetch(&source, &anonymous()).await.unwrap();
    let requests = host.requests();
    assert!(requests.iter().all(|seen| seen.path == "/charts/index.yaml"), "{requests:?}");
    assert!(requests.iter().all(|seen| seen.headers.contains_key("if-none-match")));
    let counters = charts.counters();
    assert_eq!(counters.count(SourceKind::Repository, Outcome::Fetched), 1);
    assert_eq!(counters.count(SourceKind::Repository, Outcome::Cached), 1);
}

#[tokio::test]
async fn a_young_index_is_taken_for_true() {
    let (place, host) = (Place::new(), repository().await);
    let charts = place.with(|options| options.time_to_live = Duration::from_secs(600));
    for version in ["1.0.0", "1.2.0", "", "1.0.0"] {
        let source = in_repository(&host.url("/charts"), "web", version);
        charts.fetch(&source, &anonymous()).await.unwrap();
    }
    let asked = host.asked();
    assert_eq!(asked.iter().filter(|path| path.ends_with("index.yaml")).count(), 1, "{asked:?}");
}

#[tokio::test]
async fn many_who_want_one_thing_ask_once() {
    let (place, host) = (Place::new(), repository().await);
    let charts = place.charts();
    let source = in_repository(&host.url("/charts"), "web", "");
    let access = anonymous();
    let all = (0..20).map(|_| charts.fetch(&source, &access));
    let all = futures::future::join_all(all).await;
    assert!(all.iter().all(|fetched| fetched.as_ref().is_ok_and(|it| it.version == "1.2.0")));
    assert_eq!(host.asked().len(), 2);
}

#[tokio::test]
async fn what_was_fetched_stands_in_when_the_repository_is_away_and_says_so() {
    let (place, host) = (Place::new(), repository().await);
    let url = host.url("/charts");
    for version in ["1.0.0", "^1"] {
        let source = in_repository(&url, "web", version);
        place.charts().fetch(&source, &anonymous()).await.unwrap();
    }
    host.becomes(|_| Answer::status(503));
    let charts = place.charts();
    for (version, expected) in [("1.0.0", "1.0.0"), ("^1", "1.2.0")] {
        let source = in_repository(&url, "web", version);
        let fetched = charts.fetch(&source, &anonymous()).await.unwrap();
        assert_eq!(fetched.version, expected);
        let note = fetched.note.unwrap();
        assert!(note.starts_with("the repository's index of"), "{note}");
        assert!(note.contains("/charts/index.yaml cannot be reached"), "{note}");
    }
    assert_eq!(charts.counters().count(SourceKind::Repository, Outcome::WithoutSource), 2);
    drop(host);
    let source = in_repository(&url, "web", "1.0.0");
    assert!(place.charts().fetch(&source, &anonymous()).await.unwrap().note.is_some());
    // What never came does not stand in.
    let source = in_repository(&url, "web", "2.0.0-rc.1");
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(error.is_temporary() && told(&error).contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn a_repository_that_says_no_is_not_one_that_is_away() {
    let (place, host) = (Place::new(), repository().await);
    let source = in_repository(&host.url("/charts"), "web", "1.0.0");
    place.charts().fetch(&source, &anonymous()).await.unwrap();
    host.becomes(|_| Answer::status(403));
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::Denied { .. }), "{error}");
}

#[tokio::test]
async fn a_host_that_stumbles_is_asked_again() {
    let (place, host) = (Place::new(), repository().await);
    let files = serving(&files(host.port));
    let asked = std::sync::atomic::AtomicUsize::new(0);
    host.becomes(move |seen| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 2 {
        0 => Answer::status(502),
        _ => files(seen),
    });
    let charts = place.with(|options| options.retries = vec![Duration::from_millis(1)]);
    let source = in_repository(&host.url("/charts"), "web", "1.0.0");
    charts.fetch(&source, &anonymous()).await.unwrap();
}

#[tokio::test]
async fn an_archive_that_is_not_the_announced_one_is_refused_and_not_kept() {
    let (place, host) = (Place::new(), repository().await);
    let good = serving(&files(host.port));
    host.becomes(move |seen| match seen.path.ends_with("tgz") {
        true => Answer::ok(archive("web", "6.6.6")),
        false => good(seen),
    });
    let source = in_repository(&host.url("/charts"), "web", "1.0.0");
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::WrongDigest { .. }), "{error}");
    host.becomes(serving(&files(host.port)));
    let fetched = place.charts().fetch(&source, &anonymous()).await.unwrap();
    assert_eq!(fetched.version, "1.0.0");
}

#[tokio::test]
async fn a_republished_version_replaces_the_kept_one() {
    let (place, host) = (Place::new(), repository().await);
    let source = in_repository(&host.url("/charts"), "web", "1.0.0");
    let first = place.charts().fetch(&source, &anonymous()).await.unwrap();
    let again = archive("web", "1.0.0+again");
    let index = format!(
        "entries:\n  web:\n  - {{version: 1.0.0, urls: [packed/web-1.0.0.tgz], digest: {}}}\n",
        Digest::of(&again).to_hex()
    );
    let files =
        [("/charts/index.yaml", index.into_bytes()), ("/charts/packed/web-1.0.0.tgz", again)];
    host.becomes(serving(&files));
    let second = place.charts().fetch(&source, &anonymous()).await.unwrap();
    assert_ne!(first.digest, second.digest);
}

#[tokio::test]
async fn a_version_that_was_superseded_does_not_stand_in_for_the_announced_one() {
    let (place, host) = (Place::new(), repository().await);
    let source = in_repository(&host.url("/charts"), "web", "1.0.0");
    place.charts().fetch(&source, &anonymous()).await.unwrap();
    for (digest, stands_in) in [(Digest::of(b"new").to_string(), false), (String::new(), true)] {
        let index = format!(
            "entries:\n  web:\n  - {{version: 1.0.0, urls: [gone.tgz], digest: '{digest}'}}\n"
        );
        host.becomes(move |seen| match seen.path.ends_with("index.yaml") {
            true => Answer::ok(index.clone()),
            false => Answer::status(503),
        });
        let fetched = place.charts().fetch(&source, &anonymous()).await;
        assert_eq!(fetched.is_ok_and(|it| it.note.is_some()), stands_in, "{digest:?}");
    }
}

#[tokio::test]
async fn a_damaged_cache_is_filled_again() {
    let (place, host) = (Place::new(), repository().await);
    let source = in_repository(&host.url("/charts"), "web", "1.0.0");
    let fetched = place.charts().fetch(&source, &anonymous()).await.unwrap();
    let kept = place.path().join("cache/sha256").join(fetched.digest.to_hex());
    let whole = std::fs::read(&kept).unwrap();
    std::fs::write(&kept, &whole[..whole.len() / 2]).unwrap();
    host.asked();
    let again = place.charts().fetch(&source, &anonymous()).await.unwrap();
    assert_eq!((again.digest, again.note), (fetched.digest, None));
    assert!(host.asked().iter().any(|path| path.ends_with("tgz")));
    assert_eq!(std::fs::read(&kept).unwrap(), whole);
}

#[tokio::test]
async fn what_is_no_index_is_said_to_be_none() {
    let place = Place::new();
    for text in
        ["<html>not found</html>", "entries: [a, b]", "entries: {web: [{version: [1]}]}", ""]
    {
        let host = Host::of(&[("/index.yaml", text.into())]).await;
        let source = in_repository(&host.url(""), "web", "");
        let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
        let error = told(&error);
        assert!(
            error.contains("it is no index of charts") || error.contains("was not found"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_one_organization_may_read_is_not_found_by_another() {
    let (place, host) = (Place::new(), Host::start(|_| Answer::status(404)).await);
    let open = serving(&files(host.port));
    host.becomes(move |seen| match seen.authorization {
        Some(_) => open(seen),
        None => Answer::status(401),
    });
    let charts = place.with(|options| options.time_to_live = Duration::from_secs(600));
    let source = in_repository(&host.url("/charts"), "web", "1.0.0");
    charts.fetch(&source, &member("acme")).await.unwrap();
    let error = charts.fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::Denied { .. }), "{error}");
    told(&error);
    // Nor when the host is away.
    host.becomes(|_| Answer::status(503));
    let error = charts.fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    let error = charts.fetch(&source, &member("other")).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert!(charts.fetch(&source, &member("acme")).await.is_ok());
}

#[tokio::test]
async fn the_cache_holds_no_credentials() {
    let (place, host) = (Place::new(), repository().await);
    let source = in_repository(&host.url("/charts"), "web", "1.0.0");
    place.charts().fetch(&source, &member("acme")).await.unwrap();
    for folder in ["records", "sha256"] {
        for entry in std::fs::read_dir(place.path().join("cache").join(folder)).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let encoded = b"Ym90OmNhbmFyeS1zZWNyZXQ".as_slice();
            for secret in [SECRET.as_bytes(), encoded] {
                assert!(!bytes.windows(secret.len()).any(|it| it == secret));
            }
        }
    }
}
