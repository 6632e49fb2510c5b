//! Spooling of streams: standard input, named pipes and downloads are copied into an unnamed temporary file,
//! so that nothing is left of it however the process ends.
//!
//! The file is opened by its path `/proc/PID/fd/N`, also by worker processes. It lies in the first of several
//! folders that is writable and has room, or else in memory. If `/proc` is missing or closed to other
//! processes, it gets a name that starts with `docparse-` and is removed with its last user. Only the user
//! can read it (mode 0600).

use crate::fault::{Fault, Reason};
use std::fs::{File, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempPath;

/// Default size limit of a spooled input, in bytes.
pub(crate) const MAX_INPUT_SIZE: u64 = 4 << 30;
/// Bytes of a stream that are kept in memory if no folder takes them.
const MOST_IN_MEMORY: u64 = 1 << 30;
/// Bytes copied at once; cancellation is checked in between.
const CHUNK: usize = 1 << 16;
/// Milliseconds between cancellation checks while no data arrives.
const PATIENCE: libc::c_int = 100;

/// Reason why a stream could not be spooled.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The data exceeds the size limit.
    #[error("the data is larger than {limit} bytes; `max_input_size` takes more")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The run was interrupted.
    #[error("cancelled")]
    Cancelled,
    /// Reading the stream failed.
    #[error("the data could not be read: {0}")]
    Read(#[source] io::Error),
    /// No folder takes the data.
    #[error("no temporary file could be written: {0}; TMPDIR names a folder with room")]
    Write(#[source] io::Error),
}

impl SpoolError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            SpoolError::TooLarge { .. } => Reason::TooLarge,
            SpoolError::Cancelled => Reason::Cancelled,
            SpoolError::Read(error) | SpoolError::Write(error) => error.into(),
        }
    }
}

impl From<SpoolError> for Fault {
    fn from(error: SpoolError) -> Fault {
        Fault::new(error.reason(), error.to_string())
    }
}

/// A file that was spooled or is held open. It exists as long as this value or a clone of it.
#[derive(Debug, Clone)]
pub struct Spooled {
    path: PathBuf,
    size: u64,
    _keep: Arc<KeptFile>,
}

#[derive(Debug)]
enum KeptFile {
    /// An open file that needs no name.
    Open { _file: File },
    /// A named file, for systems without `/proc`.
    Named { _path: TempPath },
}

impl Spooled {
    /// Path by which this and other processes of the user can open it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Holds a file open whose name may be reused or mean nothing in other processes, such as `/dev/stdin`.
    /// Without `/proc` it keeps its name.
    pub fn hold(file: File, name: &Path) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let path = if has_descriptor_paths() {
            descriptor_path(&file)
        } else {
            name.to_path_buf()
        };
        Ok(Self {
            path,
            size,
            _keep: Arc::new(KeptFile::Open { _file: file }),
        })
    }
}

/// `true` if other processes of the user can open this one's descriptors; not if the executable is
/// unreadable.
fn has_descriptor_paths() -> bool {
    // SAFETY: the call only reads a flag of this process.
    let is_open = unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) } == 1;
    is_open && Path::new("/proc/self/fd").is_dir()
}

fn descriptor_path(file: &File) -> PathBuf {
    PathBuf::from(format!(
        "/proc/{}/fd/{}",
        std::process::id(),
        file.as_raw_fd()
    ))
}

/// Copies streams into temporary files.
#[derive(Debug, Clone)]
pub struct Spooler {
    folders: Vec<PathBuf>,
    limit: u64,
    cancel: Arc<AtomicBool>,
}

impl Spooler {
    /// Copies up to `limit` bytes per stream into the first of `folders` that takes them, until `cancel` is
    /// set.
    pub fn new(folders: Vec<PathBuf>, limit: u64, cancel: Arc<AtomicBool>) -> Self {
        Self {
            folders,
            limit,
            cancel,
        }
    }

