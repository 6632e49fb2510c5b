//! Webhooks: when a job has ended, the address that its order names gets the job object, signed.
//!
//! A few threads of their own look for jobs that have ended and send; the work on jobs never waits for them. What was
//! tried lies in the spool before it is tried, so a server that is killed sends once more, and never forgets. Receivers
//! tell repetitions by `X-Docparse-Delivery`.

use super::health::Phase;
use super::outbound::Target;
use super::spool::{Delivery, Due, JobStatus, Lease, now_ms};
use super::state::Server;
use super::view;
use crate::net::{TraceContext, reason};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

/// Pauses between attempts, in seconds. After the last of them there is one attempt more.
const PAUSES: [u64; 6] = [1, 5, 30, 120, 600, 1800];
/// Time for an attempt: well within the life of a lease that nobody writes to.
const PATIENCE: Duration = Duration::from_secs(10);
/// Deliveries at once.
const THREADS: usize = 4;
/// Of those, to one host: one that hangs leaves room for others.
const MOST_PER_HOST: usize = 2;
/// Longest time until the end of a job at another server is seen.
const LOOK: Duration = Duration::from_millis(500);
/// Pause after somebody else was found at a delivery.
const TAKEN_MS: u64 = 1000;
/// Pause after the spool could not be used.
const TROUBLE_MS: u64 = 5000;
/// A delivery that is tried.
struct Turn {
    job: String,
    target: Target,
    lease: Lease,
    delivery: Delivery,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    Delivered,
    /// The receiver wants no more.
    Unwanted,
    Failed,
}

/// Starts the threads, if there is anybody to tell.
pub(crate) fn start(server: &Arc<Server>) -> std::io::Result<()> {
    if !server.outbound.webhooks.are_told() {
        return Ok(());
    }
    for _ in 0..THREADS {
        let server = server.clone();
        let named = thread::Builder::new().name("webhook".into());
        named.spawn(move || deliver(&server))?;
    }
    Ok(())
}

fn deliver(server: &Server) {
    let webhooks = &server.outbound.webhooks;
    let agent = webhooks.rules.agent();
    while server.health.phase() != Phase::Draining {
        let seen = webhooks.news.seen();
        match next(server) {
            Some(turn) => {
                let host = turn.target.host.clone();
                // A panic costs this attempt, and no thread.
                let tried = AssertUnwindSafe(|| attempt(server, &agent, turn));
                let _ = catch_unwind(tried);
                let mut known = webhooks.lock();
                if let Some(count) = known.busy.get_mut(&host) {
                    *count -= 1;
                    if *count == 0 {
                        known.busy.remove(&host);
                    }
                }
            }
            None => {
                webhooks.news.wait(seen, LOOK);
            }
        }
    }
}

/// Takes a delivery that is due.
fn next(server: &Server) -> Option<Turn> {
    let webhooks = &server.outbound.webhooks;
    let choosing = webhooks.choosing.lock();
    let _choosing = choosing.unwrap_or_else(PoisonError::into_inner);
    let jobs = match server.spool.deliveries() {
        Ok(jobs) => jobs,
        Err(error) => {
            tracing::error!("the webhooks cannot be read: {error}");
            return None;
        }
    };
    let now = now_ms();
    let waiting: Vec<String> = {
        let mut known = webhooks.lock();
        known.later.retain(|job, _| jobs.binary_search(job).is_ok());
        let is_due = |job: &String| known.later.get(job).is_none_or(|at| *at <= now);
        jobs.into_iter().filter(is_due).collect()
    };
    for job in waiting {
        match claim(server, &job) {
            Ok(Some(turn)) => return Some(turn),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!("a webhook cannot be claimed: {error}");
                webhooks.later(&job, now_ms() + TROUBLE_MS);
            }
        }
    }
    None
}

