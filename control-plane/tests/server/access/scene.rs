//! A victim that has one of everything, the members and strangers around it, and their credentials.

use gimlet_app::{Clock as _, SystemClock};
use gimlet_store::{NewToken, Store};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    agent::Agent,
    cluster::{Cluster, Place},
    drain::releases,
    world::{Database, World, git},
};

/// What the victim's things are called: no answer to anybody else may hold one of these words.
pub(super) const WORDS: [&str; 17] = [
    "kumquat",
    "papaya",
    "quince",
    "sapodilla",
    "mirabelle",
    "medlar",
    "damson",
    "tamarillo",
    "rambutan",
    "cherimoya",
    "longan",
    "jabuticaba",
    "feijoa",
    "lychee",
    "guava",
    "soursop",
    "durian",
];
pub(super) const APPS: [&str; 3] = ["rambutan", "cherimoya", "longan"];

/// A person by each of the two credentials.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) token: String,
    pub(super) cookie: String,
}

/// What requests aim at.
#[derive(Clone, Debug, Default)]
pub(super) struct Things {
    pub(super) cluster: String,
    pub(super) spare_cluster: String,
    pub(super) repository: String,
    pub(super) hook_secret: String,
    pub(super) look_token: String,
    pub(super) artifact: String,
    /// The first release of the first application; it can be gone back to.
    pub(super) release: String,
    pub(super) spare_release: String,
    pub(super) token: String,
    /// Of a cluster that has not enrolled yet.
    pub(super) enrolment: String,
    /// Ids and commits, which nobody else may see either.
    pub(super) ids: Vec<String>,
}

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) owner: Person,
    pub(super) viewer: Person,
    pub(super) stranger: Person,
    pub(super) expired: Person,
    pub(super) revoked: Person,
    pub(super) things: Things,
    /// The stranger's own secrets of the kinds that are not a person's.
    pub(super) foreign: Things,
    /// Has enrolled the first cluster.
    pub(super) spent_enrolment: String,
    agent: Agent,
    /// What the victim's cluster runs.
    pub(super) cluster: Option<Cluster>,
    commit: String,
    _source: tempfile::TempDir,
}

impl Scene {
    pub(super) async fn new(database: Database) -> Self {
        let settings = "[limits]\nper_credential = 0\nper_address = 0\n";
        let mut world = World::new(database).with(settings);
        world.start();
        let owner = Person::new(&world, "kumquat", "papaya", "owner").await;
        let mut things = Things::default();
        let (agent, spent_enrolment) = given_clusters(&world, &owner, &mut things).await;
        let mut cluster = Cluster::connected(&world, &agent).await;
        let source = tempfile::tempdir().expect("a folder");
        push(source.path(), "one");
        given_repository(&world, &owner, &mut things, source.path());
        all_healthy(&mut world, &owner, &mut cluster, 3);
        push(source.path(), "two");
        let look = format!("/repositories/{}/look", things.repository);
        world.api(&owner.token, "POST", &look, &Value::Null);
        let commit = all_healthy(&mut world, &owner, &mut cluster, 6);
        remember(&world, &owner, &mut things);
        given_members(&world, &owner, &mut things);
        let viewer = Person::new(&world, "kumquat", "quince", "viewer").await;
        let stranger = Person::new(&world, "rival", "mallory", "owner").await;
        let foreign = given_strangers_things(&world, &stranger, source.path());
        let expired = expired(&world).await;
        let revoked = revoked(&world, &owner).await;
        let mut scene = Self {
            world,
            owner,
            viewer,
            stranger,
            expired,
            revoked,
            things,
            foreign,
            spent_enrolment,
            agent,
            cluster: Some(cluster),
            commit,
            _source: source,
        };
        scene.shows_trouble();
        scene
    }

    /// Starts the server again with a variable set; its cluster comes back.
    pub(super) async fn restarted_with(&mut self, name: &'static str, value: &'static str) {
        self.cluster = None;
        self.world.stop();
        self.world.set(name, value);
        self.world.start();
        self.cluster = Some(Cluster::connected(&self.world, &self.agent).await);
        self.shows_trouble();
    }

    /// A pod of the first application ends again and again, and everyone of its organization sees it.
    fn shows_trouble(&mut self) {
        let mut seen = everything(&self.commit);
        let place = place(APPS[0]);
        seen.extend([place.deployment(0), place.crashing_pod("rambutan-7d4b", "durian")]);
        self.cluster.as_mut().expect("connected").report(seen);
        let (path, token) = (app_path(APPS[0]), self.owner.token.clone());
        self.world.wait("the pod", |world| {
            world.api(&token, "GET", &path, &Value::Null).1.to_string().contains("durian")
        });
    }

