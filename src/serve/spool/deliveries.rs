//! Webhooks on disk. The empty file `webhooks/ID` says that somebody is to be told of the end of a job; it is there
//! before the job is, and goes when the end was told, or nobody can be told any more. The job's folder `webhook` holds
//! `delivery.json` ([`Delivery`]) and, as for the work on a job, the lease of the server that tries: so of several
//! servers one sends, and after one was killed the next goes on.

use super::{Lease, Spool, files, lease, now_ms};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// Age of a mark without a job at which that job is gone, and not still to come.
const SETTLED_MS: u64 = 60_000;

/// How far the telling of an end is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// What it is known by; the same in all attempts.
    pub id: String,
    /// Attempts that were begun.
    pub attempts: u32,
    /// When the next one is due, in milliseconds since 1970.
    pub next_ms: u64,
    /// It is over: it was delivered, or given up.
    pub is_over: bool,
}

/// Where the telling of an end stands.
#[derive(Debug)]
pub(crate) enum Due {
    /// The job has not ended.
    NotEnded,
    /// The job is gone, or everything is done.
    Gone,
    /// Another thread or server is at it.
    Taken,
    /// It is due later.
    Later(u64),
    /// It is due, and this lease says that nobody else tries.
    Now(Lease, Delivery),
}

impl Spool {
    fn mark(&self, id: &str) -> PathBuf {
        self.root.join("webhooks").join(id)
    }

    /// Says that somebody is to be told of the end of a job.
    pub(super) fn announce(&self, id: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let made = options.write(true).create(true).truncate(false);
        made.open(self.mark(id))?;
        files::sync_folder(&self.root.join("webhooks"));
        Ok(())
    }

    /// The jobs whose end is to be told, oldest first.
    pub(crate) fn deliveries(&self) -> io::Result<Vec<String>> {
        self.ids("webhooks")
    }

    /// Takes the telling of an end, if it is due.
    pub(crate) fn claim_delivery(&self, id: &str) -> io::Result<Due> {
        let folder = self.folder(id).ok_or(io::ErrorKind::InvalidInput)?;
        if !folder.join("outcome.json").exists() {
            let age = now_ms().saturating_sub(made_ms(id));
            return Ok(match folder.is_dir() || age < SETTLED_MS {
                true => Due::NotEnded,
                false => Due::Gone,
            });
        }
        let folder = folder.join("webhook");
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Due::Gone),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let read = || files::read::<Delivery>(&folder.join("delivery.json"));
        if let Some(delivery) = read()? {
            if delivery.is_over {
                return Ok(Due::Gone);
            }
            if delivery.next_ms > now_ms() {
                return Ok(Due::Later(delivery.next_ms));
            }
        }
        let newest = lease::newest(&folder)?;
        if newest > 0 && lease::is_alive(&folder, newest, self.now()) {
            return Ok(Due::Taken);
        }
        let Some(lease) = lease::take(&folder, newest + 1)? else {
            return Ok(Due::Taken);
        };
        // Somebody may have tried since it was read.
        let delivery = read()?.unwrap_or_else(|| Delivery {
            id: super::random(),
            attempts: 0,
            next_ms: 0,
            is_over: false,
        });
        if delivery.is_over || delivery.next_ms > now_ms() {
            lease.give_back();
            return Ok(match delivery.is_over {
                true => Due::Gone,
                false => Due::Later(delivery.next_ms),
            });
        }
        Ok(Due::Now(lease, delivery))
    }

    /// Says how far the telling of an end is.
    pub(crate) fn set_delivery(&self, id: &str, delivery: &Delivery) -> io::Result<()> {
        let folder = self.folder(id).ok_or(io::ErrorKind::InvalidInput)?;
        files::write(&folder.join("webhook"), "delivery.json", delivery)
    }

    /// Nobody is to be told any more.
    pub(crate) fn end_delivery(&self, id: &str) {
        let _ = fs::remove_file(self.mark(id));
    }
}

/// When an id was made, which it begins with.
fn made_ms(id: &str) -> u64 {
    let digits = id.get(..12).unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or(0)
}
