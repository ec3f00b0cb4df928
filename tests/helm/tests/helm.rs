//! What is recorded is what both Helms say, asked again: `cargo verify` runs it where pip can bring them.

use std::sync::Arc;

use gimlet_cluster::Settings;
use gimlet_helm_cases::{cases, record};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let themes = cases::read().expect("the cases can be read");
    let fetched = Arc::new(std::sync::OnceLock::new());
    let trials = themes.into_iter().map(|theme| {
        let fetched = Arc::clone(&fetched);
        let name = format!("helm_still_says_what_is_recorded_of_{}", theme.name);
        let ask = move || -> Result<(), Failed> {
            let helms = fetched.get_or_init(|| {
                let settings =
                    Settings::from_environment().map_err(|error| format!("{error:#}"))?;
                record::Helms::fetch(settings.cache()).map_err(|error| format!("{error:#}"))
            });
            let helms = helms.as_ref().map_err(|error| Failed::from(error.clone()))?;
            record::check(helms, &theme).map_err(|error| format!("{error:#}"))?;
            Ok(())
        };
        // Without pip and a package index there is nobody to ask.
        Trial::test(name, ask).with_ignored_flag(true)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
