//! Small files of the spool: written whole under another name, then moved into place.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// 32 hexadecimal digits that nobody can guess.
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    crate::output::names::hex(&bytes)
}

/// Moves a file to a place where nothing is; `false` if something is there.
pub(super) fn place_exclusively(from: &Path, to: &Path) -> io::Result<bool> {
    let text = |path: &Path| {
        CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput)
    };
    let (old, new) = (text(from)?, text(to)?);
    // SAFETY: NUL-terminated strings.
    let result = unsafe {
        libc::renameat2(
            libc::AT_FDCWD,
            old.as_ptr(),
            libc::AT_FDCWD,
            new.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    if result == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EEXIST) => Ok(false),
        // File systems over a network may lack that call, but have links.
        Some(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP) => match fs::hard_link(from, to) {
            Ok(()) => fs::remove_file(from).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        },
        _ => Err(error),
    }
}

/// Reads a JSON file; `None` if it is not there.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `true` for the error of a path that leads nowhere.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Writes a JSON file in one step, in place of an earlier one.
pub(super) fn write(folder: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    staged(folder, value, |part| fs::rename(part, folder.join(name)))
}

/// The same, but only if there is none; `false` if there is one.
pub(super) fn write_once(folder: &Path, name: &str, value: &impl Serialize) -> io::Result<bool> {
    staged(folder, value, |part| {
        place_exclusively(part, &folder.join(name))
    })
}

/// Writes a text that only the user can read, if there is none of this name.
pub(super) fn write_secret_once(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    if folder.join(name).exists() {
        return Ok(());
    }
    let place = |part: &Path| place_exclusively(part, &folder.join(name)).map(drop);
    staged_bytes(folder, text.as_bytes(), 0o600, place)
}

fn staged<T>(
    folder: &Path,
    value: &impl Serialize,
    place: impl FnOnce(&Path) -> io::Result<T>,
) -> io::Result<T> {
    // Less, if the user's mask says so.
    staged_bytes(folder, &serde_json::to_vec(value)?, 0o666, place)
}

fn staged_bytes<T>(
    folder: &Path,
    bytes: &[u8],
    mode: u32,
    place: impl FnOnce(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let part = folder.join(format!("part.{}", random()));
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&part)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        place(&part)
    })();
    // Still there if it was not placed.
    let _ = fs::remove_file(&part);
    written
}

/// Makes the names in a folder last through a power failure. File systems that cannot are not asked again.
pub(super) fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
