//! From what stands on the command line to a list of files.
//!
//! Files are taken as they are named; directories are walked and their files sorted by path; globs are
//! expanded; URLs are fetched (`fetch.rs`), `-` goes into a temporary file. Every part that cannot be had becomes an
//! [`InputError`] of its own, the others go on.

use super::InputError;
use super::fetch::{Fetcher, Remote, Spooled};
use crate::net::{has_scheme, is_address, shown_address};
use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Extensions looked for in directories (specification, section 3.1), and `gif`.
const EXTENSIONS: &[&str] = &[
    "pdf", "tiff", "tif", "bmp", "dib", "jpeg", "jpg", "png", "webp", "pbm", "pgm", "ppm", "pnm", "sr",
    "ras", "gif",
];

/// A file to be parsed.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// As it was given, or found below what was given; this is `input_path` in the results.
    pub given: String,
    /// Where its bytes are; empty for what lies behind an address.
    pub path: PathBuf,
    /// File name for the output plan.
    pub name: String,
    /// Folder below the directory that was given, for mirroring.
    pub mirror: PathBuf,
    /// Its bytes, where they are fetched from an address.
    pub remote: Option<Remote>,
    /// Keeps a temporary file alive.
    pub(super) _temporary: Option<Arc<Spooled>>,
}

impl InputFile {
    /// A file on disk.
    pub fn from_path(path: &Path, mirror: PathBuf) -> Self {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Self {
            given: path.display().to_string(),
            path: path.to_path_buf(),
            name,
            mirror,
            remote: None,
            _temporary: None,
        }
    }
}

/// Finds all files behind `inputs`, in order; a file named twice is taken once. What lies behind addresses is fetched by
/// `fetcher` from now on.
pub fn discover(inputs: &[String], fetcher: &Fetcher) -> Vec<Result<InputFile, InputError>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for input in inputs {
        for file in expand(input, fetcher) {
            let new = match &file {
                Ok(InputFile { remote: Some(remote), .. }) => seen.insert(PathBuf::from(remote.key())),
                Ok(file) => seen.insert(file.path.canonicalize().unwrap_or_else(|_| file.path.clone())),
                Err(_) => true,
            };
            if new {
                found.push(file);
            }
        }
    }
    found
}

fn expand(input: &str, fetcher: &Fetcher) -> Vec<Result<InputFile, InputError>> {
    let fail = |reason: String| vec![Err(InputError::new(input, reason))];
    if input == "-" {
        return vec![read_stdin()];
    }
    if is_address(input) {
        return vec![Ok(fetcher.add(input))];
    }
    let path = Path::new(input);
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => walk(path),
        Ok(_) => vec![Ok(InputFile::from_path(path, PathBuf::new()))],
        Err(_) if has_scheme(input) => {
            let reason = "only http and https addresses are fetched".to_string();
            vec![Err(InputError::new(&shown_address(input), reason))]
        }
        Err(_) if input.contains(['*', '?', '[']) => match glob::glob(input) {
            Err(error) => fail(format!("not a valid pattern: {error}")),
            Ok(paths) => {
                let found: Vec<_> = paths.flatten().filter(|p| p.is_file()).collect();
                if found.is_empty() {
                    return fail("no file matches the pattern".into());
                }
                found.iter().map(|p| Ok(InputFile::from_path(p, PathBuf::new()))).collect()
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => fail("no such file or directory".into()),
        Err(error) => fail(format!("cannot be read: {error}")),
    }
}

fn walk(root: &Path) -> Vec<Result<InputFile, InputError>> {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    let mut visited = HashSet::new();
    while let Some(folder) = folders.pop() {
        // A link back to a parent would be walked forever.
        if !visited.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
            continue;
        }
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                let name = folder.display().to_string();
                errors.push(Err(InputError::new(&name, format!("the directory cannot be read: {error}"))));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if has_known_extension(&path) {
                files.push(path);
            }
        }
    }
    files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    if files.is_empty() && errors.is_empty() {
        let name = root.display().to_string();
        let reason = format!("the directory holds no file of a known kind ({})", EXTENSIONS.join(", "));
        return vec![Err(InputError::new(&name, reason))];
    }
    let mirror = |path: &Path| {
        path.parent().and_then(|p| p.strip_prefix(root).ok()).map(Path::to_path_buf).unwrap_or_default()
    };
    errors.extend(files.iter().map(|path| Ok(InputFile::from_path(path, mirror(path)))));
    errors
}

fn has_known_extension(path: &Path) -> bool {
    path.extension().is_some_and(|e| EXTENSIONS.contains(&e.to_string_lossy().to_lowercase().as_str()))
}

fn read_stdin() -> Result<InputFile, InputError> {
    spool("-", "stdin", &mut io::stdin().lock())
}

/// Copies a stream into a temporary file that lives as long as the input.
fn spool(given: &str, name: &str, stream: &mut dyn Read) -> Result<InputFile, InputError> {
    let fail = |error: io::Error| InputError::new(given, format!("the data could not be fetched: {error}"));
    let mut spooled = Spooled::new().map_err(fail)?;
    io::copy(stream, spooled.file_mut()).map_err(fail)?;
    Ok(InputFile {
        given: given.to_string(),
        path: spooled.path().to_path_buf(),
        name: name.to_string(),
        mirror: PathBuf::new(),
        remote: None,
        _temporary: Some(Arc::new(spooled)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fetch::FetchOptions;
    use super::*;

    fn nothing() -> Fetcher {
        Fetcher::new(FetchOptions::default())
    }

    #[test]
    fn directories_are_walked_in_byte_order_and_mirrored() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        for name in ["b.pdf", "B.PDF", "notes.txt", "sub/a.png"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        let found = discover(&[dir.path().display().to_string()], &nothing());
        let names: Vec<_> = found.iter().map(|f| f.as_ref().unwrap().name.clone()).collect();
        assert_eq!(names, ["B.PDF", "b.pdf", "a.png"]);
        assert_eq!(found[2].as_ref().unwrap().mirror, Path::new("sub"));
    }

    #[test]
    fn what_cannot_be_found_is_an_error_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.pdf");
        std::fs::write(&file, "x").unwrap();
        let missing = dir.path().join("missing.pdf").display().to_string();
        let pattern = dir.path().join("*.tiff").display().to_string();
        let name = file.display().to_string();
        let found = discover(&[missing, name.clone(), pattern, name], &nothing());
        assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, false]);
    }
}
