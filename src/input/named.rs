//! Opening of inputs given by name: files are taken, pipes are spooled, devices and sockets are refused.
//!
//! The file type is checked before and after opening, and opening does not block, so that a pipe in place of
//! a file never hangs a run.

use super::InputError;
use super::file::InputFile;
use super::spool::{Patient, SpoolError, Spooled, Spooler};
use crate::fault::{Fault, Reason};
use crate::shown;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The reason why a file of this type is not read; `None` for a regular file.
pub(super) fn refusal(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a directory"),
        kind if kind.is_fifo() => Some("a named pipe"),
        kind if kind.is_char_device() || kind.is_block_device() => Some("a device, not a document"),
        kind if kind.is_socket() => Some("a socket, not a document"),
        _ => Some("not a file"),
    }
}

/// An input given by its own name: a file, or a pipe, which is read to its end.
pub(super) fn take(path: &Path, spooler: &Spooler) -> Result<InputFile, InputError> {
    let given = shown::name(path);
    let fail = |fault: Fault| InputError::new(&given, fault);
    let unreadable = |error: io::Error| fail(Fault::io("cannot be read", &error));
    let kind = std::fs::metadata(path).map_err(unreadable)?.file_type();
    if kind.is_fifo() {
        let pipe = open(path).map_err(unreadable)?;
        if !pipe.metadata().map_err(unreadable)?.file_type().is_fifo() {
            let message = "was replaced while it was opened";
            return Err(fail(Fault::new(Reason::Access, message)));
        }
        let spooled = spooler
            .copy(&mut Patient(pipe))
            .map_err(|e| fail(e.into()))?;
        return Ok(InputFile::spooled(given, file_name(path), spooled));
    }
    if let Some(what) = refusal(kind) {
        return Err(fail(refused(what)));
    }
    let mut file = InputFile::from_path(path, PathBuf::new());
    file.is_named = true;
    if is_of_this_process(path) {
        let held = open(path)
            .and_then(|file| Spooled::hold(file, path))
            .map_err(unreadable)?;
        file = InputFile::spooled(given, file.name, held);
    }
    Ok(file)
}

/// Standard input, read to its end.
pub(super) fn take_stdin(spooler: &Spooler) -> Result<InputFile, InputError> {
    let stdin = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(File::from)
        .map_err(SpoolError::Read);
    let spooled = stdin.and_then(|stdin| match stdin.metadata() {
        // The error of reading a directory would be unclear.
        Ok(meta) if meta.is_dir() => Err(SpoolError::Read(io::ErrorKind::IsADirectory.into())),
        _ => spooler.copy(&mut Patient(stdin)),
    });
    let spooled = spooled.map_err(|error| InputError::new("-", error))?;
    Ok(InputFile::spooled("-".into(), "stdin".into(), spooled))
}

/// Opens an input while its pages are read; anything but a regular file that has taken its place is refused.
///
/// The returned path stays that of the opened file, even if its name is reused.
pub(super) fn hold(file: &InputFile) -> Result<Spooled, InputError> {
    let fail = |fault: Fault| InputError::new(&file.given, fault);
    let opened = open(&file.path).map_err(|error| fail(unreadable(&error)))?;
    let meta = opened
        .metadata()
        .map_err(|error| fail(unreadable(&error)))?;
    match refusal(meta.file_type()) {
        Some(what) => Err(fail(refused(what))),
        None => Spooled::hold(opened, &file.path).map_err(|error| fail(unreadable(&error))),
    }
}

fn unreadable(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::NotFound => Fault::new(Reason::NotFound, "no such file or directory"),
        _ => Fault::io("cannot be read", error),
    }
}

/// The fault of something that is not read for what it is.
fn refused(what: &str) -> Fault {
    Fault::new(Reason::Unsupported, format!("is {what}"))
}

/// Opens without waiting for a writer.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

fn file_name(path: &Path) -> std::ffi::OsString {
    path.file_name().unwrap_or(path.as_os_str()).to_os_string()
}

/// `true` if the name means another file in another process, as `/dev/stdin` does.
fn is_of_this_process(path: &Path) -> bool {
    let means = |path: &Path| path.starts_with("/dev") || path.starts_with("/proc");
    means(path) || std::fs::read_link(path).is_ok_and(|target| means(&target))
}

/// Device and inode number: equal for two names of one file.
pub(super) fn identity(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    #[test]
    fn what_takes_the_place_of_a_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pdf");
        std::fs::write(&path, "first").unwrap();
        let file = InputFile::from_path(&path, PathBuf::new());
        let held = hold(&file).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            hold(&file).unwrap_err().fault.message,
            "no such file or directory"
        );
        let name = CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
        // SAFETY: the name is a C string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        assert_eq!(hold(&file).unwrap_err().fault.message, "is a named pipe");
        assert_eq!(
            std::fs::read(held.path()).unwrap(),
            b"first",
            "what was opened stays"
        );
    }
}
