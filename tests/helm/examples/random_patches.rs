//! Random objects and patches, made by us and by `kubectl kustomize`: `--seed 7 --cases 2000`. A hand-run program; a
//! seed gives the same cases each time. What differs is printed, and ends it with an error.
//!
//! What kustomize is known to lose or to leave behind is not made: it is in the recorded cases, one by one.

#[path = "random_patches/compare.rs"]
mod compare;
#[path = "random_patches/make.rs"]
mod make;

use std::io::Write as _;

use anyhow::{Result, ensure};
use clap::Parser;
use gimlet_cluster::Settings;
use gimlet_helm_cases::{Release, record::Helms};
use rand::{SeedableRng as _, rngs::StdRng};

/// Compares random patches with what kustomize makes of them.
#[derive(Debug, Parser)]
struct Options {
    /// Where randomness begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many cases.
    #[arg(long, default_value_t = 1000)]
    cases: usize,
    /// Only with the older release.
    #[arg(long)]
    older: bool,
}

/// How many cases kubectl is asked in one run; starting it takes longer than the work.
const TOGETHER: usize = 40;
/// How many differences are shown.
const SHOWN: usize = 10;

fn main() -> Result<()> {
    let options = Options::parse();
    let helms = Helms::fetch(Settings::from_environment()?.cache())?;
    let release = if options.older { Release::Three } else { Release::Four };
    let mut random = StdRng::seed_from_u64(options.seed);
    let mut out = std::io::stdout();
    let (mut tally, mut made) = (compare::Tally::default(), 0);
    while made < options.cases {
        let count = TOGETHER.min(options.cases - made);
        let cases: Vec<_> =
            (0..count).map(|number| make::case(&mut random, made + number)).collect();
        made += count;
        compare::all(helms.of_release(release), &cases, &mut tally)?;
    }
    for difference in tally.differences.iter().take(SHOWN) {
        writeln!(out, "{difference}\n")?;
    }
    writeln!(
        out,
        "seed {}, {release:?}: {made} cases, {} patched alike, {} refused by both, {} with directives that kustomize \
         leaves, {} with copies of nothing, {} that it panics at, {} that it refuses after patching, {} differ",
        options.seed,
        tally.alike,
        tally.refused,
        tally.littered,
        tally.nothing_copied,
        tally.panicked,
        tally.elsewhere,
        tally.differences.len()
    )?;
    ensure!(tally.differences.is_empty(), "{} cases differ", tally.differences.len());
    Ok(())
}
