//! Names that clients give files: data, and never paths; and the names of results, which any system can hold.

use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// Longest name of a file that is kept, in bytes.
const MOST_NAME: usize = 200;
/// Digits that Windows numbers serial and parallel ports with.
const DEVICE_NUMBERS: &str = "0123456789\u{b9}\u{b2}\u{b3}";

/// A client's name for a file, as data: its last component, without control characters.
pub(crate) fn clean_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last.chars().filter(|c| !c.is_control()).collect();
    name.truncate(name.floor_char_boundary(MOST_NAME));
    match name.trim_matches(['.', ' ']).is_empty() {
        true => "document".into(),
        false => name,
    }
}

/// Stems of results, one for each of `stems` and in their order, that Windows and macOS can hold beside each other: no two
/// are equal without regard to case and to the composition of characters. Stems that are so already stay as they are.
pub(crate) fn portable(stems: &[String]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names: Vec<Option<String>> = stems
        .iter()
        .map(|stem| {
            let stays = portable_stem(stem) == *stem && taken.insert(folded(stem));
            stays.then(|| stem.clone())
        })
        .collect();
    for (name, stem) in names.iter_mut().zip(stems) {
        if name.is_none() {
            let base = portable_stem(stem);
            let numbered = (2..).map(|number| format!("{base}_{number}"));
            let mut all = std::iter::once(base.clone()).chain(numbered);
            *name = all.find(|name| taken.insert(folded(name)));
        }
    }
    let names = names.into_iter();
    names
        .map(|name| name.expect("numbers do not end"))
        .collect()
}

/// What file systems take for the same name is equal in this form.
fn folded(name: &str) -> String {
    let upper = name.nfc().collect::<String>().to_uppercase();
    upper.to_lowercase().nfc().collect()
}

/// The stem without what Windows refuses in names of files and folders: some characters, dots and spaces at the end, and
/// the names of devices, whatever their ending.
fn portable_stem(stem: &str) -> String {
    let is_refused = |c: char| {
        c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*')
    };
    let mut name: String = stem
        .chars()
        .map(|c| if is_refused(c) { '_' } else { c })
        .collect();
    let kept = name.trim_end_matches(['.', ' ']).len();
    let tail = name.len() - kept;
    name.replace_range(kept.., &"_".repeat(tail));
    let device = name.split('.').next().unwrap_or_default().trim_end();
    let device = device.to_ascii_uppercase();
    let is_numbered = |kind: &str| {
        let number = device.strip_prefix(kind);
        number.is_some_and(|n| n.chars().count() == 1 && n.contains(|c| DEVICE_NUMBERS.contains(c)))
    };
    let is_device = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&device.as_str())
        || is_numbered("COM")
        || is_numbered("LPT");
    if is_device {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{clean_name, portable};

    #[track_caller]
    fn check(stems: &[&str], names: &[&str]) {
        let stems: Vec<String> = stems.iter().map(|stem| stem.to_string()).collect();
        assert_eq!(portable(&stems), names);
    }

    #[test]
    fn names_of_results_can_be_held_by_windows() {
        check(
            &[
                "a:b",
                "con",
                "Aux.tar",
                "com\u{b9}",
                "lpt0",
                "nul .x",
                "conin$",
            ],
            &[
                "a_b",
                "_con",
                "_Aux.tar",
                "_com\u{b9}",
                "_lpt0",
                "_nul .x",
                "_conin$",
            ],
        );
        check(
            &["<>|?*\"\\", "end. .", "in. side", "tab\there"],
            &["_______", "end___", "in. side", "tab_here"],
        );
        // What only looks like one of those stays.
        let plain = [
            "console",
            "com10",
            "com",
            "aux_1",
            " a",
            "r\u{e9}sum\u{e9}",
            "\u{5831}\u{544a}",
        ];
        check(&plain, &plain);
    }

    #[test]
    fn different_names_stay_different() {
        // Whoever has the name already keeps it, whatever the order.
        check(
            &["a:b", "a?b", "a_b", "a_b_2"],
            &["a_b_3", "a_b_4", "a_b", "a_b_2"],
        );
        check(&["con", "_con", "_CON"], &["_con_2", "_con", "_CON_3"]);
        check(
            &["Report", "report", "REPORT"],
            &["Report", "report_2", "REPORT_3"],
        );
        // Composed and not.
        check(&["\u{e9}", "e\u{301}"], &["\u{e9}", "e\u{301}_2"]);
        check(&["stra\u{df}e", "STRASSE"], &["stra\u{df}e", "STRASSE_2"]);
    }

    #[test]
    fn names_of_clients_are_no_paths() {
        for (given, name) in [
            ("a.pdf", "a.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\b.pdf", "b.pdf"),
            ("", "document"),
            ("..", "document"),
            ("x/..", "document"),
            ("a\nb\u{0}.pdf", "ab.pdf"),
        ] {
            assert_eq!(clean_name(given), name);
        }
        assert_eq!(clean_name(&"ä".repeat(300)).len(), 200);
    }
}
