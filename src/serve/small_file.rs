//! Small files that the operator gives or that servers share: keys, secrets and certificates.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens a regular file, also by way of symbolic links. Anything else is refused: opening a named pipe would wait for
/// somebody who writes to it, and hold up whoever reads the file again.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    // Of what is open: the path may lead elsewhere by now.
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file (a pipe, as of `<(...)`, is none), and it may have to be read again: write what it holds \
             into a file, and name that",
        )),
    }
}

/// The bytes of a regular file; an error of the kind `FileTooLarge` if there are more than `most`.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    contents(&open(path)?, most)
}

/// The bytes of a file that is open; an error of the kind `FileTooLarge` if there are more than `most`.
pub(super) fn contents(file: &File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // It may grow between a look at its size and the reading.
    file.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use std::ffi::CString;
    use std::io::ErrorKind;

    #[test]
    fn only_regular_files_of_some_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "1234").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        for name in ["file", "link"] {
            assert_eq!(read(&at(name), 4).unwrap(), b"1234");
            assert_eq!(
                read(&at(name), 3).unwrap_err().kind(),
                ErrorKind::FileTooLarge
            );
        }
        let pipe = at("pipe");
        let name = CString::new(pipe.as_os_str().as_encoded_bytes()).unwrap();
        // SAFETY: the name is a C string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        for path in [pipe.as_path(), folder.path(), "/dev/null".as_ref()] {
            let error = read(path, 4).unwrap_err();
            assert!(error.to_string().contains("regular file"), "{error}");
        }
        assert_eq!(
            read(&at("none"), 4).unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }
}
