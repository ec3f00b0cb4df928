//! The pages as Debian's chromium shows them, driven by playwright-core, on the real server and the
//! real agent of a scripted cluster.
//!
//! A scenario is a script beside this file. It drives the browser, and asks for what happens outside of it
//! ([`world::World::act`]): a push, a server that goes away. `GIMLET_SCREENSHOTS` names a folder that keeps
//! a picture of each page.

mod tools;
mod world;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use gimlet_tests::programs::workspace_root;
use serde_json::{Value, json};
use tools::Tools;
use world::World;

/// Before a line by which a script asks for something.
const ASKS: &str = ">>> ";

#[test]
#[ignore = "needs chromium and node: cargo verify runs it"]
fn a_push_becomes_healthy_is_rolled_back_and_a_lost_network_comes_back() -> Result<()> {
    play("way.mjs")
}

#[test]
#[ignore = "needs chromium and node: cargo verify runs it"]
fn the_palette_and_the_keys_lead_everywhere_without_a_mouse() -> Result<()> {
    play("keys.mjs")
}

#[test]
#[ignore = "needs chromium and node: cargo verify runs it"]
fn every_page_is_accessible_and_whole_with_no_one_and_many_rows_and_hostile_names() -> Result<()> {
    play("pages.mjs")
}

/// Plays a scenario in a world of its own.
fn play(script: &str) -> Result<()> {
    let tools = Tools::find()?;
    let mut world = World::start()?;
    let mut node = Command::new("node")
        .arg(workspace_root().join("tests/browser").join(script))
        .env("GIMLET_URL", world.url())
        .env("GIMLET_MODULES", &tools.modules)
        .env("GIMLET_CHROMIUM", &tools.chromium)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run node")?;
    let mut answers = node.stdin.take().context("node takes no input")?;
    let output = node.stdout.take().context("node's output is not piped")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        let Some(asked) = line.strip_prefix(ASKS) else {
            writeln!(std::io::stdout(), "{line}")?;
            continue;
        };
        let asked: Value = serde_json::from_str(asked)?;
        let answer = match world.act(&asked) {
            Ok(done) => json!({"done": done}),
            Err(error) => json!({"error": format!("{error:#}")}),
        };
        writeln!(answers, "{answer}")?;
    }
    let status = node.wait()?;
    ensure!(status.success(), "{script} failed; the server says:\n{}", world.log_end());
    Ok(())
}
