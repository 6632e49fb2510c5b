//! The plan of output paths: one stem for every document, none twice, whatever the order of inputs.

use crate::input::InputFile;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a document's files go: `folder/stem.md` and so on below the save path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputStem {
    /// Folder below the save path.
    pub folder: PathBuf,
    /// Name without what the format adds.
    pub stem: String,
}

impl OutputStem {
    /// A file of the document below `root`.
    pub fn file(&self, root: &Path, suffix: &str) -> PathBuf {
        root.join(&self.folder).join(format!("{}{suffix}", self.stem))
    }
}

/// Plans the stems of all inputs.
///
/// The stem is the file name without its last extension, below the folder that mirrors the directory given.
/// Inputs that would share one all get their full file name; those that still would are mirrored below the
/// folder that they have in common.
pub fn plan(files: &[InputFile]) -> Vec<OutputStem> {
    let short = |file: &InputFile| {
        let stem = Path::new(&file.name).file_stem().map(|s| s.to_string_lossy().into_owned());
        OutputStem { folder: file.mirror.clone(), stem: stem.unwrap_or_else(|| name(file)) }
    };
    let mut stems: Vec<OutputStem> = files.iter().map(short).collect();
    // Full names can meet other inputs' stems (`a.pdf.png` beside `a.pdf` and `a.png`): repeat until none do.
    for level in 1..=3 {
        for group in shared(&stems) {
            let common = common_folder(group.iter().map(|i| files[*i].path.as_path()));
            for &i in &group {
                stems[i] = match level {
                    1 => OutputStem { folder: files[i].mirror.clone(), stem: name(&files[i]) },
                    2 => {
                        let parent =
                            absolute(&files[i].path).parent().map(Path::to_path_buf).unwrap_or_default();
                        let folder = parent.strip_prefix(&common).map(Path::to_path_buf).unwrap_or_default();
                        OutputStem { folder, stem: name(&files[i]) }
                    }
                    _ => OutputStem {
                        folder: stems[i].folder.clone(),
                        stem: format!("{}_{}", stems[i].stem, i + 1),
                    },
                };
            }
        }
    }
    stems
}

fn name(file: &InputFile) -> String {
    file.name.to_string_lossy().into_owned()
}

/// Groups of positions with equal stems.
fn shared(stems: &[OutputStem]) -> Vec<Vec<usize>> {
    let mut by_stem: BTreeMap<(&Path, &str), Vec<usize>> = BTreeMap::new();
    for (i, stem) in stems.iter().enumerate() {
        by_stem.entry((&stem.folder, &stem.stem)).or_default().push(i);
    }
    by_stem.into_values().filter(|group| group.len() > 1).collect()
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

fn common_folder<'a>(paths: impl Iterator<Item = &'a Path>) -> PathBuf {
    let parents = paths.map(|p| absolute(p).parent().map(Path::to_path_buf).unwrap_or_default());
    parents
        .reduce(|a, b| {
            a.components().zip(b.components()).take_while(|(x, y)| x == y).map(|(x, _)| x).collect()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(inputs: &[(&str, &str)], expected: &[&str]) {
        let files: Vec<InputFile> = inputs
            .iter()
            .map(|(path, mirror)| InputFile::from_path(Path::new(path), PathBuf::from(mirror)))
            .collect();
        let forward = plan(&files);
        let shown: Vec<String> =
            forward.iter().map(|s| s.file(Path::new(""), "").display().to_string()).collect();
        assert_eq!(shown, expected);
        let reversed: Vec<InputFile> = files.into_iter().rev().collect();
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
        check(&[("/in/a.pdf", ""), ("/in/sub/a.pdf", "sub")], &["a", "sub/a"]);
    }

    #[test]
    fn shared_stems_get_full_names() {
        check(&[("/x/a.pdf", ""), ("/x/a.png", ""), ("/x/b.pdf", "")], &["a.pdf", "a.png", "b"]);
    }

    #[test]
    fn shared_names_are_mirrored_below_their_common_folder() {
        check(&[("/x/1/a.pdf", ""), ("/x/2/a.pdf", "")], &["1/a.pdf", "2/a.pdf"]);
    }

    #[test]
    fn full_names_do_not_meet_other_stems() {
        check(&[("/x/a.pdf", ""), ("/x/a.png", ""), ("/x/a.pdf.tif", "")], &["a.pdf", "a.png", "a.pdf.tif"]);
    }
}
