//! The way of a commit on real parts: Kubernetes, kubelet, Flux, git, and the product's own programs.
//!
//! All scenarios share one cluster, one control plane and one agent, and run in the order of this file;
//! each uses applications of its own. With `GIMLET_TEST_POSTGRES` the control plane keeps its data there.

mod bounds;
mod causes;
mod charts;
mod kills;
mod way;

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use gimlet_tests::{
    stack::{Stack, StackPlan},
    steps::Steps,
};
use libtest_mimic::{Arguments, Failed, Trial};

/// Name of the cluster and of its environment.
const ENVIRONMENT: &str = "e2e";

/// A scenario: a sentence, and what shows that it holds.
type Scenario = (&'static str, fn(&mut Stack) -> Result<()>);

const SCENARIOS: &[Scenario] = &[
    ("a_push_becomes_healthy_and_the_next_one_rolls_over", way::push_twice),
    ("every_commit_shows_up_and_only_the_head_is_released", way::every_commit_shows_up),
    ("any_commit_is_released_on_demand", way::release_on_demand),
    ("a_rollback_brings_the_old_workload_back", way::roll_back),
    ("a_deleted_application_is_gone_from_cluster_and_git", way::delete),
    ("an_application_s_health_stays_live_after_its_release", way::stays_live),
    ("an_ingress_leads_to_the_application_and_changes_are_told_from_git", way::reach),
    ("a_chart_deploys_with_values_and_patches_and_bad_values_are_named", charts::deploy),
    ("an_image_that_does_not_exist_is_named", causes::missing_image),
    ("a_crashing_container_is_named_with_its_last_lines", causes::crash),
    ("a_failing_readiness_probe_is_named", causes::readiness),
    ("a_manifest_that_kubernetes_refuses_is_named", causes::refused),
    ("a_bad_manifest_harms_no_other", causes::bad_manifest),
    ("the_agent_cannot_repoint_flux_read_secrets_or_run_privileged_pods", bounds::agent),
    ("an_environment_s_repository_cannot_reach_beyond_it", bounds::repository),
    ("installing_twice_changes_nothing", bounds::install_twice),
    ("a_killed_control_plane_finishes_every_release_once", kills::control_plane),
    ("a_killed_agent_comes_back_and_finishes", kills::agent),
    ("a_control_plane_that_is_away_for_a_minute_is_not_missed", kills::away),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let wanted = arguments.include_ignored || arguments.ignored;
    if arguments.list || !wanted {
        let trials =
            SCENARIOS.iter().map(|(name, _)| Trial::test(*name, || Ok(())).with_ignored_flag(true));
        return libtest_mimic::run(&arguments, trials.collect()).exit_code();
    }
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            Steps::default().say(format_args!("the stack could not be used: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let steps = Steps::default();
    let plan = StackPlan {
        name: ENVIRONMENT.to_owned(),
        // Short, for the scenario that has to wait it out; long enough for a busy machine.
        release_deadline_s: 45,
        // Long: what a look-now or a webhook misses would otherwise be found by a poll.
        poll_interval_s: 600,
        database_url: database()?,
        port: 0,
        reach: None,
    };
    let stack = Stack::up(&plan, &steps)?;
    if let Err(error) = stack.enrol(ENVIRONMENT).and_then(|()| stack.add_repository()) {
        steps.say(stack.server.log_end(80));
        stack.down()?;
        return Err(error);
    }
    let stack = Arc::new(Mutex::new(stack));
    let trials = SCENARIOS.iter().map(|(name, scenario)| {
        let stack = Arc::clone(&stack);
        Trial::test(*name, move || {
            // A scenario that panicked says nothing of the next one.
            let mut stack = stack.lock().unwrap_or_else(PoisonError::into_inner);
            scenario(&mut stack).map_err(|error| Failed::from(format!("{error:#}")))
        })
        .with_ignored_flag(true)
    });
    let conclusion = libtest_mimic::run(arguments, trials.collect());
    let stack = Arc::into_inner(stack)
        .map(|stack| stack.into_inner().unwrap_or_else(PoisonError::into_inner));
    if let Some(stack) = stack {
        if conclusion.has_failed() {
            steps.say(stack.server.log_end(80));
        }
        steps.step("Take everything down", || stack.down())?;
    }
    Ok(conclusion.exit_code())
}

/// A database of this run's own on the PostgreSQL server that the environment names.
fn database() -> Result<Option<String>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test's only setting, read where its main begins"
    )]
    let server = std::env::var("GIMLET_TEST_POSTGRES").ok();
    server.map(|url| gimlet_tests::postgres::fresh_database(&url)).transpose()
}
