//! A git host's webhook: first line the event, the rest the body.

use gimlet_app::ports::{HookHeaders, HookNews, HookReader as _, HookRefusal};
use gimlet_github::{GitHubHooks, sign};

const SECRET: &str = "a webhook secret of the tests";

/// Reads a delivery with a good signature, and shows that a bad one is refused before anything is read.
///
/// # Panics
/// When a forged delivery is taken, the same delivery reads differently twice, or what was read cannot be
/// kept and read again.
pub fn webhook(input: &[u8]) {
    let split = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (event, body) = input.split_at(split);
    let event = String::from_utf8_lossy(event);
    let body = body.strip_prefix(b"\n").unwrap_or_default();
    let Ok(signature) = sign(SECRET, body) else { return };
    let headers = HookHeaders { event: &event, delivery: "delivery-1", signature: &signature };

    let news = GitHubHooks.read(SECRET, &headers, body);
    assert_eq!(news, GitHubHooks.read(SECRET, &headers, body), "the same delivery, read twice");
    if let Ok(HookNews::PullRequest(pull_request)) = &news {
        let kept = serde_json::to_string(pull_request).expect("a pull request can be kept");
        let read: Result<gimlet_app::ports::PullRequest, _> = serde_json::from_str(&kept);
        assert_eq!(&read.expect("a kept pull request can be read"), pull_request);
    }

    // The body doubles as a signature: whatever it is, it is not the right one.
    let forged = String::from_utf8_lossy(body);
    for signature in ["", "sha256=", forged.as_ref()] {
        let headers = HookHeaders { signature, ..headers };
        assert_eq!(GitHubHooks.read(SECRET, &headers, body), Err(HookRefusal::Signature));
    }
}
