//! Asking a person, one line.

use std::io::{self, BufRead as _, BufReader, Read};

/// The longest line that is read; names have at most 63 characters.
const LONGEST_LINE: u64 = 4096;

/// Reads one line of `input`, without its end. The reading thread is left behind when the caller gives up.
///
/// # Errors
/// When the line cannot be read, or is no UTF-8.
pub(crate) async fn read_line(input: Box<dyn Read + Send>) -> io::Result<String> {
    let read = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(input.take(LONGEST_LINE)).read_line(&mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    });
    read.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}
