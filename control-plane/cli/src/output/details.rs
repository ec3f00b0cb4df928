//! One thing in full: labelled fields, then sections.

use super::{Cell, clean_line};

/// Lines in the making.
#[derive(Debug, Default)]
pub(crate) struct Details {
    lines: Vec<Line>,
}

#[derive(Debug)]
enum Line {
    Field { label: String, cell: Cell },
    Heading(String),
    Item(Cell),
}

impl Details {
    /// A field; one without a text is left out.
    pub(crate) fn field(&mut self, label: &str, cell: impl Into<Cell>) -> &mut Self {
        let cell = cell.into();
        if !cell.text.is_empty() {
            self.lines.push(Line::Field { label: label.to_owned(), cell });
        }
        self
    }

    /// The head of a section.
    pub(crate) fn heading(&mut self, text: &str) -> &mut Self {
        self.lines.push(Line::Heading(text.to_owned()));
        self
    }

    /// A line of a section.
    pub(crate) fn item(&mut self, cell: impl Into<Cell>) -> &mut Self {
        self.lines.push(Line::Item(cell.into()));
        self
    }

    /// The lines as text.
    pub(crate) fn render(&self, color: bool) -> String {
        let labels = self.lines.iter().filter_map(|line| match line {
            Line::Field { label, .. } => Some(label.chars().count()),
            Line::Heading(_) | Line::Item(_) => None,
        });
        let width = labels.max().unwrap_or(0) + 1;
        self.lines.iter().map(|line| line.render(width, color)).collect()
    }
}

impl Line {
    fn render(&self, width: usize, color: bool) -> String {
        let shown = |cell: &Cell| {
            let text = clean_line(&cell.text);
            if color { cell.tone.paint(&text) } else { text }
        };
        match self {
            Self::Field { label, cell } => {
                format!("{:<width$}  {}\n", format!("{label}:"), shown(cell))
            }
            Self::Heading(text) => format!("\n{text}\n"),
            Self::Item(cell) => format!("  {}\n", shown(cell)),
        }
    }
}
