//! House rules that a compiler does not check.

use super::support::root;
use std::path::{Path, PathBuf};

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
    "proof",
    "devices",
    "pipeline",
    "parser",
    "serve",
    "cli",
];
/// Longer files are split.
const MAX_LINES: usize = 600;

/// The Rust files below a folder of the checkout, by their paths in that folder.
fn rust_files(folder: &str) -> Vec<(PathBuf, String)> {
    let start = root().join(folder);
    let mut found = Vec::new();
    let mut folders = vec![start.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&start).unwrap().to_path_buf(), text));
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let found = rust_files("src");
    assert!(found.len() > 40);
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
    for top in ["src", "tests", "benches"] {
        let files = rust_files(top);
        assert!(!files.is_empty(), "{top}");
        for (path, text) in files {
            let lines = text.lines().count();
            assert!(
                lines <= MAX_LINES,
                "{top}/{} has {lines} lines",
                path.display()
            );
        }
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
        if own == "lib" || own == "main" || own == "internals" {
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
fn only_the_command_line_knows_flags() {
    // What is written with two hyphens and is no flag of a run: the arguments of worker processes, a flag of a script, a test.
    let others = [
        ("input/worker/pool.rs", "--pdfium"),
        ("input/worker/pool.rs", "--memory\""),
        ("input/worker/pool.rs", "--cpu-seconds"),
        ("onnx/mod.rs", "scripts/setup.sh --gpu"),
        ("writer/formats.rs", "--md\""),
    ];
    let is_exempt = |path: &Path| {
        ["cli", "config/parameters", "config/parameters.rs"]
            .iter()
            .any(|table| path.starts_with(table))
    };
    for (path, text) in sources().iter().filter(|(path, _)| !is_exempt(path)) {
        let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
        for line in code.map(|line| line.split(" // ").next().unwrap_or_default()) {
            let mut line = line.to_string();
            for (_, word) in others.iter().filter(|(file, _)| path == Path::new(file)) {
                line = line.replace(word, "");
            }
            let flag = line
                .split("--")
                .skip(1)
                .find(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
            assert_eq!(
                flag,
                None,
                "{}: messages name settings by their keys",
                path.display()
            );
        }
    }
}

/// A list for people is what the program makes of its own.
#[track_caller]
fn is_written(file: &str, list: &str) {
    let written = std::fs::read_to_string(root().join(file)).unwrap_or_default();
    assert!(written == list, "{file} is not what it should be:\n{list}");
}

#[test]
fn the_list_of_settings_is_the_table_of_parameters() {
    is_written(
        "docs/settings.md",
        &docparse::internals::config::parameters::reference(),
    );
}

#[test]
fn files_of_settings_in_the_readme_are_right() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let files: Vec<&str> = readme.split("```yaml\n").skip(1).collect();
    assert!(files.len() >= 2);
    for file in files {
        let text = file.split("```").next().unwrap();
        let settings = docparse::internals::config::Settings::parse(text, "README.md").unwrap();
        // No keys that nothing reads.
        let pipeline = docparse::internals::config::Pipeline::V16;
        assert_eq!(settings.not_used(pipeline), [], "{text}");
    }
}

#[test]
fn the_list_of_codes_is_that_of_the_program() {
    is_written("docs/errors.md", &docparse::document::code_reference());
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

/// The page that comments cite for the behaviour of the reference.
const REFERENCE: &str = "docs/reference.md";
/// Folders whose comments cite it.
const CITING: &[&str] = &["src", "tests", "benches", "examples", "fuzz"];
/// Whose specifications may be named.
const SPECIFIED: &[&str] = &["PDF", "HTML", "CSS", "CommonMark", "GFM", "TIFF", "ONNX"];
/// Marks of works that are cited by the number of a section: an RFC, or an author's work with its year.
const NUMBERED: &[&str] = &["RFC ", "(19", "(20"];
/// Bytes before the number in which such a mark stands.
const NEAR: usize = 20;

/// The words of a file with single blanks between them, comment marks left out: a citation may go on in the next line.
fn words(text: &str) -> String {
    let bare = |line| {
        str::trim_start(line)
            .trim_start_matches("//")
            .trim_start_matches(['/', '!'])
    };
    let words: Vec<&str> = text
        .lines()
        .flat_map(|line| bare(line).split_whitespace())
        .collect();
    words.join(" ")
}

/// The sections that are cited in words: quoted names after that of the page, a comma or "and" between them. `None` stands
/// for the page without a section.
fn cited(words: &str) -> Vec<Option<&str>> {
    let mut found = Vec::new();
    for rest in words.split(REFERENCE).skip(1) {
        let mut rest = rest.strip_prefix(", \"");
        if rest.is_none() {
            found.push(None);
        }
        while let Some((name, after)) = rest.and_then(|rest| rest.split_once('"')) {
            found.push(Some(name));
            rest = after
                .strip_prefix(", \"")
                .or_else(|| after.strip_prefix(" and \""));
        }
    }
    found
}

/// The first citation of a text that readers of this repository cannot follow.
fn unknown_source(words: &str) -> Option<String> {
    let shown = |at: usize| {
        words[words.floor_char_boundary(at.saturating_sub(60))..]
            .chars()
            .take(100)
            .collect()
    };
    for (at, _) in words.match_indices("specification") {
        let before = words[..at].trim_end().rsplit([' ', '(']).next();
        if !before.is_some_and(|word| SPECIFIED.contains(&word)) {
            return Some(shown(at));
        }
    }
    for mark in ["section ", "sections "] {
        for (at, _) in words.match_indices(mark) {
            let is_number = words[at + mark.len()..].starts_with(|c: char| c.is_ascii_digit());
            let near = &words[words.floor_char_boundary(at.saturating_sub(NEAR))..at];
            if is_number && !NUMBERED.iter().any(|work| near.contains(work)) {
                return Some(shown(at));
            }
        }
    }
    let old = ["appendix A", "table C."]
        .iter()
        .find_map(|mark| words.find(mark));
    old.map(shown)
}

#[test]
fn citations_of_the_reference_name_its_sections() {
    let page = std::fs::read_to_string(root().join(REFERENCE)).unwrap();
    let headings: Vec<&str> = page
        .lines()
        .filter_map(|line| {
            line.strip_prefix("## ")
                .or_else(|| line.strip_prefix("### "))
        })
        .collect();
    let check = |path: &Path, name: &str| {
        assert!(
            headings.contains(&name),
            "{}: no section \"{name}\" in {REFERENCE}",
            path.display()
        );
    };
    let mut count = 0;
    for folder in CITING {
        for (path, text) in rust_files(folder)
            .iter()
            .filter(|(path, _)| !path.ends_with("tidy.rs"))
        {
            let words = words(text);
            assert_eq!(unknown_source(&words), None, "{folder}/{}", path.display());
            for name in cited(&words) {
                let name = name.unwrap_or_else(|| {
                    panic!("{folder}/{}: {REFERENCE} without a section", path.display())
                });
                check(path, name);
                count += 1;
            }
        }
    }
    assert!(count > 60, "only {count} citations were found");
    // The documents name the page itself as well, and the page its own sections.
    let mut documents: Vec<PathBuf> = ["", "docs", "tests/golden", "tests/parity"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root().join(folder)).unwrap().flatten())
        .map(|entry| entry.path())
        .collect();
    documents.retain(|path| path.extension().is_some_and(|e| e == "md"));
    for path in &documents {
        let words = words(&std::fs::read_to_string(path).unwrap());
        cited(&words)
            .into_iter()
            .flatten()
            .for_each(|name| check(path, name));
    }
    let own = words(&page);
    let seen: Vec<&str> = own
        .split("see \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(seen.len() > 10);
    seen.iter()
        .for_each(|name| check(Path::new(REFERENCE), name));
}

#[test]
fn sources_that_readers_do_not_have_are_found() {
    let words = words(
        "//! Layout (docs/reference.md,\n//! \"A b\", \"C\" and \"D\"); docs/reference.md too",
    );
    assert_eq!(cited(&words), [Some("A b"), Some("C"), Some("D"), None]);
    for known in [
        "the PDF specification",
        "RFC 3986, section 5.2",
        "Heckbert (1989), section 2.2",
        "a section of it",
    ] {
        assert_eq!(unknown_source(known), None, "{known}");
    }
    for unknown in [
        "(specification, section 1.2)",
        "of the specification",
        "(section 9.5)",
        "appendix A, 8",
        "table C.4",
    ] {
        assert!(unknown_source(unknown).is_some(), "{unknown}");
    }
}
