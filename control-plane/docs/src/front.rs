//! The lines between `---` at the head of a page: its title, its summary, and where its commands begin.

/// What is there before the first command of a page runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begins {
    /// The programs, and nothing else.
    #[default]
    Programs,
    /// A server of its own, running, without any organization.
    Server,
    /// A signed-in owner of the organization `acme`.
    SignedIn,
    /// Moreover a cluster `production` and the repository `acme/shop` with one released commit.
    Shop,
}

/// The head of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Front {
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) begins: Begins,
}

/// Takes the head off a page; what is wrong with it otherwise.
pub(crate) fn split(text: &str) -> Result<(Front, &str), String> {
    let rest = text.strip_prefix("---\n").ok_or("the page does not begin with `---`")?;
    let (head, body) = rest.split_once("\n---\n").ok_or("the head has no second `---`")?;
    let mut front =
        Front { title: String::new(), summary: String::new(), begins: Begins::default() };
    for line in head.lines() {
        let (name, value) = line.split_once(": ").ok_or(format!("`{line}` is no `name: value`"))?;
        match (name, value) {
            ("title", title) => front.title = title.to_owned(),
            ("summary", summary) => front.summary = summary.to_owned(),
            ("begins", "server") => front.begins = Begins::Server,
            ("begins", "signed-in") => front.begins = Begins::SignedIn,
            ("begins", "shop") => front.begins = Begins::Shop,
            _ => return Err(format!("`{line}` is not known")),
        }
    }
    if front.title.is_empty() || front.summary.is_empty() {
        return Err("the head needs `title` and `summary`".to_owned());
    }
    Ok((front, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_title_summary_and_a_beginning() {
        let (front, body) = split("---\ntitle: A\nsummary: b: c\nbegins: shop\n---\nText").unwrap();
        assert_eq!((front.title.as_str(), front.summary.as_str()), ("A", "b: c"));
        assert_eq!((front.begins, body), (Begins::Shop, "Text"));
    }

    #[test]
    fn a_head_that_is_odd_is_refused() {
        for text in ["# A", "---\ntitle: A\n---\nx", "---\ntitle: A\nsummary: b\nbegins: x\n---\n"]
        {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
