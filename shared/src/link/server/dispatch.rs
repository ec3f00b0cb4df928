//! The control plane's book of one session: which commands were sent, accepted, ended, settled.

use std::collections::{BTreeMap, BTreeSet};

use super::Output;
use crate::{
    ids::CommandId,
    link::{COMMAND_WINDOW, Command, CommandOutcome, FromServer},
};

#[derive(Debug, Default)]
pub(super) struct Dispatch {
    /// Not sent in this session.
    backlog: BTreeMap<u64, Command>,
    /// Sent, not accepted.
    sent: BTreeMap<u64, CommandId>,
    /// Accepted, not done.
    accepted: BTreeMap<u64, CommandId>,
    /// Done, but the caller has not said yet that it keeps the outcome.
    ended: BTreeSet<u64>,
    /// Settled, with unsettled ones below.
    settled: BTreeSet<u64>,
    /// All commands below are settled.
    settled_below: u64,
}

impl Dispatch {
    /// Begins a session whose unfinished commands are `queue`; the next one to be made will be `next_seq`.
    pub(super) fn new(next_seq: u64, queue: Vec<Command>) -> Self {
        let first = queue.iter().map(|command| command.seq).min();
        let settled_below = first.map_or(next_seq, |first| first.min(next_seq));
        let mut dispatch = Self { settled_below, ..Self::default() };
        dispatch.add(queue);
        dispatch
    }

    pub(super) fn settled_below(&self) -> u64 {
        self.settled_below
    }

    /// Takes in what is not known yet. Those that ended here stay ended, whatever an older read says.
    pub(super) fn add(&mut self, queue: Vec<Command>) {
        for command in queue {
            let seq = command.seq;
            let is_known = seq < self.settled_below
                || self.sent.contains_key(&seq)
                || self.accepted.contains_key(&seq)
                || self.ended.contains(&seq)
                || self.settled.contains(&seq);
            if !is_known {
                self.backlog.insert(seq, command);
            }
        }
    }

    /// Sends as much as the window allows, in order.
    pub(super) fn send(&mut self) -> Vec<Output> {
        let mut out = Vec::new();
        while self.sent.len() < COMMAND_WINDOW
            && let Some((seq, command)) = self.backlog.pop_first()
        {
            self.sent.insert(seq, command.id);
            out.push(Output::Send(FromServer::Command(command)));
        }
        out
    }

    /// The agent accepted a command; one that was not sent, or was accepted before, means nothing.
    pub(super) fn accept(&mut self, seq: u64) -> Option<Output> {
        let id = self.sent.remove(&seq)?;
        self.accepted.insert(seq, id);
        Some(Output::Accepted { seq, command_id: id })
    }

    /// A command ended. What is not known under this sequence *and* id means nothing: it is settled, was
    /// withdrawn, or belongs to a time before a backup was restored.
    pub(super) fn end(&mut self, seq: u64, id: CommandId, outcome: CommandOutcome) -> Vec<Output> {
        let mut out = Vec::new();
        if self.backlog.get(&seq).is_some_and(|command| command.id == id) {
            self.backlog.remove(&seq);
            out.push(Output::Accepted { seq, command_id: id });
        } else if self.sent.get(&seq) == Some(&id) {
            self.sent.remove(&seq);
            out.push(Output::Accepted { seq, command_id: id });
        } else if self.accepted.get(&seq) == Some(&id) {
            self.accepted.remove(&seq);
        } else {
            return out;
        }
        self.ended.insert(seq);
        out.push(Output::Done { seq, command_id: id, outcome });
        out
    }

    /// The caller keeps the outcome of this command, or has withdrawn it.
    pub(super) fn settle(&mut self, seq: u64) -> Option<Output> {
        if seq < self.settled_below {
            return None;
        }
        self.backlog.remove(&seq);
        self.sent.remove(&seq);
        self.accepted.remove(&seq);
        self.ended.remove(&seq);
        self.settled.insert(seq);
        self.advance()
    }

