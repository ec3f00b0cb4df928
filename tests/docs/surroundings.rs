//! What a page's commands find around them: a home, the programs, and a server of their own.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gimlet_cluster::LAB_ADDRESS;
use gimlet_docs::Begins;
use gimlet_tests::{
    git_host::{GitHost, Login},
    http,
    programs::Programs,
    server::{Server, ServerPlan},
    stack::Stack,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Longer than any command of a page takes.
const COMMAND_LIMIT: &str = "90";
/// Longer than a server takes to start, or a commit to be read.
pub(crate) const WAIT_LIMIT: Duration = Duration::from_secs(60);
/// How often waits look.
const LOOK: Duration = Duration::from_millis(100);

/// How long a stream has to go on.
const STREAM: &str = "2";
/// What `timeout` ends with where its time was over.
const TIME_WAS_OVER: i32 = 124;
/// Fields of an answer that later commands of a page have as variables, in capitals.
const REMEMBERED: [&str; 2] = ["look_url", "look_token"];
/// What the pages push with to a git host of one's own.
const HOST_LOGIN: Login = Login { user: "gimlet", password: "a-token-that-may-push" };

/// One page's surroundings; what it started ends with it.
pub(crate) struct Surroundings<'s> {
    folder: TempDir,
    programs: Vec<PathBuf>,
    /// Where an agent is connected.
    stack: Option<&'s Stack>,
    _host: Option<(Runtime, GitHost)>,
    variables: Vec<(String, String)>,
    /// What stands in the pages, and what it is here.
    swaps: Vec<(String, String)>,
    health: SocketAddr,
    server: Option<Server>,
    background: Vec<Child>,
}

impl Surroundings<'static> {
    pub(crate) fn new(programs: &Programs, begins: Begins) -> Result<Self> {
        let folder = home_and_work()?;
        let port = || -> Result<SocketAddr> {
            Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
        };
        let (people, health, agents) = (port()?, port()?, port()?);
        let data = folder.path().join("data");
        let settings = [
            ("GIMLET_PUBLIC_URL", format!("http://{people}")),
            ("GIMLET_AGENT_URL", format!("https://{agents}")),
            ("GIMLET_LISTEN", people.to_string()),
            ("GIMLET_HEALTH_LISTEN", health.to_string()),
            ("GIMLET_AGENT_LISTEN", agents.to_string()),
            ("GIMLET_DATA_DIR", data.display().to_string()),
            ("GIMLET_ALLOW_PRIVATE_HOSTS", "true".to_owned()),
            ("GIMLET_ALLOW_FILE_REPOSITORIES", "true".to_owned()),
            ("GIMLET_POLL_INTERVAL_S", "3600".to_owned()),
        ];
        let settings: Vec<_> =
            settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let shop = format!("file://{}", folder.path().join("acme/shop.git").display());
        let runtime = Runtime::new()?;
        let host = runtime.block_on(GitHost::start(folder.path().join("host"), HOST_LOGIN))?;
        let swaps = vec![
            ("127.0.0.1:9000".to_owned(), people.to_string()),
            ("127.0.0.1:9001".to_owned(), health.to_string()),
            ("/var/lib/gimlet".to_owned(), data.display().to_string()),
            ("https://gimlet.example.com".to_owned(), format!("http://{people}")),
            ("https://git.example.com/acme/shop.git".to_owned(), shop),
            ("https://git.example.com/acme/gitops.git".to_owned(), host.url()),
        ];
        let mut made = Self {
            programs: vec![programs.folder().to_owned()],
            stack: None,
            _host: Some((runtime, host)),
            variables: settings,
            swaps,
            health,
            server: None,
            background: Vec::new(),
            folder,
        };
        made.begin(programs, begins, &data)?;
        Ok(made)
    }

    fn begin(&mut self, programs: &Programs, begins: Begins, data: &Path) -> Result<()> {
        self.make_repository()?;
        if begins == Begins::Programs {
            return Ok(());
        }
        let plan = ServerPlan {
            program: programs.path("gimlet-server"),
            data: data.to_owned(),
            settings: self.variables.clone(),
            health: self.health,
            lab: None,
        };
        let server = Server::start(plan)?;
        if begins != Begins::Server {
            self.sign_in(&server, "acme")?;
        }
        self.server = Some(server);
        if begins == Begins::Shop {
            self.release_shop()?;
        }
        Ok(())
    }
}

