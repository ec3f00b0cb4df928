//! The same application with nobody but Flux: its finished manifests are pushed straight into the gitops
//! repository, and Flux is asked to look, or finds out by itself.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Client, Identity};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    LIMIT, MARK, Milestones, OURS,
    sightings::{Moment, Seen, Sightings},
};
use crate::{scripted_cluster::FLUX_NAMESPACE, stack::Stack};

/// The application that Flux is left alone with; as long as [`OURS`].
const ALONE: &str = "flux-web";

/// How long nobody may have changed the source before a round.
const REST: Duration = Duration::from_secs(2);

/// See the [module](self).
pub(super) struct FluxAlone<'a> {
    stack: &'a Stack,
    clone: PathBuf,
    source: String,
    runtime: Runtime,
    kubernetes: Client,
    server: String,
}

impl<'a> FluxAlone<'a> {
    /// Copies the released application, as it lies in the gitops repository, under another name, with a
    /// Kustomization of the same settings.
    pub(super) fn start(stack: &'a Stack, environment: &str) -> Result<Self> {
        let mut organizations = std::fs::read_dir(stack.server.data().join("gitops"))?;
        let organization = organizations.next().context("no gitops repository")??.path();
        let bare = organization.join(format!("gitops-{environment}-apps.git"));
        let clone = stack.server.data().with_file_name("flux-alone");
        git(&bare, &["clone", "--quiet", ".", &clone.display().to_string()])?;
        let kubeconfig = std::fs::read_to_string(stack.cluster.kubeconfig())?;
        let (kubernetes, server) = client(&serde_json::from_str(&kubeconfig)?)?;
        let source = format!("builtin-{environment}-apps");
        let alone = Self { stack, clone, source, runtime: Runtime::new()?, kubernetes, server };
        alone.copy_kustomization()?;
        Ok(alone)
    }

    /// One push, until its Kustomization is ready. With an interval nobody asks Flux, which looks that often.
    pub(super) fn round(
        &self,
        sightings: &Sightings,
        mark: &str,
        interval: Option<u32>,
    ) -> Result<Milestones> {
        if let Some(seconds) = interval {
            let spec = json!({"spec": {"interval": format!("{seconds}s")}});
            self.runtime.block_on(self.patch(&spec))?;
        }
        git(&self.clone, &["pull", "--quiet", "--rebase"])?;
        self.write(mark)?;
        git(&self.clone, &["add", "--all"])?;
        git(&self.clone, &["commit", "--quiet", "--message", mark])?;
        let commit = git(&self.clone, &["rev-parse", "HEAD"])?.trim().to_owned();
        std::thread::sleep(self.pause(interval));
        let began = Moment::now();
        git(&self.clone, &["push", "--quiet", "origin", "HEAD"])?;
        let pushed = Moment::now();
        if interval.is_none() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos().to_string();
            let asked =
                json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": now}}});
            self.runtime.block_on(self.patch(&asked))?;
        }
        let poked = Moment::now();
        let mut found =
            sightings.after(began, &Seen { app: ALONE, mark, commit: &commit }, LIMIT)?;
        found.insert("pushed", pushed.since(began));
        found.insert("poked", poked.since(began));
        Ok(found)
    }

    /// A push meets an interval anywhere; it is not to meet it at the end of the round before each time.
    fn pause(&self, interval: Option<u32>) -> Duration {
        let spread = interval.map_or(0.0, |seconds| rand::random::<f64>() * f64::from(seconds));
        REST + Duration::from_secs_f64(spread)
    }

    /// Writes the released application's files under the other name and mark.
    fn write(&self, mark: &str) -> Result<()> {
        let folder = self.clone.join(ALONE);
        std::fs::create_dir_all(&folder)?;
        for file in std::fs::read_dir(self.clone.join(OURS))? {
            let file = file?;
            if file.file_name() == "release.json" {
                continue;
            }
            let text = std::fs::read_to_string(file.path())?.replace(OURS, ALONE);
            let marked: Vec<String> = text.lines().map(|line| marked(line, mark)).collect();
            std::fs::write(folder.join(file.file_name()), marked.join("\n") + "\n")?;
        }
        Ok(())
    }

    fn copy_kustomization(&self) -> Result<()> {
        let path = self.clone.join(format!("flux/kustomization-{OURS}.yaml"));
        let text = std::fs::read_to_string(path)?.replace(OURS, ALONE);
        self.stack.cluster.kubectl().apply(&text).map(drop)
    }

    /// Patches the environment's source.
    async fn patch(&self, patch: &Value) -> Result<()> {
        let url = format!(
            "{}/apis/source.toolkit.fluxcd.io/v1/namespaces/{FLUX_NAMESPACE}/gitrepositories/{}",
            self.server, self.source
        );
        let request = self.kubernetes.patch(url).body(patch.to_string());
        let answer = request.header("content-type", "application/merge-patch+json").send().await?;
        ensure!(answer.status().is_success(), "the source was not patched: {}", answer.status());
        Ok(())
    }
}

/// A line of a manifest, with another mark where it has one.
fn marked(line: &str, mark: &str) -> String {
    let Some((before, after)) = line.split_once(MARK) else { return line.to_owned() };
    let end = if after.ends_with('}') { "}" } else { "" };
    format!("{before}{MARK}: \"{mark}\"{end}")
}

/// A client with the person's certificate, and where the API server is.
fn client(kubeconfig: &Value) -> Result<(Client, String)> {
    let decoded = |value: &Value| -> Result<Vec<u8>> {
        Ok(STANDARD.decode(value.as_str().context("the kubeconfig lacks a part")?)?)
    };
    let user = &kubeconfig["users"][0]["user"];
    let mut pem = decoded(&user["client-certificate-data"])?;
    pem.extend(decoded(&user["client-key-data"])?);
    let cluster = &kubeconfig["clusters"][0]["cluster"];
    let root = reqwest::Certificate::from_pem(&decoded(&cluster["certificate-authority-data"])?)?;
    let client = Client::builder().identity(Identity::from_pem(&pem)?).tls_certs_only([root]);
    let server = cluster["server"].as_str().context("the kubeconfig names no server")?;
    Ok((client.build()?, server.to_owned()))
}

fn git(folder: &std::path::Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.com"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .context("cannot run git")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {} failed: {complaint}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
