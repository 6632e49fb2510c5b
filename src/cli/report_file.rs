//! The destination of `--report`: checked before any work is done, and replaced by rename, so a report is
//! never partial.

use super::Failure;
use super::interrupt::SharedReporter;
use crate::shown;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::NamedTempFile;

/// Destination of a report.
#[derive(Debug)]
pub(super) struct ReportFile {
    name: String,
    place: ReportPlace,
}

#[derive(Debug)]
enum ReportPlace {
    /// A file in a writable folder; symbolic links in its name are resolved.
    File(PathBuf),
    /// A pipe or a device, which cannot be replaced.
    Stream(File),
}

impl ReportFile {
    /// Checks that a report can be written to `path`.
    pub(super) fn check(path: &Path) -> Result<Self, Failure> {
        let name = shown::name(path);
        let place = place(path).map_err(|error| failure(&name, &error))?;
        Ok(Self { name, place })
    }

    /// Writes the report.
    pub(super) fn write(self, text: &str) -> Result<(), Failure> {
        let written = match self.place {
            ReportPlace::Stream(mut stream) => match stream.write_all(text.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other,
            },
            ReportPlace::File(path) => replace(&path, text),
        };
        written.map_err(|error| failure(&self.name, &error))
    }
}

/// The report of a run: written once, by the run itself or by its interrupt handler. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Report(Arc<Mutex<Option<ReportFile>>>);

impl Report {
    /// Checks that a report can be written to `path`; `None` for no report.
    pub(super) fn check(path: Option<&Path>) -> Result<Self, Failure> {
        Ok(Report(Arc::new(Mutex::new(
            path.map(ReportFile::check).transpose()?,
        ))))
    }

    /// Writes the state of `reporter`, if a report is wanted and not written yet.
    pub(super) fn write(
        &self,
        reporter: &SharedReporter,
        pipeline: &str,
        code: u8,
    ) -> Result<(), Failure> {
        let Some(file) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        let value = reporter.lock().to_json(pipeline, code);
        file.write(&format!(
            "{}\n",
            serde_json::to_string_pretty(&value).unwrap_or_default()
        ))
    }
}

fn failure(name: &str, error: &io::Error) -> Failure {
    Failure::fatal(
        format!("cannot write `{name}`: {error}"),
        "give another --report",
    )
}

fn place(path: &Path) -> io::Result<ReportPlace> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(meta) if !meta.is_file() => stream(path).map(ReportPlace::Stream),
        // The target of `/dev/stdout` may have no name of its own, and others may be writing to it.
        Ok(_) if path.starts_with("/dev") || path.starts_with("/proc") => OpenOptions::new()
            .append(true)
            .open(path)
            .map(ReportPlace::Stream),
        Ok(_) => {
            let path = path.canonicalize()?;
            temporary(&path)?;
            Ok(ReportPlace::File(path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            temporary(path)?;
            Ok(ReportPlace::File(path.to_path_buf()))
        }
        Err(error) => Err(error),
    }
}

/// A pipe or device, opened without waiting for a reader; later writes block as usual.
fn stream(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    // SAFETY: the descriptor is that of an open file.
    unsafe {
        let flags = libc::fcntl(file.as_raw_fd(), libc::F_GETFL);
        if flags == -1
            || libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags & !libc::O_NONBLOCK) == -1
        {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(file)
}

/// A temporary file beside the report, removed if it is dropped.
fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // The mode of any new file, reduced by the user's umask.
    let permissions = Permissions::from_mode(0o666);
    tempfile::Builder::new()
        .prefix(".docparse-")
        .permissions(permissions)
        .tempfile_in(folder)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut file = temporary(path)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    if let Ok(meta) = std::fs::metadata(path) {
        file.as_file().set_permissions(meta.permissions())?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_replaced_whole_and_keeps_its_link_and_mode() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (
            folder.path().join("report.json"),
            folder.path().join("link.json"),
        );
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("report.json", &link).unwrap();
        ReportFile::check(&link).unwrap().write("new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            2,
            "no temporary file stays"
        );
    }

    #[test]
    fn what_cannot_hold_a_report_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            folder.path().to_path_buf(),
            folder.path().join("missing/report.json"),
        ] {
            assert!(ReportFile::check(&path).is_err(), "{}", path.display());
        }
        // A pipe without a reader.
        let pipe = folder.path().join("pipe");
        let name = std::ffi::CString::new(pipe.as_os_str().as_encoded_bytes()).unwrap();
        // SAFETY: the name is a C string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        assert!(ReportFile::check(&pipe).is_err());
    }
}
