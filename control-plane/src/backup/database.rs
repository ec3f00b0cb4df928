//! The database into a file and back: SQLite by its own copy, PostgreSQL by `pg_dump` and `pg_restore`.

use std::{path::Path, process::Stdio};

use anyhow::{Context as _, bail, ensure};
use gimlet_store::Operator;
use secrecy::ExposeSecret as _;
use tokio::process::Command;
use url::Url;

use super::Existing;
use crate::config::Config;

/// Writes the database, as of one moment, to the new file `to`.
pub(super) async fn copy(
    config: &Config,
    operator: &mut Operator,
    to: &Path,
) -> anyhow::Result<()> {
    if config.is_sqlite() {
        operator.copy_to(to).await.context("cannot copy the database")?;
        let mut copied = Operator::connect(&format!("sqlite://{}", to.display())).await?;
        let broken = copied.broken_pages().await?;
        ensure!(broken.is_empty(), "the database is damaged: {}", broken.join("; "));
        return Ok(());
    }
    let mut dump = postgres("pg_dump", config.database_url.expose_secret())?;
    // Without it the rows of organizations would be hidden from whoever owns the tables.
    dump.env("PGOPTIONS", "-c gimlet.system=on");
    dump.args(["--format=custom", "--no-owner", "--no-privileges", "--enable-row-security"]);
    dump.arg("--file").arg(to);
    run(dump, "pg_dump").await
}

/// Fills the database from a copy.
pub(super) async fn fill_postgres(
    config: &Config,
    from: &Path,
    existing: Existing,
) -> anyhow::Result<()> {
    let mut restore = postgres("pg_restore", config.database_url.expose_secret())?;
    restore.env("PGOPTIONS", "-c gimlet.system=on");
    restore.args(["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]);
    restore.args(["--enable-row-security"]);
    match existing {
        Existing::Refuse => {}
        Existing::Replace => {
            restore.args(["--clean", "--if-exists"]);
        }
    }
    // A name is needed for it to connect at all; where to is told by the environment.
    let name = database_name(config.database_url.expose_secret())?;
    restore.arg("--dbname").arg(name).arg(from);
    run(restore, "pg_restore").await
}

/// The program with the address in its environment: arguments can be read by everyone on the machine.
fn postgres(program: &str, url: &str) -> anyhow::Result<Command> {
    let url = Url::parse(url).context("database_url cannot be read")?;
    let mut command = Command::new(program);
    let decoded = |text: &str| percent_decoded(text);
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        command.env("PGHOST", host.trim_start_matches('[').trim_end_matches(']'));
    }
    if let Some(port) = url.port() {
        command.env("PGPORT", port.to_string());
    }
    if !url.username().is_empty() {
        command.env("PGUSER", decoded(url.username()));
    }
    if let Some(password) = url.password() {
        command.env("PGPASSWORD", decoded(password));
    }
    command.env("PGDATABASE", database_name(url.as_str())?);
    for (name, value) in url.query_pairs() {
        let variable = match name.as_ref() {
            "host" => "PGHOST",
            "port" => "PGPORT",
            "user" => "PGUSER",
            "password" => "PGPASSWORD",
            "sslmode" | "ssl-mode" => "PGSSLMODE",
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => "PGSSLROOTCERT",
            _ => continue,
        };
        command.env(variable, value.as_ref());
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    Ok(command)
}

fn database_name(url: &str) -> anyhow::Result<String> {
    let url = Url::parse(url).context("database_url cannot be read")?;
    Ok(percent_decoded(url.path().trim_start_matches('/')))
}

/// `%40` and the like, as libpq and sqlx read an address.
fn percent_decoded(text: &str) -> String {
    // The query decoder knows the same signs, and one more: a plus stays one here.
    let pair = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map_or(String::new(), |(_, v)| v.into_owned())
}

async fn run(mut command: Command, program: &str) -> anyhow::Result<()> {
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "{program} is missing; install PostgreSQL's client programs of the database's version or a newer \
             one (Debian: postgresql-client)"
        ),
        Err(error) => return Err(error).with_context(|| format!("cannot run {program}")),
    };
    let output = child.wait_with_output().await?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let told: Vec<&str> =
        complaint.lines().filter(|line| !line.trim().is_empty()).take(5).collect();
    bail!("{program} failed: {}", told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_stands_in_the_arguments() {
        let url = "postgres://u%40x:hunter%2B2@db.example:5433/gimlet?sslmode=require&host=/run/pg";
        let command = postgres("pg_dump", url).expect("a command");
        let command = command.as_std();
        assert!(command.get_args().next().is_none());
        let value = |name: &str| {
            let found = command.get_envs().find(|(key, _)| *key == name);
            found.and_then(|(_, value)| value).map(|value| value.to_string_lossy().into_owned())
        };
        assert_eq!(value("PGPASSWORD").as_deref(), Some("hunter+2"));
        assert_eq!(value("PGUSER").as_deref(), Some("u@x"));
        assert_eq!(value("PGHOST").as_deref(), Some("/run/pg"));
        assert_eq!(value("PGPORT").as_deref(), Some("5433"));
        assert_eq!(value("PGDATABASE").as_deref(), Some("gimlet"));
        assert_eq!(value("PGSSLMODE").as_deref(), Some("require"));
    }
}
