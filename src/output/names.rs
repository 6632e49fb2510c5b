//! Output names: safe and distinct for every document, independent of the order of inputs.
//!
//! Input names are untrusted. The results are path components that are not empty, `.` or `..`, contain no
//! separator or control character, and leave room for the suffixes of the formats.

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// Limit on bytes of a stem. Linux file systems allow 255 in a name; the longest suffix has 21, and a number
/// may follow.
const MAX_STEM_BYTES: usize = 200;
/// Hexadecimal digits of the hash at the end of a shortened stem.
const HASH_DIGITS: usize = 12;
/// Folder of the record in a save path; nothing else is written there.
pub(crate) const RECORD_FOLDER: &str = ".docparse";
/// Folder of pictures beside a document.
pub(crate) const PICTURES: &str = "imgs";
/// Folder of tables beside a document, for the format that writes a file for each.
pub(crate) const TABLES: &str = "tables";
/// Folder of page pictures beside a document, for the format that writes them.
pub(crate) const PAGES: &str = "pages";

/// Location of a document's files below the save path: `folder/stem.md`,
/// `folder/imgs/pictures/p0001_....jpg`, `folder/tables/pictures/p0001_t1.csv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OutputName {
    /// Folder below the save path; ordinary components only.
    pub folder: PathBuf,
    /// File name without the suffix of the format.
    pub stem: OsString,
    /// Folder of its pictures below `imgs/`, and of its tables below `tables/`: as the stem, but always valid UTF-8, since
    /// texts link to it.
    pub pictures: String,
}

impl OutputName {
    /// A name; `pictures` follows from the stem.
    pub(crate) fn new(folder: PathBuf, stem: OsString) -> Self {
        let pictures = match stem.to_str() {
            Some(text) => text.to_string(),
            None => {
                let readable = percent_encode(stem.as_bytes(), &UNREADABLE)
                    .to_string()
                    .replace('%', "x");
                safe_name(OsStr::new(&readable))
                    .to_string_lossy()
                    .into_owned()
            }
        };
        Self {
            folder,
            stem,
            pictures,
        }
    }

    /// Path of the file with this suffix, below the save path.
    pub(crate) fn file(&self, suffix: &str) -> PathBuf {
        let mut name = self.stem.clone();
        name.push(suffix);
        self.folder.join(name)
    }

    /// Path of the picture folder, below the save path.
    pub(crate) fn picture_folder(&self) -> PathBuf {
        self.folder.join(PICTURES).join(&self.pictures)
    }

    /// Path of the folder of tables, below the save path.
    pub(crate) fn table_folder(&self) -> PathBuf {
        self.folder.join(TABLES).join(&self.pictures)
    }

    /// Path of the folder of page pictures, below the save path.
    pub(crate) fn page_folder(&self) -> PathBuf {
        self.folder.join(PAGES).join(&self.pictures)
    }

    /// The same name with `_number` after the stem.
    pub(crate) fn numbered(&self, number: usize) -> Self {
        let mut stem = self.stem.clone();
        stem.push(format!("_{number}"));
        Self::new(self.folder.clone(), stem)
    }

    /// Short key of this name for the files of the record.
    pub(crate) fn key(&self) -> String {
        key_of(&[self.folder.as_os_str().as_bytes(), self.stem.as_bytes()])
    }
}

/// Hash of a list of byte strings: 32 hexadecimal digits.
pub(crate) fn key_of(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()[..16])
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes to encode: controls, and the percent sign, which would be ambiguous. Bytes outside ASCII are always
/// encoded.
const UNREADABLE: AsciiSet = CONTROLS.add(b'%');

/// A path as text, reversible by [`path_of`]: invalid UTF-8, control characters and `%` as `%XX`.
pub(crate) fn text_of(path: &Path) -> String {
    match path.to_str() {
        // Letters beyond ASCII stay readable.
        Some(text) if !text.contains('%') && !text.contains(char::is_control) => text.to_string(),
        _ => percent_encode(path.as_os_str().as_bytes(), &UNREADABLE).to_string(),
    }
}

