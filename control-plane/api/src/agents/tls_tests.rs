use axum::{Extension, routing::get};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, SupportedProtocolVersion, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;
use crate::agents::gate::{HANDSHAKES_AT_ONCE, HANDSHAKES_OF_ONE};

const REQUEST: &[u8] = b"GET /who HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// An authority of its own, and a server on a port of its own that says who asks.
struct Server {
    authority: Authority,
    address: SocketAddr,
    shutdown: CancellationToken,
    tasks: JoinSet<io::Result<()>>,
}

impl Server {
    async fn start() -> Self {
        let authority = Authority::new();
        let (chain, key) = authority.leaf();
        let tls = tls_config(&chain, &key, &authority.pem).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let who = async |Extension(PeerCertificate(leaf)): Extension<PeerCertificate>| {
            if leaf.is_some() { "an agent" } else { "nobody" }
        };
        let router = Router::new().route("/who", get(who));
        let (shutdown, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(serve_tls(listener, tls, router, shutdown.clone()));
        Self { authority, address, shutdown, tasks }
    }

    /// The whole answer to [`REQUEST`].
    async fn ask(&self, client: ClientConfig) -> io::Result<String> {
        let stream = TcpStream::connect(self.address).await?;
        let name = "localhost".try_into().unwrap();
        let mut stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await?;
        stream.write_all(REQUEST).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// A client that trusts this server and shows `identity`.
    fn client(
        &self,
        identity: Option<(String, String)>,
        version: &'static SupportedProtocolVersion,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        match identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(
                    certificates("certificate", &chain).unwrap(),
                    PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
                )
                .unwrap(),
        }
    }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::from_ca_cert_pem(&pem, key).unwrap(), pem }
    }

    /// Certificate and key in PEM.
    fn leaf(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

#[tokio::test]
async fn the_handlers_are_told_who_showed_which_certificate() {
    let server = Server::start().await;
    let nobody = server.ask(server.client(None, &version::TLS13)).await.unwrap();
    assert!(nobody.ends_with("nobody"), "{nobody}");
    let agent = server.client(Some(server.authority.leaf()), &version::TLS13);
    let agent = server.ask(agent).await.unwrap();
    assert!(agent.ends_with("an agent"), "{agent}");
}

#[tokio::test]
async fn a_certificate_of_another_authority_ends_the_connection() {
    let server = Server::start().await;
    let stranger = server.client(Some(Authority::new().leaf()), &version::TLS13);
    assert!(server.ask(stranger).await.is_err());
}

#[tokio::test]
async fn older_tls_is_not_spoken() {
    let server = Server::start().await;
    assert!(server.ask(server.client(None, &version::TLS12)).await.is_err());
}

#[tokio::test]
async fn plain_http_gets_no_answer() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn strangers_that_say_nothing_lose_their_place() {
    let server = Server::start().await;
    let mut silent = Vec::new();
    for _ in 0..2 * HANDSHAKES_AT_ONCE {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    for mut stream in silent {
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn strangers_that_say_nothing_hold_up_no_agent() {
    let server = Server::start().await;
    let mut silent = Vec::new();
    for _ in 0..3 * HANDSHAKES_AT_ONCE {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let began = std::time::Instant::now();
    let agent = server.client(Some(server.authority.leaf()), &version::TLS13);
    assert!(server.ask(agent).await.unwrap().ends_with("an agent"));
    // They keep their own places for three seconds; the agent needs none of those.
    assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_address_that_stalls_its_handshakes_leaves_turns_for_others() {
    let server = Server::start().await;
    let mut stalled = Vec::new();
    for _ in 0..2 * HANDSHAKES_OF_ONE {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // The first byte of a TLS record, and no more.
        stream.write_all(&[0x16]).await.unwrap();
        stalled.push(stream);
    }
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let began = std::time::Instant::now();
    let stream = socket.connect(server.address).await.unwrap();
    let client = server.client(None, &version::TLS13);
    let name = "localhost".try_into().unwrap();
    let _idle = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_shutdown_ends_idle_connections_and_the_port() {
    let mut server = Server::start().await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let client = server.client(None, &version::TLS13);
    let name = "localhost".try_into().unwrap();
    let mut idle = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    server.shutdown.cancel();
    assert!(server.tasks.join_next().await.unwrap().unwrap().is_ok());
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[test]
fn what_is_no_pem_is_named() {
    let authority = Authority::new();
    let (chain, key) = authority.leaf();
    let refused =
        |chain: &str, key: &str, root: &str| tls_config(chain, key, root).unwrap_err().to_string();
    assert!(refused("", &key, &authority.pem).contains("certificate"));
    assert!(refused(&chain, "", &authority.pem).contains("key"));
    assert!(refused(&chain, &key, "").contains("root"));
    let (_, foreign_key) = authority.leaf();
    assert!(refused(&chain, &foreign_key, &authority.pem).contains("certificate"));
}
