//! From command line arguments to a list of files.
//!
//! Files are taken as named, pipes are read to their end; directories are walked and their files sorted by
//! path; globs are expanded; URLs are fetched (`fetch.rs`), `-` is spooled. Names may contain any bytes.
//! Every part that cannot be read becomes an [`InputError`] of its own; the others are still processed.

use super::fetch::Fetcher;
use super::file::InputFile;
use super::spool::Spooler;
use super::{InputError, named, pattern};
use crate::fault::{Fault, Reason};
use crate::net::{has_scheme, is_address, shown_address};
use crate::shown;
use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// Extensions searched for in directories (docs/reference.md, "Kinds of input"), and those of kinds that only docparse
/// reads.
pub(crate) const EXTENSIONS: &[&str] = &[
    "pdf", "tiff", "tif", "bmp", "dib", "jpeg", "jpg", "png", "webp", "pbm", "pgm", "ppm", "pnm",
    "sr", "ras", "gif", "jp2", "j2k", "jpx", "jpf", "j2c", "heic", "heif",
];

/// Result of a search for inputs.
#[derive(Debug, Default)]
pub(crate) struct Discovered {
    /// Files in order, and errors for inputs without one.
    pub files: Vec<Result<InputFile, InputError>>,
    /// Pipes and devices found in directories or by patterns; they are not opened.
    pub passed_over: Vec<InputError>,
    /// Counts of files of other types in directories, by lower-case extension (empty: without).
    pub other_kinds: BTreeMap<String, usize>,
}

/// Finds the files of all `inputs`, in order; a file named twice is taken once. `fetcher` starts to download
/// addresses. The search ends when the run is cancelled.
pub(crate) fn discover(inputs: &[OsString], fetcher: &Fetcher) -> Discovered {
    let spooler = fetcher.spooler();
    let mut found = Discovered::default();
    let (mut seen, mut streams) = (HashSet::new(), HashSet::new());
    for input in inputs {
        if spooler.is_cancelled() {
            break;
        }
        // A stream can be read only once.
        if let Some(stream) = stream_identity(input)
            && !streams.insert(stream)
        {
            continue;
        }
        for file in expand(input, fetcher, &mut found) {
            let new = match &file {
                Ok(InputFile {
                    remote: Some(remote),
                    ..
                }) => seen.insert(PathBuf::from(remote.key())),
                Ok(file) => seen.insert(
                    file.path
                        .canonicalize()
                        .unwrap_or_else(|_| file.path.clone()),
                ),
                Err(_) => true,
            };
            if new {
                found.files.push(file);
            }
        }
    }
    found
}

fn stream_identity(input: &OsStr) -> Option<(u64, u64)> {
    let path = if input == "-" {
        Path::new("/dev/stdin")
    } else {
        Path::new(input)
    };
    let meta = std::fs::metadata(path).ok()?;
    (input == "-" || !(meta.is_file() || meta.is_dir())).then(|| named::identity(&meta))
}

