//! The API on a loopback port, with a certificate of its own.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::api::Api;

pub(super) struct Served {
    pub(super) address: SocketAddr,
    pub(super) kubeconfig: Value,
}

pub(super) async fn serve(api: Api, tasks: &mut JoinSet<()>) -> Result<Served> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])
        .context("cannot make a certificate")?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())?;
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.context("there is no free port")?;
    let address = listener.local_addr()?;
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connection(acceptor.clone(), stream, api.clone()));
            while connections.try_join_next().is_some() {}
        }
    });
    let cluster = json!({
        "server": format!("https://{address}"),
        "certificate-authority-data": STANDARD.encode(made.cert.pem()),
    });
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "scripted",
        "clusters": [{"name": "scripted", "cluster": cluster}],
        "users": [{"name": "agent", "user": {"token": "scripted"}}],
        "contexts": [{"name": "scripted", "context": {"cluster": "scripted", "user": "agent"}}],
    });
    Ok(Served { address, kubeconfig })
}

async fn connection(acceptor: TlsAcceptor, stream: TcpStream, api: Api) {
    // Small answers go out at once; without it each waits for an acknowledgement.
    let _ = stream.set_nodelay(true);
    // A client that breaks off is a client that was killed.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(move |request| {
        let api = api.clone();
        async move { Ok::<_, Infallible>(api.answer(request).await) }
    });
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
