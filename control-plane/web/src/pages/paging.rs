//! Lists that are read whole and shown in pages.

use super::query_string;

/// Rows on a page: what is read at a glance or scrolled through once.
const ROWS: usize = 50;

/// One page of a list, and its neighbours.
pub(super) struct Paging {
    /// Number of its first row, from 1; 0 where there is none.
    pub(super) first: usize,
    /// Number of its last row.
    pub(super) last: usize,
    /// Rows of the whole list.
    pub(super) total: usize,
    /// Address of the page before.
    pub(super) previous: Option<String>,
    /// Address of the page after.
    pub(super) next: Option<String>,
}

impl Paging {
    /// Takes page `number`, from 1, out of `rows`; the last one where there are not so many. Pages lie at
    /// `path` with `query` and their number.
    pub(super) fn take<T>(
        rows: Vec<T>,
        number: usize,
        path: &str,
        query: &[(&str, Option<&str>)],
    ) -> (Vec<T>, Self) {
        let total = rows.len();
        let pages = total.div_ceil(ROWS).max(1);
        let number = number.clamp(1, pages);
        let skipped = (number - 1) * ROWS;
        let shown: Vec<T> = rows.into_iter().skip(skipped).take(ROWS).collect();
        let address = |number: usize| {
            let number = (number > 1).then(|| number.to_string());
            let mut parts = query.to_vec();
            parts.push(("page", number.as_deref()));
            format!("{path}{}", query_string(&parts))
        };
        let paging = Self {
            first: if shown.is_empty() { 0 } else { skipped + 1 },
            last: skipped + shown.len(),
            total,
            previous: (number > 1).then(|| address(number - 1)),
            next: (number < pages).then(|| address(number + 1)),
        };
        (shown, paging)
    }

    /// There is more than this page.
    pub(super) fn is_needed(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }
}

/// Reads a page's number; what is none is the first page.
pub(super) fn page_number(text: &str) -> usize {
    text.trim().parse().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: usize, number: usize) -> (Vec<usize>, Paging) {
        Paging::take((0..rows).collect(), number, "/fleet", &[("q", Some("a b"))])
    }

    #[test]
    fn pages_cover_every_row_once() {
        let (rows, paging) = page(120, 2);
        assert_eq!((rows[0], rows.len()), (50, 50));
        assert_eq!((paging.first, paging.last, paging.total), (51, 100, 120));
        assert_eq!(paging.previous.as_deref(), Some("/fleet?q=a+b"));
        assert_eq!(paging.next.as_deref(), Some("/fleet?q=a+b&page=3"));
    }

    #[test]
    fn a_page_that_is_not_there_is_the_nearest_one() {
        assert_eq!(page(120, 99).1.first, 101);
        assert_eq!(page(120, 0).1.first, 1);
        assert_eq!(page_number("-3"), 1);
        let (rows, paging) = page(0, 1);
        assert!(rows.is_empty() && !paging.is_needed());
        assert_eq!((paging.first, paging.last), (0, 0));
    }
}
