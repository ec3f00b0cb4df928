//! One exchange with `git http-backend`: the request's body in, the answer out, the process gone.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use gimlet_remote::{Group, read_tail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Body, Response, ServeError, turns::Turn};

/// The largest header block that is accepted of the backend, in bytes; it sends about 200.
const LARGEST_HEAD: usize = 16 << 10;

/// The size of a piece of the answer, in bytes.
const PIECE: usize = 32 << 10;

/// How many pieces wait for a slow client before the backend has to wait too.
const WAITING_PIECES: usize = 4;

/// How long a client may leave the rest of its request out, or the answer untaken; a git process waits with it.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What one exchange may use, and the turn that it holds until its process is gone.
pub(super) struct Exchange {
    pub(super) largest_body: u64,
    pub(super) time: Duration,
    pub(super) stop: CancellationToken,
    pub(super) turn: Turn,
}

impl Exchange {
    /// Starts the backend and returns once its headers are there. A task of `tracker` carries the
    /// bytes, and ends the process when the answer is complete or nobody waits for it any more.
    pub(super) async fn start(
        self,
        mut command: Command,
        body: Body,
        tracker: &TaskTracker,
    ) -> Result<Response, ServeError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group(command.spawn().map_err(|source| ServeError::Spawn { source })?);
        let child = &mut group.0;
        let (Some(stdin), Some(stdout), stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(ServeError::BadAnswer);
        };
        let (sender, pieces) = mpsc::channel(WAITING_PIECES);
        let pipes = Pipes { stdin, stdout, stderr };
        tracker.spawn(self.carry(group, pipes, body, sender));
        answer(pieces).await
    }

    async fn carry(
        self,
        mut group: Group,
        pipes: Pipes,
        body: Body,
        out: mpsc::Sender<io::Result<Bytes>>,
    ) {
        let Pipes { stdin, stdout, stderr } = pipes;
        let talk = async {
            let (relayed, fed) = (relay(stdout, &out), feed(stdin, body, self.largest_body));
            tokio::pin!(relayed, fed);
            // The answer may be complete before the request was read to its end.
            tokio::select! {
                done = &mut relayed => done,
                done = &mut fed => { done?; relayed.await }
            }
        };
        let whole = async {
            let ended = tokio::select! {
                ended = talk => ended,
                () = tokio::time::sleep(self.time) => Err(cut("the time for this exchange is up")),
                () = self.stop.cancelled() => Err(cut("the server is going down")),
                () = out.closed() => Err(cut("the client is gone")),
            };
            match &ended {
                Ok(_) => group.let_end().await,
                Err(_) => group.end().await,
            }
            ended
        };
        // Drained beside the answer, so that the backend never blocks on its complaints.
        let (ended, complaint) = tokio::join!(whole, read_tail(stderr));
        let last_word = match ended {
            Ok(0) => Some(cut(&complaint)),
            // What went wrong within the protocol was said within the protocol.
            Ok(_) => None,
            Err(error) => Some(error),
        };
        if let Some(error) = last_word {
            // Nobody may be listening.
            let _ = out.send(Err(error)).await;
        }
        drop(self.turn);
    }
}

struct Pipes {
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
}

