//! Moving a complete file to its destination: atomically, without replacing anything unintended, and also
//! where another file system is mounted inside the save path.

use super::names::text_of;
use super::random_name;
use cap_std::fs::{Dir, OpenOptions};
use std::ffi::CString;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Creates the missing folders of a path and adds them to `made`.
pub(super) fn make_folders(root: &Dir, path: &Path, made: &mut Vec<String>) -> io::Result<()> {
    let mut folders: Vec<&Path> = path
        .ancestors()
        .filter(|p| !p.as_os_str().is_empty())
        .collect();
    folders.reverse();
    for folder in folders {
        match root.create_dir(folder) {
            Ok(()) => made.push(text_of(folder)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Renames a part file to its destination. Without `replace`, the system call itself fails if the destination
/// exists.
pub(super) fn rename(
    from: &Dir,
    part: &str,
    parent: &Dir,
    name: &Path,
    replace: bool,
) -> io::Result<()> {
    let result = match replace {
        true => from.rename(part, parent, name),
        false => rename_exclusively(from, part, parent, name),
    };
    match result {
        // Another file system is mounted at the destination.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            copy(from, part, parent, name, replace)
        }
        other => other,
    }
}

fn rename_exclusively(from: &Dir, part: &str, to: &Dir, name: &Path) -> io::Result<()> {
    let text = |bytes: &[u8]| {
        CString::new(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
    };
    let (old, new) = (text(part.as_bytes())?, text(name.as_os_str().as_bytes())?);
    // SAFETY: open directories and NUL-terminated strings; single components, so no link is followed.
    let result = unsafe {
        libc::renameat2(
            from.as_raw_fd(),
            old.as_ptr(),
            to.as_raw_fd(),
            new.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    if result == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        // File systems without exclusive renaming: check, then rename.
        error if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) => {
            match to.symlink_metadata(name) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => from.rename(part, to, name),
            }
        }
        error => Err(error),
    }
}

/// Copies a part file to the destination folder and renames it there.
fn copy(folder: &Dir, part: &str, parent: &Dir, name: &Path, replace: bool) -> io::Result<()> {
    let beside = format!(".docparse-{}.part", random_name());
    let mut options = OpenOptions::new();
    let mut from = folder.open(part)?;
    let copied = parent
        .open_with(&beside, options.write(true).create_new(true))
        .and_then(|mut to| {
            io::copy(&mut from, &mut to)?;
            to.sync_data()
        });
    let placed = copied.and_then(|()| match replace {
        true => parent.rename(&beside, parent, name),
        false => rename_exclusively(parent, &beside, parent, name),
    });
    match placed {
        Ok(()) => folder.remove_file(part),
        Err(error) => {
            let _ = parent.remove_file(&beside);
            Err(error)
        }
    }
}
