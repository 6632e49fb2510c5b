//! What a run that has ended may have left in its save path and what not; `scripts/check_interrupts.sh` says the same.
//!
//! It may have left whole files under their final names, and in its record (`.docparse/`, with `--compat` a folder in the
//! user's folder of states) what was done (`documents/`, `names/`) and empty files to lock (`locks/`). It may not have left a
//! file that no record knows or whose content is another (it is torn, or was never put in place), a folder of the run (in
//! `runs/`, with `--compat` in the save path with a mark in `runs/`), or half a record. What is looked for is everything that
//! may not be there, not names that files on their way happen to have.

use super::support::Folder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The record of a save path; with `--compat` the only one in the folder of states of the test.
fn record(folder: &Folder, out: &str) -> PathBuf {
    let inside = folder.path().join(out).join(".docparse");
    let states = std::fs::read_dir(folder.path().join(".local/state/docparse"))
        .into_iter()
        .flatten();
    let mut outside = states.flatten().map(|entry| entry.path());
    if inside.exists() {
        inside
    } else {
        outside.next().expect("a run has a record")
    }
}

/// Names in a folder; a folder among them ends with `/`.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let name = |entry: std::fs::DirEntry| {
        let slash = if entry.path().is_dir() { "/" } else { "" };
        format!("{}{slash}", entry.file_name().to_string_lossy())
    };
    let mut names: Vec<String> = entries.flatten().map(name).collect();
    names.sort();
    names
}

/// What a run left in its save path and may not have left, one line each. No run may be under way there.
pub fn left_behind(folder: &Folder, out: &str) -> Vec<String> {
    let record = record(folder, out);
    let mut found = Vec::new();
    let mut known = BTreeMap::new();
    for name in names(&record.join("documents")) {
        let text = std::fs::read(record.join("documents").join(&name)).unwrap_or_default();
        match serde_json::from_slice::<Value>(&text) {
            Ok(document) if name.ends_with(".json") => {
                let lists = ["outputs", "earlier"]
                    .into_iter()
                    .filter_map(|list| document[list].as_array());
                for file in lists.flatten() {
                    let texts =
                        [&file["path"], &file["sha256"]].map(|v| v.as_str().unwrap().to_string());
                    let [path, hash] = texts;
                    known.entry(path).or_insert_with(Vec::new).push(hash);
                }
            }
            _ => found.push(format!("half a record: documents/{name}")),
        }
    }
    let halves = names(&record.join("names"))
        .into_iter()
        .filter(|name| name.contains('.'));
    found.extend(halves.map(|name| format!("half a record: names/{name}")));
    found.extend(
        names(&record.join("runs"))
            .iter()
            .map(|name| format!("no run owns: runs/{name}")),
    );
    for name in folder.tree(out) {
        let bytes = std::fs::read(folder.path().join(out).join(&name)).unwrap();
        let hash: String = Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        match known.get(&name) {
            None => found.push(format!("no record knows: {name}")),
            Some(hashes) if !hashes.contains(&hash) => found.push(format!("torn: {name}")),
            Some(_) => {}
        }
    }
    found
}