/// The path encoded by [`text_of`].
pub(crate) fn path_of(text: &str) -> PathBuf {
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(text).collect();
    OsString::from_vec(bytes).into()
}

/// `true` if the path consists of ordinary components only, so that it stays below any folder that it is
/// joined to.
pub(crate) fn is_below(path: &Path) -> bool {
    let mut components = path.components().peekable();
    components.peek().is_some() && components.all(|c| matches!(c, Component::Normal(_)))
}

/// The parts of an input that its output name depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamedInput<'a> {
    /// Its file name.
    pub name: &'a OsStr,
    /// Folder below the given directory.
    pub mirror: &'a Path,
    /// The folder that it lies in, with links resolved; empty if it is not a file.
    pub parent: &'a Path,
}

/// Plans the names of all inputs.
///
/// The stem is the file name without its last extension, below the folder that mirrors the given directory.
/// Inputs that would share a name all get their full file name; those that still would are mirrored below
/// their common folder; the rest get numbers.
pub(crate) fn plan(inputs: &[NamedInput]) -> Vec<OutputName> {
    let of = |folder: &Path, stem: &OsStr| {
        OutputName::new(safe_folder(folder), safe_name(stem).into_owned())
    };
    let short = |input: &NamedInput| of(input.mirror, stem_of(input.name));
    let mut names: Vec<OutputName> = inputs.iter().map(short).collect();
    // Full names can collide with the stems of other inputs (`a.pdf.png` beside `a.pdf` and `a.png`): repeat
    // until none do.
    for level in 1..=2 {
        for group in shared(&names) {
            let common = common_folder(group.iter().map(|i| inputs[*i].parent));
            for &i in &group {
                let input = &inputs[i];
                let folder = match level {
                    1 => input.mirror,
                    _ => input.parent.strip_prefix(&common).unwrap_or(Path::new("")),
                };
                names[i] = of(folder, input.name);
            }
        }
    }
    let mut taken = BTreeSet::new();
    for name in &mut names {
        *name = first_free(name, |name| !taken.contains(name));
        taken.insert(name.clone());
    }
    keep_apart(&mut names);
    names
}

/// The name itself if it is free, or with the first number that makes it free.
pub(crate) fn first_free(
    name: &OutputName,
    mut is_free: impl FnMut(&OutputName) -> bool,
) -> OutputName {
    let numbered = (2..).map(|number| name.numbered(number));
    std::iter::once(name.clone())
        .chain(numbered)
        .find(|name| is_free(name))
        .expect("numbers do not end")
}

/// Renames folders of pictures and tables that would contain, or lie in, the folder of another document.
fn keep_apart(names: &mut [OutputName]) {
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for name in names.iter() {
        folders.extend(name.folder.ancestors().map(Path::to_path_buf));
    }
    let mut taken = BTreeSet::new();
    for name in names {
        let base = name.pictures.clone();
        let mut number = 1;
        while folders.contains(&name.picture_folder())
            || folders.contains(&name.table_folder())
            || !taken.insert(name.picture_folder())
        {
            number += 1;
            name.pictures = format!("{base}_{number}");
        }
    }
}

/// Groups of indices with equal names.
fn shared(names: &[OutputName]) -> Vec<Vec<usize>> {
    let mut by_name: BTreeMap<&OutputName, Vec<usize>> = BTreeMap::new();
    for (i, name) in names.iter().enumerate() {
        by_name.entry(name).or_default().push(i);
    }
    by_name
        .into_values()
        .filter(|group| group.len() > 1)
        .collect()
}

fn common_folder<'a>(parents: impl Iterator<Item = &'a Path>) -> PathBuf {
    let common = |a: PathBuf, b: PathBuf| {
        a.components()
            .zip(b.components())
            .take_while(|(x, y)| x == y)
            .map(|(x, _)| x)
            .collect()
    };
    parents
        .map(Path::to_path_buf)
        .reduce(common)
        .unwrap_or_default()
}

