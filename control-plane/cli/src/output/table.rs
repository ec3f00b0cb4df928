//! Rows and columns.

use serde::Serialize;
use time::OffsetDateTime;
use unicode_width::UnicodeWidthStr as _;

use super::{Details, Tone, clean_line};

/// Between two columns.
const GAP: &str = "   ";

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// Only in the wide table.
    pub(crate) is_wide: bool,
    /// Characters that the narrow table shows of it.
    pub(crate) longest: usize,
}

impl Column {
    pub(crate) const fn always(title: &'static str) -> Self {
        Self { title, is_wide: false, longest: usize::MAX }
    }

    pub(crate) const fn cut(title: &'static str, longest: usize) -> Self {
        Self { title, is_wide: false, longest }
    }

    pub(crate) const fn wide(title: &'static str) -> Self {
        Self { title, is_wide: true, longest: usize::MAX }
    }
}

/// What stands in one row of one column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

impl Cell {
    pub(crate) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(Tone::Plain, text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(Tone::Plain, text)
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        Self::from(text.unwrap_or_default())
    }
}

/// Something that lists show.
pub(crate) trait Record: Serialize {
    /// The columns, in order.
    const COLUMNS: &'static [Column];
    /// Said of an empty list, with what to do about it.
    const NONE_YET: &'static str;

    /// One cell per column. Times are relative to `now`.
    fn cells(&self, now: OffsetDateTime) -> Vec<Cell>;

    /// What other commands call it.
    fn name(&self) -> String;

    /// All there is to say of it.
    fn details(&self, now: OffsetDateTime) -> Details {
        let mut details = Details::default();
        for (column, cell) in Self::COLUMNS.iter().zip(self.cells(now)) {
            details.field(&column.title.to_lowercase(), cell);
        }
        details
    }
}

/// A table whose columns keep their widths, so that rows can follow later.
#[derive(Debug)]
pub(crate) struct Table {
    is_wide: bool,
    now: OffsetDateTime,
    widths: Vec<usize>,
}

impl Table {
    /// As wide as `rows` ask for.
    pub(crate) fn new<R: Record>(is_wide: bool, now: OffsetDateTime, rows: &[R]) -> Self {
        let mut table = Self { is_wide, now, widths: Vec::new() };
        table.widths = table.shown::<R>().map(|(_, column)| column.title.width()).collect();
        for row in rows {
            let texts = table.texts(row);
            for (width, (text, _)) in table.widths.iter_mut().zip(texts) {
                *width = text.width().max(*width);
            }
        }
        table
    }

    /// The same table at a later moment.
    pub(crate) fn at(self, now: OffsetDateTime) -> Self {
        Self { now, ..self }
    }

    /// Header and rows.
    pub(crate) fn with_header<R: Record>(&self, rows: &[R], color: bool) -> String {
        let titles =
            self.shown::<R>().map(|(_, column)| (column.title.to_owned(), Tone::Plain)).collect();
        self.line(titles, color) + &self.rows(rows, color)
    }

    /// Rows alone.
    pub(crate) fn rows<R: Record>(&self, rows: &[R], color: bool) -> String {
        rows.iter().map(|row| self.line(self.texts(row), color)).collect()
    }

    fn shown<R: Record>(&self) -> impl Iterator<Item = (usize, &'static Column)> + use<R> {
        let is_wide = self.is_wide;
        R::COLUMNS.iter().enumerate().filter(move |(_, column)| is_wide || !column.is_wide)
    }

    fn texts<R: Record>(&self, row: &R) -> Vec<(String, Tone)> {
        let mut cells = row.cells(self.now);
        self.shown::<R>()
            .map(|(index, column)| {
                let cell = cells.get_mut(index).map(std::mem::take).unwrap_or_default();
                let text = clean_line(&cell.text);
                let text = if self.is_wide { text } else { cut(text, column.longest) };
                // An empty cell would make its neighbours look like one column.
                if text.is_empty() { ("-".to_owned(), Tone::Faint) } else { (text, cell.tone) }
            })
            .collect()
    }

    fn line(&self, texts: Vec<(String, Tone)>, color: bool) -> String {
        let mut line = String::new();
        let last = texts.len().saturating_sub(1);
        for (index, (text, tone)) in texts.into_iter().enumerate() {
            let missing =
                self.widths.get(index).map_or(0, |width| width.saturating_sub(text.width()));
            line.push_str(&if color { tone.paint(&text) } else { text });
            if index < last {
                line.push_str(&" ".repeat(missing));
                line.push_str(GAP);
            }
        }
        line + "\n"
    }
}

/// The first characters of a text, and a sign that there were more.
fn cut(text: String, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text;
    }
    let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
    kept.trim_end().to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Fruit(&'static str, &'static str);

    impl Record for Fruit {
        const COLUMNS: &'static [Column] =
            &[Column::cut("NAME", 6), Column::always("TASTE"), Column::wide("MORE")];
        const NONE_YET: &'static str = "no fruit";

        fn cells(&self, _now: OffsetDateTime) -> Vec<Cell> {
            vec![self.0.into(), Cell::new(Tone::Good, self.1), "x".into()]
        }

        fn name(&self) -> String {
            self.0.to_owned()
        }
    }

    fn rendered(is_wide: bool, color: bool) -> String {
        let rows = [Fruit("柑橘", "sour"), Fruit("pineapple", ""), Fruit("a\x1b", "ok")];
        Table::new(is_wide, OffsetDateTime::UNIX_EPOCH, &rows).with_header(&rows, color)
    }

    #[test]
    fn columns_stand_in_line_and_long_text_is_cut() {
        assert_eq!(
            rendered(false, false),
            "NAME     TASTE\n柑橘     sour\npinea…   -\na\\u{1…   ok\n"
        );
    }

    #[test]
    fn the_wide_table_has_more_columns_and_cuts_nothing() {
        let table = rendered(true, true);
        assert!(table.contains("pineapple   \x1b[2m-\x1b[0m       x\n"), "{table}");
    }
}
