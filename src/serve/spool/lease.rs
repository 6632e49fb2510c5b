//! Leases: who works on a job. A lease is the file `lease.N` in the job's folder, placed there only if no such file
//! exists, locked by its holder and written to every few seconds. `N` counts up: a server takes over by placing
//! the next number once the last lease is dead. It is dead if nothing was written to it for [`EXPIRY`], by the clock of
//! the file system, or, on the same machine, as soon as its lock is free: the system frees it when the holder dies.

use super::files::{self, place_exclusively};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Silence after which a lease of another machine is dead. The heartbeat is a sixth of it.
pub(crate) const EXPIRY: Duration = Duration::from_secs(30);
/// Leases without an outcome from which on a job is suspected of killing its servers: it is then worked on alone, so that
/// the next death tells about no other job.
pub(super) const SUSPECT: u32 = 2;
/// Leases without an outcome after which a job has failed. Many, because servers are killed for other reasons, too, and a
/// job that takes long is often the one that is hit.
pub(super) const MOST_ATTEMPTS: u32 = 10;

/// A held lease. Dropping it leaves the file behind, dead.
#[derive(Debug)]
pub(crate) struct Lease {
    path: PathBuf,
    file: File,
    /// Its number.
    pub attempt: u32,
}

impl Lease {
    /// Shows that the holder lives.
    pub(super) fn beat(&self) -> io::Result<()> {
        // Written, and not touched: the time then comes from the file system.
        self.file.write_all_at(b"{", 0)
    }

    /// Gives the job back, as if nobody had worked on it.
    pub(super) fn give_back(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The number of the newest lease in a job's folder; 0 without one.
pub(super) fn newest(folder: &Path) -> io::Result<u32> {
    let mut newest = 0;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("lease."));
        newest = newest.max(number.and_then(|n| n.parse().ok()).unwrap_or(0));
    }
    Ok(newest)
}

fn path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("lease.{number}"))
}

/// `true` if the holder of a lease is alive, by the clock of the file system.
pub(super) fn is_alive(folder: &Path, number: u32, now: SystemTime) -> bool {
    let Ok(file) = File::open(path(folder, number)) else {
        return false;
    };
    let Ok(written) = file.metadata().and_then(|meta| meta.modified()) else {
        return false;
    };
    if now.duration_since(written).is_ok_and(|age| age > EXPIRY) {
        return false;
    }
    let mut text = String::new();
    let is_ours =
        io::Read::read_to_string(&mut &file, &mut text).is_ok() && text.contains(&machine());
    // The lock of a process on another machine says nothing here.
    !(is_ours && file.try_lock().is_ok())
}

/// Takes the lease with this number; `None` if somebody else was faster.
pub(super) fn take(folder: &Path, number: u32) -> io::Result<Option<Lease>> {
    let part = folder.join(format!("part.{}", files::random()));
    let result = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&part)?;
        // Locked before others can see it, so that it is never taken for dead.
        file.try_lock().map_err(|_| io::ErrorKind::WouldBlock)?;
        file.write_all(format!("{{\"machine\":\"{}\"}}\n", machine()).as_bytes())?;
        let path = path(folder, number);
        Ok(match place_exclusively(&part, &path)? {
            true => Some(Lease {
                path,
                file,
                attempt: number,
            }),
            false => None,
        })
    })();
    if !matches!(result, Ok(Some(_))) {
        let _ = fs::remove_file(&part);
    }
    result
}

/// What the running system of this machine is known by; all containers on it have the same.
fn machine() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_string()
}
