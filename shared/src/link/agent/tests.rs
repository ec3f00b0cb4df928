use super::*;
use crate::{
    link::{CommandBody, SnapshotPart, encode},
    observed::{FluxState, ObservedState},
};

fn now() -> Now {
    Now { monotonic: Instant::now(), unix: 1_000 }
}

fn later(now: Now, seconds: u64) -> Now {
    Now {
        monotonic: now.monotonic + Duration::from_secs(seconds),
        unix: now.unix + seconds.cast_signed(),
    }
}

fn agent() -> AgentSession {
    let identity = AgentIdentity {
        boot_id: BootId::new(),
        agent_version: "0.1.0".into(),
        kubernetes_version: "v1.34.4".into(),
    };
    AgentSession::new(identity, Cursor::default())
}

fn welcome() -> FromServer {
    FromServer::Welcome { protocol: 1, epoch: 3, resume_from: 1 }
}

fn welcomed(now: Now) -> AgentSession {
    let mut agent = agent();
    agent.synced(now);
    agent.connect(now);
    agent.handle(welcome(), now);
    agent
}

fn source(name: &str) -> Observation {
    let key = ObjectKey {
        kind: "GitRepository".into(),
        namespace: "flux-system".into(),
        name: name.into(),
    };
    Observation { key, state: ObservedState::Source(FluxState::default()) }
}

fn command(seq: u64) -> Command {
    let body = CommandBody::Reconcile { object: source("apps").key };
    Command { seq, id: CommandId::new(), expires_at: 2_000, body }
}

fn ended(out: &[Output]) -> Option<&SessionEnd> {
    match out.last() {
        Some(Output::End(end)) => Some(end),
        _ => None,
    }
}

#[test]
fn the_first_frame_is_a_hello_and_a_welcome_brings_the_snapshot() {
    let (mut agent, now) = (agent(), now());
    agent.observe(source("apps"), now);
    agent.synced(now);
    let out = agent.connect(now);
    assert!(matches!(out[..], [Output::Send(FromAgent::Hello { last_applied: 0, .. })]));
    assert_eq!(agent.epoch(), None);

    let out = agent.handle(welcome(), now);
    assert_eq!(out[0], Output::Welcomed { epoch: 3 });
    let Output::Send(FromAgent::State { snapshot, observations, .. }) = &out[1] else { panic!() };
    assert_eq!((*snapshot, observations.len()), (SnapshotPart::Whole, 1));
    assert_eq!(agent.epoch(), Some(3));
}

#[test]
fn frames_before_the_welcome_and_a_second_welcome_end_the_session() {
    let now = now();
    for frame in [FromServer::Ping, FromServer::Resync, FromServer::Command(command(1))] {
        let mut agent = agent();
        agent.connect(now);
        assert!(matches!(ended(&agent.handle(frame, now)), Some(SessionEnd::OutOfPlace { .. })));
    }
    let mut agent = welcomed(now);
    assert!(matches!(ended(&agent.handle(welcome(), now)), Some(SessionEnd::OutOfPlace { .. })));
}

#[test]
fn a_welcome_in_a_foreign_protocol_is_not_taken() {
    let (mut agent, now) = (agent(), now());
    agent.connect(now);
    let out = agent.handle(FromServer::Welcome { protocol: 9, epoch: 1, resume_from: 1 }, now);
    assert_eq!(ended(&out), Some(&SessionEnd::Protocol { version: 9 }));
}

#[test]
fn a_server_that_never_answers_or_falls_silent_is_given_up() {
    let (mut agent, start) = (agent(), now());
    agent.connect(start);
    assert!(agent.tick(later(start, 44)).is_empty());
    assert_eq!(ended(&agent.tick(later(start, 45))), Some(&SessionEnd::NotWelcomed));

    let mut agent = welcomed(start);
    agent.handle(FromServer::Pong, later(start, 20));
    assert_eq!(agent.tick(later(start, 64)), [Output::Send(FromAgent::Ping)]);
    assert_eq!(ended(&agent.tick(later(start, 65))), Some(&SessionEnd::Silent));
    assert_eq!(agent.next_tick(), None);
}

