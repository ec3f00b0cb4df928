//! The requests of the API's reference that change something: each with a body and ids that fit.

use anyhow::{Context as _, Result, ensure};

use crate::surroundings::Surroundings;

/// A request as the reference shows it, and the commands that write its body and name its subject.
const REQUESTS: [(&str, &str, &str); 14] = [
    (
        "POST",
        "/api/v1/auth/link",
        r#"link="$(gimlet-server sign-in-link --organization acme --login ben)"
           printf '{"code": "%s", "name": "laptop"}' "${link##*/}" > request.json"#,
    ),
    ("POST", "/api/v1/auth/device", ""),
    ("POST", "/api/v1/clusters", r#"printf '{"name": "late"}' > request.json"#),
    ("POST", "/api/v1/clusters/$ID/enrolment", ""),
    ("POST", "/api/v1/clusters/$ID/disconnect", ""),
    ("PATCH", "/api/v1/members/$LOGIN", MEMBER),
    ("DELETE", "/api/v1/members/$LOGIN", MEMBER),
    ("POST", "/api/v1/tokens", r#"printf '{"name": "ci"}' > request.json"#),
    (
        "DELETE",
        "/api/v1/tokens/$ID",
        r#"ID="$(gimlet token create late -o jsonpath='$.token.id')"; export ID"#,
    ),
    (
        "POST",
        "/api/v1/repositories",
        r#"printf '{"url": "https://git.example.com/acme/late.git"}' > request.json"#,
    ),
    ("POST", "/api/v1/repositories/$ID/look", ""),
    (
        "POST",
        "/api/v1/releases",
        r#"printf '{"environment": "production", "artifact": "%s"}' "$ARTIFACT" > request.json"#,
    ),
    (
        "POST",
        "/api/v1/releases/$ID/rollback",
        "gimlet release show \"$ID\" -o json | grep -q gitops_commit",
    ),
    ("DELETE", "/api/v1/environments/$ENVIRONMENT/apps/$APP", ""),
];

/// Makes someone else a member, whose role there is to change.
const MEMBER: &str = r#"gimlet-server sign-in-link --organization acme --login ben > /dev/null
    export LOGIN=ben
    printf '{"role": "developer"}' > request.json"#;

/// Puts in place what the request of this block needs.
pub(crate) fn prepare(around: &Surroundings<'_>, block: &str) -> Result<()> {
    let method = block.split("--request ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let path = block.split("$GIMLET_SERVER").nth(1).and_then(|rest| rest.split('"').next());
    let (method, path) = method.zip(path).context("it names no method and path")?;
    let found = REQUESTS.iter().find(|(verb, place, _)| (*verb, *place) == (method, path));
    let (_, _, commands) =
        found.with_context(|| format!("add {method} {path} to the table of requests.rs"))?;
    let output = around.run(commands)?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{commands}\nended with {}:\n{complaint}", output.status);
    Ok(())
}
