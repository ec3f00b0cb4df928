//! A source repository with an application of its own, as a developer has it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// A bare repository that a control plane follows, and a clone that a developer works in.
#[derive(Clone, Debug)]
pub struct Sample {
    bare: PathBuf,
    clone: PathBuf,
    image: String,
}

/// What the sample's web server is to do.
#[derive(Clone, Debug)]
pub struct Web {
    /// Name of the application.
    pub app: String,
    /// Its environment.
    pub environment: String,
    /// Its namespace.
    pub namespace: String,
    /// What it answers at `/`.
    pub greeting: String,
    /// Its image; absent: the sample's own.
    pub image: Option<String>,
    /// What its container runs; absent: the web server.
    pub command: Option<String>,
    /// Path of its readiness probe.
    pub probe: String,
    /// Its pods carry the source commit, so that every push rolls them over.
    pub marked: bool,
}

impl Web {
    /// A healthy one.
    #[must_use]
    pub fn new(app: &str, environment: &str, greeting: &str) -> Self {
        Self {
            app: app.to_owned(),
            environment: environment.to_owned(),
            namespace: "demo".to_owned(),
            greeting: greeting.to_owned(),
            image: None,
            command: None,
            probe: "/".to_owned(),
            marked: false,
        }
    }
}

impl Sample {
    /// Makes the repository below `folder`; `image` is a shell with a web server.
    ///
    /// # Errors
    /// When git fails.
    pub fn create(folder: &Path, image: &str) -> Result<Self> {
        let sample = Self {
            bare: folder.join("acme/shop.git"),
            clone: folder.join("shop"),
            image: image.to_owned(),
        };
        std::fs::create_dir_all(&sample.bare)?;
        git(&sample.bare, &["init", "--quiet", "--bare", "--initial-branch=main"])?;
        git(folder, &["clone", "--quiet", &sample.bare.display().to_string(), "shop"])?;
        git(&sample.clone, &["checkout", "--quiet", "-B", "main"])?;
        Ok(sample)
    }

    /// The address that a control plane follows it by.
    #[must_use]
    pub fn url(&self) -> String {
        format!("file://{}", self.bare.display())
    }

    /// Writes a file of the working copy.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.clone.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(path, text)?)
    }

    /// Writes the manifest of a web application that is released by every push to `main`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_web(&self, web: &Web) -> Result<()> {
        let path = format!(".gimlet/{}-{}.yaml", web.environment, web.app);
        self.write(&path, &self.manifest(web))
    }

    /// Commits everything, pushes, and returns the commit.
    ///
    /// # Errors
    /// When git fails.
    pub fn push(&self, message: &str) -> Result<String> {
        git(&self.clone, &["add", "--all"])?;
        git(&self.clone, &["commit", "--quiet", "--allow-empty", "--message", message])?;
        git(&self.clone, &["push", "--quiet", "origin", "HEAD"])?;
        Ok(git(&self.clone, &["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// Runs git in the working copy.
    ///
    /// # Errors
    /// When git fails.
    pub fn git(&self, arguments: &[&str]) -> Result<String> {
        git(&self.clone, arguments)
    }

    /// Writes the manifest of the same application as values of a chart that the server carries, its objects patched.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_charted(&self, web: &Web) -> Result<()> {
        let path = format!(".gimlet/{}-{}.yaml", web.environment, web.app);
        let probe = &web.probe;
        let (repository, tag) = self.image.rsplit_once(':').context("an image without a tag")?;
        let command = serve(&web.greeting);
        let text = format!(
            r#"{}chart:
  name: web-application
values:
  image:
    repository: {repository}
    tag: "{tag}"
  gitSha: "{{{{ .SHA }}}}"
  command: {command:?}
  containerPort: 8080
  svcPort: 80
  securityContext: {{runAsUser: 1000}}
  resources: {{ignore: true}}
  probe: {{enabled: true, path: {probe}, settings: {{periodSeconds: 1}}}}
strategicMergePatches: |
  apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: {{{{ .APP }}}}
  spec:
    template:
      spec:
        terminationGracePeriodSeconds: 0
json6902Patches:
  - patch: |
      - op: add
        path: /metadata/labels/patched
        value: "yes"
    target: {{kind: Service}}
"#,
            head(web)
        );
        self.write(&path, &text)
    }

    fn manifest(&self, web: &Web) -> String {
        let serve = serve(&web.greeting);
        let (image, command) =
            (web.image.as_ref().unwrap_or(&self.image), web.command.as_ref().unwrap_or(&serve));
        let annotations = if web.marked { r#"{gimlet.io/git-sha: "{{ .SHA }}"}"# } else { "{}" };
        let probe = &web.probe;
        format!(
            r#"{}manifests: |
  apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: {{{{ .APP }}}}
  spec:
    replicas: 1
    selector:
      matchLabels: {{app: {{{{ .APP }}}}}}
    template:
      metadata:
        labels: {{app: {{{{ .APP }}}}}}
        annotations: {annotations}
      spec:
        terminationGracePeriodSeconds: 0
        containers:
          - name: web
            image: {image}
            command: ["sh", "-c", {command:?}]
            ports: [{{containerPort: 8080}}]
            readinessProbe:
              httpGet: {{path: {probe}, port: 8080}}
              periodSeconds: 1
  ---
  apiVersion: v1
  kind: Service
  metadata:
    name: {{{{ .APP }}}}
  spec:
    selector: {{app: {{{{ .APP }}}}}}
    ports: [{{port: 80, targetPort: 8080}}]
"#,
            head(web)
        )
    }
}

/// How a manifest begins: what it is about, and that every push to `main` releases it.
fn head(web: &Web) -> String {
    let Web { app, environment, namespace, .. } = web;
    format!(
        "app: {app}\nenv: {environment}\nnamespace: {namespace}\ndeploy:\n  event: push\n  branch: main\n"
    )
}

/// What makes the shell's web server answer with a greeting.
fn serve(greeting: &str) -> String {
    format!(
        "mkdir -p /tmp/www && echo '{greeting}' > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"
    )
}

/// Runs git with an identity of its own and nothing of this machine's settings.
fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Ana")
        .env("GIT_AUTHOR_EMAIL", "ana@example.com")
        .env("GIT_COMMITTER_NAME", "Ana")
        .env("GIT_COMMITTER_EMAIL", "ana@example.com")
        .output()
        .context("cannot run git")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {} failed: {complaint}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
