//! Which template each number of a Deployment stands for: only its `ReplicaSets` know.

use std::collections::HashMap;

use super::workload::Revision;

/// The templates of every Deployment that may still be its newest.
#[derive(Debug, Default)]
pub(crate) struct Revisions {
    by_deployment: HashMap<Deployment, Numbers>,
}

/// Namespace and name; no name holds the separator.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Deployment(Box<str>);

#[derive(Debug)]
struct Numbers {
    newest: Template,
    /// A Deployment can lag behind its newest `ReplicaSet`, by one.
    before: Option<Template>,
    /// Was seen since the last list of Deployments began.
    is_listed: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Template {
    number: u64,
    hash: Box<str>,
}

impl Revisions {
    /// Notes what a `ReplicaSet` says; false where it says nothing new.
    pub(crate) fn note(&mut self, namespace: &str, revision: &Revision) -> bool {
        let Some(template) = Template::of(revision) else { return false };
        let key = Deployment::of(namespace, &revision.deployment);
        let Some(numbers) = self.by_deployment.get_mut(&key) else {
            let numbers = Numbers { newest: template, before: None, is_listed: true };
            self.by_deployment.insert(key, numbers);
            return true;
        };
        // Rolled back, an old template gets the newest number.
        numbers.before.take_if(|before| before.hash == template.hash);
        if numbers.newest.hash == template.hash {
            return std::mem::replace(&mut numbers.newest, template) != numbers.newest;
        }
        if template.number > numbers.newest.number {
            numbers.before = Some(std::mem::replace(&mut numbers.newest, template));
            return true;
        }
        let is_news = numbers.before.as_ref().is_none_or(|it| template.number > it.number);
        if is_news {
            numbers.before = Some(template);
        }
        is_news
    }

    /// A `ReplicaSet` is gone.
    pub(crate) fn forget_set(&mut self, namespace: &str, revision: &Revision) {
        let key = Deployment::of(namespace, &revision.deployment);
        let Some(numbers) = self.by_deployment.get_mut(&key) else { return };
        numbers.before.take_if(|before| *before.hash == *revision.hash);
        if *numbers.newest.hash == *revision.hash {
            match numbers.before.take() {
                Some(before) => numbers.newest = before,
                None => _ = self.by_deployment.remove(&key),
            }
        }
    }

    /// A Deployment is gone.
    pub(crate) fn forget(&mut self, namespace: &str, deployment: &str) {
        self.by_deployment.remove(&Deployment::of(namespace, deployment));
    }

    /// The hash of a Deployment's template number `number`, if its `ReplicaSet` was seen.
    pub(crate) fn hash(&mut self, namespace: &str, deployment: &str, number: &str) -> Option<&str> {
        let key = Deployment::of(namespace, deployment);
        let numbers = self.by_deployment.get_mut(&key)?;
        numbers.is_listed = true;
        let number = number.parse::<u64>().ok()?;
        if numbers.newest.number == number {
            // Numbers only grow: nobody asks for the one before again.
            numbers.before = None;
            return Some(&numbers.newest.hash);
        }
        numbers.before.as_ref().filter(|it| it.number == number).map(|it| &*it.hash)
    }

    /// A list of Deployments begins.
    pub(crate) fn begin_list(&mut self) {
        self.by_deployment.values_mut().for_each(|numbers| numbers.is_listed = false);
    }

    /// That list is complete.
    pub(crate) fn end_list(&mut self) {
        self.by_deployment.retain(|_, numbers| numbers.is_listed);
    }
}

impl Deployment {
    fn of(namespace: &str, name: &str) -> Self {
        Self(format!("{namespace}/{name}").into())
    }
}

impl Template {
    fn of(revision: &Revision) -> Option<Self> {
        let number = revision.number.parse().ok()?;
        Some(Self { number, hash: revision.hash.as_str().into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(hash: &str, number: u64) -> Revision {
        let (deployment, number) = ("web".to_owned(), number.to_string());
        Revision { deployment, number, hash: hash.to_owned() }
    }

    fn hash(revisions: &mut Revisions, number: &str) -> Option<String> {
        revisions.hash("shop", "web", number).map(str::to_owned)
    }

    #[test]
    fn the_newest_two_are_known_in_whatever_order_they_come() {
        let mut revisions = Revisions::default();
        for (name, number) in [("b", 2), ("d", 4), ("a", 1), ("c", 3)] {
            revisions.note("shop", &set(name, number));
        }
        assert_eq!(hash(&mut revisions, "3").as_deref(), Some("c"));
        assert_eq!(hash(&mut revisions, "2"), None);
        assert_eq!(hash(&mut revisions, "4").as_deref(), Some("d"));
        assert_eq!(hash(&mut revisions, "3"), None);
        assert_eq!(revisions.hash("other", "web", "4"), None);
    }

    #[test]
    fn a_template_that_is_rolled_back_to_has_its_new_number_only() {
        let mut revisions = Revisions::default();
        assert!(revisions.note("shop", &set("old", 1)));
        assert!(revisions.note("shop", &set("new", 2)));
        assert!(!revisions.note("shop", &set("new", 2)));
        assert!(revisions.note("shop", &set("old", 3)));
        assert_eq!(hash(&mut revisions, "1"), None);
        assert_eq!(hash(&mut revisions, "2").as_deref(), Some("new"));
        assert_eq!(hash(&mut revisions, "3").as_deref(), Some("old"));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut revisions = Revisions::default();
        revisions.note("shop", &set("old", 1));
        revisions.note("shop", &set("new", 2));
        revisions.forget_set("shop", &set("new", 2));
        assert_eq!(hash(&mut revisions, "1").as_deref(), Some("old"));
        revisions.begin_list();
        assert!(hash(&mut revisions, "1").is_some());
        revisions.end_list();
        assert!(hash(&mut revisions, "1").is_some());
        revisions.begin_list();
        revisions.end_list();
        assert!(revisions.by_deployment.is_empty());
    }
}
