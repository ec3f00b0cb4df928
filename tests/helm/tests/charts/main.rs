//! The charts that come with Gimlet do what their cases and read-mes say.

mod expectations;
mod forms;
mod objects;
mod ours;
mod whole;

use gimlet_helm_cases::charts::{self, CHARTS};
use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for chart in CHARTS {
        for case in charts::read(chart).expect("the cases of a chart can be read") {
            let name = format!("{chart}: {}", case.name);
            let check = move || expectations::check(chart, &case);
            trials.push(trial(name, check));
        }
        trials.push(trial(format!("the notes of {chart} end with a command"), move || {
            whole::notes_end_with_a_command(chart)
        }));
        trials.push(trial(format!("{chart} is as recorded"), move || whole::is_as_recorded(chart)));
        trials.push(trial(format!("every value of {chart} has a case"), move || {
            whole::every_value_has_a_case(chart)
        }));
        trials.push(trial(format!("{chart} carries no tests"), move || {
            whole::carries_no_tests(chart)
        }));
        trials.push(trial(format!("schema, defaults and read-me of {chart} agree"), move || {
            forms::agree(chart)
        }));
        trials.push(trial(format!("the form of {chart} shows what there is"), move || {
            forms::shows_what_there_is(chart)
        }));
    }
    trials
        .push(trial("what charts share is the same".to_owned(), whole::shared_files_are_the_same));
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: String, check: impl FnOnce() -> anyhow::Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || check().map_err(|error| format!("{error:#}").into()))
}
