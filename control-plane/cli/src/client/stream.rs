//! Server-sent events: of one release, or of all changes.

use std::time::Duration;

use gimlet_shared::api::{Activity, Release};
use reqwest::Response;
use serde::de::DeserializeOwned;

use super::{Call, Client};
use crate::error::CliError;

/// One release as JSON has some kilobytes.
const LARGEST_EVENT: usize = 1 << 20;

/// An open stream.
pub(crate) struct Events {
    client: Client,
    response: Response,
    parser: Parser,
    silence: Duration,
}

impl Events {
    pub(super) async fn open(client: &Client, call: &Call<'_>) -> Result<Self, CliError> {
        let silence = client.endpoint.pace.silence;
        let opened = async { client.check(client.send(call).await?).await };
        let response = within(client, silence, opened).await?;
        let kind = response
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            return Err(client.foreign(format!("a stream of events has the type `{kind}`")));
        }
        Ok(Self { client: client.clone(), response, parser: Parser::default(), silence })
    }

    /// The next version of the release; `None` when the server ends the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Release>, CliError> {
        self.next_named("release").await
    }

    /// The next change; `None` when the server ends the stream.
    pub(crate) async fn next_change(&mut self) -> Result<Option<Activity>, CliError> {
        self.next_named("change").await
    }

    async fn next_named<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, CliError> {
        loop {
            if let Some(data) = self.parser.next_data(name) {
                return self.client.decode(data.as_bytes()).map(Some);
            }
            let chunk = async {
                self.response.chunk().await.map_err(|error| self.client.unreachable(error))
            };
            let Some(chunk) = within(&self.client, self.silence, chunk).await? else {
                return Ok(None);
            };
            if !self.parser.take(&chunk) {
                return Err(self.client.foreign("an event does not end".to_owned()));
            }
        }
    }
}

async fn within<T>(
    client: &Client,
    silence: Duration,
    work: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let silent = || CliError::Silent { server: client.server().clone() };
    tokio::time::timeout(silence, work).await.unwrap_or_else(|_| Err(silent()))
}

/// Reads the event stream format. Lines end with `\n` or `\r\n`, as our server and common proxies send them.
#[derive(Debug, Default)]
struct Parser {
    unread: Vec<u8>,
    name: String,
    data: Option<String>,
}

impl Parser {
    /// Takes bytes as they come; `false` when an event grows beyond what one can be.
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.unread.extend_from_slice(bytes);
        self.unread.len() + self.data.as_ref().map_or(0, String::len) <= LARGEST_EVENT
    }

    /// The data of the next complete event that is named `release`.
    fn next_data(&mut self, wanted: &str) -> Option<String> {
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if !line.is_empty() {
                self.field(line);
                continue;
            }
            let name = std::mem::take(&mut self.name);
            let data = self.data.take();
            if name == wanted && data.is_some() {
                return data;
            }
        }
        None
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // Comments keep the connection open; ids and delays do not matter to us.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<String> {
        let mut parser = Parser::default();
        let mut found = Vec::new();
        for chunk in chunks {
            assert!(parser.take(chunk));
            found.extend(std::iter::from_fn(|| parser.next_data("release")));
        }
        found
    }

    #[test]
    fn events_are_whole_wherever_the_bytes_are_cut() {
        let text = ": hello\n\nevent: release\r\ndata: {\"ü\":\r\ndata: 1}\r\n\r\nevent:release\ndata:2\n\n".as_bytes();
        let expected = ["{\"ü\":\n1}", "2"];
        assert_eq!(read(&[text]), expected);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(read(&bytes), expected);
    }

    #[test]
    fn other_events_and_unfinished_ones_are_left_out() {
        assert_eq!(
            read(&[
                b"data: 1\n\nevent: other\ndata: 2\n\nevent: release\n\nevent: release\ndata: 3\n"
            ]),
            [""; 0]
        );
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = Parser::default();
        assert!(!parser.take(&vec![b'x'; LARGEST_EVENT + 1]));
    }
}
