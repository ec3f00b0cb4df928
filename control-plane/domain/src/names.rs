//! Names that people choose, and the names that follow from them.

/// Why a name cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is no DNS label.
    #[error(
        "`{name}` must be 1 to {longest} characters of a-z, 0-9 and `-`, and begin and end with a letter or digit"
    )]
    NotALabel {
        /// What was given, shortened.
        name: String,
        /// The longest that is allowed.
        longest: usize,
    },
}

/// Environment and cluster names: object names are built from them, so 40 of Kubernetes' 63 characters.
pub const LONGEST_NAME: usize = 40;

/// A namespace's name may be as long as a DNS label (RFC 1123).
pub const LONGEST_NAMESPACE: usize = 63;

/// Characters of a refused name that its error shows: enough to know it again.
const SHOWN_CHARACTERS: usize = 80;

/// An environment with one of these words in its name is for production.
pub const PRODUCTION_WORDS: [&str; 3] = ["production", "prod", "live"];

/// By its name, an environment is for production.
#[must_use]
pub fn is_production(environment: &str) -> bool {
    environment.split(['-', '.', '_']).any(|part| PRODUCTION_WORDS.contains(&part))
}

/// Checks that `name` is a DNS label of at most `longest` characters.
///
/// # Errors
/// [`NameError::NotALabel`] shows the name and the rule.
pub fn check_label(name: &str, longest: usize) -> Result<(), NameError> {
    let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inner = |c: char| outer(c) || c == '-';
    let good = !name.is_empty()
        && name.len() <= longest
        && name.chars().all(inner)
        && name.starts_with(outer)
        && name.ends_with(outer);
    if good {
        Ok(())
    } else {
        Err(NameError::NotALabel { name: name.chars().take(SHOWN_CHARACTERS).collect(), longest })
    }
}

/// The names that Flux's objects of one environment have, all in `flux-system`.
///
/// The installer makes sources and accounts by the same rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FluxNames {
    environment: String,
}

impl FluxNames {
    /// For the environment of this name.
    #[must_use]
    pub fn of(environment: &str) -> Self {
        Self { environment: environment.to_owned() }
    }

    /// The `GitRepository` of the apps repository, and the Kustomization of its `flux/` folder.
    #[must_use]
    pub fn apps(&self) -> String {
        format!("builtin-{}-apps", self.environment)
    }

    /// The Kustomization of one application.
    #[must_use]
    pub fn application(&self, namespace: &str, app: &str) -> String {
        format!("builtin-{}-apps-{namespace}-{app}", self.environment)
    }

    /// The service account that applies applications.
    #[must_use]
    pub fn apply_account(&self) -> String {
        format!("gimlet-apply-{}", self.environment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_known_by_a_part_of_its_name() {
        for name in ["production", "prod", "eu-production", "prod-2", "live"] {
            assert!(is_production(name), "{name}");
        }
        for name in ["staging", "preproduction", "product", "nonprod", ""] {
            assert!(!is_production(name), "{name}");
        }
    }

    #[test]
    fn a_label_is_lower_case_letters_digits_and_inner_dashes() {
        for good in ["a", "prod", "prod-eu-1", &"x".repeat(40)] {
            assert_eq!(check_label(good, LONGEST_NAME), Ok(()), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ü", "a b", &"x".repeat(41)] {
            assert!(check_label(bad, LONGEST_NAME).is_err(), "{bad}");
        }
    }

    #[test]
    fn flux_s_objects_are_named_after_environment_namespace_and_application() {
        let names = FluxNames::of("prod");
        assert_eq!(names.apps(), "builtin-prod-apps");
        assert_eq!(names.application("shop", "web"), "builtin-prod-apps-shop-web");
        assert_eq!(names.apply_account(), "gimlet-apply-prod");
    }
}
