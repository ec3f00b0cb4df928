//! Lists that are read a page at a time.

use gimlet_app::ListQuery;

use super::query_string;
use crate::extract::given;

/// Rows on a page: what is read at a glance or scrolled through once.
const ROWS: u32 = 50;

/// Where a page stands in its list.
pub(super) struct Paging {
    /// Rows of the whole list.
    pub(super) total: u64,
    /// Address of the first page, on every other one.
    pub(super) first: Option<String>,
    /// Address of the page after.
    pub(super) next: Option<String>,
}

impl Paging {
    /// The page that begins at `cursor`, of a list of `total` rows. Pages lie at `path` with `query` and
    /// their cursor.
    pub(super) fn new(
        total: u64,
        cursor: &str,
        next_cursor: Option<&str>,
        path: &str,
        query: &[(&str, Option<&str>)],
    ) -> Self {
        let address = |cursor: Option<&str>| {
            let mut parts = query.to_vec();
            parts.push(("cursor", cursor));
            format!("{path}{}", query_string(&parts))
        };
        Self {
            total,
            first: (!cursor.is_empty()).then(|| address(None)),
            next: next_cursor.map(|cursor| address(Some(cursor))),
        }
    }

    /// There is more than this page.
    pub(super) fn is_needed(&self) -> bool {
        self.first.is_some() || self.next.is_some()
    }
}

/// What a list of 50 rows a page is asked for.
pub(super) fn wanted(text: &str, state: &str, cursor: &str) -> ListQuery {
    let (text, state) = (text.to_owned(), state.to_owned());
    ListQuery { text, state, limit: Some(ROWS), cursor: given(cursor) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(cursor: &str, next: Option<&str>) -> Paging {
        Paging::new(120, cursor, next, "/fleet", &[("q", Some("a b"))])
    }

    #[test]
    fn pages_keep_the_filter_and_lead_on_and_back_to_the_first() {
        let first = page("", Some("Yg"));
        assert_eq!(
            (first.first.as_deref(), first.next.as_deref()),
            (None, Some("/fleet?q=a+b&cursor=Yg"))
        );
        let last = page("Yg", None);
        assert_eq!((last.first.as_deref(), last.next.as_deref()), (Some("/fleet?q=a+b"), None));
        assert!(first.is_needed() && last.is_needed());
        assert!(!page("", None).is_needed());
    }
}
