//! A registry by a script, which speaks the distribution specification to the letter.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gimlet_charts::{Access, Auth, ChartSource, Digest, FetchError, Policy};
use serde_json::json;

use crate::hosts::{Answer, Host, Seen};
use crate::support::*;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn chart(host: &Host, version: &str) -> ChartSource {
    ChartSource::Oci {
        url: format!("oci://127.0.0.1:{}/acme/web", host.port),
        version: version.into(),
    }
}

fn manifest(config: &str, layer: &str, archive: &[u8]) -> Vec<u8> {
    let digest = Digest::of(archive).to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": config, "digest": Digest::of(b"{}").to_string(), "size": 2},
        "layers": [
            {"mediaType": "application/vnd.cncf.helm.chart.provenance.v1.prov", "digest": Digest::of(b"p").to_string(), "size": 1},
            {"mediaType": layer, "digest": digest, "size": archive.len()},
        ],
    });
    manifest.to_string().into_bytes()
}

fn helm(archive: &[u8]) -> Vec<u8> {
    manifest(
        "application/vnd.cncf.helm.config.v1+json",
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
        archive,
    )
}

/// The repository `acme/web`: its versions, and pages of two tags each.
fn registry(versions: &'static [&'static str]) -> impl Fn(&Seen) -> Answer + Send + Sync {
    let error = |status: u16, code: &str| {
        let body = json!({"errors": [{"code": code, "message": "canary"}]}).to_string();
        Answer { body: body.into_bytes(), ..Answer::status(status) }
    };
    move |seen| {
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        let Some(rest) = path.strip_prefix("/v2/acme/web/") else {
            return error(404, "NAME_UNKNOWN");
        };
        if rest == "tags/list" {
            let start = query.split('&').find_map(|pair| pair.strip_prefix("last="));
            let tags: Vec<String> = versions.iter().map(|it| it.replace('+', "_")).collect();
            let from = start.map_or(0, |last| tags.iter().position(|it| it == last).unwrap() + 1);
            let page: Vec<&String> = tags[from..].iter().take(2).collect();
            let answer = Answer::ok(json!({"name": "acme/web", "tags": page}).to_string());
            return match page.last() {
                Some(last) if from + 2 < tags.len() => answer.header(
                    "Link",
                    format!("</v2/acme/web/tags/list?n=2&last={last}>; rel=\"next\""),
                ),
                _ => answer,
            };
        }
        if let Some(tag) = rest.strip_prefix("manifests/") {
            let accepts = seen.headers.get("accept").is_some_and(|it| it.contains(MANIFEST));
            let version = versions.iter().find(|it| it.replace('+', "_") == tag);
            return match version {
                Some(version) if accepts => {
                    Answer::ok(helm(&archive("web", version))).header("Content-Type", MANIFEST)
                }
                _ => error(404, "MANIFEST_UNKNOWN"),
            };
        }
        let digest = rest.strip_prefix("blobs/").unwrap_or_default();
        let archives = versions.iter().map(|version| archive("web", version));
        match archives.into_iter().find(|it| Digest::of(it).to_string() == digest) {
            Some(archive) => Answer::ok(archive),
            None => error(404, "BLOB_UNKNOWN"),
        }
    }
}

const VERSIONS: &[&str] = &["latest", "1.0.0", "1.1.0", "1.2.0+build.7", "2.0.0-rc.1", "1.0.1"];

#[tokio::test]
async fn versions_and_ranges_are_found_among_the_tags() {
    let (place, host) = (Place::new(), Host::start(registry(VERSIONS)).await);
    for (wanted, expected) in [
        ("1.0.0", "1.0.0"),
        ("1.2.0+build.7", "1.2.0+build.7"),
        ("~1.0", "1.0.1"),
        ("", "1.2.0+build.7"),
        (">=2.0.0-0", "2.0.0-rc.1"),
    ] {
        let fetched = place.charts().fetch(&chart(&host, wanted), &anonymous()).await.unwrap();
        assert_eq!(fetched.version, expected, "{wanted}");
        assert_eq!(fetched.digest, Digest::of(&archive("web", expected)));
        let revision = Digest::of(&helm(&archive("web", expected))).to_string();
        assert_eq!(fetched.revision, Some(revision));
    }
    let error = place.charts().fetch(&chart(&host, "^9"), &anonymous()).await.unwrap_err();
    assert!(told(&error).contains("it has 2.0.0-rc.1, 1.2.0+build.7"), "{error}");
    let error = place.charts().fetch(&chart(&host, "3.0.0"), &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotFound { .. }), "{error}");
    told(&error);
}

