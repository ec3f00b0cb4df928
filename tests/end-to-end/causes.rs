//! What goes wrong, and that it is named in words; the earlier version keeps serving, the next one heals.

use anyhow::{Result, ensure};
use gimlet_tests::{
    sample::Web,
    stack::{Stack, items},
};
use serde_json::Value;

use crate::{
    ENVIRONMENT,
    way::{release, release_healthy, serves},
};

/// A healthy release, a broken one, and a healthy one again.
fn breaks_and_heals(stack: &Stack, broken: Web, code: &str) -> Result<Value> {
    let good = Web { image: None, command: None, probe: "/".to_owned(), ..broken.clone() };
    let (before, after) = (
        Web { greeting: "before".to_owned(), ..good.clone() },
        Web { greeting: "after".to_owned(), ..good },
    );
    release_healthy(stack, &before)?;
    let release = release(stack, &broken)?;
    ensure!(release["state"] == "degraded", "must be degraded: {release:#}");
    ensure!(release["cause"]["code"] == code, "another cause: {release:#}");
    ensure!(
        release["cause"]["next_step"].as_str().is_some_and(|step| !step.is_empty()),
        "{release:#}"
    );
    serves(stack, &broken.app, "before")?;
    release_healthy(stack, &after)?;
    serves(stack, &broken.app, "after")?;
    Ok(release)
}

pub(crate) fn missing_image(stack: &mut Stack) -> Result<()> {
    let image = Some("acme/never-pushed:1".to_owned());
    let release = breaks_and_heals(
        stack,
        Web { image, ..Web::new("image", ENVIRONMENT, "broken") },
        "image_pull",
    )?;
    ensure!(release["cause"]["container"] == "web", "{release:#}");
    ensure!(
        release["cause"]["summary"].as_str().is_some_and(|text| text.contains("never-pushed")),
        "{release:#}"
    );
    Ok(())
}

pub(crate) fn crash(stack: &mut Stack) -> Result<()> {
    let command = Some("echo 'DATABASE_URL is not set'; exit 3".to_owned());
    let release = breaks_and_heals(
        stack,
        Web { command, ..Web::new("crash", ENVIRONMENT, "broken") },
        "crash_loop",
    )?;
    let cause = &release["cause"];
    ensure!(
        cause["summary"].as_str().is_some_and(|text| text.contains("exit code 3")),
        "{release:#}"
    );
    ensure!(cause["last_lines"][0] == "DATABASE_URL is not set", "{release:#}");
    // The pod is gone by now; what it said is kept with the release, for the page and the command.
    let id = release["id"].as_str().unwrap_or_default();
    let shown = stack.gimlet_json(&["release", "show", id])?;
    ensure!(shown["logs"][0]["lines"][0] == "DATABASE_URL is not set", "{shown:#}");
    ensure!(shown["logs"][0]["container"] == "web", "{shown:#}");
    let page = stack.page(&format!("/releases/{id}"))?;
    ensure!(page.contains("DATABASE_URL is not set"), "the page does not show it: {page}");
    let app = stack.gimlet_json(&["app", "show", &format!("{ENVIRONMENT}/crash")])?;
    let pod = &app["pods"][0];
    ensure!(pod["ready"] == true && pod["node"].is_string(), "{app:#}");
    Ok(())
}

pub(crate) fn readiness(stack: &mut Stack) -> Result<()> {
    let probe = "/missing".to_owned();
    let release = breaks_and_heals(
        stack,
        Web { probe, ..Web::new("ready", ENVIRONMENT, "broken") },
        "not_ready",
    )?;
    ensure!(
        release["cause"]["detail"].as_str().is_some_and(|text| text.contains("404")),
        "{release:#}"
    );
    Ok(())
}

pub(crate) fn refused(stack: &mut Stack) -> Result<()> {
    release_healthy(stack, &Web::new("refused", ENVIRONMENT, "before"))?;
    stack.sample.write(
        &format!(".gimlet/{ENVIRONMENT}-refused.yaml"),
        &format!(
            "app: refused\nenv: {ENVIRONMENT}\nnamespace: demo\ndeploy: {{event: push, branch: main}}\nmanifests: |\n  \
             apiVersion: v1\n  kind: Service\n  metadata: {{name: refused}}\n  spec:\n    ports: [{{port: 123456}}]\n"
        ),
    )?;
    let sha = stack.sample.push("A port that does not exist")?;
    stack.gimlet(&["repo", "look", "acme/shop"])?;
    let release = stack.wait_for_release(ENVIRONMENT, "refused", &sha, crate::way::LIMIT)?;
    ensure!(release["state"] == "degraded" && release["cause"]["code"] == "refused", "{release:#}");
    ensure!(
        release["cause"]["detail"].as_str().is_some_and(|text| text.contains("123456")),
        "{release:#}"
    );
    serves(stack, "refused", "before")?;
    release_healthy(stack, &Web::new("refused", ENVIRONMENT, "after"))?;
    serves(stack, "refused", "after")
}

pub(crate) fn bad_manifest(stack: &mut Stack) -> Result<()> {
    let path = format!(".gimlet/{ENVIRONMENT}-bad.yaml");
    stack.sample.write(&path, "app: bad\nenv: e2e\nnamespace: demo\ndeploy:\n  branch: !main\n")?;
    let release = release_healthy(stack, &Web::new("good", ENVIRONMENT, "unharmed"))?;
    let commits = stack.gimlet_json(&["commits", "--limit", "5"])?;
    let row = items(&commits)
        .iter()
        .find(|row| row["sha"] == release["sha"])
        .cloned()
        .unwrap_or_default();
    let problem = row["problems"][0].as_str().unwrap_or_default().to_owned();
    ensure!(
        problem.contains("e2e-bad.yaml:5:") && problem.contains("quote"),
        "the problem is: {problem}"
    );
    stack.sample.git(&["rm", "--quiet", &path])?;
    Ok(())
}
