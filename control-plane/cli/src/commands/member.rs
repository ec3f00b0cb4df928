//! `gimlet member`.

use clap::{Args, Subcommand};
use gimlet_shared::api::MemberRole;

use crate::{args::OutputArgs, error::CliError, output::Tone, shell::Shell};

/// Members of the organization.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// List members with their roles.
    #[command(visible_alias = "ls")]
    List(OutputArgs),
    /// Give a member another role.
    SetRole(SetRole),
    /// Take a member out; their sessions and tokens end within a minute.
    Remove(Remove),
}

/// Give a member another role.
#[derive(Clone, Debug, Args)]
pub(crate) struct SetRole {
    /// Login of the member.
    login: String,
    /// owner, admin, developer or viewer.
    role: String,
    #[command(flatten)]
    output: OutputArgs,
}

/// Take a member out.
#[derive(Clone, Debug, Args)]
pub(crate) struct Remove {
    /// Login of the member.
    login: String,
}

impl MemberCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::List(args) => {
                let members = shell.client()?.list_members().await?;
                shell.out.list(args.output, &members)
            }
            Self::SetRole(command) => {
                let request = MemberRole { role: command.role };
                let member = shell.client()?.set_member_role(&command.login, &request).await?;
                shell.out.list(command.output.output, &[member])
            }
            Self::Remove(command) => {
                shell.client()?.remove_member(&command.login).await?;
                let login = command.login;
                shell.out.note(Tone::Good, &format!("✓ {login} is a member no more"));
                Ok(())
            }
        }
    }
}
