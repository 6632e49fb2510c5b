//! Webhooks: when a job has ended, the address that its order names gets the job object, signed.
//!
//! A few threads of their own look for jobs that have ended and send; the work on jobs never waits for them. What was
//! tried lies in the spool before it is tried, so a server that is killed sends once more, and never forgets. Receivers
//! tell repetitions by `X-Docparse-Delivery`.

use super::address::{Rules, Target};
use crate::fault::Fault;
use crate::net::reason;
use crate::serve::error::ApiError;
use crate::serve::health::Phase;
use crate::serve::spool::{Delivery, Due, JobStatus, Lease, now_ms};
use crate::serve::state::Server;
use crate::serve::view;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
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
/// Least and most bytes of a secret.
const SECRET: std::ops::RangeInclusive<usize> = 16..=4096;

/// What this server knows of deliveries; all else lies in the spool.
#[derive(Debug, Default)]
struct Known {
    /// When jobs are worth a look, in milliseconds since 1970.
    later: HashMap<String, u64>,
    /// Deliveries under way, by host.
    busy: HashMap<String, usize>,
}

/// The webhooks of a server.
pub(crate) struct Webhooks {
    rules: Arc<Rules>,
    secret_file: Option<PathBuf>,
    secret: RwLock<Vec<u8>>,
    known: Mutex<Known>,
    news: Condvar,
    /// One thread at a time chooses.
    choosing: Mutex<()>,
}

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

impl Webhooks {
    /// Fails if there are hosts to tell, but no secret.
    pub(super) fn new(rules: Rules, secret_file: Option<PathBuf>) -> Result<Webhooks, Fault> {
        let webhooks = Webhooks {
            rules: Arc::new(rules),
            secret_file,
            secret: RwLock::default(),
            known: Mutex::default(),
            news: Condvar::new(),
            choosing: Mutex::default(),
        };
        webhooks.reload()?;
        Ok(webhooks)
    }

    /// Reads the secret again. If that fails, the one of before stays.
    pub(crate) fn reload(&self) -> Result<(), Fault> {
        let Some(path) = &self.secret_file else {
            return Ok(());
        };
        let fail = |error: std::io::Error| {
            let what = format!("the secret of webhooks `{}` cannot be read", path.display());
            Fault::io(what, &error)
        };
        let mut text = Vec::new();
        let most = *SECRET.end() as u64 + 2;
        File::open(path)
            .and_then(|file| file.take(most).read_to_end(&mut text))
            .map_err(fail)?;
        let secret = text.trim_ascii();
        if !SECRET.contains(&secret.len()) {
            let (least, most) = (SECRET.start(), SECRET.end());
            let what = format!("it must have {least} to {most} characters");
            let error = std::io::Error::new(std::io::ErrorKind::InvalidData, what);
            return Err(fail(error));
        }
        let mut now = self.secret.write().unwrap_or_else(PoisonError::into_inner);
        *now = secret.to_vec();
        Ok(())
    }

    /// `true` if there are hosts to tell.
    pub(crate) fn are_told(&self) -> bool {
        !self.rules.hosts.is_empty()
    }

    /// Refuses an address that would never be told.
    pub(crate) fn check(&self, address: &str) -> Result<(), ApiError> {
        if !self.are_told() {
            return Err(ApiError::not_allowed(
                "this server tells no webhooks (`webhook_hosts`)",
            ));
        }
        let refused = |refusal| ApiError::not_allowed(format!("`webhook` is refused: {refusal}"));
        self.rules.target(address).map(drop).map_err(refused)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job is not worth a look before this time.
    fn later(&self, job: &str, at: u64) {
        self.lock().later.insert(job.to_string(), at);
    }

    /// A job may have ended.
    pub(crate) fn wake(&self) {
        self.news.notify_all();
    }

    /// Deliveries under way.
    pub(crate) fn count(&self) -> usize {
        self.lock().busy.values().sum()
    }

    /// `t=SECONDS,v1=HEX`: the hash of the time, a dot and the body, keyed with the secret.
    fn signature(&self, seconds: u64, body: &[u8]) -> String {
        let secret = self.secret.read().unwrap_or_else(PoisonError::into_inner);
        let mut hash = Hmac::<Sha256>::new_from_slice(&secret).expect("a key may have any length");
        hash.update(format!("{seconds}.").as_bytes());
        hash.update(body);
        let hash = crate::output::names::hex(&hash.finalize().into_bytes());
        format!("t={seconds},v1={hash}")
    }
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
                let known = webhooks.lock();
                let waited = webhooks.news.wait_timeout(known, LOOK);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
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
    tracing::info!(job, host, attempts, outcome, "webhook");
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
    let answer = agent
        .post(target.uri.clone())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::outbound::address::is_public;

    fn rules(hosts: &[&str]) -> Rules {
        Rules {
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            ports: vec![80, 443],
            is_reachable: is_public,
        }
    }

    #[test]
    fn signatures_are_those_of_rfc_4231() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "  sixteen letters.\n").unwrap();
        let path = Some(file.path().to_path_buf());
        let webhooks = Webhooks::new(rules(&[]), path).unwrap();
        assert_eq!(*webhooks.secret.read().unwrap(), b"sixteen letters.");
        // Its second case, cut where a time of 0 ends.
        *webhooks.secret.write().unwrap() = b"Jefe".to_vec();
        let mut hash = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        hash.update(b"what do ya want for nothing?");
        assert_eq!(
            crate::output::names::hex(&hash.finalize().into_bytes()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let mut hash = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        hash.update(b"7.{}");
        let hash = crate::output::names::hex(&hash.finalize().into_bytes());
        assert_eq!(webhooks.signature(7, b"{}"), format!("t=7,v1={hash}"));
        // A secret that is too short changes nothing.
        std::fs::write(file.path(), "short").unwrap();
        assert!(webhooks.reload().is_err());
        assert_eq!(webhooks.signature(7, b"{}"), format!("t=7,v1={hash}"));
    }

    #[test]
    fn webhooks_are_told_to_listed_hosts_only() {
        let none = Webhooks::new(rules(&[]), None).unwrap();
        assert_eq!(none.check("https://a.example/").unwrap_err().status, 403);
        let some = Webhooks::new(rules(&["a.example", "*.local"]), None).unwrap();
        assert!(some.check("https://a.example/x?y").is_ok());
        for address in [
            "https://b.example/",
            "https://a.example:8443/",
            "https://me@a.example/",
            "http://x.local/",
            "file:///a.example",
            "nothing",
        ] {
            let error = some.check(address).unwrap_err();
            assert_eq!(error.status, 403, "{address}");
        }
    }
}
