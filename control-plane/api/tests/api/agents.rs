//! The agents' port: enrolment and the link, over real TLS.

use std::{sync::Arc, time::Duration};

use futures::{
    SinkExt, StreamExt,
    channel::mpsc::{self, SendError},
    stream,
};
use gimlet_app::{AuthenticatedAgent, Clock, SystemClock, link::LinkSession};
use gimlet_shared::{
    api::ClusterConnect,
    enrol::{DescribeCluster, IssuedCertificate, RequestCertificate},
    ids::BootId,
    link::{FromAgent, FromServer, MAX_FRAME_BYTES, PROTOCOL, decode, encode},
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::CloseFrame},
};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{TestServer, enrolment_token},
    source::{Shop, Source, manifest},
};

pub(crate) type Link = WebSocketStream<TlsStream<TcpStream>>;

/// Key and chain of an enrolled agent, in PEM.
pub(crate) struct Agent {
    key: KeyPair,
    chain_pem: String,
}

pub(crate) async fn enrol(server: &TestServer, token: &str) -> Agent {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    let issued = server
        .agent_client()
        .post(server.agent_url("/enrolment/certificate"))
        .bearer_auth(token)
        .json(&RequestCertificate { csr_pem: request.pem().unwrap() });
    let issued: IssuedCertificate = issued.send().await.unwrap().json().await.unwrap();
    assert_eq!(issued.roots_pem, server.app.root_pem());
    Agent { key, chain_pem: issued.chain_pem }
}

async fn given_agent(server: &TestServer) -> Agent {
    let owner = server.new_owner("acme").await;
    let connect = owner.given_cluster("prod").await;
    enrol(server, &enrolment_token(&connect)).await
}

pub(crate) async fn open_link(
    server: &TestServer,
    agent: Option<&Agent>,
    headers: &[(&str, &str)],
) -> Result<Link, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.app.root_pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match agent {
        None => config.with_no_client_auth(),
        Some(agent) => {
            let chain = CertificateDer::pem_slice_iter(agent.chain_pem.as_bytes())
                .map(Result::unwrap)
                .collect();
            let key = PrivateKeyDer::from_pem_slice(agent.key.serialize_pem().as_bytes()).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let stream = TcpStream::connect(("127.0.0.1", server.agent_port)).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let mut request = "wss://localhost/agent/link".into_client_request().unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    }
    client_async(request, stream).await.map(|(link, _)| link)
}

/// The status with which an upgrade is refused.
fn refused(link: Result<Link, Error>) -> u16 {
    match link {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was upgraded"),
    }
}

pub(crate) async fn say(link: &mut Link, frame: &FromAgent) {
    link.send(Message::text(encode(frame))).await.unwrap();
}

pub(crate) async fn hear(link: &mut Link) -> FromServer {
    match link.next().await {
        Some(Ok(Message::Text(text))) => decode(text.as_bytes()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Skips frames until the server says goodbye.
async fn goodbye(link: &mut Link) -> Option<CloseFrame> {
    loop {
        match link.next().await {
            Some(Ok(Message::Close(frame))) => return frame,
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return None,
        }
    }
}

/// The agent of a shop's only cluster greets; returns its link and the answer.
pub(crate) async fn connect_cluster_of(shop: &Shop, hello: &FromAgent) -> (Link, FromServer) {
    let clusters = shop.owner.get("/api/v1/clusters").await;
    let first = clusters.get("items").unwrap_or(&clusters)[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/clusters/{first}/enrolment");
    let renewed = shop.owner.post(&path, serde_json::json!({})).await;
    let connect: ClusterConnect = renewed.json().await.unwrap();
    let agent = enrol(&shop.server, &enrolment_token(&connect)).await;
    let mut link = open_link(&shop.server, Some(&agent), &[]).await.unwrap();
    say(&mut link, hello).await;
    let answer = hear(&mut link).await;
    (link, answer)
}

pub(crate) fn hello() -> FromAgent {
    FromAgent::Hello {
        protocol: PROTOCOL,
        boot_id: BootId::new(),
        last_applied: 0,
        agent_version: "0.1.0".to_owned(),
        kubernetes_version: "v1.34.4".to_owned(),
    }
}

#[tokio::test]
async fn an_enrolled_agent_is_welcomed_and_shown_as_connected() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let connect = owner.given_cluster("prod").await;
    let agent = enrol(&server, &enrolment_token(&connect)).await;
    let mut link = open_link(&server, Some(&agent), &[]).await.unwrap();
    say(&mut link, &hello()).await;
    let welcome = hear(&mut link).await;
    assert!(matches!(welcome, FromServer::Welcome { epoch: 1, .. }), "{welcome:?}");
    let cluster = owner.get(&format!("/api/v1/clusters/{}", connect.cluster.id)).await;
    assert_eq!(
        (&cluster["state"], &cluster["agent_version"]),
        (&"connected".into(), &"0.1.0".into())
    );
}

#[tokio::test]
async fn an_agent_that_remembers_more_commands_than_a_restored_database_is_poked_in_its_first_session()
 {
    let shop = Shop::given(Source::with(&manifest("prod", "{event: tag}", "0"))).await;
    let FromAgent::Hello { protocol, boot_id, agent_version, kubernetes_version, .. } = hello()
    else {
        panic!("no greeting");
    };
    let ahead =
        FromAgent::Hello { protocol, boot_id, last_applied: 80, agent_version, kubernetes_version };
    let (mut link, answer) = connect_cluster_of(&shop, &ahead).await;
    assert!(matches!(answer, FromServer::Welcome { resume_from: 1, .. }), "{answer:?}");

    shop.source.write("shop.yaml", &manifest("prod", "{event: push}", "1"));
    shop.source.commit("Second");
    shop.source.push(&["main"]);
    shop.look().await;
    let poked = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            if let FromServer::Command(command) = hear(&mut link).await {
                return command;
            }
        }
    });
    assert_eq!(poked.await.expect("a poke").seq, 1);
}

