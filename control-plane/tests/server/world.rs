//! A server of its own: its program as a child process, on free ports, in a fresh folder.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Longer than any start, stop or release takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Which database a server works on.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite,
    Postgres { url: String },
}

impl Database {
    /// SQLite, and PostgreSQL where the environment names one.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Sqlite];
        all.extend(Self::postgres());
        all
    }

    /// A fresh database on the server that the environment names.
    #[expect(clippy::disallowed_methods, reason = "how tests are told of a PostgreSQL server")]
    pub(crate) fn postgres() -> Option<Self> {
        let server = std::env::var("GIMLET_TEST_POSTGRES").ok()?;
        let name = format!("gimlet_{}", gimlet_shared::ids::BootId::new().0.simple());
        let made = Command::new("psql")
            .args(["--quiet", "--no-psqlrc", "--dbname", &server, "--command"])
            .arg(format!("CREATE DATABASE {name}"))
            .status()
            .expect("psql");
        assert!(made.success(), "the database was not made");
        let (server, _) = server.rsplit_once('/').expect("a URL with a database");
        Some(Self::Postgres { url: format!("{server}/{name}") })
    }

    /// Another, empty one of the same kind.
    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Sqlite => Self::Sqlite,
            Self::Postgres { .. } => Self::postgres().expect("the same server"),
        }
    }
}

/// A server's place, whether it runs or not. What runs is killed on drop.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) database: Database,
    pub(crate) people: u16,
    pub(crate) health: u16,
    pub(crate) agents: u16,
    extra: String,
    environment: Vec<(&'static str, String)>,
    child: Option<Child>,
}

