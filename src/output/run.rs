//! The folder of a run, for files that are not complete: locked as long as the run lives, and removed with it, by itself or by
//! the next run, as are files of the record that are not.

use cap_std::fs::Dir;
use std::fs::File;
use std::io;

/// The folder for files that are not complete; removed when the run ends.
#[derive(Debug)]
pub(super) struct RunFolder {
    pub(super) dir: Dir,
    pub(super) parent: Dir,
    pub(super) name: String,
    /// In the record of a save path whose record lies elsewhere: the mark that the folder is docparse's own.
    pub(super) mark: Option<(Dir, String)>,
    /// Held as long as the run lives.
    pub(super) _lock: File,
}

impl RunFolder {
    /// Removes the folder with all that is in it.
    pub(super) fn remove(&self) {
        clear(&self.parent, &self.name);
        if let Some((record, mark)) = &self.mark {
            let _ = record.remove_file(mark);
        }
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes a run's folder: it holds nothing but files.
pub(super) fn clear(parent: &Dir, name: &str) {
    if let Ok(dir) = parent.open_dir_nofollow_std(name) {
        for entry in dir.entries().into_iter().flatten().flatten() {
            let _ = dir.remove_file(entry.file_name());
        }
    }
    let _ = parent.remove_dir(name);
}

/// Removes a file of the record that was being written, unless it still is.
pub(super) fn clear_file(runs: &Dir, name: &str) {
    let is_file = runs.symlink_metadata(name).is_ok_and(|meta| meta.is_file());
    if let Some(file) = is_file.then(|| runs.open(name).ok()).flatten() {
        let file = file.into_std();
        if file.try_lock().is_ok() {
            let _ = runs.remove_file(name);
        }
    }
}

/// Opening a folder, but no link to one.
trait OpenDirNoFollow {
    fn open_dir_nofollow_std(&self, name: &str) -> io::Result<Dir>;
}

impl OpenDirNoFollow for Dir {
    fn open_dir_nofollow_std(&self, name: &str) -> io::Result<Dir> {
        match self.symlink_metadata(name)?.is_dir() {
            true => self.open_dir(name),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }
}

/// Whether a run's folder is locked by one that lives.
pub(super) fn lives(parent: &Dir, name: &str) -> bool {
    let Ok(dir) = parent.open_dir_nofollow_std(name) else {
        return false;
    };
    let Ok(lock) = dir.open("lock") else {
        return false;
    };
    lock.into_std().try_lock().is_err()
}
