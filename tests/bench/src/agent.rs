//! Agents without a cluster: enrolled as real ones are, they hold the link over mutual TLS, speak its
//! protocol, and do every command at once.

use std::{sync::Arc, time::SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use futures::{SinkExt as _, StreamExt as _};
use gimlet_shared::{
    enrol::{IssuedCertificate, RequestCertificate},
    ids::BootId,
    link::{Command, CommandOutcome, FromAgent, FromServer, PROTOCOL, decode, encode},
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::server::Server;

/// The name that the agents' port has a certificate for.
const HOST: &str = "127.0.0.1";

/// An agent whose session stands.
pub(crate) struct Agent {
    link: WebSocketStream<TlsStream<TcpStream>>,
}

impl Agent {
    /// Connects a cluster of this name, with an environment of the same, and opens its agent's session.
    ///
    /// # Errors
    /// What the server refuses.
    pub(crate) async fn connect(server: &Server, token: &str, name: &str) -> Result<Self> {
        let connect =
            server.call("/api/v1/clusters", Some(token), &json!({ "name": name })).await?;
        let key = KeyPair::generate()?;
        let issued = enrol(server, &enrolment_token(&connect)?, &key).await?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(issued.chain_pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| anyhow::anyhow!("no certificate: {error:?}"))?;
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())
            .map_err(|error| anyhow::anyhow!("no key: {error:?}"))?;
        let config = trusting(server)?.with_client_auth_cert(chain, key)?;
        let stream = dial(server, config).await?;
        let request = format!("wss://{}/agent/link", server.agents).into_client_request()?;
        let (link, _) = client_async(request, stream).await?;
        let mut agent = Self { link };
        agent
            .say(&FromAgent::Hello {
                protocol: PROTOCOL,
                boot_id: BootId::new(),
                last_applied: 0,
                agent_version: "0.1.0".to_owned(),
                kubernetes_version: "v1.34.4".to_owned(),
            })
            .await?;
        match agent.hear().await? {
            FromServer::Welcome { .. } => Ok(agent),
            other => bail!("the agent was not welcomed: {other:?}"),
        }
    }

    /// Waits for the next command, does it, and says when it had arrived.
    ///
    /// # Errors
    /// When the session ends.
    pub(crate) async fn command(&mut self) -> Result<(Command, SystemTime)> {
        loop {
            match self.hear().await? {
                FromServer::Command(command) => {
                    let arrived = SystemTime::now();
                    let (seq, command_id) = (command.seq, command.id);
                    self.say(&FromAgent::Accepted { seq }).await?;
                    let outcome = CommandOutcome::Succeeded;
                    self.say(&FromAgent::Done { seq, command_id, outcome }).await?;
                    return Ok((command, arrived));
                }
                FromServer::Ping => self.say(&FromAgent::Pong).await?,
                FromServer::Refuse { reason, .. } => bail!("the session was refused: {reason}"),
                _ => {}
            }
        }
    }

    async fn say(&mut self, frame: &FromAgent) -> Result<()> {
        Ok(self.link.send(Message::text(encode(frame))).await?)
    }

    async fn hear(&mut self) -> Result<FromServer> {
        loop {
            match self.link.next().await.context("the server closed the link")?? {
                Message::Text(text) => {
                    return decode(text.as_bytes()).context("a frame that is none");
                }
                Message::Close(frame) => bail!("the server closed the link: {frame:?}"),
                _ => {}
            }
        }
    }
}

fn enrolment_token(connect: &Value) -> Result<String> {
    let command = connect["command"].as_str().context("no command to connect with")?;
    let start = command.find("get_").context("no token in the command")?;
    let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    Ok(command[start..].chars().take_while(is_part).collect())
}

async fn enrol(server: &Server, token: &str, key: &KeyPair) -> Result<IssuedCertificate> {
    let request = CertificateParams::default().serialize_request(key)?;
    let body = serde_json::to_vec(&RequestCertificate { csr_pem: request.pem()? })?;
    let head = format!(
        "POST /enrolment/certificate HTTP/1.1\r\nhost: {HOST}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = dial(server, trusting(server)?.with_no_client_auth()).await?;
    stream.write_all(&[head.as_bytes(), &body].concat()).await?;
    let mut answer = Vec::new();
    // The server may close without a farewell of TLS; what counts is whether the answer is whole.
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8(answer)?;
    let (head, body) = text.split_once("\r\n\r\n").context("no answer to the enrolment")?;
    ensure!(head.starts_with("HTTP/1.1 20"), "the agent was not enrolled: {text}");
    Ok(serde_json::from_str(body)?)
}

fn trusting(
    server: &Server,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>> {
    // The second call changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let pem = std::fs::read(server.data().join("ca/root.pem")).context("no root certificate")?;
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(&pem)
        .map_err(|error| anyhow::anyhow!("no root certificate: {error:?}"))?;
    roots.add(root)?;
    Ok(ClientConfig::builder().with_root_certificates(roots))
}

async fn dial(server: &Server, config: ClientConfig) -> Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(server.agents).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from(HOST)?;
    Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
}
