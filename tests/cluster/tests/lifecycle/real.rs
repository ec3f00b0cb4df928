//! A real node with Flux.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use gimlet_cluster::{Cluster, LAB_ADDRESS, Options, Settings, State, down, shell_image, status};

use super::{status_of, take_host, until, up_killed_half_way};

const NAME: &str = "lifecycle";

/// Everything of the host that a cluster could leave something in.
#[derive(Debug, PartialEq, Eq)]
struct Host {
    interfaces: BTreeSet<String>,
    routes: String,
    rules: String,
    mounts: BTreeSet<String>,
    groups: BTreeSet<String>,
    namespaces: BTreeSet<String>,
}

impl Host {
    fn look() -> Self {
        Self {
            interfaces: names("/sys/class/net"),
            routes: output("ip", &["route", "show", "table", "all"]),
            rules: output("nft", &["list", "ruleset"]),
            mounts: fs::read_to_string("/proc/self/mounts")
                .unwrap()
                .lines()
                .map(String::from)
                .collect(),
            groups: names("/sys/fs/cgroup/pids")
                .into_iter()
                .filter(|name| name.contains(NAME))
                .collect(),
            namespaces: names("/run/netns"),
        }
    }
}

fn names(directory: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn output(program: &str, arguments: &[&str]) -> String {
    String::from_utf8(Command::new(program).args(arguments).output().unwrap().stdout).unwrap()
}

/// The one setting that runs change; it goes back with the last of them, so it says nothing while others stand.
fn inotify_limit(settings: &Settings) -> Option<String> {
    let alone = status(settings).unwrap().is_empty();
    alone.then(|| fs::read_to_string("/proc/sys/fs/inotify/max_user_instances").unwrap())
}

fn get(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// An image of ours goes to the run's registry, is pulled under a public name, and answers at its Service.
fn a_workload_is_pulled_and_answers_on_the_host(cluster: &Cluster, settings: &Settings) {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("web.tar");
    shell_image(settings, "docker.io/acme/web:v1")
        .unwrap()
        .cmd(["httpd", "-f", "-p", "8080", "-h", "/srv"])
        .bytes("hello from the cluster\n", "/srv/index.html", 0o644)
        .write_to(&archive)
        .unwrap();
    cluster.push_image(&archive, "acme/web:v1").unwrap();
    let kubectl = cluster.kubectl();
    kubectl
        .run(&["run", "web", "--image=docker.io/acme/web:v1", "--port=8080", "--expose"])
        .unwrap();
    kubectl.run(&["wait", "--for=condition=Ready", "--timeout=60s", "pod/web"]).unwrap();
    let address =
        kubectl.run(&["get", "service", "web", "--output=jsonpath={.spec.clusterIP}"]).unwrap();

    let forward =
        cluster.lab().unwrap().forward(format!("{address}:8080").parse().unwrap()).unwrap();
    assert!(forward.local().ip().is_loopback());
    until("the Service answers through the forwarded port", || {
        get(forward.local()).is_some_and(|answer| answer.ends_with("hello from the cluster\n"))
    });
}

/// What a cluster is known by: another one has another.
fn identity(cluster: &Cluster) -> String {
    let id = ["get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}"];
    cluster.kubectl().run(&id).unwrap()
}

#[test]
#[ignore = "brings a cluster up: needs root, and 20 minutes the first time"]
fn a_cluster_survives_a_killed_driver_and_leaves_nothing() {
    let _host = take_host();
    let settings = Settings::from_environment().unwrap().without_kubeconfig();
    let options = Options { name: NAME.into() };
    down(&settings, NAME).unwrap();
    // What is built once takes longer than a test waits for a driver.
    shell_image(&settings, "prepared").unwrap();
    let (before, limit) = (Host::look(), inotify_limit(&settings));

    up_killed_half_way(&settings, NAME, &[], 8);
    let cluster = Cluster::up(&settings, &options).unwrap();
    let first = status_of(&settings, NAME).unwrap();
    assert_eq!(first.state, State::Ready);
    let born = identity(&cluster);
    let again = Cluster::up(&settings, &options).unwrap();
    assert_eq!(again.kubeconfig(), cluster.kubeconfig());
    // Container starts come and go, so a count of processes says little; the cluster's own identity does not.
    assert_eq!(identity(&again), born, "twice up is one cluster");
    drop(again);

    a_workload_is_pulled_and_answers_on_the_host(&cluster, &settings);
    let mut beside = cluster.lab().unwrap().command("sleep").arg("600").spawn().unwrap();
    let addresses = cluster.lab().unwrap().command("ip").args(["address"]).output().unwrap().stdout;
    assert!(String::from_utf8(addresses).unwrap().contains(&LAB_ADDRESS.to_string()));

    // The host's own network never sees the lab, standing or gone.
    assert_eq!(Host::look().interfaces, before.interfaces);
    assert_eq!(Host::look().mounts, before.mounts);
    // Its end is collected elsewhere, as a harness would: one that nobody collects still counts as a process.
    let ended = std::thread::spawn(move || beside.wait().unwrap());
    cluster.down().unwrap();
    assert!(!ended.join().unwrap().success(), "what ran in the lab ended with it");
    assert!(status_of(&settings, NAME).is_none());
    assert_eq!(Host::look(), before);
    if let (Some(before), Some(after)) = (limit, inotify_limit(&settings)) {
        assert_eq!(after, before);
    }
}