#[test]
fn refusal_and_drain_say_how_long_to_stay_away_within_an_hour() {
    let now = now();
    let mut agent = welcomed(now);
    let out = agent.handle(FromServer::Drain { retry_after: 7 }, now);
    let retry_after = Duration::from_secs(7);
    assert_eq!(ended(&out), Some(&SessionEnd::Draining { retry_after }));

    agent.connect(now);
    let reason = "no\nthanks".to_owned();
    let out = agent.handle(FromServer::Refuse { reason, retry_after: u64::MAX }, now);
    let retry_after = Duration::from_secs(3600);
    assert_eq!(ended(&out), Some(&SessionEnd::Refused { reason: "nothanks".into(), retry_after }));
}

#[test]
fn bad_messages_end_the_session_and_unknown_ones_do_not() {
    let now = now();
    let mut agent = welcomed(now);
    assert!(agent.receive(br#"{"type":"horoscope"}"#, now).is_empty());
    assert!(matches!(ended(&agent.receive(b"nonsense", now)), Some(SessionEnd::BadFrame { .. })));
    assert!(agent.receive(encode(&FromServer::Ping).as_bytes(), now).is_empty());
}

#[test]
fn a_command_that_runs_across_a_lost_connection_is_not_run_again() {
    let now = now();
    let mut agent = welcomed(now);
    let one = command(1);
    let out = agent.handle(FromServer::Command(one.clone()), now);
    assert!(out.contains(&Output::Run(one.clone())));

    agent.disconnect();
    assert!(matches!(
        agent.finished(1, one.id, CommandOutcome::Succeeded, now)[..],
        [Output::Save(_)]
    ));
    assert!(agent.saved().is_empty());

    let out = agent.connect(now);
    assert!(matches!(out[..], [Output::Send(FromAgent::Hello { last_applied: 1, .. })]));
    let out = agent.handle(welcome(), now);
    assert!(out.iter().any(|it| matches!(it, Output::Send(FromAgent::Done { seq: 1, .. }))));
    let out = agent.handle(FromServer::Command(one), now);
    assert!(!out.iter().any(|it| matches!(it, Output::Run(_))));
}

#[test]
fn a_flood_of_commands_ends_the_session() {
    let now = now();
    let mut agent = welcomed(now);
    let end = (1..1_000)
        .find_map(|seq| ended(&agent.handle(FromServer::Command(command(seq)), now)).cloned());
    assert_eq!(end, Some(SessionEnd::TooManyCommands));
}

#[test]
fn changes_set_the_clock_for_the_next_report() {
    let now = now();
    let mut agent = welcomed(now);
    agent.observe(source("apps"), now);
    let due = agent.next_tick().unwrap();
    assert_eq!(due, now.monotonic + Duration::from_millis(200));
    let out = agent.tick(Now { monotonic: due, ..now });
    assert!(matches!(out[..], [Output::Send(FromAgent::State { .. })]));
}

#[test]
fn an_acknowledgement_for_another_boot_means_nothing() {
    let mut now = now();
    let mut agent = welcomed(now);
    for round in 0..6 {
        agent.observe(source(&format!("apps-{round}")), now);
        now = later(now, 1);
        agent.tick(now);
    }
    let foreign = FromServer::Ack { boot_id: BootId::new(), seq: 4 };
    assert!(agent.handle(foreign, now).is_empty());
    let own = FromServer::Ack { boot_id: agent.identity.boot_id, seq: 4 };
    assert_eq!(agent.handle(own, now).len(), 1);
}

#[test]
fn a_certificate_is_asked_for_only_in_a_session() {
    let now = now();
    let mut agent = agent();
    assert!(agent.renew("csr".into()).is_empty());
    agent.connect(now);
    assert!(agent.renew("csr".into()).is_empty());
    agent.handle(welcome(), now);
    assert_eq!(agent.renew("csr".into()).len(), 1);
    let renewed = FromServer::Renewed { chain_pem: "chain".into(), roots_pem: "roots".into() };
    assert!(matches!(agent.handle(renewed, now)[..], [Output::Renewed { .. }]));
}