    /// Size limit of an input in bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// `true` once the run was interrupted.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Copies a stream to its end. Cancellation is checked between reads, so a read should return in less
    /// than a second, with `WouldBlock` if nothing came, as [`Patient`] does.
    ///
    /// Fails if the stream fails or exceeds the limit, or if no folder takes it.
    pub fn copy(&self, stream: &mut dyn Read) -> Result<Spooled, SpoolError> {
        let mut places = self.folders.iter();
        let mut place = TemporaryFile::next(&mut places, None)?;
        let mut size = 0;
        let mut buffer = vec![0; CHUNK];
        loop {
            if self.is_cancelled() {
                return Err(SpoolError::Cancelled);
            }
            let count = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
                    ) =>
                {
                    continue;
                }
                Err(error) => return Err(SpoolError::Read(error)),
            };
            if size + count as u64 > self.limit {
                return Err(SpoolError::TooLarge { limit: self.limit });
            }
            // If a folder is full, the next one takes over.
            while let Err(error) = place.write_at(size, &buffer[..count]) {
                place = TemporaryFile::next(&mut places, Some((place, size, error)))?;
            }
            size += count as u64;
        }
        place.done(size)
    }
}

impl Default for Spooler {
    /// Into the system's temporary folder, never cancelled.
    fn default() -> Self {
        Self::new(vec![std::env::temp_dir()], MAX_INPUT_SIZE, Arc::default())
    }
}

/// A temporary file that is being written.
struct TemporaryFile {
    file: File,
    name: Option<TempPath>,
    in_memory: bool,
}

impl TemporaryFile {
    /// A file in the next folder that takes one, or else in memory; it starts with the bytes of the file that
    /// failed.
    fn next<'a>(
        folders: &mut impl Iterator<Item = &'a PathBuf>,
        failed: Option<(TemporaryFile, u64, io::Error)>,
    ) -> Result<TemporaryFile, SpoolError> {
        if let Some((
            TemporaryFile {
                in_memory: true, ..
            },
            _,
            error,
        )) = failed
        {
            return Err(SpoolError::Write(error));
        }
        loop {
            let mut place = match folders.next() {
                Some(folder) => match TemporaryFile::create(folder) {
                    Ok(place) => place,
                    Err(_) => continue,
                },
                None => TemporaryFile::memory().map_err(SpoolError::Write)?,
            };
            let Some((old, size, _)) = &failed else {
                return Ok(place);
            };
            match place.take_over(&old.file, *size) {
                Ok(()) => return Ok(place),
                Err(error) if place.in_memory => return Err(SpoolError::Write(error)),
                Err(_) => continue,
            }
        }
    }

    fn create(folder: &Path) -> io::Result<TemporaryFile> {
        let (file, name) = if has_descriptor_paths() {
            (tempfile::tempfile_in(folder)?, None)
        } else {
            let (file, name) = tempfile::Builder::new()
                .prefix("docparse-")
                .tempfile_in(folder)?
                .into_parts();
            (file, Some(name))
        };
        file.set_permissions(Permissions::from_mode(0o600))?;
        Ok(TemporaryFile {
            file,
            name,
            in_memory: false,
        })
    }

    fn memory() -> io::Result<TemporaryFile> {
        // SAFETY: the name is a C string, and nobody else owns the descriptor, if there is one.
        let file = unsafe {
            match libc::memfd_create(c"docparse".as_ptr(), libc::MFD_CLOEXEC) {
                -1 => return Err(io::Error::last_os_error()),
                descriptor => File::from_raw_fd(descriptor),
            }
        };
        Ok(TemporaryFile {
            file,
            name: None,
            in_memory: true,
        })
    }

    fn take_over(&mut self, old: &File, size: u64) -> io::Result<()> {
        let mut old = old;
        old.seek(SeekFrom::Start(0))?;
        io::copy(&mut old.take(size), &mut self.file).map(drop)
    }

    /// Writes at a position, over what a failed attempt has written of the same bytes.
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        if self.in_memory && position + bytes.len() as u64 > MOST_IN_MEMORY {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.seek(SeekFrom::Start(position))?;
        self.file.write_all(bytes)
    }

    fn done(self, size: u64) -> Result<Spooled, SpoolError> {
        self.file.set_len(size).map_err(SpoolError::Write)?;
        let (path, keep) = match self.name {
            Some(name) => (name.to_path_buf(), KeptFile::Named { _path: name }),
            None => (
                descriptor_path(&self.file),
                KeptFile::Open { _file: self.file },
            ),
        };
        Ok(Spooled {
            path,
            size,
            _keep: Arc::new(keep),
        })
    }
}

