//! "Did you mean": the known name nearest to an unknown one.

/// A text to append to a message, or an empty one when no known name is near.
pub(super) fn did_you_mean<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> String {
    let unknown = unknown.to_lowercase();
    // Longer words are never names of ours, and the comparison takes time by the product of lengths.
    if unknown.chars().count() > 40 {
        return String::new();
    }
    let nearest = known
        .map(|name| (distance(&unknown, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 5)
        .min();
    nearest.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

/// The edit distance: how many characters must be added, dropped or replaced.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["app", "env", "namespace", "deploy", "commitMessagePatterns"];

    #[test]
    fn near_names_are_suggested() {
        for (unknown, name) in [
            ("App", "app"),
            ("nameSpace", "namespace"),
            ("namespac", "namespace"),
            ("deploi", "deploy"),
            ("enf", "env"),
            ("commitMessagesPattern", "commitMessagePatterns"),
        ] {
            assert!(did_you_mean(unknown, KNOWN.into_iter()).contains(name), "{unknown}");
        }
    }

    #[test]
    fn far_names_are_not_suggested() {
        for unknown in ["x", "replicas", "", &"y".repeat(100)] {
            assert_eq!(did_you_mean(unknown, KNOWN.into_iter()), "", "{unknown}");
        }
    }
}
