use super::*;
use crate::{
    ids::CommandId,
    link::{CommandBody, CommandOutcome, MAX_FRAME_BYTES, ProtocolRange, SnapshotPart, encode},
    observed::ObjectKey,
};

fn hello() -> FromAgent {
    FromAgent::Hello {
        protocol: PROTOCOL,
        boot_id: BootId::new(),
        last_applied: 0,
        agent_version: "0.1.0\u{1b}[31m".into(),
        kubernetes_version: "v1.34.4".into(),
    }
}

fn command(seq: u64) -> Command {
    let object =
        ObjectKey { kind: "Kustomization".into(), namespace: "a".into(), name: "b".into() };
    let body = CommandBody::Reconcile { object };
    Command { seq, id: CommandId::new(), expires_at: i64::MAX, body }
}

fn whole(seq: u64) -> FromAgent {
    let (observations, gone) = (Vec::new(), Vec::new());
    FromAgent::State { seq, snapshot: SnapshotPart::Whole, observations, gone }
}

fn welcomed(epoch: u64, queue: Vec<Command>) -> (ServerSession, Instant) {
    let start = Instant::now();
    let mut session = ServerSession::new(start);
    session.handle(hello(), start);
    let next_seq = queue.len() as u64 + 1;
    session.welcome(epoch, next_seq, queue, start);
    (session, start)
}

fn ended(out: &[Output]) -> Option<&SessionEnd> {
    match out.last() {
        Some(Output::End(end)) => Some(end),
        _ => None,
    }
}

#[test]
fn a_hello_is_answered_by_a_welcome_and_the_queue() {
    let start = Instant::now();
    let mut session = ServerSession::new(start);
    let out = session.handle(hello(), start);
    let [Output::Hello(hello)] = &out[..] else { panic!("{out:?}") };
    assert_eq!(hello.agent_version, "0.1.0[31m");

    let queue = vec![command(4), command(5)];
    let out = session.welcome(7, 6, queue.clone(), start);
    let welcome = FromServer::Welcome { protocol: 1, epoch: 7, resume_from: 4 };
    let mut expected = vec![Output::Send(welcome)];
    expected.extend(queue.into_iter().map(|it| Output::Send(FromServer::Command(it))));
    assert_eq!(out, expected);
    assert_eq!(session.epoch(), Some(7));
}

#[test]
fn any_other_first_frame_ends_the_session() {
    for frame in [FromAgent::Ping, FromAgent::Unknown, FromAgent::Accepted { seq: 1 }, whole(1)] {
        let mut session = ServerSession::new(Instant::now());
        let out = session.handle(frame, Instant::now());
        assert!(matches!(ended(&out), Some(SessionEnd::OutOfPlace { .. })), "{out:?}");
    }
}

#[test]
fn a_second_hello_and_frames_before_the_welcome_end_the_session() {
    let (mut session, now) = welcomed(1, Vec::new());
    assert!(ended(&session.handle(hello(), now)).is_some());

    let mut session = ServerSession::new(now);
    session.handle(hello(), now);
    assert!(ended(&session.handle(FromAgent::Ping, now)).is_some());
}

#[test]
fn an_agent_of_a_foreign_protocol_is_told_so() {
    let now = Instant::now();
    let mut session = ServerSession::new(now);
    let FromAgent::Hello { boot_id, last_applied, agent_version, kubernetes_version, .. } = hello()
    else {
        panic!()
    };
    let protocol = ProtocolRange { min: 7, max: 9 };
    let hello =
        FromAgent::Hello { protocol, boot_id, last_applied, agent_version, kubernetes_version };
    let out = session.handle(hello, now);
    assert!(matches!(&out[0], Output::Send(FromServer::Refuse { reason, .. }) if
        reason == "the agent speaks protocol 7 to 9, this server 1 to 1"));
    assert!(matches!(ended(&out), Some(SessionEnd::Protocol { .. })));
}

#[test]
fn who_never_greets_is_cut_off_after_ten_seconds() {
    let start = Instant::now();
    let mut session = ServerSession::new(start);
    assert!(session.tick(start + Duration::from_secs(9)).is_empty());
    let due = session.next_tick().unwrap();
    assert_eq!(due, start + Duration::from_secs(10));
    assert_eq!(ended(&session.tick(due)), Some(&SessionEnd::NoHello));
    assert_eq!(session.next_tick(), None);
}

