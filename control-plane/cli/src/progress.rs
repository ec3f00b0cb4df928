//! The progress of releases on standard error: one line per step as it changes, and on a terminal one live
//! line with what runs.

use std::{collections::HashMap, time::Duration};

use gimlet_shared::api::{Release, Step};
use tokio::time::Instant;

use crate::{
    duration,
    output::{Cell, Output, Tone},
    rows::{
        release::{deed, outcome, step_line, subject, took},
        short_sha,
    },
};

/// What was told already.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Several releases: each line says whose it is.
    has_several: bool,
    shown: HashMap<String, Shown>,
    is_lost: bool,
}

#[derive(Debug, Default)]
struct Shown {
    /// State of each step, by place.
    steps: Vec<String>,
    remark: Option<String>,
    trouble: Option<String>,
    running: Option<(String, Instant)>,
}

impl Progress {
    pub(crate) fn new(releases: &[Release]) -> Self {
        Self { has_several: releases.len() > 1, ..Self::default() }
    }

    /// Tells what is new in this version of a release.
    pub(crate) fn update(&mut self, out: &mut Output, release: &Release) {
        if std::mem::take(&mut self.is_lost) {
            out.note(Tone::Plain, "the server answers again");
        }
        if !self.shown.contains_key(&release.id) {
            begin(out, release);
        }
        let prefix =
            if self.has_several { format!("  {}: ", release.app) } else { "  ".to_owned() };
        let live = out.has_live_lines();
        let shown = self.shown.entry(release.id.clone()).or_default();
        if release.note.is_some() && release.note != shown.remark {
            out.note(
                Tone::Plain,
                &format!("{prefix}{}", release.note.as_deref().unwrap_or_default()),
            );
        }
        shown.remark.clone_from(&release.note);
        for (index, step) in release.steps.iter().enumerate() {
            let is_new = shown.steps.get(index) != Some(&step.state);
            if let Some(line) = news(step, live).filter(|_| is_new) {
                out.note(line.tone, &format!("{prefix}{}", line.text));
            }
        }
        shown.steps = release.steps.iter().map(|step| step.state.clone()).collect();
        shown.running = release.steps.iter().find(|step| step.state == "running").map(|step| {
            let ran = u64::try_from(step.duration_ms.unwrap_or_default()).unwrap_or_default();
            let since = Instant::now().checked_sub(Duration::from_millis(ran));
            (format!("{prefix}● {}", step.title), since.unwrap_or_else(Instant::now))
        });
        let trouble =
            release.cause.as_ref().filter(|_| !release.closed).map(|cause| cause.summary.clone());
        if trouble.is_some() && trouble != shown.trouble {
            out.note(Tone::Busy, &format!("{prefix}! {}", trouble.as_deref().unwrap_or_default()));
        }
        shown.trouble = trouble;
    }

    /// Tells how a release ended well; bad ends are told with their causes at the end.
    pub(crate) fn finish(&mut self, out: &mut Output, release: &Release) {
        self.update(out, release);
        self.shown.entry(release.id.clone()).and_modify(|shown| shown.running = None);
        if release.state == "healthy" {
            let after = took(release)
                .map(|span| format!(" after {}", duration::short(span)))
                .unwrap_or_default();
            out.note(Tone::Good, &format!("✓ {}{after}", outcome(release)));
        }
    }

    /// Tells, once, that the server is away.
    pub(crate) fn lose(&mut self, out: &mut Output, why: &str) {
        if !std::mem::replace(&mut self.is_lost, true) {
            out.note(Tone::Busy, &format!("{why}; trying again"));
        }
    }

    /// Moves the live line.
    pub(crate) fn tick(&self, out: &mut Output) {
        let mut running: Vec<_> =
            self.shown.values().filter_map(|shown| shown.running.as_ref()).collect();
        running.sort_by_key(|(_, since)| *since);
        if let Some((text, since)) = running.first() {
            let more = if running.len() > 1 {
                format!("  and {} more", running.len() - 1)
            } else {
                String::new()
            };
            out.live(&format!("{text}  {}{more}", duration::short(since.elapsed())));
        }
    }
}

/// The first line of a release.
fn begin(out: &mut Output, release: &Release) {
    let commit =
        release.sha.as_deref().map(|sha| format!(" at {}", short_sha(sha))).unwrap_or_default();
    let message =
        release.message.as_deref().map(|message| format!(" \"{message}\"")).unwrap_or_default();
    out.note(Tone::Plain, &format!("{} of {}{commit}{message}", deed(release), subject(release)));
    out.note(Tone::Faint, &format!("  {}", release.url));
}

/// What a step's new state is worth. A running one has the live line where there is one.
fn news(step: &Step, live: bool) -> Option<Cell> {
    match step.state.as_str() {
        "done" | "failed" | "skipped" => Some(step_line(step)),
        "running" if !live => Some(Cell::new(Tone::Busy, format!("● {}", step.title))),
        _ => None,
    }
}
