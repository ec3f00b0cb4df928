//! The certificates and kubeconfigs of one cluster: two authorities, elliptic keys, made anew for each start.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose as Purpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};

use crate::lab::NODE_ADDRESS;

/// Where the API server is found.
#[derive(Clone, Copy)]
pub(crate) struct Servers<'a> {
    /// By the cluster's own components.
    pub(crate) inside: &'a str,
    /// By programs on the host.
    pub(crate) outside: &'a str,
}

/// Who a certificate speaks for.
struct Subject<'a> {
    file: &'a str,
    name: &'a str,
    organization: Option<&'a str>,
    purposes: &'a [Purpose],
    addresses: Vec<String>,
}

/// A certificate authority and the text of its own certificate.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// Writes the cluster's keys to `directory`, those of its real node `node` among them, and the kubeconfig for
/// people to `kubeconfig`.
pub(crate) fn write(
    directory: &Path,
    node: Option<&str>,
    kubeconfig: &Path,
    servers: Servers<'_>,
) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("could not make {}", directory.display()))?;
    let place = Place { directory };
    let authority = place.authority("ca", "gimlet-test-ca")?;
    place.leaf(&authority, &api_server())?;
    place.service_account_keys()?;
    let mut users = vec![
        client("admin", "admin", Some("system:masters")),
        client("kube-scheduler", "system:kube-scheduler", None),
    ];
    let kubelet_name = format!("system:node:{}", node.unwrap_or_default());
    if let Some(node) = node {
        place.api_server_clients(&authority)?;
        users.push(client("kube-proxy", "system:kube-proxy", None));
        users.push(Subject {
            purposes: &[Purpose::ServerAuth, Purpose::ClientAuth],
            addresses: vec![node.into(), NODE_ADDRESS.to_string()],
            ..client("kubelet", &kubelet_name, Some("system:nodes"))
        });
    }
    for subject in &users {
        let (certificate, key) = place.leaf(&authority, subject)?;
        let config = |server| {
            kubeconfig_json(server, &authority.certificate, subject.file, &certificate, &key)
        };
        place.secret(&format!("{}.kubeconfig", subject.file), &config(servers.inside))?;
        if subject.file == "admin" {
            write_secret(kubeconfig, &config(servers.outside))?;
        }
    }
    Ok(())
}

fn api_server() -> Subject<'static> {
    let names = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
        "127.0.0.1",
        "10.96.0.1",
    ];
    Subject {
        file: "apiserver",
        name: "kube-apiserver",
        organization: None,
        purposes: &[Purpose::ServerAuth],
        addresses: names.into_iter().map(String::from).chain([NODE_ADDRESS.to_string()]).collect(),
    }
}

fn client<'a>(file: &'a str, name: &'a str, organization: Option<&'a str>) -> Subject<'a> {
    Subject { file, name, organization, purposes: &[Purpose::ClientAuth], addresses: Vec::new() }
}

/// The directory that keys and certificates go to.
struct Place<'d> {
    directory: &'d Path,
}

impl Place<'_> {
    fn authority(&self, file: &str, name: &str) -> Result<Authority> {
        let made = || -> Result<Authority> {
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages =
                vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
            let certificate = params.self_signed(&key)?.pem();
            self.secret(&format!("{file}.key"), &key.serialize_pem())?;
            self.secret(&format!("{file}.crt"), &certificate)?;
            Ok(Authority { issuer: Issuer::new(params, key), certificate })
        };
        made().with_context(|| format!("could not make the certificate authority {name}"))
    }

    /// Writes `FILE.crt` and `FILE.key`, and returns their texts.
    fn leaf(&self, authority: &Authority, subject: &Subject<'_>) -> Result<(String, String)> {
        let made = || -> Result<(String, String)> {
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::new(subject.addresses.clone())?;
            params.distinguished_name = rcgen::DistinguishedName::new();
            if let Some(organization) = subject.organization {
                params.distinguished_name.push(DnType::OrganizationName, organization);
            }
            params.distinguished_name.push(DnType::CommonName, subject.name);
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = subject.purposes.to_vec();
            let certificate = params.signed_by(&key, &authority.issuer)?.pem();
            let key = key.serialize_pem();
            self.secret(&format!("{}.crt", subject.file), &certificate)?;
            self.secret(&format!("{}.key", subject.file), &key)?;
            Ok((certificate, key))
        };
        made().with_context(|| format!("could not make the certificate of {}", subject.name))
    }

    /// What the API server shows to kubelets, and to the servers of further APIs.
    fn api_server_clients(&self, authority: &Authority) -> Result<()> {
        let front_proxy = self.authority("front-proxy-ca", "gimlet-test-front-proxy-ca")?;
        let name = "kube-apiserver-kubelet-client";
        self.leaf(authority, &client("apiserver-kubelet-client", name, Some("system:masters")))?;
        self.leaf(&front_proxy, &client("front-proxy-client", "front-proxy-client", None))?;
        Ok(())
    }

    /// What signs and what checks the tokens of service accounts.
    fn service_account_keys(&self) -> Result<()> {
        let key = KeyPair::generate().context("could not make the service account key")?;
        self.secret("sa.key", &key.serialize_pem())?;
        self.secret("sa.pub", &key.public_key_pem())
    }

    fn secret(&self, file: &str, text: &str) -> Result<()> {
        write_secret(&self.path(file), text)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }
}

/// JSON is YAML, so every reader of kubeconfigs takes it.
fn kubeconfig_json(
    server: &str,
    authority: &str,
    user: &str,
    certificate: &str,
    key: &str,
) -> String {
    let encode = |text: &str| STANDARD.encode(text);
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "gimlet-test", "cluster": {
            "server": server,
            "certificate-authority-data": encode(authority),
        }}],
        "users": [{"name": user, "user": {
            "client-certificate-data": encode(certificate),
            "client-key-data": encode(key),
        }}],
        "contexts": [{"name": "gimlet-test", "context": {"cluster": "gimlet-test", "user": user}}],
        "current-context": "gimlet-test",
    })
    .to_string()
}

fn write_secret(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;

    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_node_names_is_made_and_private() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let kubeconfig = directory.path().join("kubeconfig");
        let keys = directory.path().join("pki");
        let servers =
            Servers { inside: "https://127.0.0.1:6443", outside: "https://127.0.0.1:12345" };
        write(&keys, Some("node"), &kubeconfig, servers).unwrap();

        for file in [
            "ca.crt",
            "front-proxy-ca.crt",
            "apiserver.key",
            "kubelet.crt",
            "sa.pub",
            "kube-proxy.kubeconfig",
        ] {
            let mode = fs::metadata(keys.join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        let config: serde_json::Value =
            serde_json::from_slice(&fs::read(kubeconfig).unwrap()).unwrap();
        assert_eq!(config["clusters"][0]["cluster"]["server"], servers.outside);
    }

    #[test]
    fn without_a_real_node_no_key_of_one_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let keys = directory.path().join("pki");
        let server = "https://127.0.0.1:12345";
        let servers = Servers { inside: server, outside: server };
        write(&keys, None, &directory.path().join("kubeconfig"), servers).unwrap();

        assert!(!keys.join("kubelet.key").exists());
        let config: serde_json::Value =
            serde_json::from_slice(&fs::read(keys.join("kube-scheduler.kubeconfig")).unwrap())
                .unwrap();
        assert_eq!(config["clusters"][0]["cluster"]["server"], server);
    }
}
