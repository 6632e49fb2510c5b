//! Jobs on disk, where they survive the server and where several servers find them.
//!
//! ```text
//! incoming/RANDOM/         a request whose bytes still come; becomes jobs/ID by one rename
//! jobs/ID/request.json     the order ([`JobRecord`]), which never changes
//!         input/0, 1, ...  the files; gone once the job has ended
//!         lease.1, 2, ...  who works on it (`lease`); each attempt has the next number
//!         progress.N.json  how far attempt N is
//!         pages.N.ndjson   pages of attempt N as they are finished
//!         results.N/       output files of attempt N
//!         cancel           somebody wants it cancelled
//!         outcome.json     how it ended; placed once and never replaced
//!         webhook/         how far its webhook is (`deliveries`)
//! queue/ID                 empty: the job has no outcome yet
//! webhooks/ID              empty: somebody is to be told of the job's end (`deliveries`)
//! keys/HASH                the job that an order with this content or this `Idempotency-Key` has led to
//! link-key                 what addresses of results are signed with, by all servers of the spool
//! trash/RANDOM/            being removed
//! ```
//!
//! Whatever the moment a server is killed at: an order exists from its rename on; a job whose lease is dead is taken up by
//! the next server that looks; of two servers that finish the same job, one places the outcome and the other
//! drops its results. No path is made of a name that a client gave.

mod deliveries;
mod files;
mod incoming;
mod lease;
mod record;
mod sweep;
#[cfg(test)]
mod tests;

pub(crate) use deliveries::{Delivery, Due};
pub(crate) use files::{now_ms, random};
pub(crate) use incoming::{Incoming, IncomingFile};
pub(crate) use lease::Lease;
pub(crate) use record::{
    AnswerOptions, DoclingContent, DoclingOptions, FileProgress, JobError, JobRecord, JobState,
    Outcome, PictureMode, Progress,
};
pub(crate) use sweep::SweepRules;

use super::small_file;
use crate::fault::{Fault, Reason};
use lease::{MOST_ATTEMPTS, SUSPECT};
use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Orders that are remembered; more are read again.
const MOST_REMEMBERED: usize = 10_000;

/// A job as it stands.
#[derive(Debug, Clone)]
pub(crate) struct JobStatus {
    /// The order.
    pub record: Arc<JobRecord>,
    /// Its state.
    pub state: JobState,
    /// How far it is; `None` before work began.
    pub progress: Option<Progress>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ordered {
    /// A new job.
    New(String),
    /// The job that an equal order led to before.
    Known(String),
}

/// What came of looking whether a job can be taken.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It is worked on under this lease.
    Taken(Lease),
    /// Somebody works on it, or it has ended.
    NotFree,
    /// Several servers died with it, so it was left.
    Suspect,
}

/// The folder of jobs.
#[derive(Debug)]
pub(crate) struct Spool {
    root: PathBuf,
    /// A file that only tells the time of the file system.
    clock: File,
    clock_path: PathBuf,
    records: Mutex<HashMap<String, Arc<JobRecord>>>,
}

impl Drop for Spool {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.clock_path);
    }
}

impl Spool {
    /// Opens a spool, made if it is not there. Only its user can read what is in it.
    pub(crate) fn open(root: &Path) -> Result<Spool, Fault> {
        let fail = |error: io::Error| {
            Fault::io(
                format_args!("the spool folder `{}` cannot be used", root.display()),
                &error,
            )
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        for folder in [
            "", "incoming", "jobs", "queue", "webhooks", "keys", "trash", "clocks",
        ] {
            builder.create(root.join(folder)).map_err(fail)?;
        }
        let clock_path = root.join("clocks").join(random());
        let clock = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&clock_path)
            .map_err(fail)?;
        Ok(Spool {
            root: root.into(),
            clock,
            clock_path,
            records: Mutex::default(),
        })
    }

