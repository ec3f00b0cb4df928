//! `cargo prove`: the proofs that take longer than a test.

use std::{io::Write as _, time::Duration};

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser};
use gimlet_shared::crash_point::POINTS;
use gimlet_tests::{
    fuzz,
    kills::{Database, KillPlan, Patience, Verdict, prove},
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
        Proof::Fuzz(options) => fuzz::run(&options),
    }
}

fn kills(options: &Kills) -> Result<()> {
    let steps = Steps::default();
    let seed = options.seed.unwrap_or_else(rand::random);
    steps.say(format_args!("seed {seed}"));
    let programs = steps.step("Build the programs", Programs::build)?;
    let (mut cases, mut findings) = (0, 0);
    if options.database != Databases::Postgres {
        let verdict = kills_on(options, Database::Sqlite, seed, &programs, &steps)?;
        cases += verdict.cases;
        findings += verdict.findings.len();
    }
    if options.database != Databases::Sqlite {
        let postgres = steps.step("Start PostgreSQL", Postgres::start)?;
        let database = Database::Postgres(postgres.url("postgres"));
        let verdict = kills_on(options, database, seed, &programs, &steps)?;
        cases += verdict.cases;
        findings += verdict.findings.len();
    }
    let mut out = std::io::stdout();
    writeln!(out, "test result: prove kills. {cases} passed; {findings} failed;")?;
    ensure!(findings == 0, "{findings} findings");
    Ok(())
}

fn kills_on(
    options: &Kills,
    database: Database,
    seed: u64,
    programs: &Programs,
    steps: &Steps,
) -> Result<Verdict> {
    let folder = tempfile::Builder::new().prefix("prove-kills-").tempdir()?.keep();
    steps.say(format_args!("{database:?} in {}", folder.display()));
    let is_wanted = |name: &&str| options.only.iter().any(|wanted| wanted == name);
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
        folder: folder.clone(),
    };
    let verdict = prove(programs, &plan, steps)?;
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
