//! GitHub's webhooks as the use cases want them.

use gimlet_app::ports::{HookHeaders, HookNews, HookReader, HookRefusal, PullRequest};

use crate::{Hook, PullRequestAction, verify_signature};

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
        Hook::Push { .. } | Hook::Tag { .. } => HookNews::RefsMoved,
        Hook::PullRequest {
            action: Action::Opened | Action::Reopened | Action::Synchronize,
            number,
            head_sha,
            head_ref,
            head_repo,
            base_ref,
            repository,
            ..
        } => HookNews::PullRequest(PullRequest {
            number,
            head_sha,
            source_branch: head_ref,
            target_branch: base_ref,
            // A fork that is gone is nobody's to trust.
            from_fork: head_repo.as_deref() != Some(repository.as_str()),
            url: format!("https://github.com/{repository}/pull/{number}"),
        }),
        Hook::PullRequest { .. } | Hook::Ping | Hook::Ignored => HookNews::Nothing,
    }
}
