//! What agent and repositories cannot do, tried against the real API server.

use std::process::Command;

use anyhow::{Result, ensure};
use gimlet_tests::{sample::Web, stack::Stack};

use crate::{ENVIRONMENT, way::release_healthy};

/// Runs kubectl with the agent's own token.
struct Agent<'a> {
    stack: &'a Stack,
    token: String,
}

impl Agent<'_> {
    fn kubectl(&self, arguments: &[&str], input: &str) -> Result<(bool, String)> {
        use std::io::Write as _;
        let kubectl = self.stack.cluster.kubectl();
        // The server and its root without the client certificate: the token alone speaks.
        let mut config: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(self.stack.cluster.kubeconfig())?)?;
        config["users"][0]["user"] = serde_json::json!({});
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("agent.kubeconfig");
        std::fs::write(&path, config.to_string())?;
        let mut child = Command::new(kubectl.program())
            .arg("--kubeconfig")
            .arg(&path)
            .args(["--token", &self.token])
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        let all = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok((output.status.success(), all))
    }

    fn may(&self, arguments: &[&str]) -> Result<()> {
        let (success, text) = self.kubectl(arguments, "")?;
        ensure!(success, "the agent must be able to: kubectl {}: {text}", arguments.join(" "));
        Ok(())
    }

    fn may_not(&self, arguments: &[&str], input: &str) -> Result<()> {
        let (success, text) = self.kubectl(arguments, input)?;
        ensure!(!success, "the agent must not: kubectl {}: {text}", arguments.join(" "));
        let refused = ["forbidden", "Forbidden", "denied"].iter().any(|word| text.contains(word));
        ensure!(refused, "it failed, but was not refused: kubectl {}: {text}", arguments.join(" "));
        Ok(())
    }
}

pub(crate) fn agent(stack: &mut Stack) -> Result<()> {
    let token = stack.cluster.kubectl().run(&[
        "-n",
        "infrastructure",
        "create",
        "token",
        "gimlet-agent",
    ])?;
    let agent = Agent { stack, token: token.trim().to_owned() };
    let kustomization = format!("builtin-{ENVIRONMENT}-apps");
    let flux = [
        "-n",
        "flux-system",
        "patch",
        "kustomization",
        kustomization.as_str(),
        "--type=merge",
        "-p",
    ];
    let patch = |body: &'static str| [&flux[..], &[body]].concat();

    agent.may(&["get", "pods", "-A"])?;
    agent
        .may(&patch(r#"{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":"e2e"}}}"#))?;
    agent.may_not(&patch(r#"{"spec":{"path":"./elsewhere"}}"#), "")?;
    agent.may_not(&patch(r#"{"spec":{"serviceAccountName":"kustomize-controller"}}"#), "")?;
    agent.may_not(&patch(r#"{"metadata":{"labels":{"a":"b"}}}"#), "")?;
    agent.may_not(&patch(r#"{"metadata":{"annotations":{"a":"b"}}}"#), "")?;
    agent.may_not(&["get", "secrets", "-A"], "")?;
    agent.may_not(&["-n", "flux-system", "get", "secrets"], "")?;
    agent.may_not(&["-n", "demo", "create", "configmap", "x"], "")?;
    for (what, pod) in [
        (
            "privileged",
            r#"{"containers":[{"name":"c","image":"x","securityContext":{"privileged":true}}],"restartPolicy":"Never"}"#,
        ),
        (
            "host path",
            r#"{"containers":[{"name":"c","image":"x"}],"volumes":[{"name":"h","hostPath":{"path":"/"}}],"restartPolicy":"Never"}"#,
        ),
        (
            "host network",
            r#"{"hostNetwork":true,"containers":[{"name":"c","image":"x"}],"restartPolicy":"Never"}"#,
        ),
    ] {
        let job = format!(
            r#"{{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"j"}},"spec":{{"template":{{"spec":{pod}}}}}}}"#
        );
        agent
            .may_not(&["-n", "gimlet-builds", "create", "-f", "-"], &job)
            .map_err(|error| error.context(format!("a job that is {what}")))?;
        let pod =
            format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p"}},"spec":{pod}}}"#);
        agent.may_not(&["-n", "gimlet-builds", "create", "-f", "-"], &pod)?;
    }
    Ok(())
}

pub(crate) fn repository(stack: &mut Stack) -> Result<()> {
    release_healthy(stack, &Web::new("bounded", ENVIRONMENT, "within bounds"))?;
    // A manifest that reaches for the platform's own namespace is refused by name.
    let path = format!(".gimlet/{ENVIRONMENT}-escape.yaml");
    stack.sample.write(
        &path,
        &format!(
            "app: escape\nenv: {ENVIRONMENT}\nnamespace: infrastructure\ndeploy: {{event: push, branch: main}}\n\
             manifests: |\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: gimlet-agent-policy}}\n  data: {{a: b}}\n"
        ),
    )?;
    let sha = stack.sample.push("Reach for the platform")?;
    stack.gimlet(&["repo", "look", "acme/shop"])?;
    let release = stack.wait_for_release(ENVIRONMENT, "escape", &sha, crate::way::LIMIT)?;
    ensure!(
        release["state"] == "failed" && release["cause"]["code"] == "manifest_invalid",
        "{release:#}"
    );
    ensure!(
        release["cause"]["detail"].as_str().is_some_and(|text| text.contains("`infrastructure`")),
        "{release:#}"
    );
    let policy = stack.cluster.kubectl().run(&[
        "-n",
        "infrastructure",
        "get",
        "configmap",
        "gimlet-agent-policy",
        "-o",
        "jsonpath={.data.a}",
    ])?;
    ensure!(policy.trim().is_empty(), "the owner's policy was changed");
    // The next good push is not held up by it.
    stack.sample.git(&["rm", "--quiet", &path])?;
    release_healthy(stack, &Web::new("bounded", ENVIRONMENT, "still within bounds")).map(drop)
}

pub(crate) fn install_twice(stack: &mut Stack) -> Result<()> {
    let connect = stack.gimlet_json(&["cluster", "connect", ENVIRONMENT, "--renew"])?;
    let output = stack.paste(connect["command"].as_str().unwrap_or_default())?;
    ensure!(
        !output.contains("created") && !output.contains("configured"),
        "the second run changed: {output}"
    );
    Ok(())
}
