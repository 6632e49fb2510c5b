//! Whether an order is taken: the queue is bounded in jobs, pages and bytes, and the memory in use by the budget.

use super::error::ApiError;
use super::spool::{JobState, now_ms};
use super::state::Server;
use crate::config::machine;
use std::io;

/// Share of the memory budget at which no more work is taken.
const FULL: f64 = 0.92;

/// The jobs that have not ended.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Queue {
    /// Jobs.
    pub jobs: u64,
    /// Their pages, as far as known.
    pub pages: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Age in seconds of the oldest that no server works on.
    pub oldest_seconds: f64,
}

impl Queue {
    /// The queue as it stands.
    pub(crate) fn of(server: &Server) -> io::Result<Queue> {
        let mut queue = Queue::default();
        for id in server.spool.open_jobs()? {
            let Ok(Some(record)) = server.spool.record(&id) else {
                continue;
            };
            queue.jobs += 1;
            queue.pages += record.page_estimate as u64;
            queue.bytes += record.bytes();
            if queue.oldest_seconds == 0.0 && is_waiting(server, &id) {
                let age = now_ms().saturating_sub(record.created_ms);
                queue.oldest_seconds = age as f64 / 1000.0;
            }
        }
        Ok(queue)
    }
}

/// `true` if no server works on a job that has not ended.
fn is_waiting(server: &Server, id: &str) -> bool {
    let status = || server.spool.status(id).ok().flatten();
    !server.work.has(id) && status().is_some_and(|status| status.state == JobState::Queued)
}

/// Refuses work while the server starts, ends, is short of memory or has enough jobs: before any byte is read.
pub(crate) fn admit(server: &Server) -> Result<(), ApiError> {
    if let Some(why) = server.health.not_ready() {
        return Err(ApiError::not_ready(&why));
    }
    let limits = &server.options.limits;
    let is_short = |(used, limit): (u64, u64)| used as f64 > limit as f64 * FULL;
    let is_full = || {
        is_short((machine::own_memory(), limits.memory_limit))
            || machine::group_memory().is_some_and(is_short)
    };
    if is_full() {
        // What was freed may still be held for later.
        machine::release_memory();
        if is_full() {
            return Err(ApiError::out_of_memory(limits));
        }
    }
    let queue = Queue::of(server)?;
    if queue.jobs >= limits.max_queued_jobs {
        return Err(ApiError::overloaded(limits, "max_queued_jobs"));
    }
    check(server, &queue, 0, 0)
}

/// Refuses an order whose pages or bytes find no room in the queue. An order that alone is too much is taken if nothing
/// else waits: limits for one order are others.
pub(crate) fn admit_order(server: &Server, pages: usize, bytes: u64) -> Result<(), ApiError> {
    let queue = Queue::of(server)?;
    match queue.jobs {
        0 => Ok(()),
        _ => check(server, &queue, pages as u64, bytes),
    }
}

fn check(server: &Server, queue: &Queue, pages: u64, bytes: u64) -> Result<(), ApiError> {
    let limits = &server.options.limits;
    if queue.pages + pages > limits.max_queued_pages {
        return Err(ApiError::overloaded(limits, "max_queued_pages"));
    }
    if queue.bytes + bytes > limits.max_queued_size {
        return Err(ApiError::overloaded(limits, "max_queued_size"));
    }
    Ok(())
}

/// Brings the numbers up to date that are looked up when somebody asks.
pub(crate) fn gauge(server: &Server) {
    let metrics = &server.metrics;
    metrics.running_jobs.set(server.work.count() as i64);
    metrics
        .ready
        .set(i64::from(server.health.not_ready().is_none()));
    metrics.memory.set(machine::own_memory() as i64);
    if let Ok(queue) = Queue::of(server) {
        metrics.queue_jobs.set(queue.jobs as i64);
        metrics.queue_pages.set(queue.pages as i64);
        metrics.queue_bytes.set(queue.bytes as i64);
        metrics.queue_oldest.set(queue.oldest_seconds);
    }
}
