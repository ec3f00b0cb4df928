//! Runs the commands of each page, in order, and compares what they print. Pages that need a connected cluster
//! are run on one; see [`crate::cluster`].

use anyhow::{Context as _, Result, bail, ensure};
use gimlet_docs::{Block, Use};
use gimlet_tests::programs::Programs;

use crate::{Text, requests, surroundings::Surroundings, texts};

#[test]
fn every_command_of_every_page_works() {
    let programs = Programs::build().expect("the programs can be built");
    let faults: Vec<String> = texts()
        .iter()
        .filter(|text| has_commands(text) && !needs_cluster(text))
        .filter_map(|text| {
            run(&programs, text).err().map(|fault| format!("{}: {fault:#}", text.name))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

fn has_commands(text: &Text) -> bool {
    text.blocks.iter().any(|block| {
        matches!(
            block.fence.used_as,
            Use::Commands
                | Use::AwaitedCommands { .. }
                | Use::BackgroundCommand
                | Use::StreamCommand
                | Use::RequestCommand
                | Use::ClusterCommands
                | Use::PastedCommand
        )
    })
}

/// A page with one command that needs a cluster runs as a whole where there is one.
pub(crate) fn needs_cluster(text: &Text) -> bool {
    let needs = |used: &Use| matches!(used, Use::ClusterCommands | Use::PastedCommand);
    text.blocks.iter().any(|block| needs(&block.fence.used_as))
}

fn run(programs: &Programs, text: &Text) -> Result<()> {
    run_in(&mut Surroundings::new(programs, text.begins)?, text)
}

/// Runs a page in surroundings that are there.
pub(crate) fn run_in(around: &mut Surroundings<'_>, text: &Text) -> Result<()> {
    // The references of the API call the id of their subject `ID`.
    let subject = text.name.rsplit('/').next().unwrap_or_default().trim_end_matches('s');
    around.set("ID", &subject.to_uppercase().replace("REPOSITORIE", "REPOSITORY"));
    let mut printed = String::new();
    for (number, block) in text.blocks.iter().enumerate() {
        step(around, block, &mut printed).with_context(|| {
            format!(
                "code block {}, `{}`",
                number + 1,
                block.text.lines().next().unwrap_or_default()
            )
        })?;
    }
    Ok(())
}

fn step(around: &mut Surroundings<'_>, block: &Block, printed: &mut String) -> Result<()> {
    let text = around.swapped(&block.text);
    if let Some(path) = &block.fence.file {
        around.write(path, &text)?;
    }
    match &block.fence.used_as {
        Use::Commands | Use::ClusterCommands => {
            let output = around.run(&text)?;
            let complaint = String::from_utf8_lossy(&output.stderr);
            let answer = String::from_utf8_lossy(&output.stdout);
            ensure!(
                output.status.success(),
                "it ended with {}:\n{complaint}{answer}",
                output.status
            );
            *printed = String::from_utf8(output.stdout)?;
            around.remember(printed);
        }
        Use::RequestCommand => {
            requests::prepare(around, &text)?;
            let output = around.run(&text)?;
            let answer = String::from_utf8_lossy(&output.stdout);
            ensure!(output.status.success(), "it ended with {}: {answer}", output.status);
        }
        Use::StreamCommand => around.stream(&text)?,
        Use::PastedCommand => around.paste_what_it_prints(&text)?,
        Use::AwaitedCommands { until } => {
            *printed = String::from_utf8(around.until(&text, until)?.stdout)?;
        }
        Use::BackgroundCommand => around.start(text.trim())?,
        Use::Output => compare(&text, printed)?,
        Use::ShownCommands { .. }
        | Use::Manifest
        | Use::Yaml
        | Use::Json { .. }
        | Use::Configuration
        | Use::Text => {}
    }
    Ok(())
}

/// Whether the text that is shown is what was printed: `…` stands for anything, and columns may be wider.
fn compare(shown: &str, printed: &str) -> Result<()> {
    let squeezed = |text: &str| {
        let lines =
            text.trim().lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let (shown, printed) = (squeezed(shown), squeezed(printed));
    let parts: Vec<&str> = shown.split('…').map(str::trim).collect();
    let (first, last) = (parts.first().copied().unwrap_or(""), parts.last().copied().unwrap_or(""));
    let mut rest = printed.as_str();
    let fits = rest.starts_with(first)
        && rest.ends_with(last)
        && parts.iter().all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        });
    // Without `…` nothing may stand beside it.
    if fits && (parts.len() > 1 || rest.is_empty()) {
        return Ok(());
    }
    bail!("it prints\n{printed}\nand not\n{shown}");
}

#[test]
fn an_output_that_differs_is_noticed() {
    assert!(compare("a   b\n…\nz", "a b\nx\ny\nz\n").is_ok());
    assert!(compare("rel_… web", "rel_12 web\n").is_ok());
    for (shown, printed) in [("a", "a b"), ("a … c", "a b"), ("b …", "a b c"), ("… b", "b a")]
    {
        assert!(compare(shown, printed).is_err(), "{shown}: {printed}");
    }
}