impl<'s> Surroundings<'s> {
    /// In an organization of a stack, signed in, with `kubectl` and the cluster's kubeconfig.
    pub(crate) fn on(stack: &'s Stack, organization: &str) -> Result<Self> {
        let folder = home_and_work()?;
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin)?;
        std::os::unix::fs::symlink(stack.cluster.kubectl().program(), bin.join("kubectl"))?;
        let people = stack.public_url.trim_start_matches("http://").to_owned();
        let kubeconfig = stack.cluster.kubeconfig().display().to_string();
        let swaps = vec![
            // The cluster reaches the git server by another address than people.
            (
                "http://127.0.0.1:9000/git/acme/".to_owned(),
                format!("http://{LAB_ADDRESS}:9000/git/{organization}/"),
            ),
            ("127.0.0.1:9000".to_owned(), people.clone()),
            ("https://git.example.com/acme/shop.git".to_owned(), stack.sample.url()),
        ];
        let mut made = Self {
            programs: vec![stack.programs().folder().to_owned(), bin],
            stack: Some(stack),
            _host: None,
            variables: vec![("KUBECONFIG".to_owned(), kubeconfig)],
            swaps,
            health: people.parse()?,
            server: None,
            background: Vec::new(),
            folder,
        };
        made.sign_in(&stack.server, organization)?;
        Ok(made)
    }

    /// What [`Begins::Shop`] promises, where the cluster is connected already and an application was pushed.
    pub(crate) fn begin_shop_on_cluster(&mut self) -> Result<()> {
        self.must(&self.swapped(
            "gimlet repo add https://git.example.com/acme/shop.git --name acme/shop -o name
             git clone --quiet https://git.example.com/acme/shop.git
             gimlet repo look acme/shop",
        ))?;
        self.until("gimlet release list -o name", "rel_")?;
        self.must("gimlet release wait \"$(gimlet release list -o name --limit 1)\"")?;
        self.name_subjects()
    }

    fn sign_in(&mut self, server: &Server, organization: &str) -> Result<()> {
        let link = server.sign_in_link(organization, "ana")?;
        self.must(&format!("gimlet auth login --link {link}"))?;
        self.export_login()
    }

    /// The repository that pages call `https://git.example.com/acme/shop.git`, with one commit.
    fn make_repository(&self) -> Result<()> {
        self.must(
            "git init --quiet --bare --initial-branch=main ../acme/shop.git
             git clone --quiet ../acme/shop.git ../seed 2>/dev/null
             cd ../seed
             git checkout --quiet -B main
             echo shop > README
             git add README
             git commit --quiet --message 'Begin'
             git push --quiet origin main",
        )?;
        Ok(())
    }

    /// Server and token as variables, for pages that call the API.
    fn export_login(&mut self) -> Result<()> {
        let file = self.folder.path().join("home/.config/gimlet/config.toml");
        let text = std::fs::read_to_string(file)?;
        let value = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split('"').nth(1)?.to_owned())
        };
        let token = value("token").context("the login has no token")?;
        let server = value("server").context("the login has no server")?;
        // Git asks for it, as it asks a person.
        let host = server.trim_start_matches("http://");
        let home = self.folder.path().join("home");
        std::fs::write(home.join(".git-credentials"), format!("http://ana:{token}@{host}\n"))?;
        std::fs::write(home.join(".gitconfig"), "[credential]\n\thelper = store\n")?;
        self.variables.push(("GIMLET_TOKEN".to_owned(), token));
        self.variables.push(("GIMLET_SERVER".to_owned(), server));
        Ok(())
    }

    /// An environment, a repository, and a commit that was released twice.
    fn release_shop(&mut self) -> Result<()> {
        let manifest = crate::SITE
            .find("first-application")
            .and_then(|page| page.blocks.iter().find(|block| block.fence.file.is_some()))
            .context("the first application has no manifest")?;
        std::fs::write(self.folder.path().join("web.yaml"), &manifest.text)?;
        self.must(&self.swapped(
            "gimlet cluster connect production -o name
             gimlet repo add https://git.example.com/acme/shop.git --name acme/shop -o name
             git clone --quiet https://git.example.com/acme/shop.git
             mkdir shop/.gimlet
             mv ../web.yaml shop/.gimlet/production-web.yaml
             git -C shop add .gimlet
             git -C shop commit --quiet --message 'Describe the web application'
             git -C shop push --quiet origin HEAD:main
             gimlet repo look acme/shop",
        ))?;
        self.until("gimlet release list -o name", "rel_")?;
        self.name_subjects()
    }

    /// Ids as variables, for pages that call the API.
    fn name_subjects(&mut self) -> Result<()> {
        let ids = [
            ("RELEASE", "gimlet release list -o name --limit 1"),
            ("ARTIFACT", "gimlet commits -o name --limit 1"),
            ("CLUSTER", "gimlet cluster list -o json | grep -o 'clu_[0-9a-f]*' | head -n 1"),
            ("REPOSITORY", "gimlet repo list -o json | grep -o 'rep_[0-9a-f]*' | head -n 1"),
        ];
        for (name, command) in ids {
            let id = self.must(command)?.trim().to_owned();
            self.variables.push((name.to_owned(), id));
        }
        self.variables.push(("ENVIRONMENT".to_owned(), "production".to_owned()));
        self.variables.push(("APP".to_owned(), "web".to_owned()));
        self.variables.push(("LOGIN".to_owned(), "ana".to_owned()));
        Ok(())
    }

    /// Sets a variable of the page's commands.
    pub(crate) fn set(&mut self, name: &str, of: &str) {
        let found = self.variables.iter().find(|(other, _)| other == of).cloned();
        self.variables.extend(found.map(|(_, value)| (name.to_owned(), value)));
    }

    /// A page's text with what stands here for its addresses.
    pub(crate) fn swapped(&self, text: &str) -> String {
        self.swaps.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    /// Keeps what an answer says for the next commands.
    pub(crate) fn remember(&mut self, printed: &str) {
        let answer: Value = serde_json::from_str(printed).unwrap_or_default();
        let found = REMEMBERED
            .iter()
            .filter_map(|name| Some((name.to_uppercase(), answer[name].as_str()?.to_owned())));
        self.variables.extend(found);
    }

    /// Runs a command that goes on until it is ended. Only the events of one release end by themselves, once it is
    /// closed and all was told.
    pub(crate) fn stream(&self, text: &str) -> Result<()> {
        let output = self.shell("timeout").args([STREAM, "bash", "-c", text]).output()?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let goes_on = output.status.code() == Some(TIME_WAS_OVER);
        let has_told_all = text.contains("/api/v1/releases/")
            && output.status.success()
            && answer.contains("\"closed\":true");
        ensure!(goes_on || has_told_all, "it ended with {}: {answer}", output.status);
        Ok(())
    }

    /// Runs a command, and where the cluster's `kubectl` is the command that it prints.
    pub(crate) fn paste_what_it_prints(&self, text: &str) -> Result<()> {
        let stack = self.stack.context("there is no cluster to paste it at")?;
        let printed = self.folder.path().join("pasted");
        let mut shell = self.shell("timeout");
        shell.args([COMMAND_LIMIT, "bash", "-c", text]).stdout(std::fs::File::create(&printed)?);
        let mut waiting = shell.stderr(Stdio::null()).spawn()?;
        let began = Instant::now();
        let command = loop {
            let command = std::fs::read_to_string(&printed)?;
            if command.ends_with('\n') {
                break command;
            }
            ensure!(began.elapsed() < WAIT_LIMIT, "it printed no command, but `{command}`");
            std::thread::sleep(LOOK);
        };
        stack.paste(&command)?;
        let status = waiting.wait()?;
        ensure!(status.success(), "it ended with {status}, although its command was run");
        Ok(())
    }

    /// Runs a block as a shell would that stays open: its folder and its variables are the next block's.
    pub(crate) fn run(&self, text: &str) -> Result<Output> {
        let state = self.folder.path().join("state");
        let state = state.display();
        let script = format!(
            "set -euo pipefail\n[ ! -f {state} ] || . {state}\n{text}\n{{ export -p; echo \"cd '$PWD'\"; }} > {state}\n"
        );
        self.shell("timeout")
            .args([COMMAND_LIMIT, "bash", "-c", &script])
            .output()
            .context("no bash")
    }

    /// Runs commands that must work, and returns what they print.
    pub(crate) fn must(&self, text: &str) -> Result<String> {
        let output = self.shell("bash").args(["-euo", "pipefail", "-c", text]).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{text}\nended with {}:\n{complaint}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs commands again until they print `wanted`.
    pub(crate) fn until(&self, text: &str, wanted: &str) -> Result<Output> {
        let began = Instant::now();
        loop {
            let output = self.run(text)?;
            if String::from_utf8_lossy(&output.stdout).contains(wanted) {
                return Ok(output);
            }
            ensure!(
                began.elapsed() < WAIT_LIMIT,
                "{text}\nnever printed `{wanted}`, but:\n{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Starts a server that a page starts, and waits until it is ready.
    pub(crate) fn start(&mut self, text: &str) -> Result<()> {
        let log = std::fs::File::create(self.folder.path().join("background.log"))?;
        let mut shell = self.shell("bash");
        shell.args(["-c", &format!("exec {text}")]).stdout(Stdio::null()).stderr(log);
        self.background.push(shell.spawn()?);
        let began = Instant::now();
        while !http::get(self.health, "/readyz").is_ok_and(|answer| answer.status == 200) {
            ensure!(began.elapsed() < WAIT_LIMIT, "{text}\nis not ready:\n{}", self.log()?);
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Writes a file of a page, in the folder where its commands are.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        let source = self.folder.path().join("block");
        std::fs::write(&source, text)?;
        let command = format!("mkdir -p \"$(dirname '{path}')\"\ncp {} '{path}'", source.display());
        let output = self.run(&command)?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join("background.log"))?)
    }

    fn path(&self) -> String {
        let own = self.programs.iter().map(|folder| format!("{}:", folder.display()));
        own.collect::<String>() + "/usr/local/bin:/usr/bin:/bin"
    }

    /// A program with a home of its own and nothing of this machine's settings.
    fn shell(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.folder.path().join("home"))
            .env("PATH", self.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ana")
            .env("GIT_AUTHOR_EMAIL", "ana@example.com")
            .env("GIT_COMMITTER_NAME", "Ana")
            .env("GIT_COMMITTER_EMAIL", "ana@example.com")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path().join("work"))
            .stdin(Stdio::null());
        command
    }
}

fn home_and_work() -> Result<TempDir> {
    let folder = TempDir::new()?;
    for name in ["home", "work", "host"] {
        std::fs::create_dir(folder.path().join(name))?;
    }
    Ok(folder)
}

impl Drop for Surroundings<'_> {
    fn drop(&mut self) {
        for child in &mut self.background {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
