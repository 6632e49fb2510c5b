//! The folder of a run for incomplete files: locked while the run lives, and removed when it ends or else by
//! the next run, along with incomplete record files.

use cap_std::fs::Dir;
use std::fs::File;
use std::io;

/// The folder for incomplete files; removed when the run ends.
#[derive(Debug)]
pub(super) struct RunFolder {
    pub(super) dir: Dir,
    pub(super) parent: Dir,
    pub(super) name: String,
    /// If the record lies elsewhere: a file in it that marks the folder as docparse's own.
    pub(super) mark: Option<(Dir, String)>,
    /// Held while the run lives.
    pub(super) _lock: File,
}

impl RunFolder {
    /// Removes the folder and its content.
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

/// Removes a run's folder, which holds files only.
pub(super) fn clear(parent: &Dir, name: &str) {
    if let Ok(dir) = parent.open_dir_nofollow_std(name) {
        for entry in dir.entries().into_iter().flatten().flatten() {
            let _ = dir.remove_file(entry.file_name());
        }
    }
    let _ = parent.remove_dir(name);
}

/// Removes an incomplete record file, unless it is still being written.
pub(super) fn clear_file(runs: &Dir, name: &str) {
    let is_file = runs.symlink_metadata(name).is_ok_and(|meta| meta.is_file());
    if let Some(file) = is_file.then(|| runs.open(name).ok()).flatten() {
        let file = file.into_std();
        if file.try_lock().is_ok() {
            let _ = runs.remove_file(name);
        }
    }
}

/// Opens a folder, but not through a symbolic link.
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

/// `true` if a run's folder is locked by a living run.
pub(super) fn lives(parent: &Dir, name: &str) -> bool {
    let Ok(dir) = parent.open_dir_nofollow_std(name) else {
        return false;
    };
    let Ok(lock) = dir.open("lock") else {
        return false;
    };
    lock.into_std().try_lock().is_err()
}