fn expand(
    input: &OsStr,
    fetcher: &Fetcher,
    found: &mut Discovered,
) -> Vec<Result<InputFile, InputError>> {
    let fail = |fault: Fault| vec![Err(InputError::new(&shown::name(input), fault))];
    let spooler = fetcher.spooler();
    if input == "-" {
        return vec![named::take_stdin(spooler)];
    }
    if let Some(address) = input.to_str().filter(|word| is_address(word)) {
        return vec![Ok(InputFile::fetched(address, fetcher))];
    }
    let path = Path::new(input);
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => walk(path, spooler, found),
        Ok(_) => vec![named::take(path, spooler)],
        Err(_) if input.to_str().is_some_and(has_scheme) => {
            let shown = shown_address(input.to_str().unwrap_or_default());
            vec![Err(InputError::new(
                &shown,
                Fault::new(
                    Reason::Unsupported,
                    "only http and https addresses are fetched",
                ),
            ))]
        }
        Err(_) if pattern::is_pattern(input) => {
            match pattern::expand(input, &|| spooler.is_cancelled()) {
                Err(error) => fail(Fault::new(
                    Reason::Settings,
                    format!("not a valid pattern: {error}"),
                )),
                Ok(mut paths) => {
                    paths.retain(|path| is_file(path, found));
                    if paths.is_empty() {
                        let message = "no file matches the pattern";
                        return fail(Fault::new(Reason::NotFound, message));
                    }
                    paths
                        .iter()
                        .map(|p| Ok(InputFile::from_path(p, PathBuf::new())))
                        .collect()
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fail(Fault::new(Reason::NotFound, "no such file or directory"))
        }
        Err(error) => fail(Fault::io("cannot be read", &error)),
    }
}

/// `true` if a path found by search is a file; pipes and devices are noted.
fn is_file(path: &Path, found: &mut Discovered) -> bool {
    let Ok(meta) = std::fs::metadata(path) else {
        return false;
    };
    let refusal = named::refusal(meta.file_type());
    if let Some(what) = refusal.filter(|_| !meta.is_dir()) {
        let message = format!("is {what}: left out; only what is named itself is waited for");
        let fault = Fault::new(Reason::Unsupported, message);
        found
            .passed_over
            .push(InputError::new(&shown::name(path), fault));
    }
    refusal.is_none()
}

fn walk(
    root: &Path,
    spooler: &Spooler,
    found: &mut Discovered,
) -> Vec<Result<InputFile, InputError>> {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    let mut visited = HashSet::new();
    while let Some(folder) = folders.pop().filter(|_| !spooler.is_cancelled()) {
        // A link back to a parent would be walked forever.
        if !visited.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
            continue;
        }
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                let fault = Fault::io("the directory cannot be read", &error);
                errors.push(Err(InputError::new(&shown::name(&folder), fault)));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let extension = extension(&path);
            if path.is_dir() {
                folders.push(path);
            } else if EXTENSIONS.contains(&extension.as_str()) {
                if is_file(&path, found) {
                    files.push(path);
                } else if path.metadata().is_err() {
                    files.push(path); // a link to nowhere is told when it is opened
                }
            } else {
                *found.other_kinds.entry(extension).or_default() += 1;
            }
        }
    }
    files.sort_by(|a, b| {
        a.as_os_str()
            .as_encoded_bytes()
            .cmp(b.as_os_str().as_encoded_bytes())
    });
    if files.is_empty() && errors.is_empty() && !spooler.is_cancelled() {
        let message = format!(
            "the directory holds no file of a known kind ({})",
            EXTENSIONS.join(", ")
        );
        let fault = Fault::new(Reason::NotFound, message);
        return vec![Err(InputError::new(&shown::name(root), fault))];
    }
    let mirror = |path: &Path| {
        path.parent()
            .and_then(|p| p.strip_prefix(root).ok())
            .map(Path::to_path_buf)
            .unwrap_or_default()
    };
    errors.extend(
        files
            .iter()
            .map(|path| Ok(InputFile::from_path(path, mirror(path)))),
    );
    errors
}

/// The extension of a file in lower case, for display.
fn extension(path: &Path) -> String {
    path.extension()
        .map(shown::name)
        .unwrap_or_default()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(inputs: &[&Path]) -> Discovered {
        discover(
            &inputs
                .iter()
                .map(|i| i.as_os_str().to_os_string())
                .collect::<Vec<_>>(),
            &Fetcher::default(),
        )
    }

    #[test]
    fn directories_are_walked_in_byte_order_and_mirrored() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        for name in ["b.pdf", "B.PDF", "notes.txt", "sub/a.png"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        let Discovered {
            files: found,
            other_kinds,
            ..
        } = find(&[dir.path()]);
        let names: Vec<_> = found
            .iter()
            .map(|f| f.as_ref().unwrap().name.clone())
            .collect();
        assert_eq!(names, ["B.PDF", "b.pdf", "a.png"]);
        assert_eq!(found[2].as_ref().unwrap().mirror, Path::new("sub"));
        assert_eq!(other_kinds, BTreeMap::from([("txt".to_string(), 1)]));
    }

    #[test]
    fn a_file_with_two_names_is_two_inputs() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link, other) = (
            dir.path().join("a.pdf"),
            dir.path().join("link.pdf"),
            dir.path().join("other.pdf"),
        );
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink("a.pdf", &link).unwrap();
        std::fs::hard_link(&file, &other).unwrap();
        assert_eq!(
            find(&[&file, &link, &other, &dir.path().join("./a.pdf")])
                .files
                .len(),
            2
        );
    }

    #[test]
    fn what_cannot_be_found_is_an_error_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.pdf");
        std::fs::write(&file, "x").unwrap();
        let (missing, pattern) = (dir.path().join("missing.pdf"), dir.path().join("*.tiff"));
        let found = find(&[&missing, &file, &pattern, &file]).files;
        assert_eq!(
            found.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [false, true, false]
        );
    }
}
