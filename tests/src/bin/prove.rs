//! `cargo prove`: the proofs that take longer than a test.

use std::{io::Write as _, path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser};
use gimlet_shared::crash_point::POINTS;
use gimlet_tests::{
    fuzz,
    kills::{Database, KillPlan, Patience, StormPlan, Verdict, prove, prove_storm},
    postgres::Postgres,
    programs::Programs,
    steps::Steps,
};

/// Proofs by force: each ends with a line of JSON, and fails when something does not hold.
#[derive(Debug, Parser)]
struct Prove {
    #[command(subcommand)]
    proof: Proof,
}

#[derive(Debug, Subcommand)]
enum Proof {
    /// Releases under `kill -9`, at random moments and at every crash point: none lost, doubled or stuck.
    Kills(Kills),
    /// Webhooks doubled, out of order and in part never delivered: every head once, nothing forged.
    Storm(Storm),
    /// What outsiders can send, made up by a fuzzer that follows the code: no panic, no hang, little memory.
    Fuzz(fuzz::Options),
}

#[derive(Debug, Args)]
struct Kills {
    /// Which database the control plane has.
    #[arg(long, value_enum, default_value = "both")]
    database: Databases,
    /// Makes every choice; one is drawn, and told, where none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// At least so many releases.
    #[arg(long, default_value_t = 10_000)]
    releases: u64,
    /// Kills at random moments.
    #[arg(long, default_value_t = 1_000)]
    random_kills: u64,
    /// Kills at each crash point.
    #[arg(long, default_value_t = 25)]
    per_point: u64,
    /// Kill at this point only; may be given several times.
    #[arg(long, value_name = "POINT", value_parser = crash_points())]
    only: Vec<String>,
    /// Control planes, each with its clusters, that go on side by side.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=64))]
    worlds: u16,
    /// Begin nothing new after so many minutes on one database; what is left out is told, and fails the proof.
    #[arg(long, default_value_t = 90)]
    limit_minutes: u64,
}

#[derive(Debug, Args)]
struct Storm {
    /// Which database the control plane has.
    #[arg(long, value_enum, default_value = "both")]
    database: Databases,
    /// Makes every choice; one is drawn, and told, where none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// Deliveries, doubled ones included.
    #[arg(long, default_value_t = 10_000)]
    deliveries: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Databases {
    Sqlite,
    Postgres,
    Both,
}

fn crash_points() -> PossibleValuesParser {
    PossibleValuesParser::new(POINTS.iter().map(|point| point.name))
}

fn main() -> Result<()> {
    // The provider of the whole process; it is set once, before any TLS.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match Prove::parse().proof {
        Proof::Kills(options) => kills(&options),
        Proof::Storm(options) => storm(&options),
        Proof::Fuzz(options) => fuzz::run(&options),
    }
}

fn kills(options: &Kills) -> Result<()> {
    let is_wanted = |name: &&str| options.only.iter().any(|wanted| wanted == name);
    prove_on("kills", options.database, options.seed, |programs, place, steps| {
        let Place { database, seed, folder } = place;
        let plan = KillPlan {
            database,
            seed,
            releases: options.releases,
            random_kills: options.random_kills,
            per_point: options.per_point,
            only: POINTS.iter().map(|point| point.name).filter(is_wanted).collect(),
            flaw: None,
            worlds: options.worlds.into(),
            patience: Patience::default(),
            limit: Duration::from_secs(60 * options.limit_minutes),
            folder,
        };
        prove(programs, &plan, steps)
    })
}

fn storm(options: &Storm) -> Result<()> {
    let deliveries = options.deliveries;
    prove_on("storm", options.database, options.seed, |programs, place, steps| {
        let Place { database, seed, folder } = place;
        prove_storm(programs, &StormPlan { database, seed, deliveries, folder }, steps)
    })
}

/// Where a proof runs, and by which seed.
struct Place {
    database: Database,
    seed: u64,
    folder: PathBuf,
}

/// Runs a proof on each database.
fn prove_on(
    name: &str,
    databases: Databases,
    seed: Option<u64>,
    proof: impl Fn(&Programs, Place, &Steps) -> Result<Verdict>,
) -> Result<()> {
    let steps = Steps::default();
    let seed = seed.unwrap_or_else(rand::random);
    steps.say(format_args!("seed {seed}"));
    let programs = steps.step("Build the programs", Programs::build)?;
    let (mut cases, mut findings) = (0, 0);
    let mut on = |database| -> Result<()> {
        let verdict =
            judged(name, database, seed, &steps, |place| proof(&programs, place, &steps))?;
        cases += verdict.cases;
        findings += verdict.findings.len();
        Ok(())
    };
    if databases != Databases::Postgres {
        on(Database::Sqlite)?;
    }
    if databases != Databases::Sqlite {
        let postgres = steps.step("Start PostgreSQL", Postgres::start)?;
        on(Database::Postgres(postgres.url("postgres")))?;
    }
    let mut out = std::io::stdout();
    writeln!(out, "test result: prove {name}. {cases} passed; {findings} failed;")?;
    ensure!(findings == 0, "{findings} findings");
    Ok(())
}

/// Runs a proof on one database, and says what came of it.
fn judged(
    name: &str,
    database: Database,
    seed: u64,
    steps: &Steps,
    proof: impl Fn(Place) -> Result<Verdict>,
) -> Result<Verdict> {
    let folder = tempfile::Builder::new().prefix(&format!("prove-{name}-")).tempdir()?.keep();
    steps.say(format_args!("{database:?} in {}", folder.display()));
    let verdict = proof(Place { database, seed, folder: folder.clone() })?;
    writeln!(std::io::stdout(), "{}", verdict.line)?;
    for finding in &verdict.findings {
        steps.say(finding);
    }
    if verdict.findings.is_empty() {
        std::fs::remove_dir_all(&folder)?;
    } else {
        steps.say(format_args!("the evidence is in {}", folder.display()));
    }
    Ok(verdict)
}