#[tokio::test]
async fn an_archive_is_downloaded_once() {
    let (place, host) = (Place::new(), Host::start(registry(VERSIONS)).await);
    place.charts().fetch(&chart(&host, "1.0.0"), &anonymous()).await.unwrap();
    assert_eq!(host.asked().len(), 2);
    place.charts().fetch(&chart(&host, "1.0.0"), &anonymous()).await.unwrap();
    assert_eq!(host.asked(), ["/v2/acme/web/manifests/1.0.0"]);
    let trusting = place.with(|options| options.time_to_live = Duration::from_secs(600));
    trusting.fetch(&chart(&host, "1.0.0"), &anonymous()).await.unwrap();
    assert!(host.asked().is_empty());
}

#[tokio::test]
async fn a_token_is_had_where_the_registry_says_and_used_there_only() {
    let place = Place::new();
    let storage = Host::start(|_| Answer::status(404)).await;
    let issuer = Host::start(|seen| match seen.authorization.as_deref() {
        Some("Basic Ym90OmNhbmFyeS1zZWNyZXQ=") => Answer::ok(r#"{"access_token": "issued"}"#),
        Some(_) => Answer::status(401),
        None => Answer::ok(r#"{"token": "stranger"}"#),
    })
    .await;
    let (open, realm, elsewhere) = (registry(VERSIONS), issuer.url("/token"), storage.url(""));
    let host = Host::start(move |seen| match seen.authorization.as_deref() {
        Some("Bearer issued") if seen.path.contains("/blobs/") => {
            Answer::redirect(format!("{elsewhere}{}", seen.path))
        }
        Some("Bearer issued") => open(seen),
        Some("Bearer stranger") => Answer::status(403),
        _ => Answer::status(401).header(
            "WWW-Authenticate",
            format!(
                "Bearer realm=\"{realm}\",service=\"registry\",scope=\"repository:acme/web:pull\""
            ),
        ),
    })
    .await;
    storage.becomes(registry(VERSIONS));

    let fetched = place.charts().fetch(&chart(&host, "1.0.0"), &member("acme")).await.unwrap();
    assert_eq!(fetched.version, "1.0.0");
    let asked = issuer.requests();
    assert_eq!(asked[0].path, "/token?service=registry&scope=repository%3Aacme%2Fweb%3Apull");
    let stored = storage.requests();
    assert!(!stored.is_empty() && stored.iter().all(|seen| seen.authorization.is_none()));
    // The password went to the issuer alone.
    let said: Vec<_> = host.requests().into_iter().filter_map(|it| it.authorization).collect();
    assert!(said.iter().all(|it| it == "Bearer issued"), "{said:?}");

    let error = place.charts().fetch(&chart(&host, "1.0.0"), &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::Denied { .. }), "{error}");
    told(&error);
}

#[tokio::test]
async fn registries_that_want_a_name_or_know_a_token_get_it() {
    let place = Place::new();
    for (access, expected) in [
        (member("acme"), "Basic Ym90OmNhbmFyeS1zZWNyZXQ="),
        (Access::with("acme", Auth::Bearer(SECRET.into())), "Bearer canary-secret"),
    ] {
        let open = registry(VERSIONS);
        let host = Host::start(move |seen| match seen.authorization.as_deref() {
            Some(said) if said == expected => open(seen),
            _ => Answer::status(401).header("WWW-Authenticate", "Basic realm=\"x\""),
        })
        .await;
        place.charts().fetch(&chart(&host, "~1.0"), &access).await.unwrap();
        let error = place.charts().fetch(&chart(&host, "1.1.0"), &anonymous()).await.unwrap_err();
        assert!(matches!(error, FetchError::Denied { .. }), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_chart_or_not_the_announced_one_is_refused() {
    let place = Place::new();
    let body = archive("web", "1.0.0");
    let said = async |manifest: Vec<u8>, blob: Vec<u8>| {
        let host = Host::start(move |seen| match seen.path.contains("/manifests/") {
            true => Answer::ok(manifest.clone()),
            false => Answer::ok(blob.clone()),
        })
        .await;
        let error = place.charts().fetch(&chart(&host, "1.0.0"), &anonymous()).await.unwrap_err();
        told(&error)
    };
    let image = manifest("application/vnd.oci.image.config.v1+json", "x", &body);
    assert!(said(image, body.clone()).await.contains("it is no Helm chart"));
    let bare = manifest("application/vnd.cncf.helm.config.v1+json", "x", &body);
    assert!(said(bare, body.clone()).await.contains("names no archive"));
    let wrong = said(helm(&body), archive("web", "6.6.6")).await;
    assert!(wrong.contains("was announced"), "{wrong}");
    assert!(said(b"{}".to_vec(), body.clone()).await.contains("manifest cannot be read"));
    let cut = said(helm(&body[..body.len() / 2]), body[..body.len() / 2].to_vec()).await;
    assert!(cut.contains("is no usable chart"), "{cut}");
}

#[tokio::test]
async fn what_was_fetched_stands_in_when_the_registry_is_away() {
    let (place, host) = (Place::new(), Host::start(registry(VERSIONS)).await);
    for version in ["1.0.0", "~1.0"] {
        place.charts().fetch(&chart(&host, version), &anonymous()).await.unwrap();
    }
    host.becomes(|_| Answer::status(500));
    for (version, expected) in [("1.0.0", "1.0.0"), ("~1.0", "1.0.1")] {
        let fetched = place.charts().fetch(&chart(&host, version), &anonymous()).await.unwrap();
        assert_eq!(fetched.version, expected);
        assert!(fetched.note.is_some());
    }
    let error = place.charts().fetch(&chart(&host, "1.1.0"), &anonymous()).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
}

#[tokio::test]
async fn a_server_asks_no_registry_or_issuer_of_its_own_network() {
    let (place, host) = (Place::new(), Host::start(registry(VERSIONS)).await);
    let server = place.with(|options| options.policy = Policy::server([]));
    let error = server.fetch(&chart(&host, "1.0.0"), &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotAllowed { .. }), "{error}");
    assert!(host.asked().is_empty());

    let issuer = Host::start(|_| Answer::ok(r#"{"token": "x"}"#)).await;
    let realm = issuer.url("/token");
    host.becomes(move |_| {
        Answer::status(401).header("WWW-Authenticate", format!("Bearer realm=\"{realm}\""))
    });
    let server = place.with(|options| options.policy = Policy::server(["localhost".to_owned()]));
    let source = ChartSource::Oci {
        url: format!("oci://localhost:{}/acme/web", host.port),
        version: "1.0.0".into(),
    };
    let error = server.fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotAllowed { .. }), "{error}");
    assert!(issuer.asked().is_empty() && !host.asked().is_empty());
}

#[tokio::test]
async fn an_index_may_name_a_registry_which_does_not_get_its_credentials() {
    let (place, registry) = (Place::new(), Host::start(registry(VERSIONS)).await);
    let url = format!("oci://127.0.0.1:{}/acme/web:1.1.0", registry.port);
    let index = format!("entries:\n  web:\n  - {{version: 1.1.0, urls: ['{url}']}}\n");
    let home = Host::of(&[("/index.yaml", index.into_bytes())]).await;
    let source = in_repository(&home.url(""), "web", "");
    let fetched = place.charts().fetch(&source, &member("acme")).await.unwrap();
    assert_eq!(fetched.version, "1.1.0");
    assert!(registry.requests().iter().all(|seen| seen.authorization.is_none()));
}

#[tokio::test]
async fn endless_pages_of_tags_end() {
    let place = Place::new();
    let count = Arc::new(Mutex::new(0));
    let host = Host::start(move |_| {
        let mut count = count.lock().unwrap();
        *count += 1;
        Answer::ok(r#"{"tags": ["1.0.0"]}"#)
            .header("Link", format!("</v2/acme/web/tags/list?last={count}>; rel=\"next\""))
    })
    .await;
    let error = place.charts().fetch(&chart(&host, ""), &anonymous()).await.unwrap_err();
    assert!(told(&error).contains("pages of tags"), "{error}");
}
