//! A user's surroundings, and one run of the command in them.

use std::{
    collections::HashMap,
    ffi::OsString,
    io::{self, Cursor, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use gimlet_cli::{Host, Pace};
use tempfile::TempDir;
use time::macros::datetime;

use crate::server::Server;

/// A token in the form of ours.
pub(crate) const TOKEN: &str = "gim_token";

/// Home, environment, and what is typed.
pub(crate) struct World {
    home: TempDir,
    vars: HashMap<String, String>,
    stdin: String,
    is_terminal: bool,
    /// What stands for the server's address in what is compared.
    server_url: Option<String>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl World {
    /// Nobody is logged in.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let vars = HashMap::from([("HOME".to_owned(), home.path().to_str().unwrap().to_owned())]);
        Self { home, vars, stdin: String::new(), is_terminal: false, server_url: None }
    }

    /// Server and token come from the environment.
    pub(crate) fn logged_in(server: &Server) -> Self {
        Self::new().at(server).var("GIMLET_TOKEN", TOKEN)
    }

    /// The server comes from the environment.
    pub(crate) fn at(mut self, server: &Server) -> Self {
        self.server_url = Some(server.url.clone());
        self.var("GIMLET_SERVER", &server.url)
    }

    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn stdin(self, text: &str) -> Self {
        Self { stdin: text.to_owned(), ..self }
    }

    /// A person sits there.
    pub(crate) fn on_a_terminal(self) -> Self {
        Self { is_terminal: true, ..self }
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.home.path().join(".config/gimlet/config.toml")
    }

    /// Runs a command whose arguments hold no spaces.
    pub(crate) async fn run(&self, args: &str) -> Ran {
        let args: Vec<&str> = args.split_whitespace().collect();
        self.run_args(&args).await
    }

    pub(crate) async fn run_args(&self, args: &[&str]) -> Ran {
        let (stdout, stderr) = (Written::default(), Written::default());
        let host = Host {
            vars: self.vars.clone(),
            stdin: Box::new(Cursor::new(self.stdin.clone())),
            stdin_is_terminal: self.is_terminal,
            stdout: Box::new(stdout.clone()),
            stdout_is_terminal: self.is_terminal,
            stderr: Box::new(stderr.clone()),
            stderr_is_terminal: self.is_terminal,
            machine: "laptop".to_owned(),
            now: || datetime!(2026-03-10 12:00:00 UTC),
            pace: Pace {
                retry_first: Duration::from_millis(1),
                retry_longest: Duration::from_millis(2),
                poll: Duration::from_millis(2),
                silence: Duration::from_millis(300),
            },
        };
        let args = std::iter::once("gimlet").chain(args.iter().copied()).map(OsString::from);
        let code = gimlet_cli::execute(args, host).await;
        Ran { code, out: self.comparable(&stdout.text()), err: self.comparable(&stderr.text()) }
    }

    fn comparable(&self, text: &str) -> String {
        let text = text.replace(self.home.path().to_str().unwrap(), "HOME");
        match &self.server_url {
            Some(url) => text.replace(url, "http://server"),
            None => text,
        }
    }
}

impl Ran {
    /// The data of a run that went well.
    pub(crate) fn data(self) -> String {
        assert_eq!(self.code, 0, "{}", self.err);
        self.out
    }

    /// Code and messages, for those that did not.
    pub(crate) fn failure(self) -> String {
        format!("exit {}\n{}", self.code, self.err)
    }
}
