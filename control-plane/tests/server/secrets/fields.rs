//! Which secrets there are: read from the description of the API and from the sources, so that a new one
//! cannot be forgotten.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

/// Words in the names of fields that may hold a secret.
const WORDS: [&str; 8] =
    ["token", "secret", "password", "code", "credential", "command", "csr", "key"];

/// Every such field of the API with the canary that goes through it.
const FIELDS: [(&str, &str, &str); 11] = [
    ("ClusterConnect", "command", "enrolment-token"),
    ("DevicePoll", "device_code", "device-code"),
    ("DeviceStarted", "device_code", "device-code"),
    ("DeviceStarted", "user_code", "user-code"),
    ("ExchangeLink", "code", "sign-in-code"),
    ("NewGitopsRepository", "password", "gitops-password"),
    ("NewTokenSecret", "secret", "api-token"),
    ("RepositoryAdded", "look_token", "look-token"),
    ("RepositoryAdded", "webhook_secret", "webhook-secret"),
    ("TokenCreated", "token", "exchanged-token"),
    ("NewRepository", "url", "url-password"),
];

/// Fields with such a name that hold none.
const OPEN: [(&str, &str, &str); 4] = [
    ("Activity", "token", "a token's name"),
    ("Actor", "token", "a token's name"),
    ("Cause", "code", "a stable word"),
    ("NewTokenSecret", "token", "a token's name and dates"),
];

/// Secrets in the sources of the server: file, field, canary.
const SOURCES: [(&str, &str, &str); 10] = [
    ("src/config.rs", "database_url", "database-password"),
    ("web/src/session.rs", "session", "session-cookie"),
    ("web/src/pages/clusters.rs", "gitops_password", "form-password"),
    ("app/src/hook_keys.rs", "async fn hook_key(&self, id", "webhook-secret"),
    ("app/src/outside.rs", "password", "gitops-password"),
    ("git/src/remote/credentials.rs", "password", "gitops-password"),
    ("store/src/repositories.rs", "webhook_secret", "webhook-secret"),
    ("../shared/src/git_credential.rs", "password", "gitops-password"),
    ("../shared/src/api/gitops_repository.rs", "password", "gitops-password"),
    ("src/telemetry.rs", "OTEL_EXPORTER_OTLP_HEADERS", "otlp-header"),
];

/// Secrets of headers, files and manifests, which no type names.
const OTHERS: [&str; 12] = [
    "unknown-bearer",
    "unknown-cookie",
    "unknown-basic",
    "query-token",
    "broken-json",
    "flux-password",
    "manifest-secret",
    "secrets.key",
    "authority-key",
    "agent-key",
    "sign-in-path",
    "forged-signature",
];

/// Names of all canaries that the proof has to plant; the database's password has a test of its own.
pub(super) fn canaries() -> BTreeSet<&'static str> {
    let of_fields = FIELDS.iter().map(|(_, _, canary)| *canary);
    let of_sources = SOURCES.iter().map(|(_, _, canary)| *canary);
    let all = of_fields.chain(of_sources).chain(OTHERS);
    all.filter(|name| *name != "database-password").collect()
}

#[test]
fn every_field_of_the_api_that_may_hold_a_secret_has_a_canary() {
    let document = serde_json::to_value(gimlet_api::openapi()).expect("a document");
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let mut found = BTreeSet::new();
    for (schema, described) in schemas {
        let properties = described["properties"].as_object().into_iter().flatten();
        for (property, shape) in properties {
            let words = property.split('_').any(|word| WORDS.contains(&word));
            if words || shape["writeOnly"] == Value::Bool(true) {
                found.insert((schema.as_str(), property.as_str()));
            }
        }
    }
    let known: BTreeSet<(&str, &str)> =
        FIELDS.iter().chain(&OPEN).map(|(schema, property, _)| (*schema, *property)).collect();
    let missing: Vec<_> = found.difference(&known).collect();
    assert!(
        missing.is_empty(),
        "plant a canary in secrets/ways.rs, and add to FIELDS: {missing:?}"
    );
    let stale = known.iter().filter(|(schema, property)| {
        schemas.get(*schema).is_none_or(|it| it["properties"].get(*property).is_none())
    });
    assert_eq!(stale.count(), 0, "{known:?}");
}

/// File and field of every `SecretString` in the sources.
fn secret_strings(root: &Path, folder: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            secret_strings(root, &path, found);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| {
            line.trim_end().ends_with("SecretString,") || line.contains("SecretString>,")
        }) {
            if let Some((name, _)) = line
                .trim()
                .trim_start_matches("pub ")
                .trim_start_matches("pub(crate) ")
                .split_once(": ")
            {
                let file = path.strip_prefix(root).expect("below").display().to_string();
                found.insert((file, name.to_owned()));
            }
        }
    }
}

#[test]
fn every_secret_string_of_the_server_has_a_canary() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut found = BTreeSet::new();
    for folder in ["src", "api/src", "app/src", "git/src", "github/src", "store/src", "web/src"] {
        secret_strings(root, &root.join("control-plane").join(folder), &mut found);
    }
    secret_strings(root, &root.join("shared/src"), &mut found);
    assert!(found.len() > 6, "this looks at the wrong place: {found:?}");
    let is_known = |(file, name): &&(String, String)| {
        SOURCES.iter().any(|(known, field, _)| {
            let known = match known.strip_prefix("../") {
                Some(shared) => shared.to_owned(),
                None => format!("control-plane/{known}"),
            };
            (known.as_str(), *field) == (file.as_str(), name.as_str())
        })
    };
    let missing: Vec<_> = found.iter().filter(|one| !is_known(one)).collect();
    assert!(
        missing.is_empty(),
        "plant a canary in secrets/ways.rs, and add to SOURCES: {missing:?}"
    );
}