    /// All that the victim's organization has, without what moves by itself.
    pub(super) fn belongings(&self) -> Vec<(String, Value)> {
        [
            "clusters",
            "environments",
            "members",
            "tokens?all=true",
            "repositories",
            "artifacts",
            "releases",
            "apps",
        ]
        .into_iter()
        .map(|list| {
            let path = format!("/{list}{}limit=100", if list.contains('?') { '&' } else { '?' });
            let (status, mut page) = self.world.api(&self.owner.token, "GET", &path, &Value::Null);
            assert_eq!(status, 200, "{page}");
            still(&mut page);
            // The viewer makes one of their own.
            let others = |item: &Value| item["member"] != "quince";
            page["items"].as_array_mut().expect("items").retain(others);
            (list.to_owned(), page)
        })
        .collect()
    }
}

impl Person {
    pub(super) async fn new(world: &World, organization: &str, login: &str, role: &str) -> Self {
        let token = world.token_of(organization, login, role);
        let code = world.sign_in_code(organization, login, role);
        Self { token, cookie: session(world, &code).await }
    }
}

/// Signs a browser in.
pub(crate) async fn session(world: &World, code: &str) -> String {
    let url = format!("http://127.0.0.1:{}/sign-in/{code}", world.people);
    let request = super::asking::client().post(url).header("sec-fetch-site", "same-origin");
    let answer = request.send().await.expect("an answer");
    let cookies = answer.headers().get_all("set-cookie").iter();
    let mut values = cookies.filter_map(|cookie| {
        cookie.to_str().ok()?.strip_prefix("gimlet_session=")?.split(';').next()
    });
    values.next().expect("a session").to_owned()
}

pub(super) fn app_path(app: &str) -> String {
    format!("/environments/mirabelle/apps/{app}")
}

fn place(app: &str) -> Place<'_> {
    Place { environment: "mirabelle", namespace: "tamarillo", app }
}

fn everything(commit: &str) -> Vec<gimlet_shared::observed::Observation> {
    let mut all: Vec<_> = APPS.iter().flat_map(|app| place(app).flux(commit, commit)).collect();
    // All applications of an environment share its source.
    all.sort_by(|one, other| one.key.cmp(&other.key));
    all.dedup_by(|one, other| one.key == other.key);
    all
}

/// Returns the agent of the first one, and the token that it has enrolled with.
async fn given_clusters(world: &World, owner: &Person, things: &mut Things) -> (Agent, String) {
    let made = ["mirabelle", "medlar", "damson"].map(|name| {
        let (status, made) = world.api(&owner.token, "POST", "/clusters", &json!({"name": name}));
        assert_eq!(status, 201, "{made}");
        let command = made["command"].as_str().expect("a command").to_owned();
        (text(&made["cluster"]["id"]), command)
    });
    let token = |command: &str| command.split('\'').nth(1).expect("a token").to_owned();
    things.cluster.clone_from(&made[0].0);
    things.spare_cluster.clone_from(&made[1].0);
    things.enrolment = token(&made[2].1);
    (Agent::enrol(world, &made[0].1).await, token(&made[0].1))
}

fn given_repository(world: &World, person: &Person, things: &mut Things, source: &std::path::Path) {
    let url = format!("file://{}", source.display());
    let body = json!({"url": url, "name": "salak/jabuticaba"});
    let (status, added) = world.api(&person.token, "POST", "/repositories", &body);
    assert_eq!(status, 201, "{added}");
    things.repository = text(&added["repository"]["id"]);
    things.hook_secret = text(&added["webhook_secret"]);
    things.look_token = text(&added["look_token"]);
}

fn given_members(world: &World, owner: &Person, things: &mut Things) {
    world.sign_in_code("kumquat", "sapodilla", "developer");
    let (status, made) = world.api(&owner.token, "POST", "/tokens", &json!({"name": "soursop"}));
    assert_eq!(status, 201, "{made}");
    things.token = text(&made["token"]["id"]);
    things.ids.push(things.token.clone());
}

/// A cluster and a repository of the stranger's own, whose secrets are right and of the wrong place.
fn given_strangers_things(world: &World, stranger: &Person, source: &std::path::Path) -> Things {
    let mut foreign = Things::default();
    let (status, made) =
        world.api(&stranger.token, "POST", "/clusters", &json!({"name": "elsewhere"}));
    assert_eq!(status, 201, "{made}");
    let command = text(&made["command"]);
    foreign.enrolment = command.split('\'').nth(1).expect("a token").to_owned();
    let url = format!("file://{}/none", source.display());
    let body = json!({"url": url, "name": "rival/none"});
    let (status, added) = world.api(&stranger.token, "POST", "/repositories", &body);
    assert_eq!(status, 201, "{added}");
    foreign.hook_secret = text(&added["webhook_secret"]);
    foreign.look_token = text(&added["look_token"]);
    foreign
}

