//! Waiting for a job. Whoever waits may go away: if the job was ordered by those who wait, and the last of them has
//! gone, it is cancelled.

use super::error::ApiError;
use super::limits::seconds;
use super::notices::Waiter;
use super::order::{self, Order};
use super::spool::{JobStatus, Ordered};
use super::state::Server;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Longest time until a change that another server made is seen.
const LOOK: Duration = Duration::from_millis(400);

/// Time for somebody else to begin to wait, before a job is cancelled that nobody waits for.
const GRACE: Duration = Duration::from_millis(500);

/// Reads a job as it stands.
pub(crate) async fn status(server: &Arc<Server>, id: &str) -> io::Result<Option<JobStatus>> {
    let (server, id) = (server.clone(), id.to_string());
    blocking(move || server.spool.status(&id)).await?
}

/// Runs what blocks on a thread for that.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)
}

/// Whether somebody waits for work that is no job.
pub(crate) struct Wanted(Arc<AtomicBool>);

impl Wanted {
    /// Fails once nobody waits any more; work asks at times, to end early.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        match self.0.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(ApiError::bad_request("the client has gone away")),
        }
    }
}

/// Tells the work of a request when its client goes: what waits for it is dropped then.
struct Client(Arc<AtomicBool>);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The same as [`blocking`] for work that ends early when nobody waits for it.
pub(crate) async fn blocking_while_wanted<T: Send + 'static>(
    work: impl FnOnce(&Wanted) -> T + Send + 'static,
) -> io::Result<T> {
    let wanted = Arc::new(AtomicBool::new(true));
    let _client = Client(wanted.clone());
    blocking(move || work(&Wanted(wanted))).await
}

/// Places an order; returns the id of its job, a new one or that of an equal order.
pub(crate) async fn placed(server: &Arc<Server>, order: Order) -> Result<String, ApiError> {
    let placing = server.clone();
    let ordered = blocking(move || order::place(&placing, order)).await??;
    let (Ordered::New(id) | Ordered::Known(id)) = ordered;
    Ok(id)
}

/// Places an order whose client waits for the end: the job once it has ended, or once `sync_timeout` is over.
pub(crate) async fn ordered(server: &Arc<Server>, mut order: Order) -> Result<JobStatus, ApiError> {
    order.is_waited_for = true;
    let id = placed(server, order).await?;
    let time = seconds(server.options.limits.sync_timeout);
    until_ended(server, &id, time).await
}

/// A job once it has ended, or after the seconds that a client asks for: at most `sync_timeout`, and none for what is no
/// time.
pub(crate) async fn as_asked(
    server: &Arc<Server>,
    id: &str,
    time: f64,
) -> Result<JobStatus, ApiError> {
    let most = server.options.limits.sync_timeout as f64;
    let time = if time.is_finite() { time } else { 0.0 };
    until_ended(server, id, Duration::from_secs_f64(time.clamp(0.0, most))).await
}

/// Returns after the next change of a job, or a moment.
pub(crate) async fn change(waiter: &mut Waiter) {
    let _ = timeout(LOOK, waiter.changed()).await;
}

/// Cancels the job of the last one who waits for it, unless it is told to stay.
struct Presence {
    server: Arc<Server>,
    waiter: Waiter,
    id: String,
    stays: bool,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let kept = &self.server.kept;
        let is_kept = || {
            kept.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&self.id)
        };
        if self.stays || !self.waiter.is_last() || is_kept() {
            return;
        }
        let (server, id) = (self.server.clone(), self.id.clone());
        // The client went away in the middle of a wait.
        std::thread::spawn(move || {
            // Somebody with an equal order may just have been told to wait for this job, too.
            std::thread::sleep(GRACE);
            if server.notices.is_waited_for(&id) {
                return;
            }
            let status = server.spool.status(&id);
            let is_waited_for = |status: &JobStatus| {
                status.record.waited_at.as_ref() == Some(&server.id) && !status.state.is_final()
            };
            if status.is_ok_and(|status| status.as_ref().is_some_and(is_waited_for)) {
                drop(server.cancel(&id));
            }
        });
    }
}

/// Waits until a job has ended, or the time is over. A job whose time is over goes on: its client is told where it is.
pub(crate) async fn until_ended(
    server: &Arc<Server>,
    id: &str,
    time: Duration,
) -> Result<JobStatus, ApiError> {
    let end = Instant::now() + time;
    let mut presence = Presence {
        server: server.clone(),
        waiter: server.notices.wait(id),
        id: id.to_string(),
        stays: false,
    };
    loop {
        let status = status(server, id).await?;
        let Some(status) = status else {
            presence.stays = true;
            return Err(ApiError::not_found("there is no such job"));
        };
        let is_over = Instant::now() >= end;
        if status.state.is_final() || is_over {
            presence.stays = true;
            if !status.state.is_final() && status.record.waited_at.is_some() {
                let mut kept = server.kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.insert(id.to_string());
            }
            return Ok(status);
        }
        tokio::select! {
            () = change(&mut presence.waiter) => {}
            () = tokio::time::sleep_until(end) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn work_is_told_when_its_client_goes() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (send, receive) = mpsc::channel();
        let (gone, waits) = mpsc::channel::<()>();
        let work = move |wanted: &Wanted| {
            send.send(wanted.check()).unwrap();
            waits.recv().unwrap();
            send.send(wanted.check()).unwrap();
        };
        runtime.block_on(async {
            let mut waiting = Box::pin(blocking_while_wanted(work));
            let begun = timeout(Duration::ZERO, &mut waiting).await;
            assert!(begun.is_err());
            assert_eq!(receive.recv().unwrap(), Ok(()));
            drop(waiting);
            gone.send(()).unwrap();
            assert!(receive.recv().unwrap().is_err());
        });
    }
}
