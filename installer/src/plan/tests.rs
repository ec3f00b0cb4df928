//! What the plan holds, read off without any cluster.

use std::{fmt::Write, sync::LazyLock};

use gimlet_shared::enrol::GitLocation;
use serde_json::Value;

use super::*;
use crate::AppsAccess;

static ROOT: LazyLock<TrustedRoot> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    TrustedRoot::from_pem(made.cert.pem().as_bytes()).unwrap()
});

fn environment(name: &str, namespace: Option<&str>) -> Environment {
    let location = |part: &str| GitLocation {
        url: format!("https://gimlet.example/git/{name}/{part}"),
        branch: "main".into(),
    };
    Environment {
        name: name.into(),
        namespace: namespace.map(Into::into),
        git_user: "flux".into(),
        infra: location("infra"),
        apps: location("apps"),
        apps_access: AppsAccess::BuiltIn,
    }
}

fn planned(flux: Flux, token: Option<&EnrolmentToken>, environments: &[Environment]) -> Vec<Stage> {
    plan(&Inputs {
        flux,
        server: &"https://gimlet.example:9443".parse().unwrap(),
        root: &ROOT,
        image: "registry:5000/gimlet-agent:1",
        token,
        git_password: &SecretString::from("secret"),
        environments,
    })
    .unwrap()
}

fn objects(stages: &[Stage]) -> Vec<&Desired> {
    stages.iter().flat_map(|stage| &stage.objects).collect()
}

fn find<'a>(stages: &'a [Stage], name: &str) -> &'a Desired {
    objects(stages).into_iter().find(|desired| desired.reference.to_string() == name).unwrap()
}

/// One line per rule: where it holds, what it is about, and every verb.
fn rights_of(stages: &[Stage], account: &str) -> String {
    let mut text = String::new();
    let bound = objects(stages).into_iter().filter(|desired| {
        desired.intent != Intent::Absent
            && desired.object.pointer("/subjects/0/name").and_then(Value::as_str) == Some(account)
    });
    for binding in bound {
        let role = &binding.object["roleRef"];
        let place = binding.reference.namespace.as_deref().unwrap_or("everywhere");
        let (kind, name) = (role["kind"].as_str().unwrap(), role["name"].as_str().unwrap());
        let found = objects(stages).into_iter().find(|desired| {
            let same_place =
                kind == "ClusterRole" || desired.reference.namespace == binding.reference.namespace;
            desired.reference.resource.kind == kind && desired.reference.name == name && same_place
        });
        let Some(role) = found else {
            writeln!(text, "{place}: built-in role {name}").unwrap();
            continue;
        };
        for rule in role.object["rules"].as_array().unwrap() {
            let list = |key: &str| {
                let items = rule[key].as_array().into_iter().flatten();
                items.filter_map(Value::as_str).collect::<Vec<_>>().join(",")
            };
            let names = list("resourceNames");
            let names = if names.is_empty() { names } else { format!(" [{names}]") };
            let (group, resources) = (list("apiGroups"), list("resources"));
            writeln!(text, "{place}: {group}/{resources}{names}: {}", list("verbs")).unwrap();
        }
    }
    text
}

