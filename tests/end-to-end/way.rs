//! Push, roll over, on demand, roll back, delete.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gimlet_tests::{
    http,
    sample::Web,
    stack::{Stack, items},
};
use serde_json::Value;

use crate::ENVIRONMENT;

/// Longer than the release deadline.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// Writes the application, pushes, and waits until its release has closed.
pub(crate) fn release(stack: &Stack, web: &Web) -> Result<Value> {
    stack.sample.write_web(web)?;
    let sha = stack.sample.push(&format!("{}: {}", web.app, web.greeting))?;
    stack.gimlet(&["repo", "look", "acme/shop"])?;
    stack.wait_for_release(ENVIRONMENT, &web.app, &sha, LIMIT)
}

/// The same, and it must be healthy.
pub(crate) fn release_healthy(stack: &Stack, web: &Web) -> Result<Value> {
    let release = release(stack, web)?;
    ensure!(
        release["state"] == "healthy",
        "the release of {} is not healthy: {release:#}",
        web.app
    );
    Ok(release)
}

/// Waits until the application's Service answers with the greeting.
pub(crate) fn serves(stack: &Stack, app: &str, greeting: &str) -> Result<()> {
    let service = stack.forward_service("demo", app)?;
    stack.wait(Duration::from_secs(15), &format!("{app} to answer `{greeting}`"), || {
        let answer = http::get(service.local(), "/")?;
        Ok(answer.body.contains(greeting).then_some(()))
    })
}

pub(crate) fn push_twice(stack: &mut Stack) -> Result<()> {
    let first =
        release_healthy(stack, &Web { marked: true, ..Web::new("way", ENVIRONMENT, "first") })?;
    serves(stack, "way", "first")?;
    let second =
        release_healthy(stack, &Web { marked: true, ..Web::new("way", ENVIRONMENT, "second") })?;
    serves(stack, "way", "second")?;

    // API and command, page, and kubectl tell the same.
    let sha = second["sha"].as_str().context("a sha")?;
    let on_cluster = stack.cluster.kubectl().run(&[
        "-n",
        "demo",
        "get",
        "deployment",
        "way",
        "-o",
        "jsonpath={.spec.template.metadata.annotations.gimlet\\.io/git-sha} {.status.readyReplicas}",
    ])?;
    ensure!(on_cluster.trim() == format!("{sha} 1"), "kubectl says {on_cluster}");
    let app = stack.gimlet_json(&["app", "show", &format!("{ENVIRONMENT}/way")])?;
    ensure!(app["health"] == "healthy" && app["sha"] == sha, "the application is {app:#}");
    ensure!(app["workloads"][0]["ready"] == 1, "the application is {app:#}");
    let (one, two) =
        (first["id"].as_str().context("an id")?, second["id"].as_str().context("an id")?);
    let shown = stack.gimlet_json(&["release", "show", two])?;
    ensure!(shown["current"] == true, "{shown:#}");
    ensure!(
        stack.gimlet_json(&["release", "show", one])?["current"] == false,
        "the first is still current"
    );
    let page = stack.page(&format!("/releases/{two}"))?;
    ensure!(
        page.contains("Healthy") && page.contains(&sha[..7]),
        "the release's page tells otherwise: {page}"
    );
    let page = stack.page(&format!("/apps/{ENVIRONMENT}/way"))?;
    ensure!(
        page.contains("Healthy") && page.contains(&sha[..7]),
        "the application's page tells otherwise: {page}"
    );
    let git = stack.cluster.kubectl().run(&[
        "-n",
        "flux-system",
        "get",
        "gitrepository",
        &format!("builtin-{ENVIRONMENT}-apps"),
        "-o",
        "jsonpath={.status.artifact.revision}",
    ])?;
    let commit = second["gitops_commit"].as_str().context("a gitops commit")?;
    ensure!(git.ends_with(commit), "Flux is at {git}, the release at {commit}");
    Ok(())
}

