//! Fetching a model: into a separate folder, file by file, resumable; verified; then renamed to its
//! destination.

use super::catalog::ModelEntry;
use super::hub::{Hub, RemoteFile};
use super::{RECORD, RecordedFile, Store, StoreError, StoredModel, check, hashed};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Number of concurrent downloads.
const AT_ONCE: usize = 4;

/// Progress of fetching a model.
pub(crate) trait Progress: Sync {
    /// Adds to the number of bytes to fetch, as far as it is known.
    fn expect(&self, bytes: u64);
    /// Adds to the number of bytes fetched.
    fn advance(&self, bytes: u64);
}

/// Result of [`pull`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pulled {
    /// It was fetched.
    Fetched(StoredModel),
    /// It was already there, at the same commit.
    UpToDate(StoredModel),
}

/// Fetches a model into the store, unless it is there at the commit of `revision` (or of the hub's default
/// revision).
///
/// Waits for another process that fetches the same model. Files fetched before a failure are reused the next
/// time.
pub(crate) fn pull(
    store: &Store,
    hub: &Hub,
    model: &ModelEntry,
    revision: Option<&str>,
    progress: &dyn Progress,
) -> Result<Pulled, StoreError> {
    let listing = hub.list(model, revision)?;
    let mut wanted = Vec::new();
    for path in &model.files {
        let found = listing.files.iter().find(|file| file.path == *path);
        wanted.push(found.cloned().ok_or_else(|| missing(model, path))?);
    }
    let optional = model.optional.iter();
    wanted.extend(optional.filter_map(|path| {
        listing
            .files
            .iter()
            .find(|file| file.path == *path)
            .cloned()
    }));
    std::fs::create_dir_all(store.root()).map_err(StoreError::io(store.root()))?;
    let lock_path = store.root().join(format!(".{}.lock", model.name));
    let lock = File::create(&lock_path).map_err(StoreError::io(&lock_path))?;
    lock.lock().map_err(StoreError::io(&lock_path))?;
    // The other process may have finished it meanwhile.
    if let Some(record) = store.record(model)
        && record.commit == listing.commit
        && record.source == hub.source().name()
        && is_whole(store, model, &record)
    {
        return Ok(Pulled::UpToDate(record));
    }
    let aside = store.root().join(format!(".{}.partial", model.name));
    let files = fetch_all(
        &aside,
        hub,
        model,
        (&listing.commit, revision),
        &wanted,
        progress,
    )?;
    let record = StoredModel {
        model: model.name.clone(),
        repository: model.repository.clone(),
        source: hub.source().name(),
        commit: listing.commit,
        files,
    };
    let text = serde_json::to_string_pretty(&record).map_err(|e| StoreError::Io {
        path: aside.join(RECORD),
        reason: e.into(),
    })?;
    std::fs::write(aside.join(RECORD), text + "\n").map_err(StoreError::io(&aside))?;
    // Files left there by another pull do not belong to this commit.
    for entry in std::fs::read_dir(&aside)
        .map_err(StoreError::io(&aside))?
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != RECORD && !record.files.iter().any(|file| file.path == name) {
            drop(std::fs::remove_file(entry.path()));
        }
    }
    let place = store.root().join(&model.name);
    store.remove(model)?;
    std::fs::rename(&aside, &place).map_err(StoreError::io(&place))?;
    Ok(Pulled::Fetched(record))
}

fn missing(model: &ModelEntry, file: &str) -> StoreError {
    StoreError::NoFile {
        repository: model.repository.clone(),
        file: file.to_string(),
        model: model.name.clone(),
    }
}

fn is_whole(store: &Store, model: &ModelEntry, record: &StoredModel) -> bool {
    let folder = store.root().join(&model.name);
    record.files.iter().all(|file| {
        folder
            .join(&file.path)
            .metadata()
            .is_ok_and(|found| found.len() == file.size)
    })
}

