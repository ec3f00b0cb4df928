//! Bad input and bad answers: each ends with its code and a sentence that helps, and nothing is sent on.

use crate::{
    samples::RELEASE,
    server::{Reply, Server},
    world::World,
};

#[tokio::test]
async fn a_wrong_command_line_ends_with_2_and_says_what_is_right() {
    let server = Server::start().await;
    let world = World::logged_in(&server);
    let cases: &[(&str, &str)] = &[
        ("", "Usage: gimlet"),
        ("frobnicate", "unrecognized subcommand 'frobnicate'"),
        ("relase list", "similar subcommand"),
        ("release list --limit 0", "1..=10000"),
        ("release list --limit many", "invalid digit"),
        ("release list -o xml", "possible values: table, wide, json, yaml, name"),
        ("release show", "<ID>"),
        ("release show rel_1", "is not an id of the form `rel_`"),
        ("release show art_0197a000000070008000000000000001", "is not an id of the form `rel_`"),
        ("release wait", "<ID>"),
        ("release wait rel_0197a0000000700080000000000000a1 --timeout 10", "write it like 90s"),
        ("release rollback ../../me", "is not an id of the form `rel_`"),
        ("deploy", "--sha <SHA>"),
        ("deploy --env staging", "--sha <SHA>"),
        ("deploy --sha 8f31c2", "must be 7 to 40 hexadecimal digits"),
        ("deploy --sha main", "must be 7 to 40 hexadecimal digits"),
        (
            "deploy --sha 8f31c2a --artifact art_0197a000000070008000000000000001",
            "cannot be used with",
        ),
        ("deploy --artifact 8f31c2a", "is not an id of the form `art_`"),
        (
            "deploy --artifact art_0197a000000070008000000000000001 --repository a/b",
            "cannot be used with",
        ),
        ("deploy --sha 8f31c2a --timeout 5m", "--wait"),
        ("deploy --sha 8f31c2a --wait --timeout 0s", "more than nothing"),
        ("deploy --sha 8f31c2a --idempotency-key schlüssel", "visible ASCII"),
        ("app show web", "such as production/web"),
        ("app show ../..", "such as production/web"),
        ("app delete prod/web/x --yes", "such as production/web"),
        ("cluster connect", "<NAME>"),
        ("cluster connect eu --renew --environment x", "cannot be used with"),
        ("auth login --link a --token-file b", "cannot be used with"),
        (
            "auth login --link https://gimlet.example",
            "--link: is neither a sign-in link nor its code",
        ),
        ("app list --server gimlet.example", "--server: is not a URL"),
        ("app list --server ftp://gimlet.example", "must begin with https://"),
        ("app list --server https://ana:pw@gimlet.example", "must not carry a login"),
        ("app list --server https://gimlet.example/?a=b", "must end before"),
        ("app list --token gim_\u{1}", "--token: holds no token"),
        ("app list --color blue", "possible values: auto, always, never"),
        ("app list --ca-file /dev/null", "holds no certificate"),
        ("completion tcsh", "possible values: bash, zsh, fish"),
        ("repo add", "<URL>"),
        ("commits extra", "unexpected argument 'extra'"),
    ];
    for (args, says) in cases {
        let ran = world.run(args).await;
        assert_eq!(ran.code, 2, "{args}: {}", ran.err);
        assert!(ran.err.contains(says), "{args}: {}", ran.err);
        assert_eq!(ran.out, "", "{args}");
        assert!(!ran.err.contains("ana:pw"), "{args}: {}", ran.err);
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_bad_answer_ends_with_1_and_says_what_it_was() {
    let html = |status| Reply::of(status, "text/html", "<h1>hello</h1>".to_owned());
    let cases = [
        (html(200), "does not answer as a Gimlet server does"),
        (Reply::empty(200), "does not answer as a Gimlet server does"),
        (
            Reply::of(200, "application/json", "[{\"name\": 7}]".to_owned()),
            "does not answer as a Gimlet server does",
        ),
        (
            Reply::of(200, "application/json", "[".repeat(100_000)),
            "does not answer as a Gimlet server does",
        ),
        (html(404), "answered with status 404 and no explanation"),
        (html(500), "answered with status 500 and no explanation"),
        (html(502), "answered with status 502 and no explanation"),
        (
            Reply::of(500, "application/problem+json", "{".to_owned()),
            "answered with status 500 and no explanation",
        ),
        (
            Reply::empty(301).with_header("location", "https://elsewhere.example/"),
            "it sends to https://elsewhere.example/",
        ),
        (
            Reply::problem(403, "forbidden", "this needs the role admin", None),
            "error: this needs the role admin\n",
        ),
        (Reply::problem(422, "invalid-field", "is empty", Some("name")), "  field: name\n"),
        (
            Reply::problem(503, "unavailable", "the database does not work", None),
            "  request: req-1\n",
        ),
        (html(503).with_header("x-request-id", "req-2"), "  request: req-2\n"),
    ];
    for (reply, says) in cases {
        let server = Server::start().await.on("GET /api/v1/apps", [reply]);
        let ran = World::logged_in(&server).run("app list").await;
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{says}: {}", ran.err);
        assert!(ran.err.contains(says), "{says}: {}", ran.err);
    }
}

#[tokio::test]
async fn surroundings_that_do_not_fit_are_named() {
    let cases = [
        (World::new(), "app list", 2, "no server is set"),
        (World::new().var("GIMLET_SERVER", "here"), "app list", 2, "GIMLET_SERVER: is not a URL"),
        (World::new().var("GIMLET_SERVER", "http://127.0.0.1:1"), "app list", 1, "not logged in"),
        (World::new().var("HOME", ""), "auth login --link a", 1, "set HOME or XDG_CONFIG_HOME"),
        (World::new().var("HOME", "relative"), "auth logout", 1, "set HOME or XDG_CONFIG_HOME"),
        (
            World::new(),
            "auth login --token-file /nowhere/token --server http://a",
            1,
            "cannot read /nowhere/token",
        ),
        (
            World::new().stdin("two words"),
            "auth login --token-file - --server http://a",
            2,
            "holds no token",
        ),
        (
            World::new().stdin(""),
            "auth login --token-file - --server http://a",
            2,
            "holds no token",
        ),
        (
            World::new(),
            "app list --server http://a --ca-file /nowhere.pem --token t",
            1,
            "cannot read /nowhere.pem",
        ),
        (
            World::new().var("HTTP_PROXY", "::"),
            "app list --server http://a --token t",
            2,
            "HTTP_PROXY is not the URL",
        ),
    ];
    for (world, args, code, says) in cases {
        let ran = world.run(args).await;
        assert_eq!(ran.code, code, "{args}: {}", ran.err);
        assert!(ran.err.contains(says), "{args}: {}", ran.err);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_reason() {
    let world =
        World::new().var("GIMLET_SERVER", "http://127.0.0.1:1").var("GIMLET_TOKEN", "gim_x");
    let ran = world.run(&format!("release show {RELEASE}")).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: cannot reach http://127.0.0.1:1: "), "{}", ran.err);
    assert!(
        ran.err.contains("Connection refused") && ran.err.contains("  try: check the URL"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_proxy_is_used_except_for_hosts_that_want_none() {
    let proxy = Server::start().await;
    let world = World::new()
        .var("GIMLET_SERVER", "http://gimlet.invalid/prefix/")
        .var("GIMLET_TOKEN", "gim_x")
        .var("http_proxy", &proxy.url);
    let ran = world.run("app list").await;
    assert!(ran.err.contains("GET /prefix/api/v1/apps"), "{}", ran.err);
    assert!(
        ran.err.contains("warning: http://gimlet.invalid/prefix is not encrypted"),
        "{}",
        ran.err
    );
    let ran = world.var("NO_PROXY", "gimlet.invalid").run("app list").await;
    assert!(ran.err.contains("cannot reach"), "{}", ran.err);
    assert_eq!(proxy.seen().len(), 1);
}
