//! Locates the files fetched by `scripts/setup.sh`: native libraries and the networks of the embedded default.
//!
//! Search order: the given folder (then no other), the folder of the executable, `../lib/docparse` beside it,
//! the user's data folder, and the `runtime/` folder of the checkout that the executable was built in: above
//! the executable, or, for target directories elsewhere, at the path known at compile time. The compile-time
//! path is used only if it and all its parents belong to root, the user, or the owner of the executable: on
//! another machine anybody could have created it. The current directory is not searched: a library lying
//! there cannot be trusted.

use crate::fault::{Fault, Reason};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// File name of pdfium.
pub const PDFIUM: &str = "libpdfium.so";
/// File name of ONNX Runtime.
pub const ONNXRUNTIME: &str = "libonnxruntime.so";
/// File name of the line detector.
pub(crate) const LINE_DETECTOR: &str = "PP-OCRv6_det_small.onnx";
/// File name of the line recognizer.
pub(crate) const LINE_RECOGNIZER: &str = "PP-OCRv6_rec_small.onnx";
/// File name of the line-direction classifier.
pub(crate) const LINE_DIRECTION: &str = "ch_ppocr_mobile_v2.0_cls_mobile.onnx";
/// File name of the page orientation classifier.
pub(crate) const PAGE_ORIENTATION: &str = "PP-LCNet_x1_0_doc_ori.onnx";
/// File name of the network that sees headings in pictures of pages.
pub(crate) const PAGE_LAYOUT: &str = "PicoDet_layout_cdla.onnx";
/// File name of the network that sees the cells of tables.
pub(crate) const TABLE_STRUCTURE: &str = "SLANet_plus.onnx";
/// All files that the embedded default needs.
pub(crate) const FILES: &[&str] = &[
    PDFIUM,
    ONNXRUNTIME,
    LINE_DETECTOR,
    LINE_RECOGNIZER,
    LINE_DIRECTION,
];
/// Files that improve its results, and what each is for.
pub(crate) const MORE_FILES: &[(&str, &str)] = &[
    (PAGE_ORIENTATION, "turned pages"),
    (PAGE_LAYOUT, "headings of scans"),
    (TABLE_STRUCTURE, "tables of scans"),
];

/// A checkout's `target/release/deps/x` lies this many folders below its root.
const MAX_ANCESTORS: usize = 5;

/// A file that was not found, with the folders searched.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{name}` was not found in {}; run scripts/setup.sh in the checkout, or name its folder with `runtime_dir`{}", list(.searched), left_out(.distrusted))]
pub struct RuntimeError {
    /// Name of the file.
    pub name: String,
    /// Folders searched.
    pub searched: Vec<PathBuf>,
    /// The checkout's folder, if it exists but is not trusted.
    pub distrusted: Option<PathBuf>,
}

impl RuntimeError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self.name.as_str() {
            PDFIUM | ONNXRUNTIME => Reason::Library,
            _ => Reason::Model,
        }
    }
}

impl From<RuntimeError> for Fault {
    fn from(error: RuntimeError) -> Fault {
        Fault::new(error.reason(), error.to_string())
    }
}

fn list(folders: &[PathBuf]) -> String {
    folders
        .iter()
        .map(|f| format!("`{}`", f.display()))
        .collect::<Vec<_>>()
        .join(", ")
}

fn left_out(folder: &Option<PathBuf>) -> String {
    let reason = "is not looked into: it, or a folder around it, belongs to another user or can be changed by anybody";
    folder
        .as_ref()
        .map(|folder| format!("; `{}` {reason}", folder.display()))
        .unwrap_or_default()
}

/// The folders that may hold runtime files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuntimeDirs {
    folders: Vec<PathBuf>,
    distrusted: Option<PathBuf>,
    /// Folders of line recognizers that are used beside the embedded one.
    recognizers: Vec<PathBuf>,
}

impl RuntimeDirs {
    /// The same with these folders of line recognizers, which are used beside the embedded one.
    pub(crate) fn with_recognizers(&self, folders: &[PathBuf]) -> Self {
        Self {
            recognizers: folders.to_vec(),
            ..self.clone()
        }
    }

    /// Folders of line recognizers that are used beside the embedded one.
    pub(crate) fn recognizers(&self) -> &[PathBuf] {
        &self.recognizers
    }

