//! Simulated nodes on loopback.

use std::fs;
use std::net::{SocketAddr, TcpStream};

use gimlet_cluster::{Flavour, Settings, Simulated, SimulatedOptions, State, down};

use super::{status_of, take_host, until, up_killed_half_way};

const NAME: &str = "lifecycle-simulated";

/// The processes of all runs of this test's name, whether or not a record knows them.
fn processes() -> Vec<String> {
    let mark = format!("GIMLET_CLUSTER_RUN={NAME}-");
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        // Others end while they are looked at.
        .filter(|entry| {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|one| one.starts_with(mark.as_bytes()))
        })
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

/// Where the API server is, as the kubeconfig has it.
fn address(kubeconfig: &[u8]) -> SocketAddr {
    let config: serde_json::Value = serde_json::from_slice(kubeconfig).unwrap();
    let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
    server.strip_prefix("https://").unwrap().parse().unwrap()
}

fn fifty_replicas_become_ready(cluster: &Simulated) {
    let kubectl = cluster.kubectl();
    kubectl
        .run(&["create", "deployment", "shop", "--image=acme/shop:v1", "--replicas=50"])
        .unwrap();
    let ready = "--for=jsonpath={.status.readyReplicas}=50";
    kubectl.run(&["wait", ready, "--timeout=60s", "deployment/shop"]).unwrap();
}

#[test]
#[ignore = "brings a simulated cluster up: 10 minutes the first time"]
fn a_simulated_cluster_survives_a_killed_driver_and_leaves_nothing() {
    let _host = take_host();
    let settings = Settings::from_environment().unwrap().without_kubeconfig();
    let options = SimulatedOptions { name: NAME.into(), nodes: 20 };
    down(&settings, NAME).unwrap();

    // What is built once takes longer than a test waits for a driver.
    gimlet_cluster::programs::ensure_simulated(&settings).unwrap();
    // The first process, the store and the API server.
    up_killed_half_way(&settings, NAME, &["--simulated", "--nodes=20"], 3);
    let cluster = Simulated::up(&settings, &options).unwrap();
    let first = status_of(&settings, NAME).unwrap();
    assert_eq!((first.flavour, &first.state), (Flavour::Simulated, &State::Ready));
    let kubeconfig = fs::read(cluster.kubeconfig()).unwrap();
    fifty_replicas_become_ready(&cluster);

    // Its keys are made anew with each start, so the same file is the same cluster.
    let larger = SimulatedOptions { nodes: 22, ..options };
    let again = Simulated::up(&settings, &larger).unwrap();
    assert_eq!(fs::read(again.kubeconfig()).unwrap(), kubeconfig);
    assert_eq!(status_of(&settings, NAME).unwrap().processes, first.processes);
    let nodes = again.kubectl().run(&["get", "nodes", "--output=name"]).unwrap();
    assert_eq!(nodes.lines().count(), 22, "it grows to what is asked for");
    drop(again);

    let server = address(&kubeconfig);
    assert!(server.ip().is_loopback());
    assert!(TcpStream::connect(server).is_ok());
    cluster.down().unwrap();
    assert!(status_of(&settings, NAME).is_none());
    until("its processes are gone", || processes().is_empty());
    until("its port is closed", || TcpStream::connect(server).is_err());
    assert!(!settings.cache().join("run").join(NAME).exists());
}