/// Credentials that were an owner's and have lapsed, put into the database as they would lie there.
async fn expired(world: &World) -> Person {
    let code = world.sign_in_code("kumquat", "papaya", "owner");
    let store = Store::open(&world.database_url()).await.expect("the database");
    let now = SystemClock.now();
    let past = now.after(std::time::Duration::ZERO);
    let hash = |secret: &str| hex::encode(Sha256::digest(secret));
    let (token, cookie) = ("gim_expired".to_owned(), "ses_expired".to_owned());
    let scope = store
        .spend_sign_in_link(&hash(&code), &hash(&cookie), past, now)
        .await
        .expect("spent")
        .expect("a member");
    let (hash, name) = (&hash(&token), "expired");
    let new = NewToken { hash, name, expires_at: Some(past) };
    store.create_token(&scope, new, now).await.expect("made");
    Person { token, cookie }
}

/// Credentials that their owner has ended.
async fn revoked(world: &World, owner: &Person) -> Person {
    let (status, made) = world.api(&owner.token, "POST", "/tokens", &json!({"name": "ended"}));
    assert_eq!(status, 201, "{made}");
    let path = format!("/tokens/{}", text(&made["token"]["id"]));
    assert_eq!(world.api(&owner.token, "DELETE", &path, &Value::Null).0, 204);
    let code = world.sign_in_code("kumquat", "papaya", "owner");
    let cookie = session(world, &code).await;
    let url = format!("http://127.0.0.1:{}/sign-out", world.people);
    let request = super::asking::client().post(url).header("sec-fetch-site", "same-origin");
    let ended = request.header("cookie", format!("gimlet_session={cookie}")).send().await;
    assert_eq!(ended.expect("an answer").status(), 303);
    Person { token: text(&made["secret"]), cookie }
}

/// A commit of somebody on a branch, which changes every application.
fn push(folder: &std::path::Path, value: &str) {
    if !folder.join(".git").exists() {
        git(folder, &["init", "--quiet", "--initial-branch=feijoa"]);
    }
    std::fs::create_dir_all(folder.join(".gimlet")).expect("a folder");
    for app in APPS {
        let manifest = format!(
            "app: {app}\nenv: mirabelle\nnamespace: tamarillo\ndeploy:\n  event: push\n\
             manifests: |\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: {app}}}\n  \
             data: {{text: \"durian {value}\"}}\n"
        );
        std::fs::write(folder.join(format!(".gimlet/{app}.yaml")), manifest).expect("a manifest");
    }
    git(folder, &["add", "."]);
    let author = "--author=Guava <guava@example.com>";
    git(folder, &["commit", "--quiet", author, "--message", "lychee"]);
}

/// Waits until so many releases are written, lets the cluster apply them, and waits until they are healthy.
/// Returns the newest commit of the gitops repository.
fn all_healthy(world: &mut World, owner: &Person, cluster: &mut Cluster, count: usize) -> String {
    world.wait("releases in git", |world| {
        let all = releases(world, &owner.token);
        all.len() == count && all.iter().all(|release| release["gitops_commit"].is_string())
    });
    let newest = newest_commit(world);
    cluster.report(everything(&newest));
    world.wait("healthy releases", |world| {
        releases(world, &owner.token).iter().all(|release| release["state"] == "healthy")
    });
    newest
}

fn newest_commit(world: &World) -> String {
    let gitops = std::fs::read_dir(world.data().join("gitops")).expect("repositories");
    let found = gitops
        .flatten()
        .map(|organization| organization.path().join("gitops-mirabelle-apps.git"))
        .find(|path| path.exists());
    git(&found.expect("the environment's"), &["rev-parse", "main"])
}

/// Notes what there is by id.
fn remember(world: &World, owner: &Person, things: &mut Things) {
    let of_first: Vec<Value> = releases(world, &owner.token)
        .into_iter()
        .filter(|release| release["app"] == APPS[0])
        .collect();
    let first = of_first.last().expect("a release");
    things.release = text(&first["id"]);
    things.spare_release = text(&of_first[0]["id"]);
    things.artifact = text(&of_first[0]["artifact"]);
    let more = [&first["sha"], &first["gitops_commit"], &first["artifact"]].map(text);
    things.ids.extend(more);
    let known = [
        &things.cluster,
        &things.spare_cluster,
        &things.repository,
        &things.artifact,
        &things.release,
        &things.spare_release,
    ];
    let known = known.map(String::clone);
    things.ids.extend(known);
    let environments = world.api(&owner.token, "GET", "/environments", &Value::Null).1;
    let all = environments["items"].as_array().expect("items");
    things.ids.extend(all.iter().map(|one| text(&one["id"])));
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Takes out what changes while nobody changes anything.
fn still(value: &mut Value) {
    const MOVING: [&str; 11] = [
        "last_seen_at",
        "last_used_at",
        "last_polled_at",
        "last_error",
        "duration_ms",
        "health",
        "health_at",
        "cause",
        "workloads",
        "degraded_apps",
        "agent_version",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !MOVING.contains(&name.as_str()));
            fields.values_mut().for_each(still);
        }
        Value::Array(items) => items.iter_mut().for_each(still),
        _ => {}
    }
}
