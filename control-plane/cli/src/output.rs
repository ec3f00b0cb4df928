//! Data to standard output in the wanted format, everything else to standard error.

mod clean;
mod details;
mod encode;
mod format;
mod table;
mod when;

use std::io::{self, Write};

use serde::Serialize;
use time::OffsetDateTime;

pub(crate) use self::{
    clean::{clean_line, clean_text},
    details::Details,
    encode::{as_json_line, at_path, comparable},
    format::{Format, FormatParser},
    table::{Cell, Column, Record, Table},
    when::{age, moment},
};
use crate::{args::Color, error::CliError, host::Host};

/// What a text means, beyond its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
    Busy,
    Faint,
}

impl Tone {
    /// Colors `text`; the words alone must do without.
    pub(crate) fn paint(self, text: &str) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            Self::Good => "32",
            Self::Bad => "31",
            Self::Busy => "33",
            Self::Faint => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Whether a stream is colored: the flag over `NO_COLOR` over `CLICOLOR_FORCE` over what it is.
pub(crate) fn wants_color(flag: Color, host: &Host, is_terminal: bool) -> bool {
    match flag {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if host.var("NO_COLOR").is_some() => false,
        Color::Auto if host.var("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => is_terminal && host.var("TERM") != Some("dumb"),
    }
}

/// One of the two streams.
pub(crate) struct Sink {
    pub(crate) to: Box<dyn Write + Send>,
    pub(crate) color: bool,
    pub(crate) is_terminal: bool,
}

/// Where a command writes.
pub(crate) struct Output {
    data: Sink,
    notes: Sink,
    now: fn() -> OffsetDateTime,
    /// A line on the terminal waits to be written over.
    is_live: bool,
    /// The reader of the data went away.
    is_closed: bool,
}

impl Output {
    pub(crate) fn new(data: Sink, notes: Sink, now: fn() -> OffsetDateTime) -> Self {
        Self { data, notes, now, is_live: false, is_closed: false }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.now)()
    }

    /// Nobody reads the data any more, as after `| head`.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// A person watches, and lines may be written over.
    pub(crate) fn has_live_lines(&self) -> bool {
        self.notes.is_terminal
    }

    pub(crate) fn colors_data(&self) -> bool {
        self.data.color
    }

    /// Shows a list.
    pub(crate) fn list<R: Record>(&mut self, format: Format, rows: &[R]) -> Result<(), CliError> {
        let text = match format {
            Format::Table | Format::Wide => {
                if rows.is_empty() {
                    self.note(Tone::Plain, R::NONE_YET);
                    return Ok(());
                }
                Table::new(format == Format::Wide, self.now(), rows)
                    .with_header(rows, self.data.color)
            }
            Format::Json => encode::as_json(&rows)?,
            Format::Yaml => encode::as_yaml(&rows)?,
            Format::Path(path) => at_path(path, &rows)?,
            Format::Name => {
                rows.iter().map(|row| format!("{}\n", clean_line(&row.name()))).collect()
            }
        };
        self.data(&text)
    }

    /// Shows one thing in full.
    pub(crate) fn one<R: Record>(&mut self, format: Format, row: &R) -> Result<(), CliError> {
        let text = match format {
            Format::Table | Format::Wide => row.details(self.now()).render(self.data.color),
            Format::Json => encode::as_json(row)?,
            Format::Yaml => encode::as_yaml(row)?,
            Format::Path(path) => at_path(path, row)?,
            Format::Name => format!("{}\n", clean_line(&row.name())),
        };
        self.data(&text)
    }

    /// Shows one thing for whom it has no columns: as text, or as data.
    pub(crate) fn plain(
        &mut self,
        format: Format,
        text: &str,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), CliError> {
        let text = match format {
            Format::Table | Format::Wide => text.to_owned(),
            Format::Json => encode::as_json(value)?,
            Format::Yaml => encode::as_yaml(value)?,
            Format::Path(path) => at_path(path, value)?,
            Format::Name => format!("{}\n", clean_line(name)),
        };
        self.data(&text)
    }

    /// Writes data. That its reader went away is not an error: it has had enough.
    pub(crate) fn data(&mut self, text: &str) -> Result<(), CliError> {
        self.end_live();
        if self.is_closed {
            return Ok(());
        }
        let written = self.data.to.write_all(text.as_bytes()).and_then(|()| self.data.to.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.is_closed = true,
            Err(source) => return Err(CliError::Output { source }),
            Ok(()) => {}
        }
        Ok(())
    }

    /// Writes one line to standard error; that nobody reads it changes nothing.
    pub(crate) fn note(&mut self, tone: Tone, text: &str) {
        self.end_live();
        let text = clean_text(text);
        let line = if self.notes.color { tone.paint(&text) } else { text };
        _ = writeln!(self.notes.to, "{line}");
    }

    /// Asks on standard error, and leaves the cursor behind the question.
    pub(crate) fn ask(&mut self, question: &str) {
        self.end_live();
        _ = write!(self.notes.to, "{} ", clean_line(question)).and_then(|()| self.notes.to.flush());
    }

    /// Replaces the live line of a terminal; elsewhere it does nothing.
    pub(crate) fn live(&mut self, text: &str) {
        if self.notes.is_terminal {
            self.is_live = true;
            _ = write!(self.notes.to, "\r\x1b[K{}", clean_line(text))
                .and_then(|()| self.notes.to.flush());
        }
    }

    /// Takes the live line away.
    pub(crate) fn end_live(&mut self) {
        if std::mem::take(&mut self.is_live) {
            _ = write!(self.notes.to, "\r\x1b[K").and_then(|()| self.notes.to.flush());
        }
    }
}
