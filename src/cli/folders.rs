//! The user's folders.

use std::path::PathBuf;

/// Folder for quantized weights.
pub(crate) fn quantized_store() -> Option<PathBuf> {
    data_home().map(|home| home.join("docparse").join("quantized"))
}

/// The user's data folder.
pub(crate) fn data_home() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local").join("share")))
}
