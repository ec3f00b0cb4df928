//! The events of a stream, ready for the wire and shared by all who get them.
//!
//! - `full`: a region as it is; `id` is the version of what it holds.
//! - `step`: the piece that makes version `was` of a region the version `id`.
//! - `gone`: a region shows something that is no longer there.
//! - `beat`: nothing changed, and the stream is alive.
//! - `out`: the person's session has ended, and so does the stream.

use std::time::Instant;

use axum::body::Bytes;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::splice::splice;

/// Names what a region holds: the beginning of its SHA-256, the same on every replica and after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(u64);

impl Version {
    fn of(html: &str) -> Self {
        let digest = Sha256::digest(html);
        Self(digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Reads what an event's `id` said.
    pub(super) fn parse(text: &str) -> Option<Self> {
        u64::from_str_radix(text.trim(), 16).ok().map(Self)
    }
}

/// A region as it is, with its events.
#[derive(Debug)]
pub(super) struct Shot {
    html: String,
    version: Version,
    full: Bytes,
    /// From the version before.
    step: Option<(Version, Bytes)>,
    /// When the change was told that made it what it is, where one was.
    told_at: Option<Instant>,
}

#[derive(Serialize)]
struct Full<'a> {
    region: &'a str,
    html: &'a str,
}

#[derive(Serialize)]
struct Step<'a> {
    region: &'a str,
    was: String,
    from: usize,
    to: usize,
    html: &'a str,
}

impl Shot {
    /// What `region` shows now; `before` is what it showed last.
    pub(super) fn of(
        region: &str,
        html: String,
        before: Option<&Self>,
        told_at: Option<Instant>,
    ) -> Self {
        let version = Version::of(&html);
        let full = event("full", version, &Full { region, html: &html });
        let step = before.map(|before| {
            let piece = splice(&before.html, &html);
            let was = format!("{:016x}", before.version.0);
            let step = Step { region, was, from: piece.from, to: piece.to, html: piece.text };
            (before.version, event("step", version, &step))
        });
        Self { html, version, full, step, told_at }
    }

    /// It shows `html`.
    pub(super) fn shows(&self, html: &str) -> bool {
        self.html == html
    }

    /// When the change was told that made it what it is, where one was.
    pub(super) fn told_at(&self) -> Option<Instant> {
        self.told_at
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// What someone who has version `has` needs; nothing where that is this one.
    pub(super) fn news_for(&self, has: Option<Version>) -> Option<Bytes> {
        if has == Some(self.version) {
            return None;
        }
        let step = self
            .step
            .as_ref()
            .filter(|(was, step)| has == Some(*was) && step.len() < self.full.len());
        Some(step.map_or(&self.full, |(_, step)| step).clone())
    }
}

/// Says that a region shows something that is no longer there.
pub(super) fn gone(region: &str) -> Bytes {
    Bytes::from(format!("event: gone\ndata: {}\n\n", json(&region)))
}

/// Says that the stream is alive.
pub(super) const BEAT: Bytes = Bytes::from_static(b"event: beat\ndata:\n\n");
/// Says that the session has ended.
pub(super) const OUT: Bytes = Bytes::from_static(b"event: out\ndata:\n\n");

fn event(name: &str, version: Version, data: &impl Serialize) -> Bytes {
    Bytes::from(format!("event: {name}\nid: {:016x}\ndata: {}\n\n", version.0, json(data)))
}

/// Text and numbers, which JSON can always carry; without line breaks, so it is one line of an event.
fn json(data: &impl Serialize) -> String {
    serde_json::to_string(data).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: Option<Bytes>) -> String {
        String::from_utf8(frame.expect("news").to_vec()).unwrap()
    }

    #[test]
    fn who_has_the_version_before_gets_the_piece_and_everyone_else_the_whole() {
        let long = "x".repeat(500);
        let first = Shot::of("/fleet", format!("{long}a{long}"), None, None);
        let second = Shot::of("/fleet", format!("{long}b\n{long}"), Some(&first), None);
        let step = text(second.news_for(Some(first.version())));
        assert!(step.starts_with("event: step\nid: "), "{step}");
        assert!(step.contains(r#""from":500,"to":501,"html":"b\n""#), "{step}");
        for has in [None, Version::parse("00000000000000aa")] {
            assert!(text(second.news_for(has)).starts_with("event: full\n"));
        }
        assert_eq!(second.news_for(Some(second.version())), None);
    }

    #[test]
    fn a_version_comes_back_as_it_went() {
        let shot = Shot::of("/fleet", "a".to_owned(), None, None);
        let full = text(shot.news_for(None));
        let id = full.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
        assert_eq!(Version::parse(id), Some(shot.version()));
        assert_eq!(Version::parse("no number"), None);
    }

    #[test]
    fn an_event_is_one_line_of_data_whatever_it_carries() {
        let shot = Shot::of("/a?q=\n\ndata: x", "a\r\n\nb\u{2028}".to_owned(), None, None);
        let full = text(shot.news_for(None));
        assert_eq!(full.lines().filter(|line| !line.is_empty()).count(), 3, "{full}");
        assert!(full.ends_with("\n\n") && !full.contains('\r'));
    }
}
