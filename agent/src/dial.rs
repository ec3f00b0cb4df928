//! The way out to the control plane: TCP, through a proxy if one is set, then TLS 1.3 with the given roots
//! and no others.

use std::{net::IpAddr, sync::Arc, time::Duration};

use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::Matcher,
    },
    rt::TokioIo,
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, version::TLS13};
use rustls_pki_types::{
    CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName, pem::PemObject as _,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower::{Service as _, ServiceExt as _};
use url::{Host, Url};

/// How long the way out may take. The control plane admits handshakes in turn, so that a whole fleet that
/// comes back at once takes some seconds.
const PATIENCE: Duration = Duration::from_secs(45);

/// An encrypted stream to the control plane.
pub(crate) type Stream = TlsStream<TcpStream>;

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// A root file holds no certificate.
    #[error("the roots to trust hold no readable certificate in PEM")]
    Roots,
    /// Key and certificate cannot be used together.
    #[error("the stored key and certificate cannot be used")]
    Identity {
        /// Why.
        source: rustls::Error,
    },
    /// Key or certificate is not PEM.
    #[error("the stored key or certificate is not readable PEM")]
    Pem {
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// TLS cannot be set up at all.
    #[error("TLS cannot be set up")]
    Tls {
        /// Why.
        source: rustls::Error,
    },
    /// The host's name cannot be checked.
    #[error("the control plane's host name is not valid")]
    Name {
        /// Why.
        source: InvalidDnsNameError,
    },
    /// No connection.
    #[error("could not connect to {target}")]
    Connect {
        /// Host and port.
        target: String,
        /// Why.
        source: std::io::Error,
    },
    /// No connection through the proxy.
    #[error("could not connect to {target} through the proxy {proxy}")]
    Proxy {
        /// Host and port.
        target: String,
        /// The proxy's address, without its password.
        proxy: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The other side is not who it should be, or does not take this agent.
    #[error("the TLS handshake with {target} failed")]
    Handshake {
        /// Host and port.
        target: String,
        /// Why.
        source: std::io::Error,
    },
    /// It took too long.
    #[error("{target} did not answer within {} seconds", PATIENCE.as_secs())]
    TimedOut {
        /// Host and port.
        target: String,
    },
}

/// A client key with its certificate chain, both in PEM.
#[derive(Clone, Debug)]
pub(crate) struct Credential<'a> {
    pub(crate) key_pem: &'a SecretString,
    pub(crate) chain_pem: &'a str,
}

/// TLS 1.3 with exactly these roots, and with the client's credential if there is one.
pub(crate) fn tls(
    roots_pem: &[&str],
    credential: Option<&Credential<'_>>,
) -> Result<Arc<ClientConfig>, DialError> {
    let mut roots = RootCertStore::empty();
    for pem in roots_pem {
        let all = CertificateDer::pem_slice_iter(pem.as_bytes());
        roots.add_parsable_certificates(all.filter_map(Result::ok));
    }
    if roots.is_empty() {
        return Err(DialError::Roots);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(|source| DialError::Tls { source })?
        .with_root_certificates(roots);
    let Some(Credential { key_pem, chain_pem }) = credential else {
        return Ok(Arc::new(builder.with_no_client_auth()));
    };
    let chain = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| DialError::Pem { source })?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.expose_secret().as_bytes())
        .map_err(|source| DialError::Pem { source })?;
    let config = builder
        .with_client_auth_cert(chain, key)
        .map_err(|source| DialError::Identity { source })?;
    Ok(Arc::new(config))
}

/// Knows where the control plane is and how to get there.
#[derive(Debug)]
pub struct Dialer {
    server: Url,
    proxies: Matcher,
}

impl Dialer {
    /// A dialer to `server`, through `https_proxy` unless `no_proxy` names the host. Both have the usual
    /// form of the environment variables of that name.
    #[must_use]
    pub fn new(server: Url, https_proxy: Option<&str>, no_proxy: Option<&str>) -> Self {
        let proxies = Matcher::builder()
            .https(https_proxy.unwrap_or_default())
            .no(no_proxy.unwrap_or_default())
            .build();
        Self { server, proxies }
    }

    /// Host and port, as requests name them.
    pub(crate) fn target(&self) -> String {
        let host = self.server.host_str().unwrap_or_default();
        format!("{host}:{}", self.port())
    }

