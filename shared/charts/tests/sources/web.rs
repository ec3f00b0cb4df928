//! Where HTTP may lead, and who gets credentials on the way.

use gimlet_charts::{FetchError, Policy};
use tar::EntryType;

use crate::hosts::{Answer, Host, serving};
use crate::support::*;

fn index(url: &str) -> Vec<u8> {
    format!("entries:\n  web:\n  - {{version: 1.0.0, urls: ['{url}']}}\n").into_bytes()
}

#[tokio::test]
async fn credentials_stay_with_the_host_that_they_are_for() {
    let place = Place::new();
    let other = Host::of(&[("/web.tgz", archive("web", "1.0.0"))]).await;
    let home = Host::of(&[("/index.yaml", index(&other.url("/web.tgz")))]).await;
    let source = in_repository(&home.url(""), "web", "");
    place.charts().fetch(&source, &member("acme")).await.unwrap();
    assert!(home.requests().iter().all(|seen| seen.authorization.is_some()));
    let there = other.requests();
    assert_eq!(there.len(), 1);
    assert!(there.iter().all(|seen| seen.authorization.is_none()), "{there:?}");
}

#[tokio::test]
async fn a_redirect_takes_no_credentials_along_not_even_back() {
    let place = Place::new();
    let other = Host::start(|_| Answer::status(404)).await;
    let home = Host::start(|_| Answer::status(404)).await;
    let (there, back) = (other.url("/led"), home.url("/back.tgz"));
    other.becomes(move |_| Answer::redirect(back.clone()));
    let files = serving(&[
        ("/index.yaml", index("web.tgz")),
        ("/back.tgz", archive("web", "1.0.0")),
        ("/led", Vec::new()),
    ]);
    home.becomes(move |seen| match seen.path.as_str() {
        "/web.tgz" => Answer::redirect("/next.tgz"),
        "/next.tgz" => Answer::redirect(there.clone()),
        _ => files(seen),
    });
    let source = in_repository(&home.url(""), "web", "");
    place.charts().fetch(&source, &member("acme")).await.unwrap();
    assert!(other.requests().iter().all(|seen| seen.authorization.is_none()));
    let asked = home.requests();
    let with: Vec<&str> = asked
        .iter()
        .filter(|seen| seen.authorization.is_some())
        .map(|seen| seen.path.as_str())
        .collect();
    assert_eq!(with, ["/index.yaml", "/web.tgz", "/next.tgz"]);
}

#[tokio::test]
async fn a_server_is_led_to_no_inner_address() {
    let place = Place::new();
    let inner = Host::of(&[("/index.yaml", index("web.tgz"))]).await;
    let charts = place.with(|options| options.policy = Policy::server([]));
    for url in [
        inner.url(""),
        format!("http://localhost:{}", inner.port),
        format!("http://2130706433:{}", inner.port),
        format!("http://[::ffff:127.0.0.1]:{}", inner.port),
        "http://169.254.169.254/latest".to_owned(),
        "http://[fd00:ec2::254]/".to_owned(),
    ] {
        let source = in_repository(&url, "web", "");
        let error = charts.fetch(&source, &anonymous()).await.unwrap_err();
        assert!(matches!(error, FetchError::NotAllowed { .. }), "{url}: {error}");
        assert!(told(&error).contains("is not public"), "{error}");
    }
    assert!(inner.asked().is_empty());
}

#[tokio::test]
async fn a_server_is_led_inside_by_no_redirect_and_no_index() {
    let place = Place::new();
    let inner = Host::of(&[("/web.tgz", archive("web", "1.0.0"))]).await;
    // The name stands for a host that the operator allows; the address of the other does not.
    let url = inner.url("/web.tgz");
    let outer = Host::start(|_| Answer::status(404)).await;
    let charts = place.with(|options| options.policy = Policy::server(["localhost".to_owned()]));
    let source = in_repository(&format!("http://localhost:{}", outer.port), "web", "");
    let (by_index, by_redirect) = (index(&url), index("web.tgz"));
    outer.becomes(serving(&[("/index.yaml", by_index)]));
    let error = charts.fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotAllowed { .. }), "{error}");
    let files = serving(&[("/index.yaml", by_redirect)]);
    outer.becomes(move |seen| match seen.path.as_str() {
        "/web.tgz" => Answer::redirect(url.clone()),
        _ => files(seen),
    });
    let error = charts.fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotAllowed { .. }), "{error}");
    assert!(inner.asked().is_empty());
    assert!(!outer.asked().is_empty());
}

#[tokio::test]
async fn redirects_end_somewhere_and_lead_to_the_web_only() {
    let place = Place::new();
    let host = Host::start(|seen| Answer::redirect(format!("{}x", seen.path))).await;
    let source = in_repository(&host.url(""), "web", "");
    let error = told(&place.charts().fetch(&source, &anonymous()).await.unwrap_err());
    assert!(error.contains("more than 5 redirects"), "{error}");
    assert_eq!(host.asked().len(), 6);
    for to in ["file:///etc/passwd", "gopher://127.0.0.1/x", "http://"] {
        host.becomes(move |_| Answer::redirect(to));
        assert!(place.charts().fetch(&source, &anonymous()).await.is_err(), "{to}");
    }
}

#[tokio::test]
async fn credentials_are_for_https_alone() {
    let place = Place::new();
    let source = in_repository("http://charts.gimlet.test", "web", "");
    let error = place.charts().fetch(&source, &member("acme")).await.unwrap_err();
    assert!(matches!(error, FetchError::NotAllowed { .. }), "{error}");
    assert!(told(&error).contains("over https only"), "{error}");
    let source = in_repository(&format!("https://bot:{SECRET}@charts.gimlet.test"), "web", "");
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(told(&error).contains("holds credentials"), "{error}");
}

#[tokio::test]
async fn hostile_archives_are_refused() {
    let place = Place::new();
    let head = (
        "web/Chart.yaml",
        EntryType::Regular,
        b"apiVersion: v2\nname: web\nversion: 1.0.0\n".as_slice(),
    );
    let zeros = vec![0; 4 << 20];
    for (entry, expected) in [
        (("web/../../x", EntryType::Regular, b"x".as_slice()), "references parent directory"),
        (("web//etc/x", EntryType::Regular, b"x"), "absolute paths"),
        (("web/x", EntryType::Symlink, b""), "is a link"),
        (("web/x", EntryType::Link, b""), "is a link"),
        (("web/x", EntryType::Regular, &zeros), "far larger than a chart"),
    ] {
        let files = [("/index.yaml", index("web.tgz")), ("/web.tgz", packed(&[head, entry]))];
        let host = Host::of(&files).await;
        let source = in_repository(&host.url(""), "web", "");
        let error = told(&place.charts().fetch(&source, &anonymous()).await.unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn too_much_is_not_read_to_its_end() {
    let place = Place::new();
    let files = [("/index.yaml", index("web.tgz")), ("/web.tgz", vec![0; (20 << 20) + 1])];
    let host = Host::of(&files).await;
    let source = in_repository(&host.url(""), "web", "");
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn an_archive_that_breaks_off_is_not_taken_for_whole() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let place = Place::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut task = tokio::task::JoinSet::new();
    task.spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = socket.read(&mut request).await.unwrap();
        let whole = archive("web", "1.0.0");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", whole.len());
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&whole[..whole.len() - 9]).await.unwrap();
    });
    let host =
        Host::of(&[("/index.yaml", index(&format!("http://127.0.0.1:{port}/web.tgz")))]).await;
    let source = in_repository(&host.url(""), "web", "");
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
}