#[tokio::test]
async fn a_link_needs_a_certificate_and_no_browser() {
    let server = TestServer::start().await;
    let agent = given_agent(&server).await;
    assert_eq!(refused(open_link(&server, None, &[]).await), 401);
    let origin = [("origin", "https://localhost")];
    assert_eq!(refused(open_link(&server, Some(&agent), &origin).await), 403);
    assert_eq!(refused(open_link(&server, None, &origin).await), 403);
}

#[tokio::test]
async fn a_token_is_spent_by_the_first_key() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let token = enrolment_token(&owner.given_cluster("prod").await);
    enrol(&server, &token).await;
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    let second = server
        .agent_client()
        .post(server.agent_url("/enrolment/certificate"))
        .bearer_auth(&token)
        .json(&RequestCertificate { csr_pem: request.pem().unwrap() });
    assert_eq!(second.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_spent_token_changes_no_git_password() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let token = enrolment_token(&owner.given_cluster("prod").await);
    let describe = async |password: &str| {
        let request = DescribeCluster {
            kubernetes_version: "v1.34.4".to_owned(),
            git_password_sha256: password.repeat(64),
        };
        let asked = server.agent_client().post(server.agent_url("/enrolment/cluster"));
        asked.bearer_auth(&token).json(&request).send().await.unwrap().status()
    };
    assert_eq!(describe("a").await, 200);
    assert_eq!(describe("b").await, 200);
    enrol(&server, &token).await;
    assert_eq!(describe("b").await, 200, "an installer that runs again");
    assert_eq!(describe("a").await, 401, "whoever found the token");
}

#[tokio::test]
async fn what_is_no_frame_ends_the_session() {
    let server = TestServer::start().await;
    let agent = given_agent(&server).await;
    for bad in [
        Message::binary("{}"),
        Message::text("no json"),
        Message::text(format!(r#"{{"type":"ping","pad":"{}"}}"#, "x".repeat(MAX_FRAME_BYTES))),
    ] {
        let mut link = open_link(&server, Some(&agent), &[]).await.unwrap();
        say(&mut link, &hello()).await;
        hear(&mut link).await;
        // The server may hang up before it has read all.
        let _ = link.send(bad).await;
        goodbye(&mut link).await;
        assert!(link.next().await.is_none_or(|message| message.is_err()));
    }
}

#[tokio::test]
async fn a_stop_of_the_server_sends_agents_away_and_waits_for_them() {
    let mut server = TestServer::start().await;
    let agent = given_agent(&server).await;
    let mut link = open_link(&server, Some(&agent), &[]).await.unwrap();
    say(&mut link, &hello()).await;
    hear(&mut link).await;
    server.shutdown.cancel();
    let drain = hear(&mut link).await;
    assert!(matches!(drain, FromServer::Drain { retry_after: 1.. }), "{drain:?}");
    assert!(goodbye(&mut link).await.is_some());
    while let Some(ended) = server.tasks.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test]
async fn the_root_is_public() {
    let server = TestServer::start().await;
    let root = server.agent_client().get(server.agent_url("/root.pem")).send().await.unwrap();
    assert_eq!(root.headers()["cache-control"], "no-store");
    assert_eq!(root.text().await.unwrap(), server.app.root_pem());
}

#[tokio::test]
async fn a_session_ends_with_its_certificate() {
    let server = TestServer::start().await;
    let agent = given_agent(&server).await;
    let leaf = CertificateDer::from_pem_slice(agent.chain_pem.as_bytes()).unwrap();
    let known = server.app.authenticate_cluster(&leaf).await.unwrap();
    let lifetime = Duration::from_secs(3);
    let soon = AuthenticatedAgent { not_after: SystemClock.now().after(lifetime), ..known };

    // From here on nothing but timers happens.
    tokio::time::pause();
    let session = LinkSession::open(server.app.clone(), soon);
    let silence = stream::pending::<Result<String, SendError>>();
    let (outgoing, said) = mpsc::unbounded::<String>();
    let began = tokio::time::Instant::now();
    let end = session.run(silence, outgoing, CancellationToken::new()).await;
    // Timers go by whole milliseconds.
    assert!(began.elapsed() <= lifetime + Duration::from_millis(2), "{:?}", began.elapsed());
    assert!(end.reason.contains("certificate has run out"), "{}", end.reason);
    let said: Vec<String> = said.collect().await;
    let last: FromServer = decode(said.last().unwrap().as_bytes()).unwrap();
    assert!(matches!(last, FromServer::Refuse { .. }), "{last:?}");
}
