//! The registry that clusters of the tests have, where Debian's package `docker-registry` is installed.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gimlet_charts::{ChartSource, Digest, FetchError};
use reqwest::{Client, StatusCode, header};

use crate::support::*;

const PROGRAM: &str = "/usr/bin/docker-registry";

/// A running registry, ended when dropped.
struct Registry {
    child: Child,
    address: String,
    client: Client,
}

impl Registry {
    async fn start(folder: &Path) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let configuration = folder.join("registry.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {:?}}}\nhttp: {{addr: '{address}'}}\n",
            folder.join("blobs")
        );
        std::fs::write(&configuration, text).unwrap();
        let child = Command::new(PROGRAM)
            .args(["serve".as_ref(), configuration.as_os_str()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let registry = Self { child, address, client: Client::new() };
        let url = registry.url("/v2/");
        for _ in 0..200 {
            if registry.client.get(&url).send().await.is_ok() {
                return registry;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the registry does not answer at {url}");
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn blob(&self, bytes: Vec<u8>) -> (String, usize) {
        let start = self.client.post(self.url("/v2/acme/web/blobs/uploads/")).send().await.unwrap();
        assert_eq!(start.status(), StatusCode::ACCEPTED);
        let place = start.headers()[header::LOCATION].to_str().unwrap();
        let (digest, size) = (Digest::of(&bytes).to_string(), bytes.len());
        let put = self.client.put(place).query(&[("digest", &digest)]).body(bytes);
        assert_eq!(put.send().await.unwrap().status(), StatusCode::CREATED);
        (digest, size)
    }

    /// Pushes a version as `helm push` does.
    async fn push(&self, version: &str) {
        let config = self.blob(format!("{{\"version\":\"{version}\"}}").into_bytes()).await;
        let layer = self.blob(archive("web", version)).await;
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": config.0, "size": config.1},
            "layers": [{
                "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                "digest": layer.0,
                "size": layer.1,
            }],
        });
        let tag = version.replace('+', "_");
        let put = self
            .client
            .put(self.url(&format!("/v2/acme/web/manifests/{tag}")))
            .header(header::CONTENT_TYPE, "application/vnd.oci.image.manifest.v1+json")
            .body(manifest.to_string());
        assert_eq!(put.send().await.unwrap().status(), StatusCode::CREATED);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_real_registry_gives_what_was_pushed() {
    if !Path::new(PROGRAM).exists() {
        println!("there is no {PROGRAM}: only the scripted registry is asked");
        return;
    }
    let place = Place::new();
    let registry = Registry::start(place.path()).await;
    for version in ["0.9.0", "1.0.0", "1.1.0+build.2", "1.2.0-rc.1"] {
        registry.push(version).await;
    }
    let charts = place.charts();
    let named = |name: &str, version: &str| ChartSource::Oci {
        url: format!("oci://{}/acme/{name}", registry.address),
        version: version.into(),
    };
    for (wanted, expected) in
        [("", "1.1.0+build.2"), ("~1.0", "1.0.0"), ("0.9.0", "0.9.0"), (">1.1-0", "1.2.0-rc.1")]
    {
        let fetched = charts.fetch(&named("web", wanted), &anonymous()).await.unwrap();
        assert_eq!(fetched.version, expected, "{wanted}");
    }
    for source in [named("web", "7.0.0"), named("absent", "1.0.0"), named("absent", "")] {
        let error = charts.fetch(&source, &anonymous()).await.unwrap_err();
        assert!(matches!(error, FetchError::NotFound { .. }), "{error}");
    }
}