/// Reads a pipe or a terminal without blocking for long: `WouldBlock` if nothing came within a tenth of a
/// second.
///
/// A named pipe that no writer has opened yet is not at its end either.
pub(crate) struct Patient(pub File);

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut waiting = libc::pollfd {
            fd: self.0.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: `waiting` is one record, and lives as long as the call.
        match unsafe { libc::poll(&mut waiting, 1, PATIENCE) } {
            -1 => Err(io::Error::last_os_error()),
            0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => self.0.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spooler(folders: &[&Path], limit: u64) -> Spooler {
        Spooler::new(
            folders.iter().map(|f| f.to_path_buf()).collect(),
            limit,
            Arc::default(),
        )
    }

    #[test]
    fn a_stream_becomes_a_file_without_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let data = vec![7; 3 * CHUNK + 1];
        let spooled = spooler(&[folder.path()], u64::MAX)
            .copy(&mut data.as_slice())
            .unwrap();
        assert_eq!(
            (std::fs::read(spooled.path()).unwrap(), spooled.size()),
            (data, 3 * CHUNK as u64 + 1)
        );
        assert_eq!(
            std::fs::metadata(spooled.path())
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "nothing to be left behind"
        );
    }

    #[test]
    fn folders_that_take_nothing_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        for folders in [
            &[missing.as_path(), folder.path()][..],
            &[missing.as_path()],
            &[],
        ] {
            let spooled = spooler(folders, 9)
                .copy(&mut b"some text".as_slice())
                .unwrap();
            assert_eq!(std::fs::read(spooled.path()).unwrap(), b"some text");
        }
    }

    #[test]
    fn a_folder_that_is_full_is_left_for_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        // The bytes written so far move along.
        let mut old = TemporaryFile::create(folder.path()).unwrap();
        old.write_at(0, b"some text that was cut off").unwrap();
        let folders = [folder.path().to_path_buf()];
        let full = io::ErrorKind::StorageFull.into();
        let mut place = TemporaryFile::next(&mut folders.iter(), Some((old, 9, full))).unwrap();
        place.write_at(9, b", on").unwrap();
        assert_eq!(
            std::fs::read(place.done(13).unwrap().path()).unwrap(),
            b"some text, on"
        );
    }

    #[test]
    fn too_much_is_refused() {
        let endless = &mut io::repeat(1);
        let error = spooler(&[], 1 << 20).copy(endless).unwrap_err();
        assert!(
            matches!(error, SpoolError::TooLarge { limit: 0x100000 }),
            "{error}"
        );
    }

    #[test]
    fn a_pipe_that_says_nothing_is_left_when_the_run_is_cancelled() {
        let (reader, _writer) = io::pipe().unwrap();
        let cancel = Arc::new(AtomicBool::new(false));
        let spooler = Spooler::new(Vec::new(), 10, cancel.clone());
        let copying = std::thread::spawn(move || {
            spooler.copy(&mut Patient(File::from(std::os::fd::OwnedFd::from(reader))))
        });
        cancel.store(true, Ordering::Relaxed);
        assert!(matches!(
            copying.join().unwrap(),
            Err(SpoolError::Cancelled)
        ));
    }
}
