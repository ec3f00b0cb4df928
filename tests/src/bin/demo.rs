//! `cargo demo`: everything, on this machine, from nothing to a healthy application and its next release.

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use gimlet_cluster::Forward;
use gimlet_tests::{
    http,
    sample::Web,
    stack::{LOGIN, ORGANIZATION, Reach, Stack, StackPlan},
    steps::Steps,
};
use serde_json::Value;

/// Name of the demo's cluster and of its environment.
const ENVIRONMENT: &str = "demo";
/// Name of its application.
const APP: &str = "web";
/// A first release on a cold node takes a few seconds; this is for a busy machine.
const RELEASE_LIMIT: Duration = Duration::from_secs(180);

/// Bring up a cluster with Flux (or take the one of KUBECONFIG), a control plane, an agent and a sample
/// application; release it twice, and stay up.
#[derive(Debug, Parser)]
struct Demo {
    /// Take everything down after the second release.
    #[arg(long)]
    once: bool,
    /// Loopback port of the pages and the API.
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// With KUBECONFIG: address of this machine as the cluster's pods see it.
    #[arg(long, requires_all = ["agent_image", "shell_image"])]
    host: Option<String>,
    /// With KUBECONFIG: an agent image that the cluster can pull.
    #[arg(long, requires = "host")]
    agent_image: Option<String>,
    /// With KUBECONFIG: a shell image with a web server, such as busybox, that the cluster can pull.
    #[arg(long, requires = "host")]
    shell_image: Option<String>,
}

fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter("info").compact().init();
    let demo = Demo::parse();
    let steps = Steps::default();
    let stack = Stack::up(&demo.plan(), &steps)?;
    let shown = demo.show(&stack, &steps);
    if let Err(error) = shown {
        let log = stack.server.log_end(30);
        steps.say(format_args!("The end of the control plane's log:\n{log}"));
        steps.step("Take everything down", || stack.down())?;
        return Err(error);
    }
    if !demo.once {
        steps.say("Everything stays up; Ctrl-C ends it.");
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(tokio::signal::ctrl_c())?;
    }
    steps.step("Take everything down", || stack.down())
}

impl Demo {
    fn plan(&self) -> StackPlan {
        let reach = self.host.clone().zip(self.agent_image.clone()).zip(self.shell_image.clone());
        StackPlan {
            name: "demo".to_owned(),
            release_deadline_s: 300,
            poll_interval_s: 60,
            database_url: None,
            port: self.port,
            reach: reach.map(|((host, agent_image), shell_image)| Reach {
                host,
                agent_image,
                shell_image,
            }),
        }
    }

    fn show(&self, stack: &Stack, steps: &Steps) -> Result<()> {
        steps.step("Connect the cluster with the command of the fleet page", || {
            stack.enrol(ENVIRONMENT)
        })?;
        steps.step("Follow the sample repository", || stack.add_repository())?;
        let first = self.release(stack, steps, "Hello from Gimlet")?;
        let service =
            stack.cluster.lab().map(|_| stack.forward_service("demo", APP)).transpose()?;
        see(service.as_ref(), "Hello from Gimlet")?;
        if let Some(service) = &service {
            steps.say(format_args!("The application answers:   http://{}", service.local()));
        }
        steps.say(format_args!(
            "Its release page:          {}",
            first["url"].as_str().unwrap_or_default()
        ));
        let link = stack.server.sign_in_link(ORGANIZATION, LOGIN)?;
        steps.say(format_args!("Sign in (once, 15 min):    {link}"));
        let second = self.release(stack, steps, "Hello again, in another version")?;
        see(service.as_ref(), "Hello again, in another version")?;
        steps.say(format_args!(
            "The second release's page: {}",
            second["url"].as_str().unwrap_or_default()
        ));
        Ok(())
    }

    fn release(&self, stack: &Stack, steps: &Steps, greeting: &str) -> Result<Value> {
        stack.sample.write_web(&Web::new(APP, ENVIRONMENT, greeting))?;
        steps.step("Push, and wait until the release is healthy", || {
            let sha = stack.sample.push(greeting)?;
            stack.gimlet(&["repo", "look", "acme/shop"])?;
            let release = stack.wait_for_release(ENVIRONMENT, APP, &sha, RELEASE_LIMIT)?;
            anyhow::ensure!(
                release["state"] == "healthy",
                "the release ended otherwise: {release:#}"
            );
            Ok(release)
        })
    }
}

/// Asks the application over its Service.
fn see(service: Option<&Forward>, greeting: &str) -> Result<()> {
    let Some(service) = service else { return Ok(()) };
    let answer = http::get(service.local(), "/").context("the application does not answer")?;
    anyhow::ensure!(
        answer.body.contains(greeting),
        "the application answers something else: {}",
        answer.body
    );
    Ok(())
}