impl World {
    pub(crate) fn new(database: Database) -> Self {
        // Kept open together, so that no two are the same.
        let listeners: Vec<TcpListener> =
            (0..3).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let ports: Vec<u16> =
            listeners.iter().map(|one| one.local_addr().expect("an address").port()).collect();
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            folder,
            database,
            people: ports[0],
            health: ports[1],
            agents: ports[2],
            extra: String::new(),
            environment: Vec::new(),
            child: None,
        }
    }

    pub(crate) fn with(mut self, settings: &str) -> Self {
        self.extra.push_str(settings);
        self
    }

    /// Sets an environment variable of the server from its next start on.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.environment.push((name, value.into()));
    }

    /// Writes another `log` into the configuration of a server that may run.
    pub(crate) fn with_log(mut self, filter: &str) -> Self {
        self.extra = format!("log = \"{filter}\"\n");
        self.config();
        self
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where its database is.
    pub(crate) fn database_url(&self) -> String {
        match &self.database {
            Database::Sqlite => format!("sqlite://{}", self.data().join("gimlet.db").display()),
            Database::Postgres { url } => url.clone(),
        }
    }

    pub(crate) fn config(&self) -> PathBuf {
        let path = self.folder.path().join("gimlet.toml");
        let Self { people, health, agents, .. } = self;
        let database = match &self.database {
            Database::Sqlite => String::new(),
            Database::Postgres { url } => url.clone(),
        };
        let text = format!(
            "public_url = \"http://127.0.0.1:{people}\"\nagent_url = \"https://127.0.0.1:{agents}\"\n\
             listen = \"127.0.0.1:{people}\"\nhealth_listen = \"127.0.0.1:{health}\"\n\
             agent_listen = \"127.0.0.1:{agents}\"\ndata_dir = \"{}\"\ndatabase_url = \"{database}\"\n\
             allow_file_repositories = true\nallow_private_hosts = true\nlog_format = \"json\"\n{}",
            self.data().display(),
            self.extra
        );
        fs::write(&path, text).expect("the configuration");
        path
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gimlet-server"));
        command
            .arg("--config")
            .arg(self.config())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().expect("gimlet-server")
    }

    /// What a command prints, as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {complaint}"))
    }

    pub(crate) fn start(&mut self) {
        self.spawn();
        self.wait("ready", |world| {
            let ended = world.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "it ended:\n{}", world.log());
            world.get(world.health, "/readyz").is_some_and(|(status, _)| status == 200)
        });
    }

    /// Starts it, and says whether it takes its configuration and becomes ready.
    pub(crate) fn starts(&mut self) -> bool {
        self.spawn();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.get(self.health, "/readyz").is_some_and(|(status, _)| status == 200) {
                return true;
            }
            if self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()).is_some() {
                self.child = None;
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn spawn(&mut self) {
        let log =
            fs::File::options().create(true).append(true).open(self.log_path()).expect("a log");
        let child = self.command().arg("run").stdin(Stdio::null()).stderr(log).spawn();
        self.child = Some(child.expect("gimlet-server"));
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let child = self.child.as_ref().expect("it runs");
        rustix::process::kill_process(rustix::process::Pid::from_child(child), signal)
            .expect("sent");
    }

    /// Waits for its end; returns its exit code and how long that took.
    pub(crate) fn wait_for_end(&mut self) -> (Option<i32>, Duration) {
        let (began, mut child) = (Instant::now(), self.child.take().expect("it runs"));
        loop {
            if let Some(status) = child.try_wait().expect("a status") {
                return (status.code(), began.elapsed());
            }
            assert!(began.elapsed() < PATIENCE, "it does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn stop(&mut self) -> Duration {
        self.signal(rustix::process::Signal::TERM);
        let (code, took) = self.wait_for_end();
        assert_eq!(code, Some(0), "{}", self.log());
        took
    }

    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    /// Waits until `done`, or fails the test.
    pub(crate) fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !done(self) {
            assert!(began.elapsed() < PATIENCE, "never: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Status and body of a GET; `None` where nobody answers.
    pub(crate) fn get(&self, port: u16, path: &str) -> Option<(u16, String)> {
        ask(port, &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
    }

    /// An API call with a token.
    pub(crate) fn api(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, text) = ask(self.people, &request).expect("an answer");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// A token of an owner.
    pub(crate) fn token(&self) -> String {
        self.token_of("acme", "ana", "owner")
    }

    /// A token of a member, who is made where missing.
    pub(crate) fn token_of(&self, organization: &str, login: &str, role: &str) -> String {
        let code = self.sign_in_code(organization, login, role);
        let request = serde_json::json!({"code": code, "name": "test"});
        let (status, made) = self.api("", "POST", "/auth/link", &request);
        if let Some(token) = made["token"].as_str() {
            return token.to_owned();
        }
        panic!("no token for {login}: {status} {made}")
    }

    /// What signs a member in, once.
    pub(crate) fn sign_in_code(&self, organization: &str, login: &str, role: &str) -> String {
        let arguments =
            ["sign-in-link", "--organization", organization, "--login", login, "--role", role];
        let output = self.run(&arguments);
        let link = String::from_utf8(output.stdout).expect("a link").trim().to_owned();
        link.rsplit('/').next().expect("a code").to_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

/// One request over a connection of its own.
pub(crate) fn ask(port: u16, request: &str) -> Option<(u16, String)> {
    use std::io::Read as _;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Some((status, if chunked { unchunked(body) } else { body.to_owned() }))
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        whole.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

/// A source repository with an application that is released at each push.
pub(crate) struct Source {
    pub(crate) folder: tempfile::TempDir,
}

impl Source {
    pub(crate) fn new() -> Self {
        let source = Self { folder: tempfile::tempdir().expect("a folder") };
        source.git(&["init", "--quiet", "--initial-branch=main"]);
        source
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }

    /// A commit that changes every application; returns its id.
    pub(crate) fn push(&self, apps: &[&str], text: &str) -> String {
        let folder = self.folder.path().join(".gimlet");
        fs::create_dir_all(&folder).expect("a folder");
        for app in apps {
            fs::write(
                folder.join(format!("production-{app}.yaml")),
                format!(
                    "app: {app}\nenv: production\nnamespace: shop\ndeploy:\n  event: push\n  branch: main\n\
                     manifests: |\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: {app}}}\n  \
                     data: {{text: \"{text}\"}}\n"
                ),
            )
            .expect("a manifest");
        }
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", text]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(self.folder.path(), arguments)
    }
}

/// Runs git in a folder, and returns what it prints.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.com", "-c", "safe.directory=*"])
        .args(arguments)
        .output()
        .expect("git");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {complaint}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
