//! Names: DNS labels, and how any text becomes one.

/// The longest application name: Helm's limit for a release, which leaves room for suffixes.
pub const MAX_APP_NAME: usize = 53;

/// The longest DNS label (RFC 1123).
pub const MAX_LABEL: usize = 63;

/// Application names that would collide with folders of the gitops repository.
const RESERVED_APPS: [&str; 1] = ["flux"];

/// Whether `text` is a DNS label: lower-case letters, digits and inner `-`, 1 to 63 characters.
pub fn is_dns_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=MAX_LABEL).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Makes a DNS label of at most 53 bytes out of `text`, or an empty string if nothing is left.
///
/// Lower-cases code point by code point, turns every run outside `0-9a-z` into one `-`, cuts to 53
/// bytes, then takes one `-` off the end and one off the start.
pub fn sanitize_dns_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        let c = simple_lower(c);
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
        // Only ASCII is ever pushed, and what follows the cut cannot change what stands before it.
        if name.len() > MAX_APP_NAME {
            break;
        }
    }
    name.truncate(MAX_APP_NAME);
    let name = name.strip_suffix('-').unwrap_or(&name);
    name.strip_prefix('-').unwrap_or(name).to_owned()
}

/// The simple lower-case mapping: one character to one. `İ` is the only character whose full mapping
/// is longer, and its simple one is `i`.
fn simple_lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Says what is wrong with an application's name, or `None` if it is fine.
pub(crate) fn app_name_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty; name the application".to_owned());
    }
    if RESERVED_APPS.contains(&name) {
        return Some(format!(
            "`{name}` is reserved for the platform's own files; choose another name"
        ));
    }
    if name.len() > MAX_APP_NAME {
        let length = name.chars().count();
        return Some(format!("is {length} characters long; at most {MAX_APP_NAME} are allowed"));
    }
    label_fault(name)
}

/// Says what is wrong with a DNS label, or `None` if it is fine.
pub(crate) fn label_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    (!is_dns_label(name)).then(|| {
        format!(
            "{} is not a valid name: use lower-case letters, digits and `-`, start and end with a \
             letter or digit, at most {MAX_LABEL} characters",
            crate::finding::quoted(name)
        )
    })
}

/// Says what is wrong with an environment's name, or `None` if it is fine. Which environments exist is
/// not known here; what could leave its folder is refused all the same.
pub(crate) fn environment_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty; name an environment".to_owned());
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fine =
        name.len() <= MAX_LABEL && name.chars().all(allowed) && !name.starts_with(['.', '-']);
    (!fine).then(|| format!("{} is not a name of an environment", crate::finding::quoted(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sanitized_as_the_table_says() {
        let sixty = "a".repeat(60);
        let cases = [
            ("Feature/JIRA_12", "feature-jira-12".to_owned()),
            ("a--b..c", "a-b-c".to_owned()),
            ("-x-", "x".to_owned()),
            ("日本", String::new()),
            ("///", String::new()),
            ("", String::new()),
            ("İx", "ix".to_owned()),
            ("ÄB", "b".to_owned()),
            ("\u{212A}", "k".to_owned()),
            ("main", "main".to_owned()),
            ("a\nb\tc", "a-b-c".to_owned()),
            ("x{{.TOKEN}}", "x-token".to_owned()),
            (&format!("-{sixty}"), "a".repeat(52)),
            (&sixty, "a".repeat(53)),
            (&format!("{}-bbb", "a".repeat(52)), "a".repeat(52)),
            (&format!("{}--bbb", "a".repeat(51)), format!("{}-b", "a".repeat(51))),
        ];
        for (input, expected) in cases {
            assert_eq!(sanitize_dns_name(input), expected, "{input:?}");
        }
    }

    #[test]
    fn what_is_sanitized_is_a_label_or_empty() {
        for input in ["Ünï/côde", "__", "1.2.3", "refs/heads/UPPER", "-", "--", "a-", "-a"] {
            let name = sanitize_dns_name(input);
            assert!(name.is_empty() || is_dns_label(&name), "{input:?} gave {name:?}");
        }
    }

    #[test]
    fn dns_labels_are_told_from_other_texts() {
        for good in ["a", "a-b", "0", "x1", &"a".repeat(63)] {
            assert!(is_dns_label(good), "{good:?}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", "../x", "a/b", "ä", &"a".repeat(64)] {
            assert!(!is_dns_label(bad), "{bad:?}");
        }
    }

    #[test]
    fn an_application_is_not_called_flux() {
        assert!(app_name_fault("flux").is_some_and(|fault| fault.contains("reserved")));
        assert_eq!(app_name_fault("fluxy"), None);
    }

    #[test]
    fn an_environment_name_stays_in_its_folder() {
        for good in ["production", "staging-2", "My_Env"] {
            assert_eq!(environment_fault(good), None, "{good:?}");
        }
        for bad in ["", "..", "a/b", "a b", "-x", ".git"] {
            assert!(environment_fault(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn an_application_name_has_at_most_53_characters() {
        assert_eq!(app_name_fault(&"a".repeat(53)), None);
        assert!(app_name_fault(&"a".repeat(54)).is_some_and(|fault| fault.contains("54")));
    }
}
