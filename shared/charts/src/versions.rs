//! Which of several versions is meant, as Helm chooses.

use gimlet_helm::Dialect;
use gimlet_helm::semver::{Constraints, Version};

/// How many versions a refusal tells of.
const TOLD: usize = 5;

/// The version that `wanted` means: the one that is written so; else the newest that the range allows. Nothing
/// is the newest that is no pre-release.
pub(crate) fn pick<'a>(
    versions: impl Iterator<Item = &'a str> + Clone,
    wanted: &str,
    dialect: Dialect,
) -> Option<&'a str> {
    if let Some(exact) = versions.clone().find(|version| *version == wanted) {
        return Some(exact);
    }
    let range = if wanted.is_empty() { "*" } else { wanted };
    let range = Constraints::parse(range, dialect).ok()?;
    let mut newest: Option<(Version, &str)> = None;
    for text in versions {
        // As for Helm, what is no version is not there.
        let Ok(version) = Version::parse(text, dialect) else { continue };
        let is_newer = newest.as_ref().is_none_or(|(newest, _)| version.compare(newest).is_gt());
        if is_newer && range.allow(&version) {
            newest = Some((version, text));
        }
    }
    newest.map(|(_, text)| text)
}

/// Whether the text is one version, and no range.
pub(crate) fn is_exact(wanted: &str, dialect: Dialect) -> bool {
    Version::parse(wanted, dialect).is_ok()
}

/// What a refusal says of the versions that there are.
pub(crate) fn hint<'a>(
    versions: impl Iterator<Item = &'a str>,
    wanted: &str,
    dialect: Dialect,
) -> String {
    let mut known: Vec<Version> =
        versions.filter_map(|text| Version::parse(text, dialect).ok()).collect();
    known.sort_by(|left, right| right.compare(left));
    if known.is_empty() {
        return "; it has no version at all".to_owned();
    }
    let rest = known.len().saturating_sub(TOLD);
    let newest: Vec<String> = known.iter().take(TOLD).map(|it| it.original.clone()).collect();
    let more = if rest == 0 { String::new() } else { format!(" and {rest} older") };
    let only_pre = known.iter().all(|version| !version.pre.is_empty());
    let pre = match only_pre && !wanted.contains('-') {
        true => ", which are all pre-releases: ask for one, or for a range such as >0.0.0-0",
        false => "",
    };
    format!("; it has {}{more}{pre}", newest.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(wanted: &str) -> Option<&'static str> {
        let versions =
            ["1.0.0", "v1.2.0", "1.10.0", "2.0.0-rc.1", "1.9.9", "nightly", "0.9.0+build.2"];
        pick(versions.into_iter(), wanted, Dialect::Helm3)
    }

    #[test]
    fn the_newest_that_is_no_pre_release_is_the_default() {
        assert_eq!(picked(""), Some("1.10.0"));
    }

    #[test]
    fn ranges_and_versions_mean_what_they_mean_to_helm() {
        for (wanted, expected) in [
            ("1.2.0", Some("v1.2.0")),
            ("v1.2.0", Some("v1.2.0")),
            ("1.2", Some("v1.2.0")),
            ("^1", Some("1.10.0")),
            ("<1.10", Some("1.9.9")),
            (">0.0.0-0", Some("2.0.0-rc.1")),
            ("2.0.0-rc.1", Some("2.0.0-rc.1")),
            ("0.9.0+build.2", Some("0.9.0+build.2")),
            ("nightly", Some("nightly")),
            ("~3", None),
            ("not a range", None),
        ] {
            assert_eq!(picked(wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn a_refusal_says_what_there_is() {
        let all = ["1.0.0-a", "1.0.0-b"];
        assert_eq!(
            hint(all.into_iter(), "", Dialect::Helm3),
            "; it has 1.0.0-b, 1.0.0-a, which are all pre-releases: ask for one, or for a range such as >0.0.0-0"
        );
        let many = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0"];
        let said = hint(many.into_iter(), "~2", Dialect::Helm3);
        assert_eq!(said, "; it has 1.6.0, 1.5.0, 1.4.0, 1.3.0, 1.2.0 and 2 older");
    }
}
