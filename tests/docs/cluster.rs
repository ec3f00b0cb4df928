//! The pages whose commands need a cluster, run on one: a real Kubernetes with Flux and our agent.

use anyhow::{Context as _, Result, ensure};
use gimlet_tests::{
    sample::Web,
    stack::{Stack, StackPlan},
    steps::Steps,
};

use crate::{
    Text,
    run::{needs_cluster, run_in},
    surroundings::Surroundings,
    texts,
};

/// What the pages call their environment.
const ENVIRONMENT: &str = "production";
/// The pages in the order in which one cluster can go through them: the last but one takes the agent away,
/// and the last one brings one back.
const PAGES: [&str; 6] =
    ["scripting", "troubleshooting", "roll-back", "deploy", "uninstall", "connect-a-cluster"];

#[test]
fn every_page_that_needs_a_cluster_has_its_turn() {
    let mut needing: Vec<String> =
        texts().into_iter().filter(needs_cluster).map(|text| text.name).collect();
    needing.sort();
    let mut listed = PAGES.to_vec();
    listed.sort_unstable();
    assert_eq!(needing, listed);
}

#[test]
#[ignore = "needs root and a cluster; cargo verify runs it"]
fn every_command_of_the_pages_that_need_a_cluster_works_on_one() {
    let plan = StackPlan {
        name: "docs".to_owned(),
        release_deadline_s: 90,
        poll_interval_s: 3600,
        database_url: None,
        port: 0,
        reach: None,
    };
    let stack = Stack::up(&plan, &Steps::default()).expect("the stack stands");
    let told = walk(&stack).map_err(|fault| format!("{fault:#}\n{}", stack.server.log_end(40)));
    stack.down().expect("the stack ends");
    told.unwrap_or_else(|fault| panic!("{fault}"));
}

fn walk(stack: &Stack) -> Result<()> {
    stack.enrol(ENVIRONMENT)?;
    stack.sample.write_web(&Web::new("web", ENVIRONMENT, "hello"))?;
    stack.sample.push("Describe the web application")?;
    let mut around = Surroundings::on(stack, "acme")?;
    around.begin_shop_on_cluster()?;
    let (last, pages) = PAGES.split_last().context("pages")?;
    for page in pages {
        turn(&mut around, page)?;
    }
    // The cluster joins an organization that has none yet, as the page has it.
    turn(&mut Surroundings::on(stack, "second")?, last)
}

fn turn(around: &mut Surroundings<'_>, page: &str) -> Result<()> {
    let found: Vec<Text> = texts().into_iter().filter(|text| text.name == page).collect();
    ensure!(found.len() == 1, "{page} is one page");
    run_in(around, &found[0]).with_context(|| page.to_owned())
}