    fn advance(&mut self) -> Option<Output> {
        let unsettled = [
            self.backlog.keys().next(),
            self.sent.keys().next(),
            self.accepted.keys().next(),
            self.ended.iter().next(),
        ];
        let newest = *self.settled.last()?;
        let below = unsettled.into_iter().flatten().min().map_or(newest + 1, |seq| *seq);
        if below <= self.settled_below {
            return None;
        }
        self.settled_below = below;
        self.settled = self.settled.split_off(&below);
        Some(Output::Send(FromServer::Settled { below }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{link::CommandBody, observed::ObjectKey};

    fn command(seq: u64) -> Command {
        let object =
            ObjectKey { kind: "Kustomization".into(), namespace: "a".into(), name: "b".into() };
        let body = CommandBody::Reconcile { object };
        Command { seq, id: CommandId::new(), expires_at: i64::MAX, body }
    }

    fn sent(out: &[Output]) -> Vec<u64> {
        out.iter()
            .filter_map(|output| match output {
                Output::Send(FromServer::Command(command)) => Some(command.seq),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn commands_go_in_order_and_the_window_holds_back_the_rest() {
        let mut queue: Vec<_> = (1..=100).map(command).collect();
        queue.reverse();
        let mut dispatch = Dispatch::new(101, queue);
        assert_eq!(sent(&dispatch.send()), (1..=64).collect::<Vec<_>>());
        assert!(dispatch.send().is_empty());
        dispatch.accept(1);
        dispatch.accept(2);
        assert_eq!(sent(&dispatch.send()), [65, 66]);
    }

    #[test]
    fn a_session_resumes_from_the_first_unfinished_command() {
        assert_eq!(Dispatch::new(9, vec![command(5), command(7)]).settled_below(), 5);
        assert_eq!(Dispatch::new(9, Vec::new()).settled_below(), 9);
    }

    #[test]
    fn an_answer_counts_only_with_the_right_sequence_and_id_and_once() {
        let (one, two) = (command(1), command(2));
        let mut dispatch = Dispatch::new(3, vec![one.clone(), two.clone()]);
        dispatch.send();
        assert!(dispatch.accept(9).is_none());
        assert!(dispatch.accept(1).is_some());
        assert!(dispatch.accept(1).is_none());
        assert!(dispatch.end(1, two.id, CommandOutcome::Succeeded).is_empty());
        assert_eq!(dispatch.end(1, one.id, CommandOutcome::Succeeded).len(), 1);
        assert!(dispatch.end(1, one.id, CommandOutcome::Expired).is_empty());
    }

    #[test]
    fn an_outcome_from_an_earlier_session_spares_the_sending() {
        let one = command(1);
        let mut dispatch = Dispatch::new(2, vec![one.clone()]);
        let out = dispatch.end(1, one.id, CommandOutcome::Succeeded);
        assert!(matches!(out[..], [Output::Accepted { .. }, Output::Done { .. }]));
        assert!(dispatch.send().is_empty());
    }

    #[test]
    fn a_stale_read_of_the_queue_brings_nothing_back() {
        let queue: Vec<_> = (1..=3).map(command).collect();
        let mut dispatch = Dispatch::new(4, queue.clone());
        dispatch.send();
        dispatch.end(2, queue[1].id, CommandOutcome::Succeeded);
        dispatch.settle(3);
        dispatch.add(queue);
        assert!(dispatch.send().is_empty());
    }

    #[test]
    fn the_settled_mark_moves_past_the_lowest_unsettled_command_only() {
        let queue: Vec<_> = (1..=3).map(command).collect();
        let mut dispatch = Dispatch::new(4, queue.clone());
        dispatch.send();
        assert!(dispatch.settle(2).is_none());
        dispatch.end(1, queue[0].id, CommandOutcome::Succeeded);
        let marks: Vec<_> = [1, 3, 3].map(|seq| dispatch.settle(seq)).into();
        let mark = |below| Some(Output::Send(FromServer::Settled { below }));
        assert_eq!(marks, [mark(3), mark(4), None]);
    }
}
