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

/// What follows the stem in the names of a document's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StemFiles {
    /// An ending: `a.md`.
    Whole,
    /// The number of a page and an ending, as in the reference's tree: `a_0.md`. A document `a_0` could have that file, too.
    Pages,
}

/// Stems of results, one for each of `stems` and in their order, that Windows and macOS can hold beside each other: no two
/// documents have files whose names are equal without regard to case and to the composition of characters. Stems that are so
/// already stay as they are.
pub(crate) fn portable(stems: &[String], files: StemFiles) -> Vec<String> {
    let (mark, is_paged) = match files {
        StemFiles::Whole => ('_', false),
        // Not what numbers of pages begin with.
        StemFiles::Pages => ('-', true),
    };
    let wanted: BTreeSet<String> = stems.iter().map(|stem| folded(stem)).collect();
    // All stems of which a taken one could be a page.
    let mut with_pages: BTreeSet<String> = BTreeSet::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut take = |name: &str| {
        let name = folded(name);
        let document = document_of_page(&name).filter(|_| is_paged);
        let is_free = !taken.contains(&name)
            && !with_pages.contains(&name)
            && document.is_none_or(|document| !taken.contains(document));
        if is_free {
            with_pages.extend(document.map(String::from));
            taken.insert(name);
        }
        is_free
    };
    let is_page = |stem: &str| {
        is_paged && document_of_page(&folded(stem)).is_some_and(|of| wanted.contains(of))
    };
    let mut names: Vec<Option<String>> = stems
        .iter()
        .map(|stem| {
            let stays = portable_stem(stem) == *stem && !is_page(stem) && take(stem);
            stays.then(|| stem.clone())
        })
        .collect();
    for (name, stem) in names.iter_mut().zip(stems) {
        if name.is_none() {
            let base = portable_stem(stem);
            let numbered = (2..).map(|number| format!("{base}{mark}{number}"));
            let mut all = std::iter::once(base.clone()).chain(numbered);
            *name = all.find(|name| take(name));
        }
    }
    let names = names.into_iter();
    names
        .map(|name| name.expect("numbers do not end"))
        .collect()
}

/// The stem without `_` and a number at its end: that of the document that could have a file of this name for a page.
fn document_of_page(stem: &str) -> Option<&str> {
    let document = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let document = document.strip_suffix('_')?;
    (document.len() + 1 < stem.len()).then_some(document)
}

/// What file systems take for the same name is equal in this form.
fn folded(name: &str) -> String {
    // Lowercase first: the capital sharp s is its own upper case, but the small one's is `SS`.
    let lower = name.nfc().collect::<String>().to_lowercase();
    lower.to_uppercase().to_lowercase().nfc().collect()
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
    use super::{StemFiles, clean_name, portable};

    #[track_caller]
    fn check(stems: &[&str], names: &[&str]) {
        let stems: Vec<String> = stems.iter().map(|stem| stem.to_string()).collect();
        assert_eq!(portable(&stems, StemFiles::Whole), names);
    }

    #[test]
    fn documents_have_no_file_that_is_a_page_of_another() {
        let check = |stems: &[&str], names: &[&str]| {
            let stems: Vec<String> = stems.iter().map(|stem| stem.to_string()).collect();
            assert_eq!(portable(&stems, StemFiles::Pages), names);
        };
        check(&["a", "a_0"], &["a", "a_0-2"]);
        // Whatever the order, and whatever the page.
        check(&["A_12", "a"], &["A_12-2", "a"]);
        check(&["a_0_1", "a_0", "a"], &["a_0_1", "a_0-2", "a"]);
        // Numbers, and names that a system can hold, lead to no page either.
        check(&["a", "A", "a-2_0", "a:0"], &["a", "A-3", "a-2_0", "a_0-2"]);
        let apart = ["a", "a_", "a_x", "b_0", "a0", "a_0b"];
        check(&apart, &apart);
        // Whole documents have one file each.
        super::tests::check(&["a", "a_0"], &["a", "a_0"]);
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
        check(
            &["STRA\u{1e9e}E", "strasse"],
            &["STRA\u{1e9e}E", "strasse_2"],
        );
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
