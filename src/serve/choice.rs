//! Which job is worked on next.
//!
//! It is the oldest of the owner with the fewest jobs under way. A job that several servers died with may be what killed
//! them. It begins when no other job is under way, and none begins beside it for a while: a further death then harms no other
//! job, and tells which one it was. Others go before it, but not for ever.

use super::notices::Notices;
use super::running::{Running, Work};
use super::spool::{Claim, JobRecord, Lease, Spool};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Time that other jobs may go before one that servers died with, and between two of these.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time that a job that servers died with has for itself: long for what kills a server, short for those who wait.
const ALONE: Duration = Duration::from_secs(20);

/// What a job is chosen by.
pub(super) struct Choice<'a> {
    /// The jobs.
    pub spool: &'a Spool,
    /// Those under way here.
    pub work: &'a Work,
    /// Who waits for them.
    pub notices: &'a Notices,
    /// Most jobs of one owner at once.
    pub share: usize,
    /// Time that a job may be worked on.
    pub job_timeout: Duration,
}

/// A job that is to be worked on.
pub(super) struct Claimed {
    /// The order.
    pub record: Arc<JobRecord>,
    /// Ends the work once it is set.
    pub cancel: Arc<AtomicBool>,
}

/// A job that is not worked on here.
struct Waiting {
    record: Arc<JobRecord>,
    /// Jobs of its owner that are.
    running: usize,
}

