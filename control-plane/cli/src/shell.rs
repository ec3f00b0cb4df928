//! What every command works with: settings, output, input and clock.

use std::{collections::HashMap, io::Read};

use gimlet_shared::api::Release;

use crate::{
    Pace,
    args::Global,
    client::Client,
    error::CliError,
    host::Host,
    output::{Output, Sink, Tone, wants_color},
    rows::release::{failure_lines, outcome},
    settings::Settings,
};

/// One command's surroundings.
pub(crate) struct Shell {
    pub(crate) settings: Settings,
    pub(crate) out: Output,
    pub(crate) pace: Pace,
    /// Environment variables.
    pub(crate) vars: HashMap<String, String>,
    /// Name of this machine.
    pub(crate) machine: String,
    /// Standard input, until someone reads it.
    pub(crate) stdin: Option<Box<dyn Read + Send>>,
    /// A person can be asked.
    pub(crate) can_ask: bool,
    /// What to say when the user interrupts.
    pub(crate) if_interrupted: Option<String>,
}

impl Shell {
    pub(crate) fn new(global: Global, host: Host) -> Self {
        let stdout_color = wants_color(global.color, &host, host.stdout_is_terminal);
        let stderr_color = wants_color(global.color, &host, host.stderr_is_terminal);
        Self {
            settings: Settings::new(global, &host),
            out: Output::new(
                Sink { to: host.stdout, color: stdout_color, is_terminal: host.stdout_is_terminal },
                Sink { to: host.stderr, color: stderr_color, is_terminal: host.stderr_is_terminal },
                host.now,
            ),
            pace: host.pace,
            vars: host.vars,
            machine: host.machine,
            can_ask: host.stdin_is_terminal && host.stderr_is_terminal,
            stdin: Some(host.stdin),
            if_interrupted: None,
        }
    }

    /// A client that acts as the logged-in user.
    pub(crate) fn client(&mut self) -> Result<Client, CliError> {
        let client = self.settings.client(self.pace)?;
        self.warn_of_clear_text(&client);
        Ok(client)
    }

    /// Says so when a token is about to cross a network in the clear.
    pub(crate) fn warn_of_clear_text(&mut self, client: &Client) {
        let server = client.server();
        if !server.is_encrypted() && !server.is_loopback() {
            self.out.note(
                Tone::Busy,
                &format!("warning: {server} is not encrypted; others can read your token"),
            );
        }
    }

    /// Tells on standard error why the command failed.
    pub(crate) fn report(&mut self, error: &CliError) {
        // What differs was shown.
        if matches!(error, CliError::Differs) {
            return;
        }
        if let CliError::NotHealthy { releases } = error {
            return self.report_releases(releases);
        }
        self.out.note(Tone::Bad, &format!("error: {}", error.sentence()));
        for (name, value) in error.facts() {
            self.out.note(Tone::Plain, &format!("  {name}: {value}"));
        }
        if let Some(advice) = error.advice() {
            self.out.note(Tone::Plain, &format!("  try: {advice}"));
        }
        if let (CliError::Interrupted, Some(text)) = (error, self.if_interrupted.take()) {
            self.out.note(Tone::Plain, &text);
        }
    }

    fn report_releases(&mut self, releases: &[Release]) {
        for release in releases {
            self.out.note(Tone::Bad, &format!("error: {}", outcome(release)));
            for line in failure_lines(release) {
                self.out.note(Tone::Plain, &line);
            }
        }
    }
}
