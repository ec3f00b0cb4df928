//! HTTP/1.1 on a listener: with a limit on how long a request's head may take, and a bounded end.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request, http::Extensions};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::limits::PeerAddress;

/// From an idle connection to the last header of its next request. Browsers keep idle ones for later.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// Out of descriptors or memory: some will be free by then.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// A reader that takes nothing for this long is gone, or means harm: what was made for it waits in memory.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// What still runs after this is cut off: a stop takes 20 s in all, and orchestrators kill after 30.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// Serves `router` until `shutdown` fires. Requests that run are answered, within 15 s.
///
/// # Errors
/// When `listener` is of no use from the start.
pub async fn serve_http(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "a port is open");
    let mut connections = JoinSet::new();
    while let Some((stream, address)) = shutdown.run_until_cancelled(accept(&listener)).await {
        while connections.try_join_next().is_some() {}
        connections.spawn(answer(stream, address, router.clone(), |_| {}, shutdown.clone()));
    }
    drop(listener);
    end(connections).await;
    Ok(())
}

/// The next connection; what goes wrong before one stands is waited out.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Answers and frames are small, and each is waited for.
                let _ = stream.set_nodelay(true);
                return (stream, address);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A reader that takes nothing for long is cut off; streams can be resumed.
fn patient<S: AsyncRead + AsyncWrite>(stream: S) -> Pin<Box<TimeoutStream<S>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    Box::pin(stream)
}

/// Answers the requests of one connection until it ends, is upgraded, or `shutdown` fires between two of
/// them. `mark` tells each request what is known of the connection.
pub(crate) async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    mark: impl Fn(&mut Extensions),
    shutdown: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddress(peer.ip()));
        mark(request.extensions_mut());
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(patient(stream)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

/// Waits for the connections, and cuts off what does not end.
pub(crate) async fn end(mut connections: JoinSet<()>) {
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(SHUTDOWN_TIMEOUT, all_ended).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn server(router: Router) -> (SocketAddr, CancellationToken, JoinSet<io::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(serve_http(listener, router, shutdown.clone()));
        (address, shutdown, tasks)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_never_gets_to_its_end_loses_the_connection() {
        let (address, _shutdown, _tasks) = server(Router::new()).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{answer:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_never_ends_does_not_keep_the_server_from_stopping() {
        let stuck = Router::new().route("/", get(std::future::pending::<()>));
        let (address, shutdown, mut tasks) = server(stuck).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        shutdown.cancel();
        assert!(tasks.join_next().await.unwrap().unwrap().is_ok());
    }

    #[tokio::test]
    async fn an_answer_that_is_under_way_is_finished() {
        let (began, mut begun) = tokio::sync::mpsc::channel(1);
        let finish = CancellationToken::new();
        let slow = finish.clone();
        let slow = get(async move || {
            let _ = began.send(()).await;
            slow.cancelled().await;
            "whole"
        });
        let (address, shutdown, mut tasks) = server(Router::new().route("/", slow)).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        begun.recv().await.unwrap();
        shutdown.cancel();
        finish.cancel();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("whole"), "{answer}");
        assert!(tasks.join_next().await.unwrap().unwrap().is_ok());
    }
}