#[test]
fn bad_messages_end_the_session_with_a_reason() {
    for message in [&b"nonsense"[..], b"{\"type\":\"accepted\"}", &vec![b'['; MAX_FRAME_BYTES + 1]]
    {
        let (mut session, now) = welcomed(1, Vec::new());
        let out = session.receive(message, now);
        let Some(end @ SessionEnd::BadFrame { .. }) = ended(&out) else { panic!("{out:?}") };
        assert_eq!(end.close_code(), 1002);
        assert!(session.receive(encode(&FromAgent::Ping).as_bytes(), now).is_empty());
    }
}

#[test]
fn unknown_frames_are_skipped_and_pings_answered() {
    let (mut session, now) = welcomed(1, Vec::new());
    assert!(session.receive(br#"{"type":"telemetry"}"#, now).is_empty());
    assert_eq!(session.handle(FromAgent::Ping, now), [Output::Send(FromServer::Pong)]);
    assert!(session.handle(FromAgent::Pong, now).is_empty());
}

#[test]
fn a_silent_agent_is_pinged_and_then_given_up() {
    let (mut session, start) = welcomed(1, Vec::new());
    let mut pings = 0;
    let (end, now) = loop {
        let now = session.next_tick().unwrap();
        let out = session.tick(now);
        match ended(&out) {
            Some(end) => break (end.clone(), now),
            None => pings += out.len(),
        }
    };
    assert_eq!(end, SessionEnd::Silent);
    assert_eq!(now, start + Duration::from_secs(45));
    assert!((2..=3).contains(&pings), "{pings}");
}

#[test]
fn only_a_newer_session_fences_this_one() {
    let (mut session, _) = welcomed(5, Vec::new());
    assert!(session.fence(4).is_empty());
    assert!(session.fence(5).is_empty());
    let out = session.fence(6);
    assert!(matches!(out[0], Output::Send(FromServer::Refuse { .. })));
    assert_eq!(ended(&out), Some(&SessionEnd::Fenced { newest: 6 }));
    assert!(session.fence(7).is_empty());
}

#[test]
fn a_command_is_accepted_done_and_settled() {
    let one = command(1);
    let (mut session, now) = welcomed(1, vec![one.clone()]);
    let accepted = Output::Accepted { seq: 1, command_id: one.id };
    assert_eq!(session.handle(FromAgent::Accepted { seq: 1 }, now), [accepted]);
    let outcome = CommandOutcome::Succeeded;
    let done = FromAgent::Done { seq: 1, command_id: one.id, outcome: outcome.clone() };
    let expected = Output::Done { seq: 1, command_id: one.id, outcome };
    assert_eq!(session.handle(done.clone(), now), [expected]);
    assert!(session.handle(done, now).is_empty());
    assert_eq!(session.settled(1), [Output::Send(FromServer::Settled { below: 2 })]);
}

#[test]
fn a_report_is_given_out_before_its_acknowledgement() {
    let (mut session, now) = welcomed(1, Vec::new());
    let out = session.handle(whole(3), now);
    assert!(matches!(
        out[..],
        [Output::Snapshot { .. }, Output::Send(FromServer::Ack { seq: 3, .. })]
    ));
    let out = session.handle(whole(9), now);
    assert_eq!(ended(&out), Some(&SessionEnd::ReportOutOfOrder { seq: 9 }));
}

#[test]
fn a_drained_session_takes_answers_but_sends_no_command_and_ends() {
    let one = command(1);
    let (mut session, start) = welcomed(1, vec![one.clone()]);
    let out = session.drain(30, start);
    assert_eq!(out, [Output::Send(FromServer::Drain { retry_after: 30 })]);
    assert!(session.offer(vec![command(2)]).is_empty());
    let done = FromAgent::Done { seq: 1, command_id: one.id, outcome: CommandOutcome::Succeeded };
    assert_eq!(session.handle(done, start).len(), 2);
    let out = session.tick(start + Duration::from_secs(20));
    assert_eq!(ended(&out), Some(&SessionEnd::Drained));
}

#[test]
fn a_refused_agent_hears_the_reason_and_nothing_comes_after() {
    let now = Instant::now();
    let mut session = ServerSession::new(now);
    session.handle(hello(), now);
    let out = session.refuse("this cluster was removed", 3600);
    let reason = "this cluster was removed".to_owned();
    assert_eq!(
        out,
        [
            Output::Send(FromServer::Refuse { reason: reason.clone(), retry_after: 3600 }),
            Output::End(SessionEnd::Refused { reason })
        ]
    );
    assert!(session.welcome(1, 1, Vec::new(), now).is_empty());
    assert!(session.resync().is_empty());
    assert!(session.tick(now + Duration::from_secs(100)).is_empty());
}
