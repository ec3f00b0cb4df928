use super::*;
use crate::observed::ObjectKey;

const NOW: i64 = 1_000;

fn command(seq: u64) -> Command {
    let object = ObjectKey {
        kind: "Kustomization".into(),
        namespace: "flux-system".into(),
        name: format!("app-{seq}"),
    };
    Command {
        seq,
        id: CommandId::new(),
        expires_at: NOW + 60,
        body: CommandBody::Reconcile { object },
    }
}

fn accepted(out: &[Output]) -> Vec<u64> {
    out.iter()
        .filter_map(|output| match output {
            Output::Send(FromAgent::Accepted { seq }) => Some(*seq),
            _ => None,
        })
        .collect()
}

fn told(out: &[Output]) -> Vec<(u64, CommandOutcome)> {
    out.iter()
        .filter_map(|output| match output {
            Output::Send(FromAgent::Done { seq, outcome, .. }) => Some((*seq, outcome.clone())),
            _ => None,
        })
        .collect()
}

fn started(out: &[Output]) -> Vec<u64> {
    out.iter()
        .filter_map(|output| match output {
            Output::Run(command) => Some(command.seq),
            _ => None,
        })
        .collect()
}

fn stores(out: &[Output]) -> Option<&Cursor> {
    out.iter().find_map(|output| match output {
        Output::Save(cursor) => Some(cursor),
        _ => None,
    })
}

#[test]
fn a_command_is_told_as_done_only_after_the_cursor_holds_it() {
    let mut journal = Journal::default();
    let one = command(1);
    let out = journal.receive(one.clone(), NOW).unwrap();
    assert_eq!((accepted(&out), started(&out)), (vec![1], vec![1]));

    let out = journal.finish(1, one.id, CommandOutcome::Succeeded, NOW);
    assert!(told(&out).is_empty());
    assert_eq!(stores(&out).unwrap().last_applied(), 1);
    assert_eq!(told(&journal.saved(Tell::Server)), [(1, CommandOutcome::Succeeded)]);
}

#[test]
fn a_duplicate_runs_once_and_is_answered_by_the_kept_outcome() {
    let mut journal = Journal::default();
    let one = command(1);
    journal.receive(one.clone(), NOW).unwrap();
    let again = journal.receive(one.clone(), NOW).unwrap();
    assert_eq!((accepted(&again), started(&again)), (vec![1], vec![]));

    let failed = CommandOutcome::Failed { message: "no such object".into() };
    journal.finish(1, one.id, failed.clone(), NOW);
    journal.saved(Tell::Nobody);
    let again = journal.receive(one, NOW).unwrap();
    assert_eq!((accepted(&again), started(&again)), (vec![1], vec![]));
    assert_eq!(told(&again), [(1, failed)]);
}

