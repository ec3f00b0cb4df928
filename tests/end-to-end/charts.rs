//! Charts that the server carries, on a real cluster.

use anyhow::{Result, ensure};
use gimlet_tests::{sample::Web, stack::Stack};

use crate::{
    ENVIRONMENT,
    way::{LIMIT, gitops, serves},
};

const APP: &str = "charted";

/// Two commits of it, then one with a value that the chart's schema does not let in.
pub(crate) fn deploy(stack: &mut Stack) -> Result<()> {
    for greeting in ["from a chart", "from a chart again"] {
        let web = Web::new(APP, ENVIRONMENT, greeting);
        stack.sample.write_charted(&web)?;
        let sha = stack.sample.push(greeting)?;
        stack.gimlet(&["repo", "look", "acme/shop"])?;
        let release = stack.wait_for_release(ENVIRONMENT, APP, &sha, LIMIT)?;
        ensure!(release["state"] == "healthy", "the release is not healthy: {release:#}");
        serves(stack, APP, greeting)?;
    }
    let kubectl = stack.cluster.kubectl();
    let of = |kind: &str, path: &str| {
        let found =
            kubectl.run(&["-n", "demo", "get", kind, APP, "-o", &format!("jsonpath={path}")]);
        found.map(|text| text.trim().to_owned())
    };
    let pods = "{.spec.template.spec.terminationGracePeriodSeconds} \
                {.spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem}";
    ensure!(
        of("deployment", pods)? == "0 true",
        "the Deployment is {}",
        of("deployment", "{.spec}")?
    );
    ensure!(of("service", "{.metadata.labels.patched}")? == "yes", "the Service is not patched");
    let files = gitops(stack, &["ls-tree", "--name-only", "main", &format!("{APP}/")])?;
    ensure!(files.contains("charted/manifest.yaml"), "the folder holds {files}");

    let broken = Web { probe: "[1]".to_owned(), ..Web::new(APP, ENVIRONMENT, "broken") };
    stack.sample.write_charted(&broken)?;
    let sha = stack.sample.push("A value of the wrong type")?;
    stack.gimlet(&["repo", "look", "acme/shop"])?;
    let release = stack.wait_for_release(ENVIRONMENT, APP, &sha, LIMIT)?;
    let told = release["cause"]["detail"].as_str().unwrap_or_default();
    ensure!(
        release["state"] == "failed" && told.contains("/probe/path"),
        "the release is {release:#}"
    );
    serves(stack, APP, "from a chart again")
}
