//! What is removed from a spool, and what is put right: results whose time is over, leftovers of killed servers, jobs
//! without a place in the queue.

use super::files::{self, now_ms};
use super::{JobState, Spool};
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Age at which what no server owns any more is a leftover: no upload takes that long, since each pause in it is bounded.
const LEFTOVER: Duration = Duration::from_secs(6 * 3600);
/// Age of a job at which a missing place in the queue is an accident, and not a moment.
const SETTLED_MS: u64 = 60_000;

/// How long results stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SweepRules {
    /// From the end of a job on.
    pub result_ttl: Duration,
    /// Bytes of all results together; the oldest go first.
    pub max_results_size: u64,
}

/// What a sweep has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Swept {
    /// Jobs that were removed.
    pub removed: usize,
    /// Jobs that got their place in the queue.
    pub enqueued: usize,
    /// Bytes of the results that stay.
    pub bytes: u64,
}

impl Spool {
    /// Sweeps once.
    pub(crate) fn sweep(&self, rules: &SweepRules) -> io::Result<Swept> {
        for folder in ["incoming", "trash", "clocks", "keys"] {
            self.remove_leftovers(&self.root.join(folder), folder == "keys");
        }
        let mut swept = Swept::default();
        let now = now_ms();
        let mut kept = Vec::new();
        for id in self.jobs()? {
            let Ok(Some(status)) = self.status(&id) else {
                self.remove_unreadable(&id);
                continue;
            };
            let Some(outcome) = &status.outcome else {
                let is_settled = status.record.created_ms + SETTLED_MS < now;
                if is_settled && status.state == JobState::Queued && !self.marker(&id).exists() {
                    match self.settle(&status.record)? {
                        true => swept.enqueued += 1,
                        false => swept.removed += 1,
                    }
                }
                continue;
            };
            let ttl = rules.result_ttl.as_millis() as u64;
            if outcome.finished_ms.saturating_add(ttl) < now {
                self.remove(&id)?;
                swept.removed += 1;
            } else {
                kept.push((outcome.finished_ms, outcome.bytes(), id));
            }
        }
        kept.sort_unstable();
        swept.bytes = kept.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, id) in kept {
            if swept.bytes <= rules.max_results_size {
                break;
            }
            self.remove(&id)?;
            swept.removed += 1;
            swept.bytes -= bytes;
        }
        Ok(swept)
    }

    /// Removes a job whose order cannot be read, once that is no accident of a moment.
    fn remove_unreadable(&self, id: &str) {
        let changed = self
            .folder(id)
            .and_then(|folder| fs::metadata(folder).ok()?.modified().ok());
        let age = changed.and_then(|time| self.now().duration_since(time).ok());
        if age.is_some_and(|age| age > LEFTOVER) {
            let _ = self.remove(id);
        }
    }

    /// Removes what nobody has changed for long; of keys, those that lead to no job.
    fn remove_leftovers(&self, folder: &Path, are_keys: bool) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_old =
                |time: SystemTime| self.now().duration_since(time).is_ok_and(|a| a > LEFTOVER);
            let is_left = entry
                .metadata()
                .and_then(|meta| meta.modified())
                .is_ok_and(is_old);
            let leads = || match files::read::<String>(&path) {
                Ok(Some(id)) => self.folder(&id).is_some_and(|folder| folder.is_dir()),
                _ => false,
            };
            if !is_left || path == self.clock_path || (are_keys && leads()) {
                continue;
            }
            let _ = match path.is_dir() {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
        }
    }
}
