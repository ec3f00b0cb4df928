//! The agent's book of commands: what waits, what runs, what has ended, and what of it is stored.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::Output;
use crate::{
    ids::CommandId,
    link::{COMMAND_WINDOW, Command, CommandBody, CommandOutcome, FromAgent},
};

/// Commands that run at the same time; the others wait unaccepted, which fills the server's window.
const MAX_RUNNING: usize = 32;

/// Ended commands that are kept for a server which does not say that it has settled them. At some 700
/// bytes each they stay well below the megabyte that a `ConfigMap` holds.
const MAX_KEPT: usize = 512;

/// Bytes of an outcome's sentence that are kept and told.
const MAX_SENTENCE: usize = 512;

/// What survives the agent: which commands have ended, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cursor {
    /// The server has settled every command below this sequence and will not send it again.
    pub settled_below: u64,
    /// Commands that have ended here and are not settled there, by sequence.
    pub finished: BTreeMap<u64, Finished>,
}

/// A command that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// Its id. A sequence alone is not enough: a server that was restored from a backup gives it again.
    pub command_id: CommandId,
    /// How it ended.
    pub outcome: CommandOutcome,
}

impl Cursor {
    /// The newest sequence up to which every command has ended.
    #[must_use]
    pub fn last_applied(&self) -> u64 {
        let mut last = self.settled_below.saturating_sub(1);
        for seq in self.finished.range(self.settled_below..).map(|(seq, _)| *seq) {
            if seq > last + 1 {
                break;
            }
            last = seq;
        }
        last
    }
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    cursor: Cursor,
    /// Received, not accepted.
    waiting: VecDeque<Command>,
    running: BTreeMap<u64, CommandId>,
    /// Ended, in no stored cursor yet: the server must not hear of them.
    unsaved: BTreeSet<u64>,
    /// Ended, in the cursor that is being stored now.
    saving: Option<BTreeSet<u64>>,
}

/// The server sent more than its window allows.
#[derive(Debug)]
pub(super) struct TooMany;

impl Journal {
    pub(super) fn new(cursor: Cursor) -> Self {
        Self { cursor, ..Self::default() }
    }

    pub(super) fn last_applied(&self) -> u64 {
        self.cursor.last_applied()
    }

    /// A session was welcomed: the server's word on what is settled counts, even if it went back.
    pub(super) fn open(&mut self, resume_from: u64) -> Vec<Output> {
        self.cursor.settled_below = 0;
        self.settle(resume_from);
        let told = self.cursor.finished.iter().filter(|(seq, _)| !self.is_held(**seq));
        told.map(|(seq, finished)| done(*seq, finished)).collect()
    }

    /// The session is over. What was not accepted will be sent again.
    pub(super) fn close(&mut self) {
        self.waiting.clear();
    }

    /// Everything below `below` is known at the server for good.
    pub(super) fn settle(&mut self, below: u64) {
        if below > self.cursor.settled_below {
            self.cursor.settled_below = below;
            self.cursor.finished = self.cursor.finished.split_off(&below);
        }
    }

    /// A command arrived.
    pub(super) fn receive(
        &mut self,
        command: Command,
        unix_now: i64,
    ) -> Result<Vec<Output>, TooMany> {
        if self.waiting.len() >= COMMAND_WINDOW {
            return Err(TooMany);
        }
        self.waiting.push_back(command);
        Ok(self.accept_waiting(unix_now))
    }

    /// A command that ran has ended. One that is unknown, or was overtaken, is ignored.
    pub(super) fn finish(
        &mut self,
        seq: u64,
        id: CommandId,
        outcome: CommandOutcome,
        unix_now: i64,
    ) -> Vec<Output> {
        if self.running.get(&seq) != Some(&id) {
            return Vec::new();
        }
        self.running.remove(&seq);
        let finished = Finished { command_id: id, outcome: shortened(outcome) };
        let mut out = Vec::from_iter(self.keep(seq, finished));
        out.extend(self.accept_waiting(unix_now));
        out
    }

    /// The cursor of the last [`Output::Save`] is stored: what it holds may be told.
    pub(super) fn saved(&mut self, tell: Tell) -> Vec<Output> {
        let stored = self.saving.take().unwrap_or_default();
        let mut out = Vec::new();
        if tell == Tell::Server {
            let kept = &self.cursor.finished;
            let stored = stored.iter().filter(|seq| !self.unsaved.contains(seq));
            out.extend(stored.filter_map(|seq| Some(done(*seq, kept.get(seq)?))));
        }
        out.extend(self.save());
        out
    }

    fn accept_waiting(&mut self, unix_now: i64) -> Vec<Output> {
        let mut out = Vec::new();
        while self.running.len() < MAX_RUNNING
            && let Some(command) = self.waiting.pop_front()
        {
            out.extend(self.accept(command, unix_now));
        }
        out
    }

    fn accept(&mut self, command: Command, unix_now: i64) -> Vec<Output> {
        let seq = command.seq;
        let mut out = vec![Output::Send(FromAgent::Accepted { seq })];
        match self.cursor.finished.get(&seq) {
            Some(finished) if finished.command_id == command.id => {
                if !self.is_held(seq) {
                    out.push(done(seq, finished));
                }
                return out;
            }
            // A restored server gave the sequence again: what ended under it before is another command.
            Some(_) | None => {}
        }
        if self.running.get(&seq) == Some(&command.id) {
            return out;
        }
        match ended_at_once(&command, unix_now) {
            Some(outcome) => {
                out.extend(self.keep(seq, Finished { command_id: command.id, outcome }));
            }
            None => {
                self.cursor.finished.remove(&seq);
                self.running.insert(seq, command.id);
                out.push(Output::Run(command));
            }
        }
        out
    }

    fn keep(&mut self, seq: u64, finished: Finished) -> Option<Output> {
        self.cursor.finished.insert(seq, finished);
        self.unsaved.insert(seq);
        while self.cursor.finished.len() > MAX_KEPT {
            self.cursor.finished.pop_first();
        }
        self.save()
    }

    /// Asks for one store at a time; what ends meanwhile goes into the next one.
    fn save(&mut self) -> Option<Output> {
        if self.saving.is_some() || self.unsaved.is_empty() {
            return None;
        }
        self.saving = Some(std::mem::take(&mut self.unsaved));
        Some(Output::Save(self.cursor.clone()))
    }

    fn is_held(&self, seq: u64) -> bool {
        self.unsaved.contains(&seq) || self.saving.as_ref().is_some_and(|set| set.contains(&seq))
    }
}

/// Whether a session is open that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tell {
    Server,
    Nobody,
}

/// Commands that end without being run.
fn ended_at_once(command: &Command, unix_now: i64) -> Option<CommandOutcome> {
    match command.body {
        CommandBody::Unknown => Some(CommandOutcome::Refused {
            message: "this agent is too old to know this kind of command; upgrade the agent".into(),
        }),
        CommandBody::Reconcile { .. } => {
            (unix_now >= command.expires_at).then_some(CommandOutcome::Expired)
        }
    }
}

fn shortened(mut outcome: CommandOutcome) -> CommandOutcome {
    if let CommandOutcome::Failed { message } | CommandOutcome::Refused { message } = &mut outcome {
        message.truncate(message.floor_char_boundary(MAX_SENTENCE));
    }
    outcome
}

fn done(seq: u64, finished: &Finished) -> Output {
    let Finished { command_id, outcome } = finished.clone();
    Output::Send(FromAgent::Done { seq, command_id, outcome })
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