    /// Opens an encrypted stream.
    pub(crate) async fn dial(&self, config: Arc<ClientConfig>) -> Result<Stream, DialError> {
        let name = self.server_name()?;
        let connect = async {
            let tcp = self.connect().await?;
            // Frames are small and wait for answers; a failure only costs time.
            let _ = tcp.set_nodelay(true);
            TlsConnector::from(config)
                .connect(name, tcp)
                .await
                .map_err(|source| DialError::Handshake { target: self.target(), source })
        };
        timeout(PATIENCE, connect)
            .await
            .unwrap_or_else(|_| Err(DialError::TimedOut { target: self.target() }))
    }

    async fn connect(&self) -> Result<TcpStream, DialError> {
        let target = self.target();
        let uri = format!("https://{target}").parse::<http::Uri>().ok();
        let proxy = uri.as_ref().and_then(|uri| self.proxies.intercept(uri));
        let (Some(uri), Some(proxy)) = (uri, proxy) else {
            return match self.server.host() {
                Some(Host::Ipv6(address)) => TcpStream::connect((address, self.port())).await,
                _ => TcpStream::connect(&target).await,
            }
            .map_err(|source| DialError::Connect { target, source });
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), HttpConnector::new());
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let connect = async { tunnel.ready().await?.call(uri).await };
        connect.await.map(TokioIo::into_inner).map_err(|source| DialError::Proxy {
            target,
            proxy: proxy.uri().authority().map(ToString::to_string).unwrap_or_default(),
            source: source.into(),
        })
    }

    fn server_name(&self) -> Result<ServerName<'static>, DialError> {
        match self.server.host() {
            Some(Host::Ipv4(address)) => Ok(IpAddr::V4(address).into()),
            Some(Host::Ipv6(address)) => Ok(IpAddr::V6(address).into()),
            Some(Host::Domain(name)) => {
                ServerName::try_from(name.to_owned()).map_err(|source| DialError::Name { source })
            }
            None => {
                ServerName::try_from(String::new()).map_err(|source| DialError::Name { source })
            }
        }
    }

    fn port(&self) -> u16 {
        self.server.port_or_known_default().unwrap_or(443)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    fn dialer(server: &str, proxy: Option<&str>, no_proxy: Option<&str>) -> Dialer {
        Dialer::new(server.parse().unwrap(), proxy, no_proxy)
    }

    #[test]
    fn the_target_has_a_port_in_any_case() {
        assert_eq!(
            dialer("https://gimlet.example.com:9443", None, None).target(),
            "gimlet.example.com:9443"
        );
        assert_eq!(
            dialer("https://gimlet.example.com", None, None).target(),
            "gimlet.example.com:443"
        );
        assert_eq!(dialer("https://[::1]:9443", None, None).target(), "[::1]:9443");
    }

    #[tokio::test]
    async fn a_proxy_is_asked_for_a_tunnel_with_its_password() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = format!("http://user:secret@{address}");
        let dialer = dialer("https://gimlet.invalid:9443", Some(&proxy), Some("other.invalid"));
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 1024];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        };
        let (request, stream) = tokio::join!(serve, dialer.connect());
        assert!(request.starts_with("CONNECT gimlet.invalid:9443 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ="), "{request}");
        assert!(stream.is_ok());
    }

    #[tokio::test]
    async fn a_refusing_proxy_is_named_without_its_password() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://user:secret@{}", listener.local_addr().unwrap());
        let dialer = dialer("https://gimlet.invalid:9443", Some(&proxy), None);
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
        };
        let ((), stream) = tokio::join!(serve, dialer.connect());
        let error = stream.unwrap_err().to_string();
        assert!(error.contains("through the proxy 127.0.0.1:"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn an_excepted_host_is_reached_directly() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("https://{}", listener.local_addr().unwrap());
        let dialer = dialer(&server, Some("http://proxy.invalid:3128"), Some("127.0.0.0/8"));
        assert!(dialer.connect().await.is_ok());
    }

    #[test]
    fn roots_that_are_no_certificates_are_refused() {
        assert!(matches!(tls(&[""], None), Err(DialError::Roots)));
        assert!(matches!(tls(&["nonsense"], None), Err(DialError::Roots)));
    }
}