/// The name without its last extension; unchanged if nothing would be left.
pub(crate) fn stem_of(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    match bytes.iter().rposition(|b| *b == b'.') {
        Some(dot) if dot > 0 => OsStr::from_bytes(&bytes[..dot]),
        _ => name,
    }
}

/// The ordinary components of a folder, each made safe.
fn safe_folder(folder: &Path) -> PathBuf {
    let ordinary = folder.components().filter_map(|c| match c {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let safe = ordinary.map(|name| match name == RECORD_FOLDER {
        true => OsString::from("_docparse"),
        false => safe_name(name).into_owned(),
    });
    safe.collect()
}

/// Control characters, invisible characters, bidirectional marks, and the separator.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '/' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// `true` if the name cannot be used for files unchanged.
pub(crate) fn is_unsafe_name(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    let is_dots = bytes.iter().all(|b| *b == b'.');
    is_dots
        || bytes
            .utf8_chunks()
            .any(|chunk| chunk.valid().contains(is_unsafe))
}

/// A name that is safe as a path component: control characters become `_`, as do the dots of a name made of
/// dots only; a long name is cut and ends in a hash of the whole.
pub(crate) fn safe_name(name: &OsStr) -> Cow<'_, OsStr> {
    let bytes = name.as_bytes();
    let mut safe = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let c = if is_unsafe(c) { '_' } else { c };
            safe.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        safe.extend_from_slice(chunk.invalid());
    }
    if safe.is_empty() {
        safe.push(b'_');
    }
    if safe.iter().all(|b| *b == b'.') {
        safe.fill(b'_');
    }
    if safe.len() > MAX_STEM_BYTES {
        let end = MAX_STEM_BYTES - HASH_DIGITS - 1;
        // Not in the middle of a character.
        safe.truncate(str::from_utf8(&safe).map_or(end, |text| text.floor_char_boundary(end)));
        safe.push(b'-');
        safe.extend_from_slice(&key_of(&[bytes]).as_bytes()[..HASH_DIGITS]);
    }
    match safe == bytes {
        true => Cow::Borrowed(name),
        false => Cow::Owned(OsString::from_vec(safe)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(inputs: &[(&str, &str)], expected: &[&str]) {
        let paths: Vec<(&Path, &Path)> = inputs
            .iter()
            .map(|(path, mirror)| (Path::new(*path), Path::new(*mirror)))
            .collect();
        let files: Vec<NamedInput> = paths
            .iter()
            .map(|(path, mirror)| NamedInput {
                name: path
                    .as_os_str()
                    .as_bytes()
                    .rsplit(|b| *b == b'/')
                    .next()
                    .map(OsStr::from_bytes)
                    .unwrap(),
                mirror,
                parent: path.parent().unwrap(),
            })
            .collect();
        let forward = plan(&files);
        let shown: Vec<String> = forward
            .iter()
            .map(|s| s.file("").display().to_string())
            .collect();
        assert_eq!(shown, expected);
        let reversed: Vec<NamedInput> = files.into_iter().rev().collect();
        let mut backward = plan(&reversed);
        backward.reverse();
        assert_eq!(forward, backward, "the order must not matter");
    }

    #[test]
    fn stems_lose_their_last_extension() {
        check(&[("/x/a.b.pdf", ""), ("/x/c", "")], &["a.b", "c"]);
    }

    #[test]
    fn directories_are_mirrored() {
        check(
            &[("/in/a.pdf", ""), ("/in/sub/a.pdf", "sub")],
            &["a", "sub/a"],
        );
    }

    #[test]
    fn shared_stems_get_full_names() {
        check(
            &[("/x/a.pdf", ""), ("/x/a.png", ""), ("/x/b.pdf", "")],
            &["a.pdf", "a.png", "b"],
        );
    }

    #[test]
    fn shared_names_are_mirrored_below_their_common_folder() {
        check(
            &[("/x/1/a.pdf", ""), ("/x/2/a.pdf", "")],
            &["1/a.pdf", "2/a.pdf"],
        );
    }

    #[test]
    fn full_names_do_not_meet_other_stems() {
        check(
            &[("/x/a.pdf", ""), ("/x/a.png", ""), ("/x/a.pdf.tif", "")],
            &["a.pdf", "a.png", "a.pdf.tif"],
        );
    }

    #[test]
    fn names_of_dots_are_no_folders() {
        check(
            &[("/x/...pdf", ""), ("/x/..pdf", ""), ("/x/.pdf", "")],
            &["__", "_", ".pdf"],
        );
        check(
            &[("/x/y/a.pdf", "../../y"), ("/x/b.pdf", ".docparse/c")],
            &["y/a", "_docparse/c/b"],
        );
    }

    #[test]
    fn folders_of_pictures_hold_no_other_document() {
        let path = Path::new;
        let input = |name: &'static str, mirror| NamedInput {
            name: OsStr::new(name),
            mirror,
            parent: path("/"),
        };
        let names = plan(&[
            input("report.pdf", path("")),
            input("x.pdf", path("imgs/report")),
            input("y.pdf", path("tables/report_2")),
        ]);
        assert_eq!(names[0].picture_folder(), path("imgs/report_3"));
        assert_eq!(names[0].table_folder(), path("tables/report_3"));
        assert_eq!(names[1].file(".md"), path("imgs/report/x.md"));
    }

    #[test]
    fn long_names_are_shortened_and_stay_apart() {
        let name = |end: &str| OsString::from(format!("{}{end}", "ä".repeat(150)));
        let (a, b) = (
            safe_name(&name("a")).into_owned(),
            safe_name(&name("b")).into_owned(),
        );
        assert!(
            a != b && a.len() <= MAX_STEM_BYTES && a.to_str().is_some(),
            "{a:?}"
        );
        assert_eq!(
            safe_name(OsStr::new("a\u{1b}[2J\n\u{202e}b")),
            OsStr::new("a_[2J__b")
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_kept() {
        let name = OsStr::from_bytes(b"raw-\xe9.pdf");
        let planned = &plan(&[NamedInput {
            name,
            mirror: Path::new(""),
            parent: Path::new(""),
        }])[0];
        assert_eq!(planned.stem.as_bytes(), b"raw-\xe9");
        assert_eq!(planned.pictures, "raw-xE9");
        let path = planned.file(".md");
        assert_eq!(
            (text_of(&path).as_str(), path_of(&text_of(&path))),
            ("raw-%E9.md", path)
        );
    }

    proptest::proptest! {
        #[test]
        fn every_name_is_below_the_save_path(names in proptest::collection::vec((proptest::collection::vec(1u8.., 0..300), "[./a\u{1}]{0,8}"), 1..6)) {
            let inputs: Vec<(OsString, PathBuf)> =
                names.into_iter().map(|(name, mirror)| (OsString::from_vec(name), mirror.into())).collect();
            let inputs: Vec<NamedInput> = inputs
                .iter()
                .map(|(name, mirror)| NamedInput { name, mirror, parent: Path::new("/p") })
                .collect();
            let planned = plan(&inputs);
            let mut seen = BTreeSet::new();
            for name in &planned {
                for path in [name.file(".md"), name.file("_layout_order_res.pdf"), name.picture_folder(), name.table_folder()] {
                    proptest::prop_assert!(is_below(&path), "{path:?}");
                    proptest::prop_assert!(path.components().all(|c| c.as_os_str().len() <= 255));
                    proptest::prop_assert!(!path.starts_with(RECORD_FOLDER));
                    proptest::prop_assert_eq!(&path_of(&text_of(&path)), &path);
                    proptest::prop_assert!(seen.insert(path));
                }
            }
        }
    }
}
