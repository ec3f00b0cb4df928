//! How people, health checks and a cluster's pods reach the control plane of a stack.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Result;
use gimlet_cluster::{Forward, LAB_ADDRESS, Lab};

use super::StackPlan;

/// Loopback ports of a control plane, as this process reaches them.
pub(super) struct Ports {
    pub(super) people: SocketAddr,
    pub(super) health: SocketAddr,
    /// What keeps them open.
    pub(super) forwards: Vec<Forward>,
}

/// Takes the ports: in the network of a cluster of ours, or on this host.
pub(super) fn ports(lab: Option<&Lab>, wanted: u16) -> Result<Ports> {
    let Some(lab) = lab else {
        let free = |port| -> Result<SocketAddr> {
            Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.local_addr()?)
        };
        return Ok(Ports { people: free(wanted)?, health: free(0)?, forwards: Vec::new() });
    };
    let people = lab.forward_from(wanted, SocketAddr::new(LAB_ADDRESS.into(), 9000))?;
    let health = lab.forward(SocketAddr::new(LAB_ADDRESS.into(), 9001))?;
    Ok(Ports { people: people.local(), health: health.local(), forwards: vec![people, health] })
}

/// The settings of a control plane that people reach at `public_url` and the cluster's pods reach as well.
pub(super) fn server_settings(
    plan: &StackPlan,
    lab: Option<&Lab>,
    ports: &Ports,
    agent_image: &str,
    public_url: &str,
) -> Vec<(String, String)> {
    let host =
        plan.reach.as_ref().map_or_else(|| LAB_ADDRESS.to_string(), |reach| reach.host.clone());
    let (people, health) = match lab {
        Some(_) => (format!("{LAB_ADDRESS}:9000"), format!("{LAB_ADDRESS}:9001")),
        None => (format!("0.0.0.0:{}", ports.people.port()), ports.health.to_string()),
    };
    let git_port = if lab.is_some() { 9000 } else { ports.people.port() };
    let mut settings = vec![
        ("GIMLET_PUBLIC_URL", public_url.to_owned()),
        ("GIMLET_AGENT_URL", format!("https://{host}:9443")),
        ("GIMLET_GIT_URL", format!("http://{host}:{git_port}")),
        ("GIMLET_LISTEN", people),
        ("GIMLET_HEALTH_LISTEN", health),
        (
            "GIMLET_AGENT_LISTEN",
            if lab.is_some() { format!("{LAB_ADDRESS}:9443") } else { "0.0.0.0:9443".to_owned() },
        ),
        ("GIMLET_AGENT_IMAGE", agent_image.to_owned()),
        ("GIMLET_RELEASE_DEADLINE_S", plan.release_deadline_s.to_string()),
        ("GIMLET_POLL_INTERVAL_S", plan.poll_interval_s.to_string()),
        ("GIMLET_ALLOW_PRIVATE_HOSTS", "true".to_owned()),
        ("GIMLET_ALLOW_FILE_REPOSITORIES", "true".to_owned()),
        ("GIMLET_LOG", "info,gimlet_app=debug".to_owned()),
    ];
    if let Some(url) = &plan.database_url {
        settings.push(("GIMLET_DATABASE_URL", url.clone()));
    }
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
