//! `gimlet completion`.

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::{Shell as Dialect, generate};

use crate::{args::Cli, error::CliError, shell::Shell};

/// Print a completion script for a shell.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "\
bash:  source <(gimlet completion bash)
zsh:   gimlet completion zsh > \"${fpath[1]}/_gimlet\"
fish:  gimlet completion fish > ~/.config/fish/completions/gimlet.fish")]
pub(crate) struct Completion {
    /// The shell.
    shell: CompletedShell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CompletedShell {
    Bash,
    Zsh,
    Fish,
}

impl Completion {
    pub(crate) fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let dialect = match self.shell {
            CompletedShell::Bash => Dialect::Bash,
            CompletedShell::Zsh => Dialect::Zsh,
            CompletedShell::Fish => Dialect::Fish,
        };
        let mut script = Vec::new();
        generate(dialect, &mut Cli::command(), "gimlet", &mut script);
        shell.out.data(&String::from_utf8_lossy(&script))
    }
}
