//! Names that people choose, and the names that follow from them.

/// Why a name cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is no DNS label.
    #[error(
        "`{name}` must be 1 to {longest} characters of a-z, 0-9 and `-`, and begin and end with a letter or digit"
    )]
    NotALabel {
        /// Which field.
        field: &'static str,
        /// What was given, shortened.
        name: String,
        /// The longest that is allowed.
        longest: usize,
    },
}

/// Environment and cluster names: object names are built from them, so 40 of Kubernetes' 63 characters.
pub const LONGEST_NAME: usize = 40;

/// Checks that `name` is a DNS label of at most `longest` characters.
///
/// # Errors
/// [`NameError::NotALabel`] names the field and shows the rule.
pub fn check_label(field: &'static str, name: &str, longest: usize) -> Result<(), NameError> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = !name.is_empty()
        && name.len() <= longest
        && name.chars().all(inner)
        && name.chars().next().is_some_and(outer)
        && name.chars().next_back().is_some_and(outer);
    if good {
        Ok(())
    } else {
        Err(NameError::NotALabel { field, name: name.chars().take(80).collect(), longest })
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
    fn a_label_is_lower_case_letters_digits_and_inner_dashes() {
        for good in ["a", "prod", "prod-eu-1", &"x".repeat(40)] {
            assert_eq!(check_label("name", good, LONGEST_NAME), Ok(()), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ü", "a b", &"x".repeat(41)] {
            assert!(check_label("name", bad, LONGEST_NAME).is_err(), "{bad}");
        }
    }
}
