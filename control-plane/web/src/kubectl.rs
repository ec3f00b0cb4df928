//! The commands that show more of a cause, to copy into a shell.

use gimlet_shared::api::Cause;

/// The commands, the most telling first; none where the cluster has nothing more to show.
pub(crate) fn commands(cause: &Cause, namespace: &str) -> Vec<String> {
    let first = command(cause, namespace);
    let pod = cause.pod.as_deref().and_then(name).zip(name(namespace));
    let describe = pod.map(|(pod, namespace)| format!("kubectl -n {namespace} describe pod {pod}"));
    // What cannot be named safely for the first is not named for the second either.
    let more = describe.filter(|second| first.as_ref().is_some_and(|first| first != second));
    first.into_iter().chain(more).collect()
}

/// The command, or `None` where the cluster has nothing more to show.
///
/// Names come from a cluster that we do not trust and end in a person's shell, so a name that is not
/// plainly one of Kubernetes gives no command.
fn command(cause: &Cause, namespace: &str) -> Option<String> {
    let namespace = name(namespace)?;
    let pod = cause.pod.as_deref().map(name);
    let container = cause.container.as_deref().map(name);
    match (cause.code.as_str(), pod, container) {
        ("manifest_invalid" | "gitops_write" | "owned_by_another" | "cluster_away", ..) => None,
        ("flux_failed" | "refused", ..) => {
            Some("kubectl get kustomizations --all-namespaces".to_owned())
        }
        (_, Some(None), _) | (_, _, Some(None)) => None,
        ("crash_loop" | "out_of_memory", Some(Some(pod)), Some(Some(container))) => {
            Some(format!("kubectl -n {namespace} logs {pod} -c {container} --previous"))
        }
        ("not_ready", Some(Some(pod)), Some(Some(container))) => {
            Some(format!("kubectl -n {namespace} logs {pod} -c {container}"))
        }
        (_, Some(Some(pod)), _) => Some(format!("kubectl -n {namespace} describe pod {pod}")),
        ("job_failed", None, _) => Some(format!("kubectl -n {namespace} describe jobs")),
        (_, None, _) => Some(format!("kubectl -n {namespace} get pods")),
    }
}

/// Whether an address leads to a page, and not to code that a browser would run.
pub(crate) fn is_page(address: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| address.starts_with(scheme))
}

fn name(text: &str) -> Option<&str> {
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
    };
    let starts_well = text.starts_with(|char: char| char.is_ascii_alphanumeric());
    (starts_well && text.len() <= 253 && text.bytes().all(plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(code: &str, pod: Option<&str>, container: Option<&str>) -> Cause {
        Cause {
            code: code.to_owned(),
            summary: String::new(),
            detail: String::new(),
            pod: pod.map(str::to_owned),
            container: container.map(str::to_owned),
            last_lines: Vec::new(),
            next_step: String::new(),
        }
    }

    #[test]
    fn a_crashing_container_shows_what_it_said_before_it_ended() {
        assert_eq!(
            command(&cause("crash_loop", Some("shop-7d4b"), Some("web")), "shop").as_deref(),
            Some("kubectl -n shop logs shop-7d4b -c web --previous")
        );
    }

    #[test]
    fn an_image_that_cannot_be_pulled_shows_the_pod() {
        assert_eq!(
            command(&cause("image_pull", Some("shop-7d4b"), Some("web")), "shop").as_deref(),
            Some("kubectl -n shop describe pod shop-7d4b")
        );
    }

    #[test]
    fn where_the_output_does_not_tell_the_pod_s_events_may() {
        assert_eq!(
            commands(&cause("crash_loop", Some("shop-7d4b"), Some("web")), "shop"),
            [
                "kubectl -n shop logs shop-7d4b -c web --previous",
                "kubectl -n shop describe pod shop-7d4b"
            ]
        );
        let described = commands(&cause("image_pull", Some("shop-7d4b"), None), "shop");
        assert_eq!(described, ["kubectl -n shop describe pod shop-7d4b"]);
        assert!(commands(&cause("crash_loop", Some("a"), Some("$(reboot)")), "shop").is_empty());
    }

    #[test]
    fn what_never_reached_the_cluster_has_no_command() {
        assert_eq!(command(&cause("gitops_write", None, None), "shop"), None);
    }

    #[test]
    fn a_name_that_a_shell_would_obey_gives_no_command() {
        for hostile in ["a; reboot", "$(reboot)", "a\nreboot", "--all", "", "`x`", "Ünicode"] {
            assert_eq!(
                command(&cause("image_pull", Some(hostile), None), "shop"),
                None,
                "{hostile:?}"
            );
            assert_eq!(
                command(&cause("image_pull", Some("a"), None), hostile),
                None,
                "{hostile:?}"
            );
            assert_eq!(
                command(&cause("crash_loop", Some("a"), Some(hostile)), "shop"),
                None,
                "{hostile:?}"
            );
        }
    }
}
