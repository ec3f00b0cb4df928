//! A plain reflector over all pods of the cluster of `KUBECONFIG`, as a program against kube-rs is usually
//! written: what the agent's memory is measured beside. It holds what it sees, and says nothing.

use futures::{StreamExt as _, future::ready};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    runtime::{WatchStreamExt as _, reflector, watcher},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider was installed before"))?;
    let pods: Api<Pod> = Api::all(Client::try_default().await?);
    let (store, writer) = reflector::store();
    reflector(writer, watcher(pods, watcher::Config::default()))
        .default_backoff()
        .touched_objects()
        .for_each(|_| ready(()))
        .await;
    drop(store);
    Ok(())
}
