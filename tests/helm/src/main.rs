//! `cargo run -p gimlet-helm-cases -- --record`: asks both Helms, and writes down what they say.

use std::io::Write as _;

use anyhow::Result;
use clap::Parser;
use gimlet_cluster::Settings;
use gimlet_helm_cases::{cases, patches, record};

/// Asks both releases of Helm about every case.
#[derive(Debug, Parser)]
struct Options {
    /// Writes down what they say, instead of comparing it with what was recorded.
    #[arg(long)]
    record: bool,
    /// Only patches; leaves out what is rendered.
    #[arg(long)]
    patches: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let helms = record::Helms::fetch(Settings::from_environment()?.cache())?;
    let mut count = 0;
    if options.record {
        if !options.patches {
            count += record::record(&helms)?;
        }
        count += patches::recorded::record(&helms)?;
    } else {
        let themes = if options.patches { Vec::new() } else { cases::read()? };
        for theme in themes {
            count += record::check(&helms, &theme)?;
        }
        for theme in patches::read()? {
            count += patches::recorded::check(&helms, &theme)?;
        }
    }
    writeln!(std::io::stdout(), "{count} cases")?;
    Ok(())
}
