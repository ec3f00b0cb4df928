//! From `git push` to ready pods on the real cluster, step by step: through Gimlet, beside Flux alone.
//!
//! Both change an application of the same shape in the same gitops repository, which the same Flux applies.
//! Through Gimlet a developer pushes to a source repository and its webhook is delivered. Flux alone is given
//! the finished commit, and asked to look the moment that it is pushed, as a webhook receiver would ask it. Rounds
//! of both alternate, so that what disturbs one disturbs the other.

mod flux_alone;
mod sightings;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use gimlet_bench::{
    figure::Figure,
    http::{Connection, post},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Setting, Size};
use crate::{
    sample::Web,
    stack::{Stack, StackPlan},
    steps::Steps,
};
use flux_alone::FluxAlone;
use sightings::{Moment, Seen, Sightings};

const ENVIRONMENT: &str = "measure";
pub(super) const NAMESPACE: &str = "demo";
/// The application that is released, and the one that Flux is left alone with. Names of one length.
pub(super) const OURS: &str = "ours-web";
const REPOSITORY: &str = "acme/shop";

/// The annotation that tells which push a pod is of.
pub(super) const MARK: &str = "gimlet.io/git-sha";

/// Rounds of a full measurement: fewer say little of something that takes seconds.
const LEAST_ROUNDS: u32 = 10;

/// Longer than any release takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Seconds between two looks of Flux where nobody asks it, as its own bootstrap sets it.
const POLL_SECONDS: u32 = 60;

/// Rounds with polling: each takes up to a minute.
const POLLED_ROUNDS: u32 = 3;

const PEER: &str = "Flux, asked by hand";

/// The steps in order, and whether Flux alone has it as well.
const STEPS: [(&str, bool); 10] = [
    ("pushed", true),
    ("stored", false),
    ("judged", false),
    ("committed", false),
    ("poked", true),
    ("fetched", true),
    ("applied", true),
    ("pod-ready", true),
    ("kustomization-ready", true),
    ("healthy", false),
];

/// Milestones of one round, in seconds since the push began.
pub(super) type Milestones = BTreeMap<&'static str, f64>;

/// Measures it.
pub(super) fn measure(setting: &Setting) -> Result<Vec<Figure>> {
    let plan = StackPlan {
        name: "measure".to_owned(),
        release_deadline_s: 300,
        poll_interval_s: 300,
        database_url: None,
        port: 0,
        reach: None,
    };
    let stack = Stack::up(&plan, &Steps::default())?;
    let measured = rounds(setting, &stack);
    let down = stack.down();
    let figures = measured?;
    down?;
    Ok(figures)
}

fn rounds(setting: &Setting, stack: &Stack) -> Result<Vec<Figure>> {
    let (rounds, polled) = match setting.size {
        Size::Full => (setting.rounds.max(LEAST_ROUNDS), POLLED_ROUNDS),
        Size::Smoke => (1, 0),
    };
    stack.enrol(ENVIRONMENT)?;
    let added = stack.add_repository()?;
    let ours = Ours::new(stack, &added)?;
    let sightings = Sightings::start(stack)?;
    // The first release makes what both change later.
    ours.round(&sightings, 0)?;
    let flux = FluxAlone::start(stack, ENVIRONMENT)?;
    flux.round(&sightings, "first", None)?;
    let (mut through_us, mut alone, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        setting.progress.say(format_args!("  round {round} of {rounds}"));
        through_us.push(ours.round(&sightings, round)?);
        alone.push(flux.round(&sightings, &format!("round-{round}"), None)?);
    }
    for round in 1..=polled {
        setting.progress.say(format_args!("  polled round {round} of {polled}"));
        let name = format!("polled-{round}");
        waiting.push(flux.round(&sightings, &name, Some(POLL_SECONDS))?);
    }
    figures(&through_us, &alone, &waiting)
}

