//! The agent link: each line of the input is one message, given to both sides.

use std::time::{Duration, Instant};

use gimlet_shared::{
    ids::BootId,
    link::{
        CommandOutcome, FromAgent, FromServer, MAX_FRAME_BYTES, Now,
        agent::{self, AgentIdentity, AgentSession, Cursor},
        decode, encode,
        server::{self, ServerSession},
    },
};

/// Unix seconds of the scene; commands before it have expired.
const NOON: i64 = 1_800_000_000;

/// Plays the input's lines to a server's session and to an agent's, as a peer that says whatever it likes.
///
/// # Panics
/// When a session sends what the other side could not read, or goes on after its end.
pub fn frame(input: &[u8]) {
    let messages: Vec<&[u8]> = input.split(|byte| *byte == b'\n').take(200).collect();
    let start = Instant::now();
    play_to_server(&messages, start);
    play_to_agent(&messages, start);
}

fn play_to_server(messages: &[&[u8]], start: Instant) {
    let mut session = ServerSession::new(start);
    let mut now = start;
    let mut ended = false;
    for message in messages {
        now += Duration::from_secs(1);
        let mut out = session.receive(message, now);
        out.extend(session.tick(now));
        assert!(out.is_empty() || !ended, "a server's session spoke after its end");
        let mut next = out;
        while !next.is_empty() {
            let outputs = std::mem::take(&mut next);
            for output in outputs {
                next.extend(answer_agent(&mut session, output, now, &mut ended));
            }
        }
    }
}

fn answer_agent(
    session: &mut ServerSession,
    output: server::Output,
    now: Instant,
    ended: &mut bool,
) -> Vec<server::Output> {
    match output {
        server::Output::Send(frame) => {
            fits(&encode(&frame));
            let read: FromServer = decode(encode(&frame).as_bytes()).expect("a server's own frame");
            assert_eq!(read, frame);
            Vec::new()
        }
        server::Output::Hello(hello) => {
            assert!(hello.agent_version.chars().count() <= 64, "an agent's version is not cut");
            session.welcome(7, 1, Vec::new(), now)
        }
        server::Output::Done { seq, .. } => session.settled(seq),
        server::Output::End(_) => {
            *ended = true;
            Vec::new()
        }
        server::Output::Accepted { .. }
        | server::Output::Snapshot { .. }
        | server::Output::Delta { .. }
        | server::Output::Renew { .. } => Vec::new(),
    }
}

fn play_to_agent(messages: &[&[u8]], start: Instant) {
    let identity = AgentIdentity {
        boot_id: BootId::new(),
        agent_version: "1.0.0".to_owned(),
        kubernetes_version: "v1.34.4".to_owned(),
    };
    let mut session = AgentSession::new(identity, Cursor::default());
    let mut now = Now { monotonic: start, unix: NOON };
    let mut queue = session.connect(now);
    queue.extend(session.synced(now));
    for message in messages {
        now = Now { monotonic: now.monotonic + Duration::from_secs(1), unix: now.unix + 1 };
        queue.extend(session.receive(message, now));
        queue.extend(session.tick(now));
        while !queue.is_empty() {
            for output in std::mem::take(&mut queue) {
                queue.extend(answer_server(&mut session, output, now));
            }
        }
    }
}

fn answer_server(
    session: &mut AgentSession,
    output: agent::Output,
    now: Now,
) -> Vec<agent::Output> {
    match output {
        agent::Output::Send(frame) => {
            fits(&encode(&frame));
            let read: FromAgent = decode(encode(&frame).as_bytes()).expect("an agent's own frame");
            assert_eq!(read, frame);
            Vec::new()
        }
        agent::Output::Run(command) => {
            session.finished(command.seq, command.id, CommandOutcome::Succeeded, now)
        }
        agent::Output::Save(cursor) => {
            let kept = serde_json::to_string(&cursor).expect("a cursor can be kept");
            let read: Cursor = serde_json::from_str(&kept).expect("a kept cursor can be read");
            assert_eq!(read, cursor);
            session.saved()
        }
        agent::Output::End(_) => {
            assert_eq!(session.epoch(), None, "an agent's session stands after its end");
            session.connect(now)
        }
        agent::Output::Welcomed { .. } | agent::Output::Renewed { .. } => Vec::new(),
    }
}

fn fits(message: &str) {
    assert!(message.len() <= MAX_FRAME_BYTES, "a frame of {} bytes is too large", message.len());
}