/// Passes the request's body on and closes the pipe after it.
async fn feed(mut stdin: ChildStdin, mut body: Body, largest: u64) -> io::Result<()> {
    let mut passed: u64 = 0;
    loop {
        let piece = tokio::time::timeout(LONGEST_PAUSE, body.next());
        let piece = piece.await.map_err(|_| cut("the request does not go on"))?;
        let Some(piece) = piece.transpose()? else { break };
        passed += piece.len() as u64;
        if passed > largest {
            return Err(cut("the request is too large"));
        }
        match stdin.write_all(&piece).await {
            Ok(()) => {}
            // The backend has read all that it wants.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    stdin.shutdown().await
}

/// Passes the answer on; returns its size in bytes.
async fn relay(mut stdout: ChildStdout, out: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<u64> {
    let mut total = 0;
    loop {
        let mut piece = BytesMut::with_capacity(PIECE);
        let read = stdout.read_buf(&mut piece).await?;
        if read == 0 {
            return Ok(total);
        }
        total += read as u64;
        let taken = tokio::time::timeout(LONGEST_PAUSE, out.send(Ok(piece.freeze()))).await;
        let taken = taken.map_err(|_| cut("the client takes nothing of the answer"))?;
        taken.map_err(|_| cut("the client is gone"))?;
    }
}

/// Reads the headers off the front of the answer; the rest is the body.
async fn answer(mut pieces: mpsc::Receiver<io::Result<Bytes>>) -> Result<Response, ServeError> {
    let mut read = BytesMut::new();
    let (head, begun) = loop {
        match pieces.recv().await {
            Some(Ok(piece)) => read.extend_from_slice(&piece),
            Some(Err(error)) => return Err(ServeError::NoAnswer { complaint: error.to_string() }),
            None => return Err(ServeError::BadAnswer),
        }
        if let Some((length, body)) = head_end(&read) {
            let head = String::from_utf8_lossy(&read[..length]).into_owned();
            break (head, read.split_off(body).freeze());
        }
        if read.len() > LARGEST_HEAD {
            return Err(ServeError::BadAnswer);
        }
    };
    let (status, headers) = parse_head(&head)?;
    let rest = stream::unfold(pieces, |mut pieces| async {
        pieces.recv().await.map(|piece| (piece, pieces))
    });
    let body = stream::iter((!begun.is_empty()).then_some(Ok(begun))).chain(rest).boxed();
    Ok(Response { status, headers, body })
}

/// Where the header block ends, and where the body begins.
fn head_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let find = |mark: &[u8]| {
        bytes.windows(mark.len()).position(|w| w == mark).map(|at| (at, at + mark.len()))
    };
    find(b"\r\n\r\n").or_else(|| find(b"\n\n"))
}

/// The CGI convention: `Status: 404 Not Found` beside ordinary headers; without it, 200.
fn parse_head(head: &str) -> Result<(u16, Vec<(String, String)>), ServeError> {
    let (mut status, mut headers) = (200, Vec::new());
    for line in head.lines() {
        let (name, value) = line.split_once(':').ok_or(ServeError::BadAnswer)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().and_then(|code| code.parse().ok());
            status = code.filter(|code| (200..600).contains(code)).ok_or(ServeError::BadAnswer)?;
        } else {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok((status, headers))
}

fn cut(why: &str) -> io::Error {
    io::Error::other(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(pieces: &[&str]) -> Result<(u16, Vec<(String, String)>, String), ServeError> {
        let (sender, receiver) = mpsc::channel(pieces.len());
        for piece in pieces {
            sender.send(Ok(Bytes::from((*piece).to_owned()))).await.unwrap();
        }
        drop(sender);
        let response = answer(receiver).await?;
        let body: Vec<Bytes> = response.body.map(Result::unwrap).collect().await;
        Ok((response.status, response.headers, String::from_utf8(body.concat()).unwrap()))
    }

    #[tokio::test]
    async fn headers_and_body_are_told_apart_wherever_the_pieces_end() {
        let header = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
        for pieces in [
            &["Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\ngone\n"][..],
            &["Status: 404 Not Found\r\nContent-", "Type: text/plain\r\n\r", "\ngo", "ne\n"],
        ] {
            assert_eq!(answered(pieces).await.unwrap(), (404, header.clone(), "gone\n".to_owned()));
        }
    }

    #[tokio::test]
    async fn what_is_no_cgi_response_is_refused() {
        let endless = "x".repeat(LARGEST_HEAD + 1);
        for pieces in
            [&["no header at all\r\n\r\n"][..], &["Status: 99\r\n\r\n"], &["A: b"], &[&endless]]
        {
            assert!(matches!(answered(pieces).await, Err(ServeError::BadAnswer)), "{pieces:?}");
        }
    }
}
