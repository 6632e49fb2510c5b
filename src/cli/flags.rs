//! Settings in messages: library modules do not know flags and name a setting by its key (raise ``
//! `memory_limit` ``); on the command line its flag is shown (raise `--memory-limit`, without quotes).

use super::args::ParseArgs;
use super::values::flag_name;
use clap::{Args, Command};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Words before the name of a setting in messages. Names of files, models and servers never follow them, as a
/// test checks, so a file that is named like a setting keeps its name.
const BEFORE: [&str; 9] = [
    "raise ",
    "lower ",
    "with ",
    "use ",
    "leave ",
    "leave out ",
    "another ",
    "(",
    "; ",
];

/// Replaces the settings in a message by their flags.
///
/// `file` is the input concerned. A key in backticks within the name of that file is kept, wherever it occurs
/// in the message: it may be part of the name.
pub(super) fn named<'a>(message: &'a str, file: Option<&str>) -> Cow<'a, str> {
    let mut out = String::new();
    let mut done = 0;
    let quotes: Vec<usize> = message.match_indices('`').map(|(at, _)| at).collect();
    // Inside of the quotes around a name, an odd number of quotes stands before.
    for pair in quotes.windows(2).step_by(2) {
        let (start, end) = (pair[0], pair[1]);
        let (before, key) = (&message[..start], &message[start + 1..end]);
        let is_setting = start >= done
            && BEFORE.iter().any(|words| before.ends_with(words))
            && keys().contains(key)
            && !file.is_some_and(|file| file.contains(&message[start..=end]));
        if is_setting {
            out.push_str(&message[done..start]);
            out.push_str("--");
            out.push_str(&flag_name(key));
            done = end + 1;
        }
    }
    if done == 0 {
        return Cow::Borrowed(message);
    }
    out.push_str(&message[done..]);
    Cow::Owned(out)
}

/// The keys of all settings that have a flag.
fn keys() -> &'static BTreeSet<String> {
    static KEYS: OnceLock<BTreeSet<String>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let command = ParseArgs::augment_args(Command::new("docparse"));
        let flags = command.get_arguments().filter_map(|arg| arg.get_long());
        flags.map(|flag| flag.replace('-', "_")).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameters::PARAMETERS;
    use std::path::Path;

    #[track_caller]
    fn check(message: &str, expected: &str) {
        assert_eq!(named(message, None), expected);
    }

    #[test]
    fn every_parameter_is_shown_as_its_flag() {
        for parameter in PARAMETERS {
            let flag = flag_name(parameter.name);
            check(
                &format!("raise `{}`, or not", parameter.name),
                &format!("raise --{flag}, or not"),
            );
        }
    }

    #[test]
    fn settings_become_flags_where_messages_name_them() {
        check(
            "out of memory; use `device` cpu, or lower `kv_cache` (`fail_fast`)",
            "out of memory; use --device cpu, or lower --kv-cache (--fail-fast)",
        );
        check(
            "`a` is taken; give another `save_path`",
            "`a` is taken; give another --save-path",
        );
    }

    #[test]
    fn everything_else_stays() {
        for message in [
            "raise memory_limit",
            "raise `worker_memory` in a file of settings",
            "raise `Memory_limit`, `memory_limit ` or `memory-limit`",
            "`text_layer` must be one of auto, always, never",
            "unknown key `text_layr`; did you mean `text_layer`?",
            "cannot write `report`: it is a folder",
            "raise `memory_limit",
            "`(`seed`)`: cannot be read",
            "cannot write `; `seed`/x`: no such folder",
            "cannot write `use `device``",
        ] {
            assert!(
                matches!(named(message, None), Cow::Borrowed(_)),
                "{message}"
            );
        }
    }

    #[test]
    fn no_message_puts_a_name_where_settings_are_named() {
        // The folder is the program's own, with its full path.
        let known = [("runtime.rs", "; `{}` {reason}")];
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                if path.extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                files += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
                    let is_known = known
                        .iter()
                        .any(|(file, part)| path.ends_with(file) && line.contains(part));
                    let named = BEFORE
                        .iter()
                        .any(|words| line.contains(&format!("{words}`{{")));
                    let is_this = path.ends_with("flags.rs");
                    assert!(!named || is_known || is_this, "{}: {line}", path.display());
                }
            }
        }
        assert!(files > 100);
    }

    #[test]
    fn names_of_files_stay_whatever_they_are() {
        // A file named like a setting.
        check(
            "`memory_limit` cannot be read",
            "`memory_limit` cannot be read",
        );
        // Files named like a message, as given and as their output would be named.
        for file in ["raise `memory_limit`.pdf", "in/(`seed`; use `device`).pdf"] {
            let stem = file.trim_start_matches("in/").trim_end_matches(".pdf");
            for message in [
                format!("`{file}` is not there"),
                format!("`out/{stem}.md` is taken"),
            ] {
                assert_eq!(named(&message, Some(file)), message);
            }
        }
        // A setting outside the file's name is still shown as a flag.
        assert_eq!(
            named("raise `page_timeout`", Some("raise `memory_limit`.pdf")),
            "raise --page-timeout"
        );
    }
}
