//! The reference of a command line, made from its definition.

use clap::{Arg, Command};

use super::{Made, plain, sentence};
use crate::front::Begins;

/// One page for each command below `root`.
pub(crate) fn pages(root: &Command) -> Vec<Made> {
    let root = built(root);
    root.get_subcommands()
        .filter(|command| is_shown(command))
        .map(|command| {
            let name = format!("{} {}", root.get_name(), command.get_name());
            let mut body = String::new();
            describe(&mut body, command, &name, &name);
            Made {
                slug: format!("cli/{}", command.get_name()),
                summary: sentence(&about(command)),
                title: name,
                begins: Begins::Programs,
                body,
            }
        })
        .collect()
}

/// Every command below `root`, on one page.
pub(crate) fn whole(root: &Command) -> String {
    let root = built(root);
    let mut body = String::new();
    for command in root.get_subcommands().filter(|command| is_shown(command)) {
        let name = format!("{} {}", root.get_name(), command.get_name());
        describe(&mut body, command, &name, root.get_name());
    }
    body
}

/// The commands with their purposes.
pub(crate) fn list(root: &Command) -> String {
    let root = built(root);
    let mut body = String::from("| command | what it does |\n| --- | --- |\n");
    for command in root.get_subcommands().filter(|command| is_shown(command)) {
        let name = command.get_name();
        body.push_str(&format!(
            "| [`{} {name}`](/docs/cli/{name}) | {} |\n",
            root.get_name(),
            sentence(&about(command))
        ));
    }
    body
}

/// The options that every command takes.
pub(crate) fn global_options(root: &Command) -> String {
    let root = built(root);
    options(root.get_arguments().filter(|arg| arg.is_global_set() && !is_builtin(arg)))
}

/// What stands under the help: environment and exit codes.
pub(crate) fn after_help(root: &Command) -> String {
    let text = root.get_after_help().map(ToString::to_string).unwrap_or_default();
    format!("```text\n{}\n```\n", text.trim_end())
}

fn built(root: &Command) -> Command {
    let mut root = root.clone();
    root.build();
    root
}

fn is_shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn is_builtin(arg: &Arg) -> bool {
    arg.is_hide_set() || matches!(arg.get_id().as_str(), "help" | "version")
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// A command and what is below it; `page` is the command whose page this is, and has no heading.
fn describe(body: &mut String, command: &Command, name: &str, page: &str) {
    if name != page {
        let below = name.strip_prefix(page).unwrap_or(name).trim().replace(' ', "-");
        body.push_str(&format!("## {name} {{#{below}}}\n\n{}\n\n", sentence(&about(command))));
    }
    let has_commands = command.get_subcommands().any(is_shown);
    if !has_commands {
        usage(body, command);
    }
    let aliases: Vec<_> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
    if !aliases.is_empty() {
        body.push_str(&format!("Also called {}.\n\n", aliases.join(", ")));
    }
    let positional = || command.get_positionals().filter(|arg| !is_builtin(arg));
    if positional().next().is_some() {
        body.push_str("| argument | meaning |\n| --- | --- |\n");
        for arg in positional() {
            body.push_str(&format!("| `{}` | {} |\n", value_name(arg), meaning(arg)));
        }
        body.push('\n');
    }
    let own = command
        .get_arguments()
        .filter(|arg| !arg.is_positional() && !arg.is_global_set() && !is_builtin(arg));
    let options = options(own);
    if !options.is_empty() {
        body.push_str(&options);
        body.push('\n');
    }
    if let Some(text) = command.get_after_help().filter(|_| name != "gimlet") {
        body.push_str(&format!("```text\n{}\n```\n\n", text.to_string().trim_end()));
    }
    for below in command.get_subcommands().filter(|command| is_shown(command)) {
        describe(body, below, &format!("{name} {}", below.get_name()), page);
    }
}

fn usage(body: &mut String, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    body.push_str(&format!("```text\n{usage}\n```\n\n"));
}

fn options<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    let mut table = String::new();
    for arg in args {
        if table.is_empty() {
            table.push_str("| option | meaning |\n| --- | --- |\n");
        }
        table.push_str(&format!("| {} | {} |\n", spelling(arg), meaning(arg)));
    }
    table
}

/// `-o`, `--output FORMAT`, and how else it may be written.
fn spelling(arg: &Arg) -> String {
    let value = if arg.get_action().takes_values() {
        format!(" {}", value_name(arg))
    } else {
        String::new()
    };
    let short = arg.get_short().map(|short| format!("`-{short}`"));
    let long = arg.get_long().map(|long| format!("`--{long}{value}`"));
    let aliases = arg.get_visible_aliases().unwrap_or_default();
    let aliases = aliases.into_iter().map(|alias| format!("`--{alias}`"));
    short.into_iter().chain(long).chain(aliases).collect::<Vec<_>>().join(", ").replace('|', "\\|")
}

fn value_name(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let mut names: Vec<_> = names.iter().map(|name| name.to_string()).collect();
    if names.is_empty() {
        // The same that clap's own help falls back to.
        names.push(arg.get_id().to_string());
    }
    let many =
        if arg.get_num_args().is_some_and(|range| range.max_values() > 1) { "…" } else { "" };
    names.join(" ").replace('|', "\\|") + many
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let mut meaning = sentence(&help);
    let values: Vec<_> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set() && arg.get_action().takes_values())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), plain(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        meaning.push_str(&format!(" One of {}.", values.join(", ")));
    }
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        meaning.push_str(&format!(" Default: {}.", defaults.join(", ")));
    }
    if let Some(variable) = arg.get_env() {
        meaning.push_str(&format!(" Environment: `{}`.", variable.to_string_lossy()));
    }
    meaning
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Command {
        Command::new("gimlet")
            .arg(Arg::new("server").long("server").global(true).value_name("URL").help("Where"))
            .after_help("Exit codes:\n  0  done")
            .subcommand(
                Command::new("release").about("Releases: list and look").subcommand(
                    Command::new("list")
                        .about("List them")
                        .arg(
                            Arg::new("env")
                                .long("environment")
                                .visible_alias("env")
                                .help("Only <one>"),
                        )
                        .arg(Arg::new("output").short('o').long("output").default_value("table")),
                ),
            )
    }

    #[test]
    fn each_command_has_a_page_with_its_options() {
        let pages = pages(&sample());
        assert_eq!(pages.len(), 1);
        let page = &pages[0];
        assert_eq!((page.slug.as_str(), page.title.as_str()), ("cli/release", "gimlet release"));
        for line in [
            "## gimlet release list {#list}",
            "| `--environment env`, `--env` | Only &lt;one>. |",
            "| `-o`, `--output output` |  Default: `table`. |",
        ] {
            assert!(page.body.contains(line), "{line}: {}", page.body);
        }
        assert!(!page.body.contains("--server"), "{}", page.body);
        assert!(global_options(&sample()).contains("`--server URL`"));
    }
}