/// Fetches files concurrently; the first failure stops the others.
fn fetch_all(
    aside: &Path,
    hub: &Hub,
    model: &ModelEntry,
    (commit, revision): (&str, Option<&str>),
    wanted: &[RemoteFile],
    progress: &dyn Progress,
) -> Result<Vec<RecordedFile>, StoreError> {
    std::fs::create_dir_all(aside).map_err(StoreError::io(aside))?;
    progress.expect(
        wanted
            .iter()
            .filter_map(|file| file.size)
            .fold(0, u64::saturating_add),
    );
    let queue = Mutex::new(wanted.iter());
    let (done, failed) = (Mutex::new(Vec::new()), Mutex::new(None));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(wanted.len()) {
            scope.spawn(|| {
                loop {
                    let next = locked(&queue).next();
                    let Some(file) = next.filter(|_| !stop.load(Ordering::Relaxed)) else {
                        return;
                    };
                    match fetch_one(
                        aside,
                        hub,
                        model,
                        (commit, revision),
                        file,
                        (&stop, progress),
                    ) {
                        Ok(recorded) => locked(&done).extend(recorded),
                        Err(error) => {
                            stop.store(true, Ordering::Relaxed);
                            locked(&failed).get_or_insert(error);
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = failed
        .into_inner()
        .unwrap_or_else(|poison| poison.into_inner())
    {
        return Err(error);
    }
    let mut files: Vec<RecordedFile> = done
        .into_inner()
        .unwrap_or_else(|poison| poison.into_inner());
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

/// Fetches a file, or the missing rest of it; `None` if it is optional and does not exist. A file with a
/// wrong hash is fetched anew once: its beginning may have come from another commit.
fn fetch_one(
    aside: &Path,
    hub: &Hub,
    model: &ModelEntry,
    (commit, revision): (&str, Option<&str>),
    file: &RemoteFile,
    (stop, progress): (&AtomicBool, &dyn Progress),
) -> Result<Option<RecordedFile>, StoreError> {
    // File names in the catalog contain no folders, but it could be extended.
    let path = aside.join(file.path.replace(['/', '\\'], "_"));
    for attempt in 0.. {
        let mut out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(StoreError::io(&path))?;
        let start = out.metadata().map_err(StoreError::io(&path))?.len();
        let start = match file.size {
            // Without a size from the hub, a partial file cannot be told from a complete one.
            Some(size) if start <= size => start,
            _ => {
                out.set_len(0).map_err(StoreError::io(&path))?;
                0
            }
        };
        progress.advance(start);
        let mut write = |bytes: &[u8], anew: bool| {
            if stop.load(Ordering::Relaxed) {
                return Err(StoreError::Io {
                    path: path.clone(),
                    reason: std::io::ErrorKind::Interrupted.into(),
                });
            }
            if anew {
                out.set_len(0).map_err(StoreError::io(&path))?;
            }
            out.write_all(bytes).map_err(StoreError::io(&path))?;
            progress.advance(bytes.len() as u64);
            Ok(())
        };
        if hub
            .fetch(model, commit, revision, file, start, &mut write)?
            .is_none()
        {
            drop(std::fs::remove_file(&path));
            return match model.files.contains(&file.path) {
                true => Err(missing(model, &file.path)),
                false => Ok(None),
            };
        }
        out.sync_all().map_err(StoreError::io(&path))?;
        let (size, sha256) = hashed(&path, &mut |_| {}).map_err(StoreError::io(&path))?;
        let expected = (
            file.size.unwrap_or(size),
            file.sha256
                .as_deref()
                .unwrap_or(&sha256)
                .to_ascii_lowercase(),
        );
        match check(
            model,
            &file.path,
            [(size, &sha256), (expected.0, &expected.1)],
        ) {
            Ok(()) => {
                return Ok(Some(RecordedFile {
                    path: file.path.clone(),
                    size,
                    sha256,
                }));
            }
            Err(error) => {
                drop(std::fs::remove_file(&path));
                if attempt > 0 || start == 0 {
                    return Err(error);
                }
            }
        }
    }
    unreachable!("the loop returns")
}
