//! A control plane for tests: real TCP, real TLS 1.3 with client certificates, real websockets.

use std::sync::Arc;

use futures::{SinkExt as _, StreamExt as _};
use gimlet_shared::link::{
    FromAgent, FromServer, decode, encode,
    server::{Output, ServerSession},
};
use rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

use crate::{dial::Dialer, test_ca::TestCa};

pub(crate) struct TestServer {
    pub(crate) ca: TestCa,
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        let ca = TestCa::new();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.root_pem.as_bytes()).unwrap()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .unwrap();
        let (certificate, key) = ca.server();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { ca, listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    pub(crate) fn dialer(&self) -> Dialer {
        let url = format!("https://{}", self.listener.local_addr().unwrap());
        Dialer::new(url.parse().unwrap(), None, None)
    }

    async fn accept(&self) -> TlsStream<TcpStream> {
        let (stream, _) = self.listener.accept().await.unwrap();
        self.acceptor.accept(stream).await.unwrap()
    }

    /// Takes one HTTP request, gives its text to `respond`, and answers with status and body.
    pub(crate) async fn answer(&self, respond: impl FnOnce(&str) -> (u16, String)) {
        let mut stream = self.accept().await;
        let mut request = Vec::new();
        while !is_whole(&request) {
            let mut piece = [0; 4096];
            let length = stream.read(&mut piece).await.unwrap();
            request.extend_from_slice(&piece[..length]);
        }
        let (status, body) = respond(&String::from_utf8(request).unwrap());
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all((head + &body).as_bytes()).await;
        // A client that has read enough may be gone already.
        let _ = stream.shutdown().await;
    }

    /// Takes one connection whose client does not trust this server.
    pub(crate) async fn fail_handshake(&self) {
        let (stream, _) = self.listener.accept().await.unwrap();
        assert!(self.acceptor.accept(stream).await.is_err(), "the client must not trust us");
    }

    /// Takes one link, whose client must have shown a certificate.
    pub(crate) async fn accept_link(&self) -> TestLink {
        let stream = self.accept().await;
        assert!(stream.get_ref().1.peer_certificates().is_some(), "no client certificate");
        let socket = accept_async(stream).await.unwrap();
        let session = ServerSession::new(std::time::Instant::now());
        TestLink { socket, session }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    body.len() >= length.unwrap_or(0)
}

/// The control plane's side of one connection.
pub(crate) struct TestLink {
    socket: WebSocketStream<TlsStream<TcpStream>>,
    pub(crate) session: ServerSession,
}

impl TestLink {
    /// Does what the session asks for, and gives what is left for the caller.
    pub(crate) async fn perform(&mut self, outputs: Vec<Output>) -> Vec<Output> {
        let mut rest = Vec::new();
        for output in outputs {
            match output {
                Output::Send(frame) => self.send(&frame).await,
                output => rest.push(output),
            }
        }
        rest
    }

    pub(crate) async fn send(&mut self, frame: &FromServer) {
        self.socket.send(Message::text(encode(frame))).await.unwrap();
    }

    /// Runs the session until something comes out of it for the caller. `None` when the agent is gone.
    pub(crate) async fn next(&mut self) -> Option<Vec<Output>> {
        loop {
            let message = match self.socket.next().await? {
                Ok(Message::Text(text)) => text,
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => continue,
            };
            assert!(decode::<FromAgent>(message.as_bytes()).is_ok(), "{message}");
            let outputs = self.session.receive(message.as_bytes(), std::time::Instant::now());
            let rest = self.perform(outputs).await;
            if !rest.is_empty() {
                return Some(rest);
            }
        }
    }
}
