//! Who asks for a route, with which credential, and what they may be answered.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use gimlet_api::{Needs, RouteRule};
use gimlet_app::Role;

use super::{
    asking::{Answer, Request},
    probes::Probe,
    scene::{Person, Scene},
};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// No credential at all, or one that was never given out.
    Nobody,
    /// The owner of another organization.
    Stranger,
    /// A member of the victim's organization who may only look.
    Viewer,
    /// A credential of the victim's owner that has lapsed.
    Lapsed,
    /// One that was revoked, spent or signed out.
    Revoked,
    /// A good credential of the victim's owner, of a kind that this route does not take.
    WrongKind,
}

/// A caller, and the headers that say who it is.
pub(super) type Dressed = (Caller, Vec<(&'static str, String)>);

/// Everybody who must not get what the route has.
pub(super) fn callers(scene: &Scene, rule: &RouteRule, request: &Request) -> Vec<Dressed> {
    use Caller as C;
    let nobody = (C::Nobody, Vec::new());
    let owner = &scene.owner;
    match rule.needs {
        // It would end the session of whoever asks.
        Needs::Nothing if rule.path == "/sign-out" => vec![nobody],
        Needs::Nothing => vec![nobody, (C::Stranger, cookie(&scene.stranger.cookie))],
        Needs::Role(_) => vec![
            nobody,
            (C::Nobody, bearer("gim_guessed")),
            (C::Stranger, bearer(&scene.stranger.token)),
            (C::Stranger, cookie(&scene.stranger.cookie)),
            (C::Viewer, bearer(&scene.viewer.token)),
            (C::Lapsed, bearer(&scene.expired.token)),
            (C::Lapsed, cookie(&scene.expired.cookie)),
            (C::Revoked, bearer(&scene.revoked.token)),
            (C::Revoked, cookie(&scene.revoked.cookie)),
            (C::WrongKind, bearer(&owner.cookie)),
            (C::WrongKind, cookie(&owner.token)),
            (C::WrongKind, basic("papaya", &owner.token)),
            (C::WrongKind, bearer(&scene.things.look_token)),
        ],
        Needs::Session(_) => vec![
            (C::Nobody, cookie("")),
            (C::Nobody, cookie("ses_guessed")),
            (C::Stranger, cookie(&scene.stranger.cookie)),
            (C::Viewer, cookie(&scene.viewer.cookie)),
            (C::Lapsed, cookie(&scene.expired.cookie)),
            (C::Revoked, cookie(&scene.revoked.cookie)),
            (C::WrongKind, cookie(&owner.token)),
            (C::WrongKind, [bearer(&owner.token), cookie("")].concat()),
        ],
        Needs::GitCredential => vec![
            nobody,
            (C::Nobody, basic("git", "gim_guessed")),
            (C::Stranger, basic("git", &scene.stranger.token)),
            (C::Viewer, basic("git", &scene.viewer.token)),
            (C::Lapsed, basic("git", &scene.expired.token)),
            (C::Revoked, basic("git", &scene.revoked.token)),
            (C::WrongKind, basic("git", &owner.cookie)),
            (C::WrongKind, bearer(&owner.token)),
            (C::WrongKind, basic("flux", &owner.token)),
        ],
        Needs::HookSignature => vec![
            (C::Nobody, delivery("", request)),
            (C::Stranger, delivery(&scene.foreign.hook_secret, request)),
            (C::WrongKind, delivery(&scene.things.look_token, request)),
        ],
        Needs::LookToken => vec![
            nobody,
            (C::Stranger, bearer(&scene.foreign.look_token)),
            (C::WrongKind, bearer(&owner.token)),
        ],
        Needs::EnrolmentToken => vec![
            nobody,
            (C::Nobody, bearer("get_guessed")),
            (C::WrongKind, bearer(&owner.token)),
            (C::Revoked, bearer(&scene.spent_enrolment)),
        ],
        Needs::ClientCertificate => {
            vec![nobody, (C::WrongKind, bearer(&owner.token))]
        }
    }
}

/// The credential of who may.
pub(super) fn owner(scene: &Scene, rule: &RouteRule, request: &Request) -> Dressed {
    let Person { token, cookie: session } = &scene.owner;
    let headers = match rule.needs {
        Needs::Nothing if rule.method == "POST" && !rule.path.starts_with("/api/") => cookie(""),
        Needs::Nothing | Needs::ClientCertificate => Vec::new(),
        Needs::Role(_) => bearer(token),
        Needs::Session(_) => cookie(session),
        Needs::GitCredential => basic("git", token),
        Needs::HookSignature => delivery(&scene.things.hook_secret, request),
        Needs::LookToken => bearer(&scene.things.look_token),
        Needs::EnrolmentToken => bearer(&scene.things.enrolment),
    };
    (Caller::Nobody, headers)
}

/// What is wrong with the answer, besides what it gives away.
///
/// Without a good credential it is 401, where pages lead to the sign-in; a stranger who names what is not
/// theirs hears 404, and a member whose role is too low 403: that it is there is no secret to them.
pub(super) fn complaint(
    (rule, probe): (&RouteRule, &Probe),
    caller: Caller,
    answer: &Answer,
) -> Option<String> {
    let wanted: &[u16] = match (rule.needs, caller) {
        (Needs::Nothing, _) => return None,
        (Needs::Role(role) | Needs::Session(role), Caller::Viewer) => {
            if role > Role::Viewer || is_about_another_member(rule) {
                &[403, 404]
            } else {
                &[200, 201, 303, 422]
            }
        }
        (Needs::GitCredential, Caller::Viewer) => {
            if rule.path.ends_with("receive-pack") {
                &[403]
            } else {
                &[200]
            }
        }
        (Needs::Role(_) | Needs::Session(_), Caller::Stranger) if !probe.names_the_victim() => {
            // Done or refused in the stranger's own organization.
            return (answer.status >= 500).then(|| format!("answered {}", answer.status));
        }
        (Needs::LookToken, Caller::Stranger | Caller::WrongKind)
        | (Needs::Role(_) | Needs::Session(_) | Needs::GitCredential, Caller::Stranger) => &[404],
        (Needs::Session(_), _) if answer.leads_to_sign_in() => return None,
        _ => &[401],
    };
    (!wanted.contains(&answer.status))
        .then(|| format!("answered {}, not {wanted:?}", answer.status))
}

/// Everyone may end their own membership and tokens, and nobody but admins anybody else's.
fn is_about_another_member(rule: &RouteRule) -> bool {
    rule.method == "DELETE"
        && matches!(rule.path, "/api/v1/members/{login}" | "/api/v1/tokens/{id}")
}

fn bearer(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

fn basic(user: &str, password: &str) -> Vec<(&'static str, String)> {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    vec![("authorization", format!("Basic {encoded}"))]
}

/// As a browser sends it from one of our own pages.
fn cookie(session: &str) -> Vec<(&'static str, String)> {
    vec![
        ("cookie", format!("gimlet_session={session}")),
        ("sec-fetch-site", "same-origin".to_owned()),
    ]
}

/// As GitHub sends it; without a secret it has no signature.
pub(super) fn delivery(secret: &str, request: &Request) -> Vec<(&'static str, String)> {
    let mut headers =
        vec![("x-github-event", "push".to_owned()), ("x-github-delivery", "delivery-1".to_owned())];
    if let Ok(signature) = gimlet_github::sign(secret, request.body.as_bytes())
        && !secret.is_empty()
    {
        headers.push(("x-hub-signature-256", signature));
    }
    headers
}