impl Choice<'_> {
    /// Claims a job; `None` if none is to begin now.
    pub(super) fn next(&self, now: Instant) -> Option<Claimed> {
        let suspects = &self.work.suspects;
        let mut suspects = suspects.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.waiting(now)?;
        suspects.retain(|id, _| waiting.iter().any(|job| job.record.id == *id));
        // Another server may have one of them by now.
        let is_suspect = |id: &str| self.spool.is_suspect(id).unwrap_or(false);
        let is_due = suspects
            .iter()
            .any(|(id, since)| now.duration_since(*since) >= PATIENCE && is_suspect(id));
        if !is_due {
            for Waiting { record, running } in &waiting {
                if suspects.contains_key(&record.id) || *running >= self.share {
                    continue;
                }
                match self.claim(record, false) {
                    Claim::Taken(lease) => return Some(self.begin(record, lease, None, now)),
                    Claim::Suspect => {
                        suspects.insert(record.id.clone(), now);
                    }
                    Claim::NotFree => {}
                }
            }
        }
        if self.work.count() > 0 {
            return None;
        }
        let is_suspected = |job: &&Waiting| suspects.contains_key(&job.record.id);
        for Waiting { record, .. } in waiting.iter().filter(is_suspected) {
            if let Claim::Taken(lease) = self.claim(record, true) {
                tracing::warn!(
                    job = record.id,
                    "servers died with this job; it is worked on alone"
                );
                return Some(self.begin(record, lease, Some(now + ALONE), now));
            }
        }
        None
    }

    /// The jobs that are not worked on here, those to begin first first; `None` while a job is to have the server for itself.
    fn waiting(&self, now: Instant) -> Option<Vec<Waiting>> {
        let open = self.spool.open_jobs().unwrap_or_else(|error| {
            tracing::error!("the queue cannot be read: {error}");
            Vec::new()
        });
        let running = self.work.lock();
        let is_alone = |job: &Running| job.alone_until.is_some_and(|until| now < until);
        if running.values().any(is_alone) {
            return None;
        }
        let of = |owner: &str| running.values().filter(|job| job.owner == owner).count();
        let open = open.iter().filter(|id| !running.contains_key(*id));
        let records = open.filter_map(|id| self.spool.record(id).ok()?);
        let mut waiting: Vec<Waiting> = records
            .map(|record| Waiting {
                running: of(&record.owner),
                record,
            })
            .collect();
        // Stable: the oldest first.
        waiting.sort_by_key(|job| job.running);
        Some(waiting)
    }

    /// Claims this job; one that servers died with only if `even_suspect`.
    fn claim(&self, record: &JobRecord, even_suspect: bool) -> Claim {
        let claim = self.spool.claim(&record.id, even_suspect);
        let claim = claim.unwrap_or_else(|error| {
            tracing::warn!("a job cannot be claimed: {error}");
            Claim::NotFree
        });
        if matches!(claim, Claim::NotFree) {
            // It may have ended.
            self.notices.tell(&record.id);
        }
        claim
    }

    /// From now on this job is under way.
    fn begin(
        &self,
        record: &Arc<JobRecord>,
        lease: Lease,
        alone_until: Option<Instant>,
        now: Instant,
    ) -> Claimed {
        let cancel = Arc::<AtomicBool>::default();
        let running = Running {
            owner: record.owner.clone(),
            cancel: cancel.clone(),
            end: None,
            lease: Some(lease),
            until: now + self.job_timeout,
            alone_until,
        };
        self.work.lock().insert(record.id.clone(), running);
        Claimed {
            record: record.clone(),
            cancel,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::spool::{JobState, Outcome, random};

    /// A server with two places, of which one owner has one at most.
    struct Place {
        spool: Spool,
        work: Work,
        notices: Notices,
        _folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Place {
            let folder = tempfile::tempdir().unwrap();
            Place {
                spool: Spool::open(folder.path()).unwrap(),
                work: Work::default(),
                notices: Notices::default(),
                _folder: folder,
            }
        }

        /// Orders a job; the numbers tell which is older.
        fn order(&self, number: u32, owner: &str) -> String {
            let id = format!("{number:012x}{}", random());
            let record = serde_json::json!({
                "id": id, "owner": owner, "created_ms": 0, "files": [], "formats": [], "page_estimate": 1,
            });
            let record = serde_json::from_value(record).unwrap();
            let incoming = self.spool.incoming().unwrap();
            let ordered = self.spool.order(incoming, record, &random(), &|_| true);
            ordered.unwrap();
            id
        }

        /// Orders a job that servers died with.
        fn order_suspect(&self, number: u32, owner: &str) -> String {
            let id = self.order(number, owner);
            while !self.spool.is_suspect(&id).unwrap() {
                // A lease that is dropped is dead.
                assert!(matches!(self.spool.claim(&id, false), Ok(Claim::Taken(_))));
            }
            id
        }

        fn next(&self, now: Instant) -> Option<String> {
            let choice = Choice {
                spool: &self.spool,
                work: &self.work,
                notices: &self.notices,
                share: 1,
                job_timeout: Duration::from_secs(600),
            };
            choice.next(now).map(|claimed| claimed.record.id.clone())
        }

        fn end(&self, id: &str) {
            let outcome = Outcome::without_result(JobState::Done, None);
            self.spool.end(id, &outcome).unwrap();
            self.work.lock().remove(id);
        }
    }

    #[test]
    fn an_owner_with_its_share_waits_and_others_do_not() {
        let place = Place::new();
        let (first, second) = (place.order(1, "one"), place.order(2, "one"));
        let other = place.order(3, "other");
        let now = Instant::now();
        assert_eq!(place.next(now), Some(first.clone()));
        assert_eq!(place.next(now), Some(other));
        assert_eq!(place.next(now), None);
        place.end(&first);
        assert_eq!(place.next(now), Some(second));
    }

    #[test]
    fn a_job_that_servers_died_with_has_its_turn_though_its_owner_has_its_share() {
        let place = Place::new();
        let suspect = place.order_suspect(1, "one");
        let first = place.order(2, "one");
        let now = Instant::now();
        assert_eq!(place.next(now), Some(first.clone()));
        assert_eq!(
            place.next(now),
            None,
            "it begins when no other is under way"
        );
        let other = place.order(3, "other");
        let later = now + PATIENCE;
        assert_eq!(place.next(later), None, "others were before it for long");
        place.end(&first);
        assert_eq!(place.next(later), Some(suspect.clone()));
        assert_eq!(place.next(later), None, "it is alone");
        assert_eq!(place.next(later + ALONE), Some(other));
    }
}