    /// The key that addresses of results are signed with; made by the first server of the spool.
    pub(crate) fn link_key(&self) -> Result<Vec<u8>, Fault> {
        let path = self.root.join("link-key");
        let fail = |error: io::Error| {
            let what = format_args!("the key of addresses `{}` cannot be used", path.display());
            Fault::io(what, &error)
        };
        files::write_secret_once(&self.root, "link-key", &[random(), random()].concat())
            .map_err(fail)?;
        let wrong = |what: &str| {
            let what = format!("{what}; remove it, and a new one is made");
            fail(io::Error::new(io::ErrorKind::InvalidData, what))
        };
        let file = small_file::open(&path).map_err(fail)?;
        // A group may read it: volumes that belong to a group are given to it with all that is in them.
        if file.metadata().map_err(fail)?.mode() & 0o007 != 0 {
            return Err(wrong("any user of the system may read or change it"));
        }
        let damaged = || wrong("it is damaged");
        let key = small_file::contents(&file, LINK_KEY as u64);
        let key = key.map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => damaged(),
            _ => fail(error),
        })?;
        match key.len() == LINK_KEY && key.iter().all(u8::is_ascii_hexdigit) {
            true => Ok(key),
            false => Err(damaged()),
        }
    }

    /// The time of the file system.
    fn now(&self) -> SystemTime {
        let told = self
            .clock
            .write_all_at(b".", 0)
            .and_then(|()| self.clock.metadata())
            .and_then(|meta| meta.modified());
        told.unwrap_or_else(|_| SystemTime::now())
    }

    /// `true` if a text can be the id of a job; only such texts become part of a path.
    pub(crate) fn is_id(text: &str) -> bool {
        text.len() == ID_LENGTH && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// The folder of a job; `None` for a text that is no id.
    fn folder(&self, id: &str) -> Option<PathBuf> {
        Spool::is_id(id).then(|| self.root.join("jobs").join(id))
    }

    fn marker(&self, id: &str) -> PathBuf {
        self.root.join("queue").join(id)
    }

    /// Makes a job of what came in. An equal `key` of before gives the job of before, unless that failed, is gone, or
    /// does not `fit`.
    pub(crate) fn order(
        &self,
        incoming: Incoming,
        record: JobRecord,
        key: &str,
        fits: &dyn Fn(&JobStatus) -> bool,
    ) -> io::Result<Ordered> {
        let key_place = self.root.join("keys").join(key);
        if let Some(known) = self.known(&key_place, fits)? {
            // A server may have died before it got its turn.
            if self
                .folder(&known)
                .is_some_and(|folder| !folder.join("outcome.json").exists())
            {
                self.enqueue(&known)?;
            }
            return Ok(Ordered::Known(known));
        }
        let record = JobRecord {
            key: key.into(),
            ..record
        };
        let id = record.id.clone();
        let folder = self.folder(&id).ok_or(io::ErrorKind::InvalidInput)?;
        files::write(incoming.path(), "request.json", &record)?;
        files::sync_folder(incoming.path());
        if record.webhook.is_some() {
            self.announce(&id)?;
        }
        incoming.become_job(&folder)?;
        // The job exists before its key, and the key before its turn: who finds a key finds a job.
        let keys = self.root.join("keys");
        while !files::write_once(&keys, key, &id)? {
            match self.known(&key_place, fits)? {
                Some(known) => {
                    self.discard(&folder);
                    self.end_delivery(&id);
                    return Ok(Ordered::Known(known));
                }
                // Of a job that failed, is gone, or is another.
                None => drop(fs::remove_file(&key_place)),
            }
        }
        self.enqueue(&id)?;
        files::sync_folder(&self.root.join("jobs"));
        self.remember(&Arc::new(record));
        Ok(Ordered::New(id))
    }

    /// The job behind a key, if it lives, did not fail, and fits.
    fn known(&self, key: &Path, fits: &dyn Fn(&JobStatus) -> bool) -> io::Result<Option<String>> {
        let Ok(Some(id)) = files::read::<String>(key) else {
            return Ok(None);
        };
        let failed = [JobState::Failed, JobState::Canceled];
        let status = self.status(&id)?;
        Ok(status
            .filter(|status| !failed.contains(&status.state) && !self.is_cancelled(&id))
            .filter(fits)
            .map(|_| id))
    }

    /// Gives a job its turn whose server died before that. If its order led to another job since, it goes.
    fn settle(&self, record: &JobRecord) -> io::Result<bool> {
        let id = &record.id;
        let keys = self.root.join("keys");
        let is_led_to = record.key.is_empty()
            || files::write_once(&keys, &record.key, id)?
            || files::read::<String>(&keys.join(&record.key))?.as_ref() == Some(id);
        match is_led_to {
            true => self.enqueue(id)?,
            false => self.remove(id)?,
        }
        Ok(is_led_to)
    }

    fn enqueue(&self, id: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let made = options.write(true).create(true).truncate(false);
        made.open(self.marker(id)).map(drop)
    }

    /// A folder for the bytes of a request.
    pub(crate) fn incoming(&self) -> io::Result<Incoming> {
        Incoming::new(&self.root.join("incoming"))
    }

    fn remember(&self, record: &Arc<JobRecord>) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= MOST_REMEMBERED {
            records.clear();
        }
        records.insert(record.id.clone(), record.clone());
    }

    fn forget(&self, id: &str) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.remove(id);
    }

    /// The order of a job; `None` if there is no such job.
    pub(crate) fn record(&self, id: &str) -> io::Result<Option<Arc<JobRecord>>> {
        let Some(folder) = self.folder(id) else {
            return Ok(None);
        };
        let known = {
            let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
            records.get(id).cloned()
        };
        // It may have been removed meanwhile, by another server too.
        if let Some(known) = known {
            if folder.is_dir() {
                return Ok(Some(known));
            }
            self.forget(id);
            return Ok(None);
        }
        let record = files::read::<JobRecord>(&folder.join("request.json"));
        let record = record.unwrap_or_else(|error| {
            tracing::warn!(job = id, "the order of a job cannot be read: {error}");
            None
        });
        let Some(record) = record else {
            return Ok(None);
        };
        let record = Arc::new(record);
        self.remember(&record);
        Ok(Some(record))
    }

    /// A job as it stands; `None` if there is no such job.
    pub(crate) fn status(&self, id: &str) -> io::Result<Option<JobStatus>> {
        let Some((record, folder)) = self.record(id)?.zip(self.folder(id)) else {
            return Ok(None);
        };
        let outcome: Option<Outcome> = match files::read(&folder.join("outcome.json")) {
            // Nothing better is known of it, and others are not to suffer.
            Err(error) => Some(damaged(id, &error)),
            Ok(outcome) => outcome,
        };
        if let Some(outcome) = outcome {
            return Ok(Some(JobStatus {
                record,
                state: outcome.state,
                progress: outcome.progress.clone(),
                outcome: Some(outcome),
            }));
        }
        let newest = lease::newest(&folder)?;
        let is_held = newest > 0 && lease::is_alive(&folder, newest, self.now());
        // That of an earlier attempt tells nothing of this one.
        let progress = match is_held {
            true => files::read(&folder.join(progress_name(newest))).unwrap_or_default(),
            false => None,
        };
        Ok(Some(JobStatus {
            record,
            state: match is_held {
                true => JobState::Running,
                false => JobState::Queued,
            },
            progress,
            outcome: None,
        }))
    }

    /// All ids in a folder, oldest first: an id begins with the time that it was made.
    fn ids(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(self.root.join(folder))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut ids: Vec<String> = names.filter(|name| Spool::is_id(name)).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// All jobs, oldest first.
    pub(crate) fn jobs(&self) -> io::Result<Vec<String>> {
        self.ids("jobs")
    }

    /// The jobs without an outcome, oldest first.
    pub(crate) fn open_jobs(&self) -> io::Result<Vec<String>> {
        self.ids("queue")
    }

    /// How many servers died with a job in this folder; `None` if somebody works on it.
    fn deaths(&self, folder: &Path) -> io::Result<Option<u32>> {
        let newest = lease::newest(folder)?;
        let is_free = newest == 0 || !lease::is_alive(folder, newest, self.now());
        Ok(is_free.then_some(newest))
    }

    /// `true` if nobody works on a job, and several servers died while they did.
    pub(crate) fn is_suspect(&self, id: &str) -> io::Result<bool> {
        match self.folder(id).filter(|folder| folder.is_dir()) {
            Some(folder) => Ok(self.deaths(&folder)?.is_some_and(|n| n >= SUSPECT)),
            None => Ok(false),
        }
    }

    /// Takes a job that nobody works on; one that several servers died with only if `even_suspect`.
    ///
    /// A job that was cancelled meanwhile ends here, and so does one that too many servers died with.
    pub(crate) fn claim(&self, id: &str, even_suspect: bool) -> io::Result<Claim> {
        let Some(folder) = self.folder(id) else {
            return Ok(Claim::NotFree);
        };
        if folder.join("outcome.json").exists() || !folder.is_dir() {
            let _ = fs::remove_file(self.marker(id));
            return Ok(Claim::NotFree);
        }
        let Some(deaths) = self.deaths(&folder)? else {
            return Ok(Claim::NotFree);
        };
        if folder.join("cancel").exists() {
            self.end(id, &Outcome::without_result(JobState::Canceled, None))?;
            return Ok(Claim::NotFree);
        }
        if deaths >= MOST_ATTEMPTS {
            let message = format!("the server died {deaths} times while it worked on this job");
            let error = JobError::from(&Fault::new(Reason::WorkerDied, message));
            self.end(id, &Outcome::without_result(JobState::Failed, Some(error)))?;
            return Ok(Claim::NotFree);
        }
        if deaths >= SUSPECT && !even_suspect {
            return Ok(Claim::Suspect);
        }
        // Who else has looked meanwhile wants this number, too, and one of both gets it.
        let Some(lease) = lease::take(&folder, deaths + 1)? else {
            return Ok(Claim::NotFree);
        };
        // Its holder may have ended it between the look and the end of its lease: then all of it stays.
        if folder.join("outcome.json").exists() {
            self.give_back(lease);
            let _ = fs::remove_file(self.marker(id));
            return Ok(Claim::NotFree);
        }
        // Of the attempts before, and of one with this number that was given back.
        for number in 1..=lease.attempt {
            let _ = fs::remove_dir_all(folder.join(format!("results.{number}")));
            let _ = fs::remove_file(folder.join(format!("pages.{number}.ndjson")));
            let _ = fs::remove_file(folder.join(progress_name(number)));
        }
        Ok(Claim::Taken(lease))
    }

    /// Shows that the holder of a lease lives; `false` if somebody else has taken over.
    pub(crate) fn beat(&self, id: &str, lease: &Lease) -> io::Result<bool> {
        lease.beat()?;
        self.is_newest(id, lease)
    }

    fn is_newest(&self, id: &str, lease: &Lease) -> io::Result<bool> {
        let folder = self.folder(id).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(lease::newest(&folder)? == lease.attempt)
    }

    /// Ends a job; `false` if it had ended already, and then nothing changes.
    pub(crate) fn end(&self, id: &str, outcome: &Outcome) -> io::Result<bool> {
        let folder = self.folder(id).ok_or(io::ErrorKind::InvalidInput)?;
        let is_first = files::write_once(&folder, "outcome.json", outcome)?;
        let _ = fs::remove_file(self.marker(id));
        if is_first {
            let _ = fs::remove_dir_all(folder.join("input"));
        }
        Ok(is_first)
    }

    /// Ends a job that was worked on under a lease. If somebody else ended it before, or has taken over, the results of
    /// this attempt are dropped.
    pub(crate) fn finish(&self, id: &str, lease: Lease, outcome: &Outcome) -> io::Result<bool> {
        let folder = self.folder(id).ok_or(io::ErrorKind::InvalidInput)?;
        let is_ours = self.is_newest(id, &lease)? && self.end(id, outcome)?;
        if !is_ours {
            let _ = fs::remove_dir_all(folder.join(format!("results.{}", lease.attempt)));
        }
        Ok(is_ours)
    }

    /// Gives a job back to the queue.
    pub(crate) fn give_back(&self, lease: Lease) {
        lease.give_back();
    }

    /// Asks for a job to be cancelled. One that nobody works on ends at once.
    pub(crate) fn cancel(&self, id: &str) -> io::Result<()> {
        let folder = self.folder(id).ok_or(io::ErrorKind::NotFound)?;
        files::write(&folder, "cancel", &now_ms())?;
        if self.deaths(&folder)?.is_some() {
            self.end(id, &Outcome::without_result(JobState::Canceled, None))?;
        }
        Ok(())
    }

    /// `true` if somebody asked for a job to be cancelled.
    pub(crate) fn is_cancelled(&self, id: &str) -> bool {
        self.folder(id)
            .is_some_and(|folder| folder.join("cancel").exists())
    }

    /// Removes a job with all its files.
    pub(crate) fn remove(&self, id: &str) -> io::Result<()> {
        let folder = self.folder(id).ok_or(io::ErrorKind::NotFound)?;
        let _ = fs::remove_file(self.marker(id));
        self.forget(id);
        self.discard(&folder);
        self.end_delivery(id);
        Ok(())
    }

    /// Removes a folder: it vanishes at once, and its files go one by one.
    fn discard(&self, folder: &Path) {
        let trash = self.root.join("trash").join(random());
        if fs::rename(folder, &trash).is_ok() {
            let _ = fs::remove_dir_all(&trash);
        }
    }

    /// `false` if the folder was removed.
    pub(crate) fn is_there(&self) -> bool {
        // Its clock is kept young on the way: nobody takes it for a leftover.
        self.now();
        self.root.join("jobs").is_dir()
    }

    /// Where the bytes of a job's file are.
    pub(crate) fn input(&self, id: &str, index: usize) -> Option<PathBuf> {
        Some(self.folder(id)?.join("input").join(index.to_string()))
    }

    /// Where the results of an attempt are written.
    pub(crate) fn results(&self, id: &str, attempt: u32) -> Option<PathBuf> {
        Some(self.folder(id)?.join(format!("results.{attempt}")))
    }

    /// The file with the pages of an attempt, one JSON object a line.
    pub(crate) fn pages(&self, id: &str, attempt: u32) -> Option<PathBuf> {
        Some(self.folder(id)?.join(format!("pages.{attempt}.ndjson")))
    }

    /// Says how far a job is. Each attempt has a file of its own: a server that was stopped, and goes on after another has
    /// taken over, changes nothing of what the other one tells.
    pub(crate) fn set_progress(&self, id: &str, progress: &Progress) -> io::Result<()> {
        let folder = self.folder(id).ok_or(io::ErrorKind::InvalidInput)?;
        files::write(&folder, &progress_name(progress.attempt), progress)
    }
}

/// The file that says how far an attempt is.
fn progress_name(attempt: u32) -> String {
    format!("progress.{attempt}.json")
}

/// The outcome of a job whose own cannot be read.
fn damaged(id: &str, error: &io::Error) -> Outcome {
    tracing::warn!(job = id, "the outcome of a job cannot be read: {error}");
    let fault = Fault::new(Reason::Damaged, "how the job ended cannot be read any more");
    Outcome::without_result(JobState::Failed, Some(JobError::from(&fault)))
}

/// Digits of the key of addresses.
const LINK_KEY: usize = 64;
/// Digits of an id: 12 of the time, 32 at random.
const ID_LENGTH: usize = 44;

/// A new id. Those made later are greater, to the millisecond.
pub(crate) fn new_id() -> String {
    format!("{:012x}{}", now_ms(), random())
}
