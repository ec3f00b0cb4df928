//! `kill -9` in the middle, and a control plane that is away.

use std::{thread::sleep, time::Duration};

use anyhow::{Context as _, Result, ensure};
use gimlet_tests::{
    sample::Web,
    stack::{Stack, items},
};

use crate::{
    ENVIRONMENT,
    way::{gitops, release_healthy, serves},
};

/// The agent's longest wait before it connects again, and a release after it.
const LIMIT: Duration = Duration::from_secs(120);

/// How often a commit of this release stands in git.
fn commits_of(stack: &Stack, release: &str) -> Result<usize> {
    Ok(gitops(stack, &["log", "--format=%B"])?.matches(&format!("Deploy-Id: {release}")).count())
}

pub(crate) fn control_plane(stack: &mut Stack) -> Result<()> {
    // The product's own deadline: an agent that lost its server nine times in a row comes back after up to
    // a minute, which is longer than the deadline of the other scenarios.
    stack.server.set("GIMLET_RELEASE_DEADLINE_S", "300");
    // From right after the push to well past healthy: some hit each step of the way.
    for (round, wait_ms) in [0_u64, 20, 60, 120, 250, 500, 1000, 2000, 4000].into_iter().enumerate()
    {
        let greeting = format!("survived {round}");
        stack.sample.write_web(&Web::new("kill", ENVIRONMENT, &greeting))?;
        let sha = stack.sample.push(&greeting)?;
        stack.gimlet(&["repo", "look", "acme/shop"])?;
        sleep(Duration::from_millis(wait_ms));
        stack.server.kill()?;
        stack.server.start_again()?;
        let release = stack.wait_for_release(ENVIRONMENT, "kill", &sha, LIMIT)?;
        ensure!(release["state"] == "healthy", "killed after {wait_ms} ms: {release:#}");
        let id = release["id"].as_str().context("an id")?;
        let commits = commits_of(stack, id)?;
        ensure!(commits == 1, "killed after {wait_ms} ms: {commits} commits of {id}");
        let list = stack.gimlet_json(&[
            "release",
            "list",
            "--environment",
            ENVIRONMENT,
            "--app",
            "kill",
        ])?;
        let same = items(&list).iter().filter(|row| row["sha"] == sha.as_str()).count();
        ensure!(same == 1, "killed after {wait_ms} ms: {same} releases of one push");
        serves(stack, "kill", &greeting)?;
    }
    Ok(())
}

pub(crate) fn agent(stack: &mut Stack) -> Result<()> {
    for round in 0..3 {
        let greeting = format!("agent {round}");
        stack.sample.write_web(&Web::new("agent-kill", ENVIRONMENT, &greeting))?;
        let sha = stack.sample.push(&greeting)?;
        stack.gimlet(&["repo", "look", "acme/shop"])?;
        sleep(Duration::from_millis(300 * round));
        stack.cluster.kubectl().run(&[
            "-n",
            "infrastructure",
            "delete",
            "pod",
            "-l",
            "app.kubernetes.io/name=gimlet-agent",
            "--force",
            "--grace-period=0",
            "--wait=false",
        ])?;
        let release = stack.wait_for_release(ENVIRONMENT, "agent-kill", &sha, LIMIT)?;
        ensure!(release["state"] == "healthy", "{release:#}");
        let commits = commits_of(stack, release["id"].as_str().context("an id")?)?;
        ensure!(commits == 1, "{commits} commits");
    }
    Ok(())
}

pub(crate) fn away(stack: &mut Stack) -> Result<()> {
    release_healthy(stack, &Web::new("away", ENVIRONMENT, "before"))?;
    stack.server.stop()?;
    for _ in 0..6 {
        sleep(Duration::from_secs(10));
        serves(stack, "away", "before")?;
    }
    let kustomizations = stack.cluster.kubectl().run(&[
        "-n", "flux-system", "get", "kustomization", "-o",
        "jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type==\"Ready\")].status}{\"\\n\"}{end}",
    ])?;
    let away = kustomizations
        .lines()
        .find(|line| line.contains("-demo-away"))
        .unwrap_or_default()
        .to_owned();
    ensure!(away.ends_with("=True"), "Flux minds that the control plane is away: {kustomizations}");
    stack.server.start_again()?;
    stack.wait(Duration::from_secs(75), "the agent to come back by itself", || {
        let clusters = stack.gimlet_json(&["cluster", "list"])?;
        Ok(items(&clusters).iter().any(|row| row["state"] == "connected").then_some(()))
    })?;
    release_healthy(stack, &Web::new("away", ENVIRONMENT, "after")).map(drop)
}