#[test]
fn commands_that_end_while_a_cursor_is_stored_share_the_next_store() {
    let mut journal = Journal::default();
    let commands: Vec<_> = (1..=3).map(command).collect();
    for command in &commands {
        journal.receive(command.clone(), NOW).unwrap();
    }
    let end = |journal: &mut Journal, index: usize| {
        let command = &commands[index];
        journal.finish(command.seq, command.id, CommandOutcome::Succeeded, NOW)
    };
    assert!(stores(&end(&mut journal, 1)).is_some());
    assert!(stores(&end(&mut journal, 0)).is_none());
    assert!(stores(&end(&mut journal, 2)).is_none());

    let out = journal.saved(Tell::Server);
    assert_eq!(told(&out).iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [2]);
    assert_eq!(stores(&out).unwrap().last_applied(), 3);
    let out = journal.saved(Tell::Server);
    assert_eq!(told(&out).iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn a_new_session_hears_of_everything_that_ended_and_is_not_settled() {
    let mut journal = Journal::default();
    for seq in 1..=3 {
        let command = command(seq);
        journal.receive(command.clone(), NOW).unwrap();
        journal.finish(seq, command.id, CommandOutcome::Succeeded, NOW);
        journal.saved(Tell::Nobody);
    }
    assert_eq!(told(&journal.open(2)).iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(journal.last_applied(), 3);
    journal.settle(4);
    assert!(journal.open(4).is_empty());
}

#[test]
fn the_cursor_counts_up_to_the_first_gap() {
    let finished = || Finished { command_id: CommandId::new(), outcome: CommandOutcome::Succeeded };
    let mut cursor = Cursor { settled_below: 5, ..Cursor::default() };
    assert_eq!(cursor.last_applied(), 4);
    cursor.finished.extend([(5, finished()), (6, finished()), (8, finished())]);
    assert_eq!(cursor.last_applied(), 6);
    assert_eq!(Cursor::default().last_applied(), 0);
}

#[test]
fn a_sequence_that_a_restored_server_gives_again_is_another_command() {
    let mut journal = Journal::default();
    let before = command(7);
    journal.receive(before.clone(), NOW).unwrap();
    journal.finish(7, before.id, CommandOutcome::Succeeded, NOW);
    journal.saved(Tell::Nobody);

    journal.open(3);
    let after = command(7);
    assert_eq!(started(&journal.receive(after.clone(), NOW).unwrap()), [7]);
    assert!(journal.finish(7, before.id, CommandOutcome::Succeeded, NOW).is_empty());
    assert!(stores(&journal.finish(7, after.id, CommandOutcome::Succeeded, NOW)).is_some());
}

#[test]
fn a_late_command_expires_and_an_unknown_one_is_refused_without_running() {
    let mut journal = Journal::default();
    let out = journal.receive(Command { expires_at: NOW, ..command(1) }, NOW).unwrap();
    assert!(started(&out).is_empty());
    assert_eq!(told(&journal.saved(Tell::Server)), [(1, CommandOutcome::Expired)]);

    let out = journal.receive(Command { body: CommandBody::Unknown, ..command(2) }, NOW).unwrap();
    assert!(started(&out).is_empty());
    let told = told(&journal.saved(Tell::Server));
    assert!(matches!(told[..], [(2, CommandOutcome::Refused { .. })]), "{told:?}");
}

#[test]
fn commands_beyond_the_running_ones_wait_unaccepted_and_in_order() {
    let mut journal = Journal::default();
    let commands: Vec<_> = (1..=40).map(command).collect();
    let mut seen = Vec::new();
    for command in &commands {
        seen.extend(started(&journal.receive(command.clone(), NOW).unwrap()));
    }
    assert_eq!(seen.len(), MAX_RUNNING);
    for command in &commands {
        let out = journal.finish(command.seq, command.id, CommandOutcome::Succeeded, NOW);
        seen.extend(started(&out));
    }
    assert_eq!(seen, (1..=40).collect::<Vec<_>>());
}

#[test]
fn more_than_a_window_of_unaccepted_commands_is_refused() {
    let mut journal = Journal::default();
    let room = MAX_RUNNING + COMMAND_WINDOW;
    for seq in 1..=room as u64 {
        assert!(journal.receive(command(seq), NOW).is_ok());
    }
    assert!(journal.receive(command(room as u64 + 1), NOW).is_err());
}

#[test]
fn the_kept_outcomes_are_bounded_in_number_and_length() {
    let mut journal = Journal::default();
    for seq in 1..=MAX_KEPT as u64 + 10 {
        let command = command(seq);
        journal.receive(command.clone(), NOW).unwrap();
        let message = "ß".repeat(10_000);
        journal.finish(seq, command.id, CommandOutcome::Failed { message }, NOW);
        journal.saved(Tell::Nobody);
    }
    assert_eq!(journal.cursor.finished.len(), MAX_KEPT);
    assert!(serde_json::to_string(&journal.cursor).unwrap().len() < 400_000);
}

#[test]
fn a_cursor_reads_back_from_its_own_text_and_from_an_older_one() {
    let mut cursor = Cursor { settled_below: 3, ..Cursor::default() };
    let outcome = CommandOutcome::Refused { message: "not allowed".into() };
    cursor.finished.insert(4, Finished { command_id: CommandId::new(), outcome });
    let text = serde_json::to_string(&cursor).unwrap();
    assert_eq!(serde_json::from_str::<Cursor>(&text).unwrap(), cursor);
    assert_eq!(serde_json::from_str::<Cursor>("{}").unwrap(), Cursor::default());
}
