//! How pods look.

use gimlet_shared::api::Pod;

use crate::marks::{Mark, Tone};

/// `2/3 ready`, of the newest version; nothing where there is no pod.
pub(crate) fn ready(pods: &[Pod]) -> String {
    let newest = || pods.iter().filter(|pod| pod.newest);
    if pods.is_empty() {
        return String::new();
    }
    format!("{}/{} ready", newest().filter(|pod| pod.ready).count(), newest().count())
}

/// Icon and tone for a pod; the word is the cluster's own.
pub(crate) fn mark(pod: &Pod) -> Mark {
    let (icon, tone) = match pod.status.as_str() {
        _ if pod.ready => ("check", Tone::Good),
        "Terminating" | "Succeeded" | "Completed" => ("skipped", Tone::Calm),
        "Pending" | "Running" | "ContainerCreating" => ("busy", Tone::Busy),
        _ => ("cross", Tone::Bad),
    };
    Mark { icon, word: "", tone }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(status: &str, ready: bool, newest: bool) -> Pod {
        Pod { status: status.to_owned(), ready, newest, ..Pod::default() }
    }

    #[test]
    fn only_pods_of_the_newest_version_count_as_ready() {
        let pods =
            [pod("Running", true, true), pod("Pending", false, true), pod("Running", true, false)];
        assert_eq!(ready(&pods), "1/2 ready");
        assert_eq!(ready(&[]), "");
    }

    #[test]
    fn a_word_of_trouble_is_marked_bad() {
        assert_eq!(mark(&pod("CrashLoopBackOff", false, true)).tone, Tone::Bad);
        assert_eq!(mark(&pod("Running", false, true)).tone, Tone::Busy);
        assert_eq!(mark(&pod("Running", true, true)).tone, Tone::Good);
    }
}