#[test]
fn the_agent_has_exactly_these_rights() {
    let stages = planned(Flux::Missing, None, &[environment("blue", None)]);
    insta::assert_snapshot!(rights_of(&stages, "gimlet-agent"), @r"
    everywhere: apps/deployments,statefulsets,daemonsets,replicasets: get,list,watch
    everywhere: batch/jobs,cronjobs: get,list,watch
    everywhere: /pods,events,services: get,list,watch
    everywhere: /pods/log: get
    everywhere: networking.k8s.io/ingresses: get,list,watch
    everywhere: gateway.networking.k8s.io/gateways,httproutes: get,list,watch
    everywhere: source.toolkit.fluxcd.io/gitrepositories,ocirepositories,helmrepositories,buckets,helmcharts: get,list,watch,patch
    everywhere: kustomize.toolkit.fluxcd.io/kustomizations: get,list,watch,patch
    everywhere: helm.toolkit.fluxcd.io/helmreleases: get,list,watch,patch
    everywhere: notification.toolkit.fluxcd.io/alerts,providers,receivers: get,list,watch
    infrastructure: /configmaps [gimlet-agent-cursor]: get,update,patch
    infrastructure: /configmaps [gimlet-agent-policy]: get
    infrastructure: /secrets [gimlet-agent-identity,gimlet-agent-enrolment]: get,update
    infrastructure: coordination.k8s.io/leases [gimlet-agent]: get,update,patch
    gimlet-builds: batch/jobs: create,get,list,watch,delete
    gimlet-builds: /pods/log: get
    flux-system: /secrets [deploy-key-builtin-gitops-blue-apps,deploy-key-builtin-gitops-blue-infra]: get,update
    ");
}

#[test]
fn the_accounts_of_an_environment_have_exactly_these_rights() {
    let stages = planned(
        Flux::Present,
        None,
        &[environment("blue", None), environment("red", Some("shop"))],
    );
    let accounts = [
        "gimlet-sync-blue",
        "gimlet-apply-blue",
        "gimlet-infra-blue",
        "gimlet-sync-red",
        "gimlet-apply-red",
    ];
    let text: String = accounts
        .iter()
        .map(|account| format!("{account}\n{}", rights_of(&stages, account)))
        .collect();
    insta::assert_snapshot!(text, @r"
    gimlet-sync-blue
    flux-system: kustomize.toolkit.fluxcd.io/kustomizations: get,list,watch,create,patch,update,delete
    everywhere: /namespaces: get,list,watch,create,patch
    gimlet-apply-blue
    everywhere: built-in role admin
    gimlet-infra-blue
    everywhere: built-in role cluster-admin
    gimlet-sync-red
    flux-system: kustomize.toolkit.fluxcd.io/kustomizations: get,list,watch,create,patch,update,delete
    everywhere: /namespaces [shop]: get,patch
    gimlet-apply-red
    shop: built-in role admin
    ");
}

#[test]
fn without_environments_no_right_reaches_a_secret_of_flux() {
    // An empty list of names would stand for all of them.
    let stages = planned(Flux::Present, None, &[]);
    let role = find(&stages, "Role flux-system/gimlet-agent-git-credentials");
    assert_eq!(role.object["rules"], serde_json::json!([]));
}

#[test]
fn no_rule_of_ours_has_a_wildcard() {
    let stages = planned(Flux::Present, None, &[environment("blue", None)]);
    for desired in objects(&stages) {
        let rules = desired.object.get("rules").map(Value::to_string).unwrap_or_default();
        assert!(!rules.contains('*'), "{}: {rules}", desired.reference);
    }
}

#[test]
fn a_plan_is_the_same_each_time() {
    let token = "abc".parse().unwrap();
    let environments = [environment("blue", None), environment("red", Some("shop"))];
    let first = planned(Flux::Missing, Some(&token), &environments);
    assert_eq!(first, planned(Flux::Missing, Some(&token), &environments));
}

#[test]
fn bounds_come_before_rights_and_rights_before_the_agent() {
    let stages = planned(Flux::Missing, None, &[environment("blue", None)]);
    let titles: Vec<_> = stages.iter().map(|stage| stage.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Kinds of Flux",
            "Flux",
            "Namespaces",
            "Admission policies",
            "Rights of the agent",
            "Environment blue",
            "Agent",
        ]
    );
    let last = objects(&stages).last().unwrap().reference.to_string();
    assert_eq!(last, "Deployment infrastructure/gimlet-agent");
}

#[test]
fn no_object_stands_twice_in_a_plan() {
    let stages = planned(
        Flux::Missing,
        None,
        &[environment("blue", None), environment("red", Some("shop"))],
    );
    let mut names: Vec<_> =
        objects(&stages).iter().map(|desired| desired.reference.to_string()).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn an_enrolled_agent_keeps_its_token_secret_as_it_is() {
    let name = "Secret infrastructure/gimlet-agent-enrolment";
    let token = "abc".parse().unwrap();
    let fresh = planned(Flux::Present, Some(&token), &[]);
    assert_eq!(find(&fresh, name).intent, Intent::Ours);
    assert_eq!(find(&fresh, name).object["data"]["token"], "YWJj");

    let enrolled = planned(Flux::Present, None, &[]);
    assert_eq!(find(&enrolled, name).intent, Intent::Once);
    assert_eq!(find(&enrolled, name).object.get("data"), None);
}

#[test]
fn what_others_fill_is_made_once() {
    let stages = planned(Flux::Present, None, &[]);
    for name in [
        "ConfigMap infrastructure/gimlet-agent-cursor",
        "ConfigMap infrastructure/gimlet-agent-policy",
        "Secret infrastructure/gimlet-agent-identity",
        "Lease infrastructure/gimlet-agent",
    ] {
        assert_eq!(find(&stages, name).intent, Intent::Once, "{name}");
    }
}

#[test]
fn an_environment_of_one_namespace_loses_its_rights_over_the_cluster() {
    let stages = planned(Flux::Present, None, &[environment("red", Some("shop"))]);
    assert_eq!(find(&stages, "ClusterRoleBinding gimlet-apply-red").intent, Intent::Absent);
    assert_eq!(
        find(&stages, "RoleBinding shop/gimlet-apply-red").object["roleRef"]["name"],
        "admin"
    );
}

#[test]
fn flux_gets_the_private_root_for_https_only() {
    let mut plain = environment("blue", None);
    plain.apps.url = "http://10.0.0.1:9000/apps".into();
    let stages = planned(Flux::Present, None, &[plain]);
    let data = |part: &str| {
        &find(&stages, &format!("Secret flux-system/deploy-key-builtin-gitops-blue-{part}")).object
            ["data"]
    };
    assert!(data("infra")["ca.crt"].is_string());
    assert_eq!(data("apps").get("ca.crt"), None);
    assert_eq!(data("apps")["password"], "c2VjcmV0");
}

/// An environment whose apps repository lies on another host.
fn outside(access: AppsAccess) -> Environment {
    let apps = GitLocation { url: "https://git.example/acme/gitops".into(), branch: "live".into() };
    Environment { apps, apps_access: access, ..environment("blue", None) }
}

#[test]
fn an_outside_repository_is_read_with_the_owners_credential_and_the_public_roots() {
    let given = AppsAccess::Given("bot:canary".parse().unwrap());
    let stages = planned(Flux::Present, None, &[outside(given)]);
    let secret = find(&stages, "Secret flux-system/deploy-key-builtin-gitops-blue-apps");
    assert_eq!(secret.intent, Intent::Ours);
    let data = serde_json::json!({"username": "Ym90", "password": "Y2FuYXJ5"});
    assert_eq!(secret.object["data"], data);
    assert_eq!(secret.object["metadata"]["labels"][GIT_CREDENTIAL_LABEL], OWNERS);
    let source = find(&stages, "GitRepository flux-system/builtin-blue-apps");
    assert_eq!(source.object["spec"]["url"], "https://git.example/acme/gitops");
    assert_eq!(source.object["spec"]["ref"]["branch"], "live");
    assert_eq!(source.object["spec"]["secretRef"]["name"], "deploy-key-builtin-gitops-blue-apps");
    let infra = find(&stages, "Secret flux-system/deploy-key-builtin-gitops-blue-infra");
    assert_eq!(infra.object["data"]["password"], "c2VjcmV0");
}

#[test]
fn a_public_repository_is_read_with_nothing() {
    let stages = planned(Flux::Present, None, &[outside(AppsAccess::Public)]);
    let source = find(&stages, "GitRepository flux-system/builtin-blue-apps");
    assert_eq!(source.object["spec"].get("secretRef"), None);
    let name = "Secret flux-system/deploy-key-builtin-gitops-blue-apps";
    assert!(objects(&stages).iter().all(|desired| desired.reference.to_string() != name));
}

#[test]
fn a_credential_of_an_earlier_run_is_used_and_left_alone() {
    let stages = planned(Flux::Present, None, &[outside(AppsAccess::Kept)]);
    let source = find(&stages, "GitRepository flux-system/builtin-blue-apps");
    assert!(source.object["spec"]["secretRef"]["name"].is_string());
    let name = "Secret flux-system/deploy-key-builtin-gitops-blue-apps";
    assert!(objects(&stages).iter().all(|desired| desired.reference.to_string() != name));
}

#[test]
fn the_agent_has_no_right_to_a_credential_of_the_owners() {
    let given = AppsAccess::Given("bot:canary".parse().unwrap());
    for access in [given, AppsAccess::Public, AppsAccess::Kept] {
        let stages = planned(Flux::Present, None, &[outside(access)]);
        let role = find(&stages, "Role flux-system/gimlet-agent-git-credentials");
        let names = serde_json::json!(["deploy-key-builtin-gitops-blue-infra"]);
        assert_eq!(role.object["rules"][0]["resourceNames"], names);
    }
}

#[test]
fn a_removal_takes_the_agent_first_and_its_bounds_last() {
    let references: Vec<_> = agent_references().unwrap().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(references.join("\n"), @r"
    Deployment infrastructure/gimlet-agent
    ConfigMap infrastructure/gimlet-agent-cursor
    Secret infrastructure/gimlet-agent-identity
    Lease infrastructure/gimlet-agent
    ConfigMap infrastructure/gimlet-agent-root
    Secret infrastructure/gimlet-agent-enrolment
    RoleBinding flux-system/gimlet-agent-git-credentials
    Role flux-system/gimlet-agent-git-credentials
    RoleBinding gimlet-builds/gimlet-agent-builds
    Role gimlet-builds/gimlet-agent-builds
    RoleBinding infrastructure/gimlet-agent
    Role infrastructure/gimlet-agent
    ClusterRoleBinding gimlet-agent
    ClusterRole gimlet-agent
    ServiceAccount infrastructure/gimlet-agent
    ValidatingAdmissionPolicyBinding gimlet-agent-jobs
    ValidatingAdmissionPolicy gimlet-agent-jobs
    ValidatingAdmissionPolicyBinding gimlet-agent-creates
    ValidatingAdmissionPolicy gimlet-agent-creates
    ValidatingAdmissionPolicyBinding gimlet-agent-flux
    ValidatingAdmissionPolicy gimlet-agent-flux
    ");
}
