use std::path::PathBuf;

use gimlet_shared::link::encode;
use rcgen::PublicKeyData as _;
use tempfile::TempDir;

use super::*;
use crate::{fake_api::FakeApi, names, test_ca::TestCa, test_server::TestServer};

struct Scene {
    server: TestServer,
    api: FakeApi,
    directory: TempDir,
}

impl Scene {
    async fn new(token: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let scene =
            Self { server: TestServer::start().await, api: FakeApi::with_own_objects(), directory };
        std::fs::write(scene.token_file(), token).unwrap();
        scene
    }

    fn token_file(&self) -> PathBuf {
        self.directory.path().join("token")
    }

    fn store(&self) -> IdentityStore {
        IdentityStore::new(self.api.client(), "infrastructure")
    }

    async fn identity(&self) -> Result<Identity, EnrolError> {
        self.identity_at(0).await
    }

    async fn identity_at(&self, unix_now: i64) -> Result<Identity, EnrolError> {
        let (store, dialer) = (self.store(), self.server.dialer());
        identity(&store, &dialer, &self.server.ca.root_pem, &self.token_file(), unix_now).await
    }

    async fn enrol(&self) -> Result<Identity, EnrolError> {
        let (identity, ()) =
            tokio::join!(self.identity(), self.server.answer(|request| self.issue(request)));
        identity
    }

    fn issue(&self, request: &str) -> (u16, String) {
        (200, encode(&self.server.ca.issue(&csr_of(request))))
    }

    fn stored(&self, key: &str) -> bool {
        self.api.get("secrets", names::IDENTITY)["data"][key].is_string()
    }
}

fn csr_of(request: &str) -> String {
    let body = request.split_once("\r\n\r\n").unwrap().1;
    serde_json::from_str::<RequestCertificate>(body).unwrap().csr_pem
}

#[tokio::test]
async fn a_token_becomes_a_stored_certificate_and_is_dropped() {
    let scene = Scene::new("gmt_abc\n").await;
    scene.api.set("secrets", names::ENROLMENT, &serde_json::json!({"data": {"token": "Z210"}}));
    let serve = scene.server.answer(|request| {
        assert!(request.starts_with("POST /enrolment/certificate HTTP/1.1\r\n"), "{request}");
        assert!(request.to_lowercase().contains("authorization: bearer gmt_abc\r\n"), "{request}");
        assert!(scene.stored("next.key"), "the key must be stored before the token is spent");
        scene.issue(request)
    });
    let (identity, ()) = tokio::join!(scene.identity(), serve);
    identity.unwrap();
    assert!(scene.stored("tls.key") && scene.stored("tls.crt") && scene.stored("ca.crt"));
    assert!(!scene.stored("next.key"));
    let token = &scene.api.get("secrets", names::ENROLMENT)["data"]["token"];
    assert!(token.is_null(), "{token}");
}

#[tokio::test]
async fn an_agent_that_died_in_between_asks_again_with_the_same_key() {
    let scene = Scene::new("gmt_abc").await;
    let mut first = String::new();
    let serve = scene.server.answer(|request| {
        first = csr_of(request);
        (503, String::new())
    });
    let (failed, ()) = tokio::join!(scene.identity(), serve);
    assert!(matches!(failed, Err(EnrolError::Answer { .. })));

    let mut second = String::new();
    let serve = scene.server.answer(|request| {
        second = csr_of(request);
        scene.issue(request)
    });
    let (identity, ()) = tokio::join!(scene.identity(), serve);
    identity.unwrap();
    let key = |csr: &str| {
        rcgen::CertificateSigningRequestParams::from_pem(csr)
            .unwrap()
            .public_key
            .der_bytes()
            .to_vec()
    };
    assert_eq!(key(&first), key(&second));
}

#[tokio::test]
async fn a_stored_identity_is_used_without_asking_even_while_the_spent_token_is_still_shown() {
    let scene = Scene::new("gmt_abc").await;
    scene.enrol().await.unwrap();
    scene.identity().await.unwrap();
    std::fs::remove_file(scene.token_file()).unwrap();
    scene.identity().await.unwrap();
}

#[tokio::test]
async fn a_new_token_makes_a_new_identity() {
    let scene = Scene::new("gmt_abc").await;
    let first = scene.enrol().await.unwrap();
    std::fs::write(scene.token_file(), "gmt_def").unwrap();
    let second = scene.enrol().await.unwrap();
    assert_ne!(first.credential().chain_pem, second.credential().chain_pem);
}

#[tokio::test]
async fn a_refused_token_is_told_with_its_remedy_and_does_not_harm_what_there_is() {
    let scene = Scene::new("gmt_abc").await;
    let refuse = || scene.server.answer(|_| (401, r#"{"detail":"already used\u001b[1m"}"#.into()));
    let (refused, ()) = tokio::join!(scene.identity(), refuse());
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("already used)") && error.contains("install command"), "{error}");

    scene.enrol().await.unwrap();
    std::fs::write(scene.token_file(), "gmt_def").unwrap();
    let (identity, ()) = tokio::join!(scene.identity(), refuse());
    assert!(identity.is_ok());
}

#[tokio::test]
async fn without_token_or_after_the_certificates_end_the_remedy_is_told() {
    let scene = Scene::new("").await;
    assert!(matches!(scene.identity().await, Err(EnrolError::NoToken)));
    std::fs::write(scene.token_file(), "gmt_abc").unwrap();
    let identity = scene.enrol().await.unwrap();
    assert!(matches!(scene.identity_at(identity.not_after).await, Err(EnrolError::NoToken)));
}

#[tokio::test]
async fn a_token_of_more_than_one_line_is_none() {
    let scene = Scene::new("gmt_abc\r\nX-Evil: 1").await;
    assert!(matches!(scene.identity().await, Err(EnrolError::NoToken)));
}

#[tokio::test]
async fn a_server_that_the_root_does_not_vouch_for_is_told_nothing() {
    let scene = Scene::new("gmt_abc").await;
    let foreign = TestCa::new();
    let (store, dialer) = (scene.store(), scene.server.dialer());
    let token_file = scene.token_file();
    let ask = identity(&store, &dialer, &foreign.root_pem, &token_file, 0);
    let (refused, ()) = tokio::join!(ask, scene.server.fail_handshake());
    assert!(matches!(refused, Err(EnrolError::Dial { source: DialError::Handshake { .. } })));
}

#[tokio::test]
async fn a_certificate_for_a_foreign_key_or_nonsense_is_not_stored() {
    let scene = Scene::new("gmt_abc").await;
    let other = NewKey::make().unwrap();
    let foreign = encode(&scene.server.ca.issue(&other.csr_pem));
    for answer in [foreign, "{}".into(), "nonsense".into(), " ".repeat(300_000)] {
        let (refused, ()) = tokio::join!(scene.identity(), scene.server.answer(|_| (200, answer)));
        assert!(refused.is_err());
        assert!(!scene.stored("tls.crt"));
    }
}
