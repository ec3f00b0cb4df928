//! `--watch`: a list, and then each row again whenever it changes.

use std::collections::HashMap;

use serde_json::Value;
use tokio::time::sleep;

use crate::{
    error::CliError,
    output::{Format, Record, Table, Tone, as_json_line, at_path, comparable},
    shell::Shell,
};

/// Shows what `look` finds, again and again, until the reader goes away or the user interrupts.
///
/// For programs each row is a document of its own: a line of JSON, or YAML after `---`.
///
/// # Errors
/// What the first look says, and what will not pass later.
pub(crate) async fn watch<R: Record>(
    shell: &mut Shell,
    format: Format,
    mut look: impl AsyncFnMut() -> Result<Vec<R>, CliError>,
) -> Result<(), CliError> {
    let mut known: HashMap<String, Value> = HashMap::new();
    let first = look().await?;
    let mut table = None;
    show(shell, format, &mut table, &changed(&mut known, first))?;
    let mut is_lost = false;
    while !shell.out.is_closed() {
        sleep(shell.pace.poll).await;
        match look().await {
            Ok(mut rows) => {
                is_lost = false;
                // Lists have the newest first, a log has it last.
                rows.reverse();
                show(shell, format, &mut table, &changed(&mut known, rows))?;
            }
            Err(error) if error.may_pass() => {
                if !std::mem::replace(&mut is_lost, true) {
                    shell.out.note(Tone::Busy, &format!("{}; trying again", error.sentence()));
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The rows that are new or differ from what was shown.
fn changed<R: Record>(known: &mut HashMap<String, Value>, rows: Vec<R>) -> Vec<R> {
    rows.into_iter()
        .filter(|row| {
            let value = comparable(row);
            known.insert(row.name(), value.clone()) != Some(value)
        })
        .collect()
}

fn show<R: Record>(
    shell: &mut Shell,
    format: Format,
    table: &mut Option<Table>,
    rows: &[R],
) -> Result<(), CliError> {
    if rows.is_empty() {
        return Ok(());
    }
    let (now, color) = (shell.out.now(), shell.out.colors_data());
    let text = match format {
        Format::Table | Format::Wide => match table.take() {
            Some(known) => table.insert(known.at(now)).rows(rows, color),
            None => {
                table.insert(Table::new(format == Format::Wide, now, rows)).with_header(rows, color)
            }
        },
        Format::Json => rows.iter().map(as_json_line).collect::<Result<String, _>>()?,
        Format::Yaml => {
            for row in rows {
                shell.out.data("---\n")?;
                shell.out.one(Format::Yaml, row)?;
            }
            return Ok(());
        }
        Format::Path(path) => {
            rows.iter().map(|row| at_path(path, row)).collect::<Result<String, _>>()?
        }
        Format::Name => return shell.out.list(Format::Name, rows),
    };
    shell.out.data(&text)
}
