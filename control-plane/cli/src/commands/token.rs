//! `gimlet token`.

use clap::{Args, Subcommand};
use gimlet_shared::{api::NewToken, ids::TokenId};

use crate::{
    args::OutputArgs,
    error::CliError,
    output::{Format, Tone},
    shell::Shell,
};

/// API tokens.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// List tokens that work.
    List(List),
    /// Make a token with your own role; its secret is shown this once.
    Create(Create),
    /// Revoke a token by its id.
    Revoke(Revoke),
}

/// List tokens.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct List {
    /// Every member's tokens, for admins and owners.
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Make a token.
#[derive(Clone, Debug, Args)]
pub(crate) struct Create {
    /// What it is called in lists, such as the CI system that will hold it.
    name: String,
    /// Days until it lapses; without it, it does not lapse.
    #[arg(long, value_name = "DAYS")]
    expires_in_days: Option<u32>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Revoke a token.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Revoke {
    /// The token's id, `tok_…`; `gimlet token list` shows it.
    id: TokenId,
}

impl TokenCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::List(list) => {
                let all = if list.all { "true" } else { "false" };
                let tokens = shell.client()?.list_tokens(all).await?;
                shell.out.list(list.output.output, &tokens)
            }
            Self::Create(create) => create.run(shell).await,
            Self::Revoke(revoke) => {
                shell.client()?.revoke_token(revoke.id).await?;
                let text = format!("✓ {} does not work any more", revoke.id);
                shell.out.note(Tone::Good, &text);
                Ok(())
            }
        }
    }
}

impl Create {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let request = NewToken { name: self.name, expires_in_days: self.expires_in_days };
        // A repeated try within this command gives the same token.
        let key = uuid::Uuid::now_v7().to_string();
        let made = shell.client()?.create_token(&request, &key).await?;
        shell.out.one(self.output.output, &made)?;
        if matches!(self.output.output, Format::Table | Format::Wide) {
            shell.out.note(Tone::Plain, "Keep the secret: it is not shown again.");
        }
        Ok(())
    }
}
