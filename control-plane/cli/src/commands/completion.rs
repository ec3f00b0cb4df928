//! `gimlet completion`.

use clap::{Args, ValueEnum};

use crate::{complete, error::CliError, shell::Shell};

/// Print a completion script for a shell. Names of environments, applications, clusters, repositories and
/// releases are asked of the server.
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
        let name = match self.shell {
            CompletedShell::Bash => "bash",
            CompletedShell::Zsh => "zsh",
            CompletedShell::Fish => "fish",
        };
        let script = complete::registration(name)
            .map_err(|error| CliError::local(format!("cannot make the script: {error}")))?;
        shell.out.data(&String::from_utf8_lossy(&script))
    }
}