fn figures(
    ours: &[Milestones],
    alone: &[Milestones],
    polled: &[Milestones],
) -> Result<Vec<Figure>> {
    let at = |rounds: &[Milestones], step: &str| -> Result<Vec<f64>> {
        let found = rounds.iter().map(|round| round.get(step).copied());
        found.collect::<Option<_>>().with_context(|| format!("a round has no `{step}`"))
    };
    let mut figures = Vec::new();
    for end in ["pod-ready", "kustomization-ready"] {
        let figure = Figure::of(format!("push-to-ready/{end}"), "s", at(ours, end)?);
        figures.push(figure.clone().peer(PEER, &at(alone, end)?));
        if !polled.is_empty() {
            let name = format!("push-to-ready/{end}-polled");
            let figure = Figure { name, ..figure };
            figures.push(figure.peer("Flux, looking every 60 s", &at(polled, end)?));
        }
    }
    figures.push(Figure::of("push-to-ready/healthy", "s", at(ours, "healthy")?));
    let (mut before, mut before_alone): (Option<&str>, Option<&str>) = (None, None);
    for (step, is_flux_s) in STEPS {
        let took = |rounds: &[Milestones], before: Option<&str>| -> Result<Vec<f64>> {
            let began = before.map_or_else(|| Ok(vec![0.0; rounds.len()]), |it| at(rounds, it))?;
            Ok(at(rounds, step)?.iter().zip(began).map(|(end, begin)| end - begin).collect())
        };
        let figure = Figure::of(format!("push-to-ready/step-{step}"), "s", took(ours, before)?);
        figures.push(if is_flux_s {
            figure.peer(PEER, &took(alone, before_alone)?)
        } else {
            figure
        });
        before = Some(step);
        if is_flux_s {
            before_alone = Some(step);
        }
    }
    Ok(figures)
}

/// The way through Gimlet.
struct Ours<'a> {
    stack: &'a Stack,
    runtime: Runtime,
    repository: String,
    secret: String,
}

impl<'a> Ours<'a> {
    fn new(stack: &'a Stack, added: &Value) -> Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let secret = text(&added["webhook_secret"]).context("the repository has no secret")?;
        let repository = text(&added["repository"]["id"]).context("the repository has no id")?;
        Ok(Self { stack, runtime: Runtime::new()?, repository, secret })
    }

    /// One push, until its release has closed.
    fn round(&self, sightings: &Sightings, number: u32) -> Result<Milestones> {
        let sample = &self.stack.sample;
        let web = Web::new(OURS, ENVIRONMENT, &format!("round {number}"));
        sample.write_web(&Web { marked: true, ..web })?;
        sample.git(&["add", "--all"])?;
        sample.git(&["commit", "--quiet", "--message", &format!("Round {number}")])?;
        let sha = sample.git(&["rev-parse", "HEAD"])?.trim().to_owned();
        let began = Moment::now();
        sample.git(&["push", "--quiet", "origin", "HEAD"])?;
        let pushed = Moment::now();
        self.runtime.block_on(self.deliver(&sha))?;
        let stored = Moment::now();
        let release = self.stack.wait_for_release(ENVIRONMENT, OURS, &sha, LIMIT)?;
        ensure!(release["state"] == "healthy", "round {number} ended otherwise: {release:#}");
        let commit = release["gitops_commit"].as_str().context("a gitops commit")?.to_owned();
        let told = |value: &Value| -> Result<Moment> {
            Moment::of_rfc3339(value.as_str().context("a time of the release")?)
        };
        let written = step(&release, "written")?;
        let took = written["duration_ms"].as_i64().context("a duration")?;
        let judged = told(&release["requested_at"])?;
        let mut found = Milestones::from([
            ("pushed", pushed.since(began)),
            ("stored", stored.since(began)),
            ("judged", judged.since(began)),
            ("committed", judged.since(began) + took as f64 / 1000.0),
            ("healthy", told(&release["finished_at"])?.since(began)),
        ]);
        found.extend(sightings.after(
            began,
            &Seen { app: OURS, mark: &sha, commit: &commit },
            LIMIT,
        )?);
        Ok(found)
    }

    /// Delivers the push as a git host does.
    async fn deliver(&self, sha: &str) -> Result<()> {
        let body = json!({
            "ref": "refs/heads/main", "before": "0".repeat(40), "after": sha,
            "repository": {"id": 1, "full_name": REPOSITORY, "default_branch": "main"},
        });
        let body = body.to_string();
        let signature = gimlet_github::sign(&self.secret, body.as_bytes())?;
        let headers = [
            ("x-github-event", "push"),
            ("x-github-delivery", sha),
            ("x-hub-signature-256", &signature),
        ];
        let path = format!("/hooks/github/{}", self.repository);
        let address = self.stack.public_url.trim_start_matches("http://").parse()?;
        let request = post(&path, &headers, body.as_bytes());
        let answer = Connection::open(address).await?.send(&request).await?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status < 300, "the webhook was answered {}: {text}", answer.status);
        Ok(())
    }
}

fn step<'a>(release: &'a Value, name: &str) -> Result<&'a Value> {
    let steps = release["steps"].as_array().into_iter().flatten();
    steps.into_iter().find(|step| step["name"] == name).with_context(|| format!("no step {name}"))
}
