//! GitHub's webhooks as the use cases want them.

use gimlet_app::ports::{BranchMove, HookHeaders, HookNews, HookReader, HookRefusal, PullRequest};

use crate::{Hook, PullRequestAction, branch_name, verify_signature};

/// Reads GitHub's webhooks, and those of hosts that speak like it.
#[derive(Clone, Copy, Debug, Default)]
pub struct GitHubHooks;

impl HookReader for GitHubHooks {
    fn read(
        &self,
        secret: &str,
        headers: &HookHeaders<'_>,
        body: &[u8],
    ) -> Result<HookNews, HookRefusal> {
        verify_signature(secret, body, headers.signature).map_err(|_| HookRefusal::Signature)?;
        let hook = Hook::parse(headers.event, body)
            .map_err(|error| HookRefusal::Body(error.to_string()))?;
        Ok(news(hook))
    }
}

fn news(hook: Hook) -> HookNews {
    use PullRequestAction as Action;
    match hook {
        Hook::Push { ref_name, before, after, deleted: false, .. } => {
            let is_new = before.bytes().all(|byte| byte == b'0');
            let branch = branch_name(&ref_name).filter(|_| !is_new).map(str::to_owned);
            HookNews::RefsMoved(branch.map(|branch| BranchMove { branch, before, after }))
        }
        Hook::Push { .. } | Hook::Tag { .. } => HookNews::RefsMoved(None),
        Hook::PullRequest {
            action: Action::Opened | Action::Reopened | Action::Synchronize,
            number,
            head_sha,
            head_ref,
            head_repo,
            base_ref,
            url,
            repository,
            ..
        } => HookNews::PullRequest(PullRequest {
            number,
            head_sha,
            source_branch: head_ref,
            target_branch: base_ref,
            // A fork that is gone is nobody's to trust.
            from_fork: head_repo.as_deref() != Some(repository.as_str()),
            url,
        }),
        Hook::PullRequest { .. } | Hook::Ping | Hook::Ignored => HookNews::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign;

    const SECRET: &str = "whs_test";
    const PUSH: &str = include_str!("fixtures/push.json");
    const PULL_REQUEST: &str = include_str!("fixtures/pull_request.json");

    fn read(event: &str, body: &str, signature: &str) -> Result<HookNews, HookRefusal> {
        GitHubHooks.read(SECRET, &HookHeaders { event, delivery: "1", signature }, body.as_bytes())
    }

    fn signed(event: &str, body: &str) -> Result<HookNews, HookRefusal> {
        read(event, body, &sign(SECRET, body.as_bytes()).unwrap())
    }

    #[test]
    fn nothing_unsigned_is_read() {
        assert_eq!(read("push", PUSH, ""), Err(HookRefusal::Signature));
        assert_eq!(
            read("push", "no json", &sign("other", b"no json").unwrap()),
            Err(HookRefusal::Signature)
        );
        assert!(matches!(signed("push", "no json"), Err(HookRefusal::Body(_))));
    }

    #[test]
    fn a_push_is_worth_a_look_and_says_how_its_branch_moved() {
        let Ok(HookNews::RefsMoved(Some(moved))) = signed("push", PUSH) else { panic!() };
        assert_eq!(moved.branch, "main");
        assert!(PUSH.contains(&format!("\"before\": \"{}\"", moved.before)), "{moved:?}");
        assert!(PUSH.contains(&format!("\"after\": \"{}\"", moved.after)), "{moved:?}");
        let zeros = "0".repeat(40);
        for other in [
            PUSH.replace(&moved.before, &zeros),
            PUSH.replace(&moved.after, &zeros),
            PUSH.replace("refs/heads/main", "refs/tags/v1"),
        ] {
            assert_eq!(signed("push", &other), Ok(HookNews::RefsMoved(None)), "{other}");
        }
    }

    #[test]
    fn a_ping_is_nothing() {
        assert_eq!(signed("ping", "{}"), Ok(HookNews::Nothing));
    }

    #[test]
    fn a_pull_request_is_news_while_it_is_open() {
        let Ok(HookNews::PullRequest(pull)) = signed("pull_request", PULL_REQUEST) else {
            panic!()
        };
        assert_eq!((pull.number, pull.source_branch.as_str(), pull.from_fork), (7, "round", true));
        let closed = PULL_REQUEST.replace("synchronize", "closed");
        assert_eq!(signed("pull_request", &closed), Ok(HookNews::Nothing));
    }

    #[test]
    fn only_the_repository_itself_is_no_fork() {
        let own = PULL_REQUEST.replace("ana/shop", "acme/shop");
        let gone = PULL_REQUEST.replace(r#"{"full_name": "ana/shop", "fork": true}"#, "null");
        for (body, from_fork) in [(own, false), (gone, true)] {
            let Ok(HookNews::PullRequest(pull)) = signed("pull_request", &body) else { panic!() };
            assert_eq!(pull.from_fork, from_fork);
        }
    }
}
