//! What differs between two states of an application's files, and the exit codes of a comparison: 0 for
//! the same, 1 for a difference, 2 where they could not be compared.

use gimlet_shared::api::{Diff, FileDiff, Hunk};

use crate::{
    error::CliError,
    output::{Format, Tone, clean_line},
    shell::Shell,
};

/// Shows a difference as a patch, and ends with the code for it.
pub(crate) fn show(
    shell: &mut Shell,
    format: Format,
    diff: Result<Diff, CliError>,
) -> Result<(), CliError> {
    let diff = diff.map_err(CliError::while_comparing)?;
    let shown = match format {
        Format::Name => diff.files.iter().map(|file| clean_line(&file.path) + "\n").collect(),
        Format::Table | Format::Wide => patch(&diff, shell.out.colors_data()),
        Format::Json | Format::Yaml | Format::Path(_) => String::new(),
    };
    let written = match format {
        Format::Name | Format::Table | Format::Wide => shell.out.data(&shown),
        Format::Json | Format::Yaml | Format::Path(_) => shell.out.plain(format, "", "", &diff),
    };
    written.map_err(CliError::while_comparing)?;
    if let Some(note) = &diff.note {
        shell.out.note(Tone::Plain, note);
    }
    if diff.files_left_out > 0 {
        let left_out = diff.files_left_out;
        shell.out.note(Tone::Busy, &format!("{left_out} more files differ and are not shown"));
    }
    if diff.files.is_empty() && diff.files_left_out == 0 { Ok(()) } else { Err(CliError::Differs) }
}

fn patch(diff: &Diff, color: bool) -> String {
    let mut text = String::new();
    let mut line = |tone: Tone, line: &str| {
        let line = clean_line(line);
        text.push_str(&if color { tone.paint(&line) } else { line });
        text.push('\n');
    };
    for file in &diff.files {
        let FileDiff { path, change, added, removed, hunks, note } = file;
        line(Tone::Plain, &format!("{path} ({change}, +{added} -{removed})"));
        for Hunk { old_start, new_start, lines } in hunks {
            line(Tone::Faint, &format!("@@ -{old_start} +{new_start} @@"));
            for one in lines {
                match one.change.as_str() {
                    "added" => line(Tone::Good, &format!("+{}", one.text)),
                    "removed" => line(Tone::Bad, &format!("-{}", one.text)),
                    _ => line(Tone::Plain, &format!(" {}", one.text)),
                }
            }
        }
        if let Some(note) = note {
            line(Tone::Busy, note);
        }
    }
    text
}