    /// The folders for this executable. If one is given, it is the only one.
    pub fn new(given: Option<&Path>, data_home: Option<&Path>) -> Self {
        if let Some(folder) = given {
            return Self {
                folders: vec![folder.to_path_buf()],
                distrusted: None,
                recognizers: Vec::new(),
            };
        }
        let (mut folders, mut distrusted) = (Vec::new(), None);
        let executable = std::env::current_exe().and_then(|p| p.canonicalize()).ok();
        let mut around = None;
        if let Some(folder) = executable.as_deref().and_then(Path::parent) {
            folders.push(folder.to_path_buf());
            if let Some(parent) = folder.parent() {
                folders.push(parent.join("lib").join("docparse"));
            }
            if let Some(home) = data_home {
                folders.push(home.join("docparse").join("runtime"));
            }
            let checkout = folder
                .ancestors()
                .take(MAX_ANCESTORS)
                .find(|f| f.join("Cargo.toml").is_file());
            around = checkout.map(|root| root.join("runtime"));
        }
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime");
        let owner = executable
            .and_then(|path| path.metadata().ok())
            .map(|meta| meta.uid());
        // Folders around the program, and that of the build, may be where others can write.
        for folder in around.into_iter().chain([built_in]) {
            if folders.contains(&folder) || !folder.is_dir() {
                continue;
            }
            match belongs_to(&folder, &trusted_users(owner)) {
                true => folders.push(folder),
                false => distrusted = Some(folder),
            }
        }
        Self {
            folders,
            distrusted,
            recognizers: Vec::new(),
        }
    }

    /// The path of a runtime file.
    pub fn find(&self, name: &str) -> Result<PathBuf, RuntimeError> {
        let found = self
            .folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file());
        found.ok_or_else(|| {
            let (searched, distrusted) = (self.folders.clone(), self.distrusted.clone());
            RuntimeError {
                name: name.to_string(),
                searched,
                distrusted,
            }
        })
    }
}

/// Root, the current user, and the owner of the executable, who could have changed the program itself.
fn trusted_users(owner: Option<u32>) -> Vec<u32> {
    // SAFETY: the call has no preconditions and cannot fail.
    let user = unsafe { libc::geteuid() };
    [0, user].into_iter().chain(owner).collect()
}

/// `true` if only root, this user and the owner of the executable can have put files into the folder.
pub(crate) fn is_trusted(folder: &Path) -> bool {
    let owner = std::env::current_exe()
        .and_then(|path| path.metadata())
        .map(|meta| meta.uid());
    belongs_to(folder, &trusted_users(owner.ok()))
}

/// `true` if the folder exists, and it and all its parents belong to these users and nobody else may rename
/// entries in them.
fn belongs_to(folder: &Path, users: &[u32]) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    let is_theirs = |folder: &Path| {
        folder.metadata().is_ok_and(|meta| {
            let open_to_all = meta.mode() & libc::S_IWOTH != 0 && meta.mode() & libc::S_ISVTX == 0;
            meta.is_dir() && users.contains(&meta.uid()) && !open_to_all
        })
    };
    folder.ancestors().all(is_theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_strangers_are_not_trusted() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("checkout/runtime");
        std::fs::create_dir_all(&folder).unwrap();
        let users = trusted_users(None);
        assert!(belongs_to(&folder, &users));
        let others: Vec<u32> = vec![dir.path().metadata().unwrap().uid() + 1];
        assert!(!belongs_to(&folder, &others));
        assert!(!belongs_to(&folder.join("missing"), &users));
        std::fs::set_permissions(
            dir.path().join("checkout"),
            PermissionsExt::from_mode(0o777),
        )
        .unwrap();
        assert!(
            !belongs_to(&folder, &users),
            "anybody could have put it there"
        );
    }

    #[test]
    fn a_folder_that_is_given_is_the_only_one() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = RuntimeDirs::new(Some(dir.path()), None);
        let error = dirs.find(PDFIUM).unwrap_err();
        assert_eq!(error.searched, [dir.path()]);
        assert!(!error.to_string().contains("is not looked into"), "{error}");
        let distrusted = RuntimeError {
            distrusted: Some("/shared/runtime".into()),
            ..error.clone()
        };
        assert!(
            distrusted
                .to_string()
                .contains("; `/shared/runtime` is not looked into"),
            "{distrusted}"
        );
        assert!(error.to_string().contains("with `runtime_dir`"), "{error}");
        std::fs::write(dir.path().join(PDFIUM), "x").unwrap();
        assert_eq!(dirs.find(PDFIUM).unwrap(), dir.path().join(PDFIUM));
    }
}
