//! Streams that are open while something happens at the victim's.

use std::time::Duration;

use serde_json::json;

use super::{
    asking::{client, read},
    scene::{Person, Scene, WORDS},
};
use crate::world::Database;

/// Longer than a change takes to every stream.
const QUIET: Duration = Duration::from_secs(3);

/// What a person's streams carry while the owner makes a token.
async fn heard_by(scene: &Scene, person: &Person) -> String {
    let base = format!("http://127.0.0.1:{}", scene.world.people);
    let changes = client().get(format!("{base}/api/v1/changes")).bearer_auth(&person.token);
    let live = client()
        .get(format!("{base}/live?region=/activity&region=/releases&region=/fleet&region=/apps"))
        .header("accept", "text/event-stream")
        .header("cookie", format!("gimlet_session={}", person.cookie));
    let (changes, live) = (changes.send().await, live.send().await);
    let (changes, live) = (changes.expect("a stream"), live.expect("a stream"));
    assert_eq!((changes.status(), live.status()), (200.try_into().expect("ok"), live.status()));
    let new = json!({"name": "soursop"});
    assert_eq!(scene.world.api(&scene.owner.token, "POST", "/tokens", &new).0, 201);
    let (changes, live) = tokio::join!(read(changes, QUIET), read(live, QUIET));
    format!("{changes}\n{live}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_of_a_stranger_carries_nothing_of_what_happens_elsewhere() {
    for database in Database::all() {
        let scene = Scene::new(database).await;
        let own = heard_by(&scene, &scene.owner).await;
        assert!(own.contains("event: change") && own.contains("soursop"), "{own}");
        let heard = heard_by(&scene, &scene.stranger).await.to_lowercase();
        let words = WORDS.iter().copied().chain(scene.things.ids.iter().map(String::as_str));
        for word in words {
            assert!(!heard.contains(word), "{word}: {heard}");
        }
    }
}
