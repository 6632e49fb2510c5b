//! Lists of inputs, as `find` prints them: one name per line, or separated by NUL.

use super::spool::Spooler;
use super::{InputError, named};
use crate::fault::Fault;
use crate::shown;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// Size limit of lists in bytes, since they are read whole.
const MAX_LIST: u64 = 1 << 30;

/// The names in a list; `-` reads the list from standard input. Names may contain any byte but the separator;
/// empty ones are skipped.
///
/// Fails if the list cannot be read.
pub(crate) fn read_list(
    list: &OsStr,
    with_nul: bool,
    spooler: &Spooler,
) -> Result<Vec<OsString>, InputError> {
    let file = match list.as_encoded_bytes() {
        b"-" => named::take_stdin(spooler)?,
        _ => named::take(Path::new(list), spooler)?,
    };
    let read = std::fs::metadata(&file.path).and_then(|meta| match meta.len() {
        0..=MAX_LIST => std::fs::read(&file.path),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    });
    let bytes = read.map_err(|error| {
        InputError::new(
            &shown::name(list),
            Fault::io("the list cannot be read", &error),
        )
    })?;
    let separator = if with_nul { 0 } else { b'\n' };
    let names = bytes.split(|byte| *byte == separator);
    Ok(names
        .filter(|name| !name.is_empty())
        .map(|name| OsString::from_vec(name.to_vec()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_list_have_any_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        let names = |with_nul| {
            let names = read_list(list.as_os_str(), with_nul, &Spooler::default()).unwrap();
            names
                .into_iter()
                .map(OsString::into_vec)
                .collect::<Vec<_>>()
        };
        std::fs::write(&list, b" a b.pdf\n\n#\xe9.pdf\nlast").unwrap();
        assert_eq!(names(false), [&b" a b.pdf"[..], b"#\xe9.pdf", b"last"]);
        std::fs::write(&list, b"a\nb.pdf\0\0c").unwrap();
        assert_eq!(names(true), [&b"a\nb.pdf"[..], b"c"]);
        let missing =
            read_list(OsStr::new("/no/such/list"), false, &Spooler::default()).unwrap_err();
        assert_eq!(missing.input, "/no/such/list");
    }
}
