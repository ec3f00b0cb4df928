//! What a first look at a server tells: that it answers, what it speaks, and what time it has.

use gimlet_shared::api::Version;
use reqwest::{Method, header};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use super::{ANSWER_DEADLINE, Call, Client};
use crate::error::CliError;

/// A server as it answers a stranger.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Its clock, to the second.
    pub(crate) time: Option<OffsetDateTime>,
    /// Its version; older servers do not tell it.
    pub(crate) version: Option<Version>,
}

impl Client {
    /// Asks once, without a token.
    pub(crate) async fn probe(&self) -> Result<Probe, CliError> {
        let asked = async {
            let response = self.send(&Call::new(Method::GET, &["version"])).await?;
            let time = response.headers().get(header::DATE).and_then(|date| date.to_str().ok());
            let time = time.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
            if response.status() == 404 {
                // It may be an older server, or no server of ours: its description tells.
                self.api_version().await?;
                return Ok(Probe { time, version: None });
            }
            let body = self.read_body(self.check(response).await?).await?;
            Ok(Probe { time, version: Some(self.decode(&body)?) })
        };
        let silent = || CliError::Silent { server: self.server().clone() };
        tokio::time::timeout(ANSWER_DEADLINE, asked).await.unwrap_or_else(|_| Err(silent()))
    }
}
