//! Glob patterns over file names of arbitrary bytes.
//!
//! A pattern is matched component by component: components without `*`, `?` and `[` are literal, `**` is any
//! number of folders, others are matched against the entries of their folder. In a name or pattern that is
//! not valid UTF-8, each invalid byte stands for a character that occurs in no name.

use glob::{Pattern, PatternError};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// First of the 256 characters that stand for invalid bytes: the last ones of the last private-use plane.
const FIRST_OF_BYTES: u32 = 0x10_fe00;

/// `true` if the word contains glob characters.
pub(super) fn is_pattern(word: &OsStr) -> bool {
    word.as_encoded_bytes()
        .iter()
        .any(|b| matches!(b, b'*' | b'?' | b'['))
}

/// Files and folders that match a pattern, sorted by folder and name. Unreadable folders count as empty. The
/// search ends once `stop` returns `true`.
pub(super) fn expand(
    pattern: &OsStr,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<PathBuf>, PatternError> {
    let mut found = vec![PathBuf::new()];
    for component in Path::new(pattern).components() {
        found = match component {
            Component::Normal(name) if name == "**" => {
                found.iter().flat_map(|f| with_folders(f, stop)).collect()
            }
            Component::Normal(name) if is_pattern(name) => {
                let pattern = Pattern::new(&as_characters(name))?;
                let matching = |name: &OsStr| pattern.matches(&as_characters(name));
                found
                    .iter()
                    .take_while(|_| !stop())
                    .flat_map(|folder| entries(folder, &matching))
                    .collect()
            }
            other => found
                .iter()
                .map(|f| f.join(other))
                .filter(|f| f.symlink_metadata().is_ok())
                .collect(),
        };
    }
    let mut seen = HashSet::new();
    found.retain(|path| seen.insert(path.clone()));
    Ok(found)
}

/// Entries of a folder whose names match, sorted by their bytes.
fn entries(folder: &Path, matching: &dyn Fn(&OsStr) -> bool) -> Vec<PathBuf> {
    let readable = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = std::fs::read_dir(readable).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|e| e.file_name())
        .filter(|name| matching(name))
        .collect();
    names.sort();
    names.iter().map(|name| folder.join(name)).collect()
}

/// A folder and all folders below it. Symbolic links are not followed: they could form cycles.
fn with_folders(folder: &Path, stop: &dyn Fn() -> bool) -> Vec<PathBuf> {
    let mut found = vec![folder.to_path_buf()];
    let mut at = 0;
    while at < found.len() && !stop() {
        let below = entries(&found[at], &|_| true);
        found.extend(
            below
                .into_iter()
                .filter(|p| p.symlink_metadata().is_ok_and(|m| m.is_dir())),
        );
        at += 1;
    }
    found.sort();
    found
}

/// A name as text, with each invalid byte as a character of its own.
fn as_characters(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        let characters = chunk
            .invalid()
            .iter()
            .map(|b| char::from_u32(FIRST_OF_BYTES + u32::from(*b)));
        text.extend(characters.flatten());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn patterns_match_names_of_any_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let name = |bytes: &[u8]| dir.path().join(OsStr::from_bytes(bytes));
        std::fs::create_dir_all(name(b"d\xe9/deep/er")).unwrap();
        for file in [
            &b"a.pdf"[..],
            b"raw-\xe9.pdf",
            b"d\xe9/b.pdf",
            b"d\xe9/deep/er/c.pdf",
            b"x[1].pdf",
        ] {
            std::fs::write(name(file), "x").unwrap();
        }
        let check = |pattern: &[u8], expected: &[&[u8]]| {
            let found = expand(name(pattern).as_os_str(), &|| false).unwrap();
            assert_eq!(found, expected.iter().map(|e| name(e)).collect::<Vec<_>>());
        };
        check(b"*.pdf", &[b"a.pdf", b"raw-\xe9.pdf", b"x[1].pdf"]);
        check(b"raw-?.pdf", &[b"raw-\xe9.pdf"]);
        check(b"raw-[\xe0-\xef].p*", &[b"raw-\xe9.pdf"]);
        check(b"d\xe9/*.pdf", &[b"d\xe9/b.pdf"]);
        check(b"d*/*", &[b"d\xe9/b.pdf", b"d\xe9/deep"]);
        check(b"**/[bc].pdf", &[b"d\xe9/b.pdf", b"d\xe9/deep/er/c.pdf"]);
        check(b"*.tif", &[]);
        assert!(expand(OsStr::new("a["), &|| false).is_err());
    }
}
