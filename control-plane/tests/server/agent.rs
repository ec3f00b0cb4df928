//! An agent that enrols, connects and says what the test lets it say.

use std::{sync::Arc, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use gimlet_shared::{
    enrol::{IssuedCertificate, RequestCertificate},
    ids::BootId,
    link::{FromAgent, FromServer, PROTOCOL, decode, encode},
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::world::World;

/// Key, certificate chain and trusted root, in PEM.
pub(crate) struct Agent {
    key: String,
    chain: String,
    root: String,
}

pub(crate) struct Link(WebSocketStream<TlsStream<TcpStream>>);

/// How the server ended a link.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) retry_after: Option<u64>,
    pub(crate) close_code: Option<u16>,
}

impl Agent {
    /// Enrols with the token in the command that connecting a cluster prints.
    pub(crate) async fn enrol(world: &World, command: &str) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let token = command.split('\'').nth(1).expect("a token");
        let root = std::fs::read_to_string(world.data().join("ca/root.pem")).expect("the root");
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(root.as_bytes()).expect("a root")])
            .build()
            .expect("a client");
        let key = KeyPair::generate().expect("a key");
        let request = CertificateParams::default().serialize_request(&key).expect("a request");
        let url = format!("https://127.0.0.1:{}/enrolment/certificate", world.agents);
        let body = RequestCertificate { csr_pem: request.pem().expect("PEM") };
        let issued = client.post(url).bearer_auth(token).json(&body).send().await.expect("issued");
        let issued: IssuedCertificate = issued.json().await.expect("a certificate");
        Self { key: key.serialize_pem(), chain: issued.chain_pem, root }
    }

    /// A line of its private key.
    pub(crate) fn key_line(&self) -> &str {
        self.key.lines().nth(1).expect("PEM")
    }

    /// Connects, and is welcomed. `None` where nobody listens.
    pub(crate) async fn connect(&self, port: u16) -> Option<Link> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.root.as_bytes()).expect("PEM"))
            .expect("a root");
        let chain = CertificateDer::pem_slice_iter(self.chain.as_bytes());
        let chain = chain.map(|one| one.expect("PEM")).collect();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("PEM");
        let config = ClientConfig::builder().with_root_certificates(roots);
        let config = config.with_client_auth_cert(chain, key).expect("a client");
        let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        let name = "127.0.0.1".try_into().expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
        let request = "wss://127.0.0.1/agent/link".into_client_request().expect("a request");
        let (mut socket, _) = client_async(request, stream).await.ok()?;
        let hello = FromAgent::Hello {
            protocol: PROTOCOL,
            boot_id: BootId::new(),
            last_applied: 0,
            agent_version: "test".to_owned(),
            kubernetes_version: "v1.34.0".to_owned(),
        };
        socket.send(Message::Text(encode(&hello).into())).await.ok()?;
        let mut link = Link(socket);
        while let Some(frame) = link.next().await {
            if matches!(frame, FromServer::Welcome { .. }) {
                return Some(link);
            }
        }
        None
    }
}

impl Link {
    /// Says something.
    pub(crate) async fn say(&mut self, frame: &FromAgent) -> Option<()> {
        self.0.send(Message::Text(encode(frame).into())).await.ok()
    }

    /// The next frame; `None` when the server is gone or closes.
    pub(crate) async fn next(&mut self) -> Option<FromServer> {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(60), self.0.next());
            match message.await.expect("a message")? {
                Ok(Message::Text(text)) => return decode(text.as_bytes()).ok(),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Reads until the server ends the link.
    pub(crate) async fn until_end(mut self) -> Ended {
        let mut ended = Ended { retry_after: None, close_code: None };
        while let Some(message) = self.0.next().await {
            match message {
                Ok(Message::Text(text)) => {
                    if let Ok(FromServer::Drain { retry_after }) = decode(text.as_bytes()) {
                        ended.retry_after = Some(retry_after);
                    }
                }
                Ok(Message::Close(frame)) => {
                    ended.close_code = frame.map(|frame| frame.code.into());
                    return ended;
                }
                Ok(_) => {}
                Err(_) => return ended,
            }
        }
        ended
    }
}
