//! Lists, and the formats they come in.

use serde_json::{Value, json};

use crate::{
    samples::{artifact, cluster, decision, degraded, environment, release, repository},
    server::{Reply, Server},
    world::{TOKEN, World},
};

async fn serving(route: &str, body: &Value) -> Server {
    Server::start().await.on(route, [Reply::json(200, body)])
}

#[tokio::test]
async fn releases_are_listed_in_every_format() {
    let releases = json!({"items": [release("committed", 1), degraded()]});
    let server = serving("GET /api/v1/releases", &releases).await;
    let world = World::logged_in(&server);
    insta::assert_snapshot!(world.run("release list").await.data(), @"
    RELEASE                                ENVIRONMENT   APP   STATE         COMMIT    MESSAGE   BY    AGE
    rel_0197a0000000700080000000000000a1   staging       web   ● committed   8f31c2a   Fix tax   ana   2m
    rel_0197a0000000700080000000000000a1   staging       web   ✗ degraded    8f31c2a   Fix tax   ana   2m
    ");
    insta::assert_snapshot!(world.run("release list -o wide").await.data(), @"
    RELEASE                                ENVIRONMENT   APP   STATE         COMMIT    MESSAGE   BY    AGE   KIND     BRANCH   AUTHOR   TOOK   CAUSE                                           PAGE
    rel_0197a0000000700080000000000000a1   staging       web   ● committed   8f31c2a   Fix tax   ana   2m    deploy   main     Ana      -      -                                               https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
    rel_0197a0000000700080000000000000a1   staging       web   ✗ degraded    8f31c2a   Fix tax   ana   2m    deploy   main     Ana      34s    container web keeps crashing with exit code 1   https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
    ");
    insta::assert_snapshot!(world.run("release list -o name").await.data(), @"
    rel_0197a0000000700080000000000000a1
    rel_0197a0000000700080000000000000a1
    ");
    let json: Value =
        serde_json::from_str(&world.run("release list -o json").await.data()).unwrap();
    assert_eq!(json, releases["items"]);
    let yaml = world.run("release list -o yaml").await.data();
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), releases["items"]);
    assert_eq!(server.seen()[0].headers["authorization"], format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn filters_reach_the_server_and_a_long_list_follows_the_cursors() {
    let page = |cursor: Option<&str>| {
        let items: Vec<Value> = (0..2).map(|_| release("healthy", 4)).collect();
        Reply::json(200, &json!({"items": items, "next_cursor": cursor}))
    };
    let server =
        Server::start().await.on("GET /api/v1/releases", [page(Some("c&1")), page(Some("c2"))]);
    let shown = World::logged_in(&server)
        .run("release list --env prod --app web --limit 3 -o name")
        .await
        .data();
    assert_eq!(shown.lines().count(), 3);
    assert_eq!(
        server.lines(),
        [
            "GET /api/v1/releases?environment=prod&app=web&limit=3",
            "GET /api/v1/releases?environment=prod&app=web&limit=1&cursor=c%261",
        ]
    );
}

#[tokio::test]
async fn commits_show_what_was_decided_and_why() {
    let mut unreadable = artifact("bbbbbbb", &[]);
    unreadable["problems"] = json!(["web.yaml:3:1: app: is missing"]);
    let mut passed_by = artifact("ccccccc", &[]);
    passed_by["is_head"] = json!(false);
    let decided =
        [decision("staging", true, "branch main"), decision("prod", false, "needs a tag")];
    let artifacts = json!({"items": [artifact("aaaaaaa", &decided), unreadable, passed_by, artifact("ddddddd", &[])]});
    let server = serving("GET /api/v1/artifacts", &artifacts).await;
    let world = World::logged_in(&server);
    insta::assert_snapshot!(world.run("commits --repository acme/shop --branch main --limit 4").await.data(), @"
    COMMIT    REF    MESSAGE   AUTHOR   AGE   DECISIONS
    aaaaaaa   main   Fix tax   Ana      5m    staging/web released: branch main; prod/web held: needs a t…
    bbbbbbb   main   Fix tax   Ana      5m    problem: web.yaml:3:1: app: is missing
    ccccccc   main   Fix tax   Ana      5m    not the head of its push
    ddddddd   main   Fix tax   Ana      5m    no manifest
    ");
    assert_eq!(
        server.lines(),
        ["GET /api/v1/artifacts?repository=acme%2Fshop&branch=main&limit=4"]
    );
    insta::assert_snapshot!(world.run("commits -o wide").await.data(), @"
    COMMIT    REF    MESSAGE   AUTHOR   AGE   DECISIONS                                                       REPOSITORY   EVENT   ARTIFACT
    aaaaaaa   main   Fix tax   Ana      5m    staging/web released: branch main; prod/web held: needs a tag   acme/shop    push    art_aaaaaaa
    bbbbbbb   main   Fix tax   Ana      5m    problem: web.yaml:3:1: app: is missing                          acme/shop    push    art_bbbbbbb
    ccccccc   main   Fix tax   Ana      5m    not the head of its push                                        acme/shop    push    art_ccccccc
    ddddddd   main   Fix tax   Ana      5m    no manifest                                                     acme/shop    push    art_ddddddd
    ");
}

#[tokio::test]
async fn clusters_are_listed_with_what_is_wrong_on_them() {
    let clusters =
        json!([cluster("eu-1", "connected"), cluster("us-1", "away"), cluster("new", "waiting")]);
    let server = serving("GET /api/v1/clusters", &clusters).await;
    insta::assert_snapshot!(World::logged_in(&server).run("cluster list").await.data(), @"
    CLUSTER   STATE         SEEN   ENVIRONMENTS   APPS   DEGRADED
    eu-1      ✓ connected   2s     eu-1           3      1
    us-1      ! away        2s     us-1           3      1
    new       ● waiting     -      new            3      1
    ");
    insta::assert_snapshot!(World::logged_in(&server).run("cluster list -o wide").await.data(), @"
    CLUSTER   STATE         SEEN   ENVIRONMENTS   APPS   DEGRADED   KUBERNETES   AGENT   ID         ADDED
    eu-1      ✓ connected   2s     eu-1           3      1          v1.34.2      0.1.0   clu_eu-1   9d
    us-1      ! away        2s     us-1           3      1          v1.34.2      0.1.0   clu_us-1   9d
    new       ● waiting     -      new            3      1          -            -       clu_new    9d
    ");
}

#[tokio::test]
async fn environments_are_listed() {
    let server = serving("GET /api/v1/environments", &json!([environment("staging")])).await;
    insta::assert_snapshot!(World::logged_in(&server).run("environment list").await.data(), @"
    ENVIRONMENT   CLUSTER   NAMESPACE   APPS REPOSITORY
    staging       eu-1      -           https://gimlet.example/git/acme/gitops-staging-apps
    ");
    insta::assert_snapshot!(World::logged_in(&server).run("env list -o yaml").await.data(), @"
    - id: env_staging
      name: staging
      cluster: eu-1
      namespace: null
      apps_repository: https://gimlet.example/git/acme/gitops-staging-apps
      infra_repository: https://gimlet.example/git/acme/gitops-staging-infra
    ");
}

#[tokio::test]
async fn repositories_are_listed_added_and_looked_at() {
    let added = json!({"repository": repository(), "webhook_url": "https://g/hooks/github/rep_1",
        "webhook_secret": "whs_1", "look_url": "https://g/hooks/look/rep_1", "look_token": "glk_1"});
    let server = Server::start()
        .await
        .on("GET /api/v1/repositories", [Reply::json(200, &json!([repository()]))])
        .on("POST /api/v1/repositories", [Reply::json(201, &added)])
        .on("POST /api/v1/repositories/rep_1/look", [Reply::empty(202)]);
    let world = World::logged_in(&server);
    insta::assert_snapshot!(world.run("repo list").await.data(), @"
    REPOSITORY   URL                                 BRANCH   LOOKED   ERROR
    acme/shop    https://git.example/acme/shop.git   main     30s      -
    ");
    let ran = world.run("repo add https://git.example/acme/shop.git --name acme/shop").await;
    insta::assert_snapshot!(ran.err, @"
    acme/shop is read every now and then. To have pushes seen at once, add the webhook on GitHub (JSON; pushes, branch or tag creation, pull requests), or POST to the look URL with its token as bearer.
    Keep the secrets: they are not shown again.
    ");
    insta::assert_snapshot!(ran.data(), @"
    repository:      acme/shop
    url:             https://git.example/acme/shop.git
    webhook url:     https://g/hooks/github/rep_1
    webhook secret:  whs_1
    look url:        https://g/hooks/look/rep_1
    look token:      glk_1
    ");
    assert_eq!(
        server.body_of("POST /api/v1/repositories"),
        json!({"url": "https://git.example/acme/shop.git", "name": "acme/shop"})
    );
    let ran = world.run("repo look acme/shop").await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    insta::assert_snapshot!(ran.err, @"acme/shop is being read; `gimlet commits --repository acme/shop` shows what came");
    insta::assert_snapshot!(world.run("repo look acme/none").await.failure(), @"
    exit 1
    error: there is no repository `acme/none`
      try: one of acme/shop; or add it with `gimlet repo add URL`
    ");
}

#[tokio::test]
async fn an_empty_list_teaches_people_and_is_empty_for_programs() {
    let server = serving("GET /api/v1/clusters", &json!([])).await;
    let world = World::logged_in(&server);
    let ran = world.run("cluster list").await;
    assert_eq!(ran.out, "");
    insta::assert_snapshot!(ran.err, @"no clusters; `gimlet cluster connect NAME` prints the command that connects one");
    assert_eq!(world.run("cluster list -o json").await.data(), "[]\n");
    assert_eq!(world.run("cluster list -o yaml").await.data(), "[]\n");
    assert_eq!(world.run("cluster list -o name").await.data(), "");
}

#[tokio::test]
async fn a_watched_list_shows_each_row_again_when_it_changes() {
    let list = |releases: Vec<Value>| Reply::json(200, &json!({"items": releases}));
    let mut older = release("healthy", 4);
    older["id"] = json!("rel_older");
    let mut ticking = release("committed", 1);
    ticking["steps"][1]["duration_ms"] = json!(9999);
    let gone = Reply::problem(401, "unauthenticated", "revoked", None);
    let server = Server::start().await.on(
        "GET /api/v1/releases",
        [
            list(vec![release("committed", 1), older.clone()]),
            list(vec![ticking, older.clone()]),
            Reply::empty(503),
            list(vec![release("healthy", 4), older]),
            gone,
        ],
    );
    let world = World::logged_in(&server);
    let ran = world.run("release list --watch").await;
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.out, @"
    RELEASE                                ENVIRONMENT   APP   STATE         COMMIT    MESSAGE   BY    AGE
    rel_0197a0000000700080000000000000a1   staging       web   ● committed   8f31c2a   Fix tax   ana   2m
    rel_older                              staging       web   ✓ healthy     8f31c2a   Fix tax   ana   2m
    rel_0197a0000000700080000000000000a1   staging       web   ✓ healthy     8f31c2a   Fix tax   ana   2m
    ");
}

#[tokio::test]
async fn colors_follow_flag_and_environment() {
    let server = serving("GET /api/v1/clusters", &json!([cluster("eu-1", "connected")])).await;
    let is_colored = async |world: World, args: &str| {
        world
            .run(&format!("cluster list {args}"))
            .await
            .data()
            .contains("\x1b[32m✓ connected\x1b[0m")
    };
    let world = || World::logged_in(&server);
    assert!(!is_colored(world(), "").await);
    assert!(is_colored(world().on_a_terminal(), "").await);
    assert!(!is_colored(world().on_a_terminal().var("NO_COLOR", "1"), "").await);
    assert!(is_colored(world().var("CLICOLOR_FORCE", "1"), "").await);
    assert!(!is_colored(world().var("CLICOLOR_FORCE", "0"), "").await);
    assert!(!is_colored(world().var("CLICOLOR_FORCE", "1").var("NO_COLOR", "1"), "").await);
    assert!(is_colored(world().var("NO_COLOR", "1"), "--color always").await);
    assert!(!is_colored(world().on_a_terminal(), "--color never").await);
}

#[tokio::test]
async fn hostile_text_does_not_reach_the_terminal() {
    let mut hostile = degraded();
    hostile["message"] = json!("\u{1b}]0;owned\u{7}\u{202e}txt\r\nx");
    hostile["cause"]["last_lines"] = json!(["\u{1b}[2J\u{9b}31m"]);
    let id = hostile["id"].as_str().unwrap().to_owned();
    let server = Server::start()
        .await
        .on("GET /api/v1/releases", [Reply::json(200, &json!({"items": [hostile]}))])
        .on(&format!("GET /api/v1/releases/{id}"), [Reply::json(200, &hostile)]);
    let world = World::logged_in(&server);
    for format in ["table", "wide", "json", "yaml", "name"] {
        for args in ["list".to_owned(), format!("show {id}"), format!("show {id} --wait")] {
            let ran = world.run(&format!("release {args} -o {format}")).await;
            let all = ran.out + &ran.err;
            let harmless = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
            assert!(all.chars().all(harmless), "{format} {args}: {all:?}");
        }
    }
}
