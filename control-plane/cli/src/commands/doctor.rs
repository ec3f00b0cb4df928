//! `gimlet doctor`: everything between a person and a healthy release, looked at.

mod checks;

use clap::Args;
use serde::Serialize;

use crate::{
    args::OutputArgs,
    error::CliError,
    output::{Cell, Tone, clean_line},
    shell::Shell,
};

/// Look at everything between you and a healthy release; ends with 1 if something is wrong.
#[derive(Clone, Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    output: OutputArgs,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Good,
    /// It works, and something is probably not as wanted.
    Warning,
    /// It does not work.
    Failed,
    /// It could not be looked at, because something before it failed.
    Skipped,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// What: `server`, `clock`, `cluster eu-1`…
    pub(crate) name: String,
    /// How it ended.
    pub(crate) verdict: Verdict,
    /// What was seen, or why it failed.
    pub(crate) detail: String,
    /// The next command, or what to do; absent where there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

#[derive(Serialize)]
struct Report {
    /// Nothing failed; there may be warnings.
    good: bool,
    checks: Vec<Check>,
}

impl Check {
    fn new(verdict: Verdict, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), verdict, detail: detail.into(), next: None }
    }

    fn good(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Verdict::Good, name, detail)
    }

    fn failed(name: impl Into<String>, detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..Self::new(Verdict::Failed, name, detail) }
    }

    fn warning(
        name: impl Into<String>,
        detail: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { next: Some(next.into()), ..Self::new(Verdict::Warning, name, detail) }
    }

    /// Icon and word, so that nobody needs the color.
    fn line(&self, width: usize, color: bool) -> String {
        let (icon, tone) = match self.verdict {
            Verdict::Good => ("✓", Tone::Good),
            Verdict::Warning => ("!", Tone::Busy),
            Verdict::Failed => ("✗", Tone::Bad),
            Verdict::Skipped => ("–", Tone::Faint),
        };
        let text =
            format!("{icon} {:<width$}  {}", clean_line(&self.name), clean_line(&self.detail));
        let cell = Cell::new(tone, text);
        let mut line = if color { cell.tone.paint(&cell.text) } else { cell.text };
        if let Some(next) = &self.next {
            line.push_str(&format!("\n  {:<width$}  next: {}", "", clean_line(next)));
        }
        line + "\n"
    }
}

impl Doctor {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let checks = checks::all(shell).await;
        let failed: Vec<_> =
            checks.iter().filter(|check| check.verdict == Verdict::Failed).cloned().collect();
        let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
        let color = shell.out.colors_data();
        let text: String = checks.iter().map(|check| check.line(width, color)).collect();
        let names: Vec<_> = failed.iter().map(|check| check.name.as_str()).collect();
        let report = Report { good: failed.is_empty(), checks };
        shell.out.plain(self.output.output, &text, &names.join("\n"), &report)?;
        match failed.len() {
            0 => Ok(()),
            1 => Err(CliError::local(format!("a check failed: {}", names.join(", ")))),
            many => Err(CliError::local(format!("{many} checks failed: {}", names.join(", ")))),
        }
    }
}
