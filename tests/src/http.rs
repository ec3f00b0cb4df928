//! One HTTP request over a fresh connection: enough to ask a health port or a sample application.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result};

/// Nothing that is asked this way may take longer.
const LIMIT: Duration = Duration::from_secs(5);

/// Status, head and body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The lines of the head, status line included.
    pub head: String,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The first header of this name, which is compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| value.trim()))
    }
}

/// `GET path`.
///
/// # Errors
/// When nobody answers in time, or the answer is no HTTP.
pub fn get(address: SocketAddr, path: &str) -> Result<Answer> {
    send(address, "GET", path, &[])
}

/// A request without a body.
///
/// # Errors
/// As [`get`].
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: {address}\r\ncontent-length: 0\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no head")?;
    let status = head.split(' ').nth(1).context("the answer has no status")?.parse()?;
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
