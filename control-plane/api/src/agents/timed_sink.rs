//! A sink that gives up when nothing moves.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::Sink;
use tokio::time::{Sleep, sleep};

/// Passes everything on to `inner`, and fails once that has been blocked for `patience` without a break.
pub(super) struct TimedSink<S, F> {
    inner: S,
    patience: Duration,
    /// Runs while `inner` is blocked.
    blocked: Option<Pin<Box<Sleep>>>,
    stalled: F,
}

impl<S, F> TimedSink<S, F> {
    pub(super) fn new(inner: S, patience: Duration, stalled: F) -> Self {
        Self { inner, patience, blocked: None, stalled }
    }

    fn watch<E>(
        &mut self,
        polled: Poll<Result<(), E>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), E>>
    where
        F: Fn() -> E,
    {
        if polled.is_ready() {
            self.blocked = None;
            return polled;
        }
        let patience = self.patience;
        let blocked = self.blocked.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(blocked.as_mut().poll(context));
        Poll::Ready(Err((self.stalled)()))
    }
}

impl<T, S, F> Sink<T> for TimedSink<S, F>
where
    S: Sink<T> + Unpin,
    F: Fn() -> S::Error + Unpin,
{
    type Error = S::Error;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), S::Error>> {
        let polled = Pin::new(&mut self.inner).poll_ready(context);
        self.watch(polled, context)
    }

    fn start_send(mut self: Pin<&mut Self>, item: T) -> Result<(), S::Error> {
        Pin::new(&mut self.inner).start_send(item)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), S::Error>> {
        let polled = Pin::new(&mut self.inner).poll_flush(context);
        self.watch(polled, context)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), S::Error>> {
        let polled = Pin::new(&mut self.inner).poll_close(context);
        self.watch(polled, context)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{SinkExt, channel::mpsc, sink};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_sink_that_takes_nothing_is_given_up() {
        let stuck = sink::unfold((), |(), _: u8| std::future::pending::<Result<(), &str>>());
        let mut timed = TimedSink::new(Box::pin(stuck), PATIENCE, || "stalled");
        let started = tokio::time::Instant::now();
        assert_eq!(timed.send(1).await, Err("stalled"));
        assert_eq!(started.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_sink_that_moves_is_kept() {
        let slow = sink::unfold((), async |(), _: u8| {
            sleep(PATIENCE / 2).await;
            Ok::<_, Infallible>(())
        });
        let mut timed = TimedSink::new(Box::pin(slow), PATIENCE, || unreachable!("it moved"));
        for number in 0..5 {
            assert!(timed.send(number).await.is_ok());
        }
    }

    #[tokio::test]
    async fn what_goes_in_comes_out() {
        let (sender, receiver) = mpsc::unbounded();
        let mut timed = TimedSink::new(sender.sink_map_err(|_| "gone"), PATIENCE, || "stalled");
        timed.send(7).await.unwrap();
        drop(timed);
        let received: Vec<i32> = futures::StreamExt::collect(receiver).await;
        assert_eq!(received, [7]);
    }
}
