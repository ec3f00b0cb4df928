//! TLS for the agents' port: version 1.3 only, client certificates of our own authority.
//!
//! Sessions are not resumed: each connection shows its certificate anew, so that an expired or revoked one
//! never slips through on a ticket.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, http::Extensions};
use rustls::{
    RootCertStore, ServerConfig,
    server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier},
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::gate::{Gate, Place};
use crate::serve;

/// From the first byte on. Slow networks need two; who needs more is holding a place.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The verified client certificate of a connection, its leaf in DER; `None` where none was shown.
#[derive(Clone, Debug)]
pub struct PeerCertificate(pub Option<Vec<u8>>);

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate chain, key or root is not what it should be in PEM.
    #[error("cannot read the {what} of the agents' port as PEM")]
    Pem {
        /// Which of them.
        what: &'static str,
        /// Why.
        source: pem::Error,
    },
    /// The roots cannot be used to verify agents.
    #[error("cannot verify agents with these roots")]
    Roots(#[source] VerifierBuilderError),
    /// Key and certificate do not fit, or are of a kind that is not supported.
    #[error("cannot use the certificate of the agents' port")]
    Certificate(#[source] rustls::Error),
}

/// The TLS settings of the agents' port: `chain_pem` and `key_pem` of its own name, and the roots that
/// agents' certificates come from.
///
/// # Errors
/// [`TlsError`] says which input is of no use.
pub fn tls_config(
    chain_pem: &str,
    key_pem: &str,
    roots_pem: &str,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for root in certificates("root", roots_pem)? {
        roots.add(root).map_err(TlsError::Certificate)?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .map_err(TlsError::Roots)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
        .map_err(|source| TlsError::Pem { what: "key", source })?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Certificate)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates("certificate", chain_pem)?, key)
        .map_err(TlsError::Certificate)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn certificates(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if all.is_empty() => Err(TlsError::Pem { what, source: pem::Error::NoItemsFound }),
        all => all.map_err(|source| TlsError::Pem { what, source }),
    }
}

/// Serves `router` over TLS until `shutdown` fires; each request carries a [`PeerCertificate`]. Requests
/// that run are answered; connections that were upgraded are their owner's.
///
/// # Errors
/// When `listener` is of no use from the start.
pub async fn serve_tls(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "the agents' port is open");
    let acceptor = TlsAcceptor::from(tls);
    let gate = Gate::new();
    let mut connections = JoinSet::new();
    while let Some((stream, address, place)) = next_connection(&listener, &gate, &shutdown).await {
        while connections.try_join_next().is_some() {}
        let connection = Connection {
            acceptor: acceptor.clone(),
            router: router.clone(),
            shutdown: shutdown.clone(),
        };
        connections.spawn(connection.serve(stream, address, place));
    }
    drop(listener);
    serve::end(connections).await;
    Ok(())
}

/// The next connection with its place before the gate; `None` once `shutdown` fires.
///
/// Connections beyond all places wait in the listener's queue and cost nothing; those of an address that has
/// too many are closed.
async fn next_connection(
    listener: &TcpListener,
    gate: &Gate,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, Place)> {
    let next = async {
        loop {
            let room = gate.room().await?;
            let (stream, address) = serve::accept(listener).await;
            if let Some(place) = gate.place(address.ip(), room) {
                return Some((stream, address, place));
            }
            tracing::debug!(peer = %address, "an address has too many connections that say nothing");
        }
    };
    shutdown.run_until_cancelled(next).await.flatten()
}

struct Connection {
    acceptor: TlsAcceptor,
    router: Router,
    shutdown: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: TcpStream, address: SocketAddr, place: Place) {
        let turn = match self.shutdown.run_until_cancelled(place.turn(&stream)).await {
            Some(Ok(turn)) => turn,
            Some(Err(error)) => {
                return tracing::debug!(peer = %address, %error, "a connection said nothing");
            }
            None => return,
        };
        let handshake = timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream));
        let stream = match self.shutdown.run_until_cancelled(handshake).await {
            Some(Ok(Ok(stream))) => stream,
            Some(Ok(Err(error))) => {
                return tracing::debug!(peer = %address, %error, "a TLS handshake failed");
            }
            Some(Err(_)) => {
                return tracing::debug!(peer = %address, "a TLS handshake took too long");
            }
            None => return,
        };
        drop(turn);
        let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let peer = PeerCertificate(leaf.map(|leaf| leaf.to_vec()));
        let mark = move |extensions: &mut Extensions| _ = extensions.insert(peer.clone());
        serve::answer(stream, address, self.router, mark, self.shutdown).await;
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