fn claim(server: &Server, job: &str) -> std::io::Result<Option<Turn>> {
    let webhooks = &server.outbound.webhooks;
    let address = server.spool.record(job)?;
    let target = address
        .as_ref()
        .and_then(|record| record.webhook.as_deref())
        .map(|address| webhooks.rules.target(address));
    let busy = |host: &str| webhooks.lock().busy.get(host).copied().unwrap_or(0);
    if let Some(Ok(target)) = &target
        && busy(&target.host) >= MOST_PER_HOST
    {
        return Ok(None);
    }
    let (lease, delivery) = match server.spool.claim_delivery(job)? {
        Due::NotEnded => return Ok(None),
        Due::Taken => {
            webhooks.later(job, now_ms() + TAKEN_MS);
            return Ok(None);
        }
        Due::Later(at) => {
            webhooks.later(job, at);
            return Ok(None);
        }
        Due::Gone => {
            server.spool.end_delivery(job);
            return Ok(None);
        }
        Due::Now(lease, delivery) => (lease, delivery),
    };
    match target {
        Some(Ok(target)) => {
            let mut known = webhooks.lock();
            *known.busy.entry(target.host.clone()).or_default() += 1;
            Ok(Some(Turn {
                job: job.to_string(),
                target,
                lease,
                delivery,
            }))
        }
        // The list of hosts is another one now, or the order names no address after all.
        refused => {
            if let Some(Err(refusal)) = refused {
                tracing::warn!(job, "a webhook is given up: {refusal}");
                server.metrics.webhook("refused");
            }
            server.spool.end_delivery(job);
            Ok(None)
        }
    }
}

/// Tries once.
fn attempt(server: &Server, agent: &ureq::Agent, turn: Turn) {
    let Turn {
        job,
        target,
        lease,
        mut delivery,
    } = turn;
    let spool = &server.spool;
    let pause = PAUSES.get(delivery.attempts as usize).copied();
    delivery.attempts += 1;
    delivery.next_ms = now_ms() + pause.unwrap_or(0) * 1000 + PATIENCE.as_millis() as u64;
    // Written first: whoever kills the server here causes one attempt more, not an endless row of them.
    let begun = spool
        .set_delivery(&job, &delivery)
        .and_then(|()| spool.status(&job));
    let status = match begun {
        Ok(Some(status)) => status,
        // It was removed meanwhile.
        Ok(None) => return,
        Err(error) => {
            tracing::warn!("a webhook cannot be tried: {error}");
            server.outbound.webhooks.later(&job, now_ms() + TROUBLE_MS);
            return;
        }
    };
    let tried = post(server, agent, &target, &delivery.id, &status);
    let is_last = pause.is_none();
    let outcome = match tried {
        Tried::Delivered => "delivered",
        Tried::Unwanted => "unwanted",
        Tried::Failed if is_last => "given_up",
        Tried::Failed => "failed",
    };
    server.metrics.webhook(outcome);
    let (attempts, host) = (delivery.attempts, &target.host);
    let trace = status.record.trace.as_ref().map(TraceContext::parent);
    tracing::info!(job, trace, host, attempts, outcome, "webhook");
    delivery.is_over = tried != Tried::Failed || is_last;
    delivery.next_ms = now_ms() + pause.unwrap_or(0) * 1000;
    let at = delivery.next_ms;
    if let Err(error) = spool.set_delivery(&job, &delivery) {
        tracing::warn!("how far a webhook is cannot be written: {error}");
    }
    server.outbound.webhooks.later(&job, at);
    if delivery.is_over {
        spool.end_delivery(&job);
    }
    spool.give_back(lease);
}

/// Sends the job object.
fn post(
    server: &Server,
    agent: &ureq::Agent,
    target: &Target,
    delivery: &str,
    status: &JobStatus,
) -> Tried {
    let Ok(body) = serde_json::to_vec(&view::job(server, status)) else {
        return Tried::Failed;
    };
    let seconds = now_ms() / 1000;
    let signature = server.outbound.webhooks.signature(seconds, &body);
    let mut request = agent.post(target.uri.clone());
    let trace = &status.record.trace;
    for (name, value) in trace.iter().flat_map(TraceContext::headers) {
        request = request.header(name, value);
    }
    let answer = request
        .header("Content-Type", "application/json")
        .header("X-Docparse-Event", format!("job.{}", status.state.name()))
        .header("X-Docparse-Delivery", delivery)
        .header("X-Docparse-Signature", signature)
        .config()
        .timeout_global(Some(PATIENCE))
        .build()
        .send(&body[..]);
    // What it answers besides its status is not read.
    match answer.map(|answer| answer.status().as_u16()) {
        Ok(200..=299) => Tried::Delivered,
        Ok(410) => Tried::Unwanted,
        Ok(status) => {
            tracing::debug!(host = target.host, status, "a webhook was refused");
            Tried::Failed
        }
        Err(error) => {
            let why = reason(&error);
            tracing::debug!(host = target.host, why, "a webhook cannot be delivered");
            Tried::Failed
        }
    }
}
