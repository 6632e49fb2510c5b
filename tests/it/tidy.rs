//! House rules that a compiler does not check.

use super::support::root;
use std::path::PathBuf;

/// The modules in their order; each may use only those before it.
const ORDER: &[&str] = &[
    "shown",
    "fault",
    "deadline",
    "geometry",
    "raster",
    "document",
    "net",
    "output",
    "input",
    "runtime",
    "store",
    "kernels",
    "onnx",
    "preprocess",
    "lines",
    "layout",
    "plan",
    "content",
    "recognize",
    "restructure",
    "engine",
    "writer",
    "config",
    "replay",
    "golden",
    "parity",
    "pipeline",
    "parser",
    "cli",
];
/// Longer files are split.
const MAX_LINES: usize = 600;

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((
                    path.strip_prefix(root().join("src")).unwrap().to_path_buf(),
                    text,
                ));
            }
        }
    }
    assert!(found.len() > 40);
    found.sort();
    found
}

#[test]
fn every_file_opens_with_its_module_text() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn files_stay_short() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn modules_use_only_those_before_them() {
    let position = |name: &str| ORDER.iter().position(|m| *m == name);
    for (path, text) in sources() {
        let own = path
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .replace(".rs", "");
        if own == "lib" || own == "main" {
            continue;
        }
        let own_position =
            position(&own).unwrap_or_else(|| panic!("module `{own}` is not in the order"));
        for (number, line) in text
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.trim_start().starts_with("//"))
        {
            for part in line.split("crate::").skip(1) {
                let used: String = part
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if let Some(used_position) = position(&used) {
                    assert!(
                        used_position <= own_position,
                        "{}:{}: `{own}` uses `{used}`",
                        path.display(),
                        number + 1
                    );
                }
            }
        }
    }
}

#[test]
fn only_one_module_names_the_runtime() {
    for (path, text) in sources()
        .iter()
        .filter(|(path, _)| !path.starts_with("onnx"))
    {
        let named = text
            .match_indices("ort::")
            .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric()));
        assert!(!named, "{}", path.display());
    }
}

#[test]
fn the_list_of_codes_is_that_of_the_program() {
    let written = std::fs::read_to_string(root().join("docs/errors.md")).unwrap_or_default();
    let list = docparse::document::code_reference();
    assert!(
        written == list,
        "docs/errors.md is not what it should be:\n{list}"
    );
    // No code is spelled anywhere else.
    for (path, text) in sources() {
        let spelled = text.lines().find(|line| {
            let after = |mark: &str| {
                line.split(mark)
                    .nth(1)
                    .is_some_and(|rest| rest.starts_with('"'))
            };
            after("code: ") || after(" code = ")
        });
        assert_eq!(spelled, None, "{}", path.display());
    }
}