pub(crate) fn every_commit_shows_up(stack: &mut Stack) -> Result<()> {
    let mut shas = Vec::new();
    for number in 0..3 {
        stack.sample.write(&format!("notes/{number}.txt"), "text\n")?;
        stack.sample.git(&["add", "--all"])?;
        stack.sample.git(&["commit", "--quiet", "--message", &format!("Note {number}")])?;
        shas.push(stack.sample.git(&["rev-parse", "HEAD"])?.trim().to_owned());
    }
    let head = stack.sample.push("The last of four")?;
    stack.gimlet(&["repo", "look", "acme/shop"])?;
    stack.wait_for_release(ENVIRONMENT, "way", &head, LIMIT)?;
    let commits = stack.gimlet_json(&["commits", "--limit", "10"])?;
    for sha in &shas {
        let row = items(&commits).iter().find(|row| row["sha"] == sha.as_str());
        let row = row.with_context(|| format!("{sha} does not show up"))?;
        ensure!(row["is_head"] == false && row["decisions"][0]["releases"] == false, "{row:#}");
    }
    let releases =
        stack.gimlet_json(&["release", "list", "--environment", ENVIRONMENT, "--app", "way"])?;
    ensure!(
        !items(&releases)
            .iter()
            .any(|release| shas.iter().any(|sha| release["sha"] == sha.as_str()))
    );
    Ok(())
}

pub(crate) fn release_on_demand(stack: &mut Stack) -> Result<()> {
    let commits = stack.gimlet_json(&["commits", "--limit", "10"])?;
    let row = items(&commits)
        .iter()
        .find(|row| row["message"].as_str().is_some_and(|text| text.starts_with("Note 1")));
    let sha = row.context("the commit")?["sha"].as_str().context("a sha")?.to_owned();
    stack.gimlet(&[
        "deploy",
        "--environment",
        ENVIRONMENT,
        "--app",
        "way",
        "--sha",
        &sha,
        "--wait",
    ])?;
    let app = stack.gimlet_json(&["app", "show", &format!("{ENVIRONMENT}/way")])?;
    ensure!(app["sha"] == sha.as_str(), "{app:#}");
    Ok(())
}

pub(crate) fn roll_back(stack: &mut Stack) -> Result<()> {
    let first = release_healthy(stack, &Web::new("back", ENVIRONMENT, "the old one"))?;
    release_healthy(stack, &Web::new("back", ENVIRONMENT, "the new one"))?;
    serves(stack, "back", "the new one")?;
    stack.gimlet(&["release", "rollback", first["id"].as_str().context("an id")?, "--wait"])?;
    serves(stack, "back", "the old one")
}

pub(crate) fn delete(stack: &mut Stack) -> Result<()> {
    release_healthy(stack, &Web::new("gone", ENVIRONMENT, "soon gone"))?;
    // With its manifest still there, the next push would bring it back.
    stack.sample.git(&["rm", "--quiet", &format!(".gimlet/{ENVIRONMENT}-gone.yaml")])?;
    stack.gimlet(&["app", "delete", &format!("{ENVIRONMENT}/gone"), "--yes", "--wait"])?;
    let left =
        stack.cluster.kubectl().run(&["-n", "demo", "get", "deployment,service", "-o", "name"])?;
    ensure!(!left.contains("/gone"), "left on the cluster: {left}");
    let shown = stack.gimlet_output(&["app", "show", &format!("{ENVIRONMENT}/gone")])?;
    ensure!(!shown.status.success(), "the application still shows");
    let files = gitops(stack, &["ls-tree", "-r", "--name-only", "HEAD"])?;
    ensure!(
        !files.contains("gone/") && !files.contains("kustomization-gone"),
        "left in git: {files}"
    );
    let log = gitops(stack, &["log", "--format=%s", "--", "gone"])?;
    ensure!(
        log.contains("gone automated deploy") && log.contains("gone deleted by ana"),
        "history: {log}"
    );
    let history =
        stack.gimlet_json(&["release", "list", "--environment", ENVIRONMENT, "--app", "gone"])?;
    ensure!(items(&history).len() == 2, "history is kept: {history:#}");
    Ok(())
}

