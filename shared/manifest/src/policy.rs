//! The deploy policy: whether a git event releases an application by itself.
//!
//! Pure: it reads the manifest's `deploy` and what is known of the commit, nothing else.

use serde::Serialize;

use crate::glob::Pattern;

/// A commit message that holds this text matches every list of message patterns.
pub const DEPLOY_ALL: &str = "[DEPLOY: ALL]";

/// The kind of a git event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum EventKind {
    /// Commits arrived on a branch.
    #[serde(rename = "push")]
    Push,
    /// A tag was made.
    #[serde(rename = "tag")]
    Tag,
    /// A pull request was opened or got new commits.
    #[serde(rename = "pr")]
    PullRequest,
}

impl EventKind {
    /// The word for it in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Tag => "tag",
            Self::PullRequest => "pr",
        }
    }

    /// Reads the word for it in manifests.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "push" => Some(Self::Push),
            "tag" => Some(Self::Tag),
            "pr" => Some(Self::PullRequest),
            _ => None,
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Push => "a push",
            Self::Tag => "a tag",
            Self::PullRequest => "a pull request",
        }
    }
}

/// The conditions of a manifest's `deploy`. All that are set must hold; with none set, nothing is
/// deployed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployPolicy {
    /// The kind of event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventKind>,
    /// The branch; of a pull request, its head branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<Pattern>,
    /// The tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<Pattern>,
    /// Patterns of which one must match the commit message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commit_message_patterns: Vec<Pattern>,
}

/// What happened in git, as far as a policy asks. Absent texts are empty.
#[derive(Clone, Copy, Debug)]
pub struct GitEvent<'a> {
    /// Its kind.
    pub event: EventKind,
    /// The branch of the push; of a pull request, its head branch.
    pub branch: &'a str,
    /// The tag, of a tag event.
    pub tag: &'a str,
    /// The commit's whole message.
    pub message: &'a str,
    /// The branch that a pull request comes from; where known it goes before `branch`.
    pub source_branch: &'a str,
    /// The branch that a pull request goes to. No condition asks for it.
    pub target_branch: &'a str,
}

impl GitEvent<'_> {
    /// The branch that `deploy.branch` is compared with.
    fn compared_branch(&self) -> &str {
        match self.event {
            EventKind::PullRequest if !self.source_branch.is_empty() => self.source_branch,
            EventKind::Push | EventKind::Tag | EventKind::PullRequest => self.branch,
        }
    }
}

/// Whether an event releases, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether the application is released.
    pub releases: bool,
    /// The reason in plain words, for people: "branch `dev` does not match `main`".
    pub reason: String,
    /// What is odd about the policy itself: conditions that can never hold together.
    pub warnings: Vec<String>,
}

/// Decides whether `event` releases the application whose policy this is.
pub fn would_release(policy: &DeployPolicy, event: &GitEvent<'_>) -> Decision {
    let warnings: Vec<String> = policy.contradiction().into_iter().collect();
    let verdict = match warnings.first() {
        Some(warning) => Err(warning.clone()),
        None => policy.judge(event),
    };
    let releases = verdict.is_ok();
    let reason = match verdict {
        Ok(reason) | Err(reason) => reason,
    };
    Decision { releases, reason, warnings }
}

impl DeployPolicy {
    /// Whether no condition is set, so that nothing is deployed by itself.
    pub fn is_empty(&self) -> bool {
        self.event.is_none()
            && self.branch.is_none()
            && self.tag.is_none()
            && self.commit_message_patterns.is_empty()
    }

    /// Says why the conditions can never hold together, if they cannot.
    pub fn contradiction(&self) -> Option<String> {
        match (&self.branch, &self.tag, self.event) {
            (Some(_), Some(_), _) => Some(
                "`branch` and `tag` are both set, so nothing is ever deployed; keep one of them".to_owned(),
            ),
            (Some(_), None, None) => Some(
                "`branch` is set without `event`, so nothing is ever deployed; add `event: push` or `event: pr`"
                    .to_owned(),
            ),
            (Some(_), None, Some(EventKind::Tag)) => Some(
                "`branch` is set with `event: tag`, so nothing is ever deployed; use `tag` instead of `branch`"
                    .to_owned(),
            ),
            (None, Some(_), None | Some(EventKind::Push | EventKind::PullRequest)) => Some(
                "`tag` is set without `event: tag`, so nothing is ever deployed; set `event: tag`".to_owned(),
            ),
            (Some(_), None, Some(EventKind::Push | EventKind::PullRequest))
            | (None, Some(_), Some(EventKind::Tag))
            | (None, None, _) => None,
        }
    }

    /// Holds every condition against `event`: all that held, or the first that did not.
    fn judge(&self, event: &GitEvent<'_>) -> Result<String, String> {
        if self.is_empty() {
            return Err("no deploy policy is set: it is released by hand".to_owned());
        }
        let held: Vec<String> = [
            self.event.map(|wanted| judge_event(wanted, event)),
            self.branch
                .as_ref()
                .map(|pattern| judge_ref("branch", pattern, event.compared_branch())),
            self.tag.as_ref().map(|pattern| judge_ref("tag", pattern, event.tag)),
            judge_message(&self.commit_message_patterns, event.message),
        ]
        .into_iter()
        .flatten()
        .collect::<Result<_, _>>()?;
        Ok(held.join(", "))
    }
}

fn judge_event(wanted: EventKind, event: &GitEvent<'_>) -> Result<String, String> {
    let got = event.event.in_words();
    if wanted == event.event {
        Ok(format!("the event is {got}"))
    } else {
        Err(format!("the event is {got}, not {}", wanted.in_words()))
    }
}

fn judge_ref(kind: &str, pattern: &Pattern, name: &str) -> Result<String, String> {
    // A negated pattern would match an absent name, and release what has no tag or branch at all.
    if name.is_empty() {
        return Err(format!("there is no {kind} to match `{pattern}`"));
    }
    if pattern.matches(name) {
        Ok(format!("{kind} `{name}` matches `{pattern}`"))
    } else {
        Err(format!("{kind} `{name}` does not match `{pattern}`"))
    }
}

fn judge_message(patterns: &[Pattern], message: &str) -> Option<Result<String, String>> {
    let [first, others @ ..] = patterns else { return None };
    Some(if message.contains(DEPLOY_ALL) {
        Ok(format!("the commit message contains `{DEPLOY_ALL}`"))
    } else if let Some(pattern) = patterns.iter().find(|pattern| pattern.matches(message)) {
        Ok(format!("the commit message matches `{pattern}`"))
    } else if others.is_empty() {
        Err(format!("the commit message does not match `{first}`"))
    } else {
        Err(format!("the commit message matches none of {} patterns", patterns.len()))
    })
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