pub(crate) fn stays_live(stack: &mut Stack) -> Result<()> {
    let app = format!("{ENVIRONMENT}/live");
    let release = release_healthy(stack, &Web::new("live", ENVIRONMENT, "long healthy"))?;
    let health = |wanted: &str| {
        stack.wait(Duration::from_secs(60), &format!("the application to be {wanted}"), || {
            let shown = stack.gimlet_json(&["app", "show", &app])?;
            Ok((shown["health"] == wanted).then_some(shown))
        })
    };
    health("healthy")?;
    // Somebody breaks it by hand, long after its release has closed.
    let kubectl = stack.cluster.kubectl();
    kubectl.run(&["-n", "demo", "set", "image", "deployment/live", "web=acme/never-pushed:2"])?;
    let broken = health("degraded")?;
    ensure!(broken["cause"]["code"] == "image_pull", "{broken:#}");
    kubectl.run(&["-n", "demo", "rollout", "undo", "deployment/live"])?;
    health("healthy")?;
    let shown =
        stack.gimlet_json(&["release", "show", release["id"].as_str().context("an id")?])?;
    ensure!(shown["state"] == "healthy", "a closed release moved: {shown:#}");
    Ok(())
}

/// Runs git in the environment's apps repository on the control plane's disk.
pub(crate) fn gitops(stack: &Stack, arguments: &[&str]) -> Result<String> {
    let organizations = stack.server.data().join("gitops");
    let organization =
        std::fs::read_dir(organizations)?.next().context("no gitops repository")??.path();
    let repository = organization.join(format!("gitops-{ENVIRONMENT}-apps.git"));
    let output = std::process::Command::new("git")
        .arg("--git-dir")
        .arg(repository)
        .args(arguments)
        .output()?;
    ensure!(output.status.success(), "git failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// An Ingress leads to the application, and what each release changed is told from git.
pub(crate) fn reach(stack: &mut Stack) -> Result<()> {
    let write = |host: &str| {
        stack.sample.write(
            &format!(".gimlet/{ENVIRONMENT}-reach.yaml"),
            &format!(
                "app: reach\nenv: {ENVIRONMENT}\nnamespace: demo\ndeploy: {{event: push, branch: main}}\nmanifests: |\n  \
                 apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  metadata: {{name: reach}}\n  spec:\n    \
                 tls: [{{hosts: [{host}], secretName: reach-tls}}]\n    rules:\n    - host: {host}\n      http:\n        \
                 paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: reach, port: {{number: 80}}}}}}}}]\n"
            ),
        )?;
        let sha = stack.sample.push(&format!("Reach {host}"))?;
        stack.gimlet(&["repo", "look", "acme/shop"])?;
        let release = stack.wait_for_release(ENVIRONMENT, "reach", &sha, LIMIT)?;
        ensure!(release["state"] == "healthy", "{release:#}");
        let id = release["id"].as_str().context("an id")?.to_owned();
        let url = format!("https://{host}/");
        stack.wait(Duration::from_secs(15), &format!("the address {url}"), || {
            let app = stack.gimlet_json(&["app", "show", &format!("{ENVIRONMENT}/reach")])?;
            Ok((app["app_url"] == url.as_str()).then_some(()))
        })?;
        let page = stack.page(&format!("/releases/{id}"))?;
        ensure!(page.contains("Open app") && page.contains(&url), "the page leads nowhere: {page}");
        Ok(id)
    };
    let (first, second) = (write("old.reach.example")?, write("new.reach.example")?);
    let changed = stack.gimlet_output(&["release", "diff", &second])?;
    let text = String::from_utf8_lossy(&changed.stdout).into_owned();
    ensure!(changed.status.code() == Some(1), "release diff ended with {}", changed.status);
    ensure!(text.lines().any(|line| line.starts_with('+') && line.contains("new.reach")), "{text}");
    let back = stack.gimlet_output(&["release", "rollback", &first, "--dry-run"])?;
    let text = String::from_utf8_lossy(&back.stdout).into_owned();
    ensure!(back.status.code() == Some(1), "the dry run ended with {}", back.status);
    ensure!(text.lines().any(|line| line.starts_with('-') && line.contains("new.reach")), "{text}");
    Ok(())
}
