//! The characters of a line recognizer: from the files that come with it to one entry for each of its classes, and the
//! scripts that they belong to.
//!
//! PP-OCR's rules: class 0 is the blank, then come the entries of the dictionary in order, then, unless the
//! model was trained without, the space.

/// Limit of entries; the largest dictionary of PP-OCR has 18,708.
const MOST_ENTRIES: usize = 100_000;
/// Limit of an entry in bytes: one character, or a few that make one.
const MOST_ENTRY_BYTES: usize = 64;

/// Entries of a text with one in each line.
pub(super) fn of_lines(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines()
        .take(MOST_ENTRIES + 1)
        .map(str::to_string)
        .collect()
}

/// Entries of the list `character_dict` in PaddleX's `inference.yml`; `None` if there is none.
///
/// Only this list is read, line by line: a whole reader of YAML would follow references, which can
/// make gigabytes of a few lines.
pub(super) fn of_inference_yml(text: &str) -> Option<Vec<String>> {
    let mut lines = text.lines();
    lines
        .by_ref()
        .find(|line| line.trim() == "character_dict:")?;
    let entries = lines.map_while(|line| {
        let item = line.trim_start_matches(' ').strip_prefix('-')?;
        Some(scalar(item.trim_matches(' ')))
    });
    Some(entries.take(MOST_ENTRIES + 1).collect())
}

/// A scalar of YAML in one line: quoted or plain.
fn scalar(text: &str) -> String {
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(inner) = within('\'') {
        return inner.replace("''", "'");
    }
    let Some(inner) = within('"') else {
        return text.to_string();
    };
    let (mut plain, mut chars) = (String::new(), inner.chars());
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        let escaped = chars.next();
        let mut code = |digits: usize| {
            let hex: String = chars.by_ref().take(digits).collect();
            u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
        };
        match escaped {
            Some('x') => plain.extend(code(2)),
            Some('u') => plain.extend(code(4)),
            Some('U') => plain.extend(code(8)),
            Some('t') => plain.push('\t'),
            Some('_') => plain.push('\u{a0}'),
            Some('N') => plain.push('\u{85}'),
            Some('L') => plain.push('\u{2028}'),
            Some('P') => plain.push('\u{2029}'),
            other => plain.extend(other),
        }
    }
    plain
}

/// One entry for each of a model's `classes`, the blank and the space among them. Fails, with the reason, if the numbers
/// do not go together.
pub(super) fn alphabet(entries: Vec<String>, classes: usize) -> Result<Vec<String>, String> {
    let count = entries.len();
    if count > MOST_ENTRIES {
        return Err(format!(
            "its dictionary has more than {MOST_ENTRIES} entries"
        ));
    }
    if let Some(at) = entries.iter().position(|e| e.len() > MOST_ENTRY_BYTES) {
        return Err(format!(
            "entry {} of its dictionary is longer than {MOST_ENTRY_BYTES} bytes; there must be one character in each line",
            at + 1
        ));
    }
    let mut alphabet = vec![String::new()];
    alphabet.extend(entries);
    match classes.checked_sub(count) {
        Some(1) => {}
        Some(2) => alphabet.push(" ".to_string()),
        _ => {
            return Err(format!(
                "it tells {classes} classes apart, and its dictionary has {count} entries; with the blank and the space there must be \
                 {} or {}: take the dictionary that the model was trained with",
                count + 1,
                count + 2
            ));
        }
    }
    Ok(alphabet)
}

/// Scripts by ranges of characters (blocks of Unicode 16).
const SCRIPTS: &[(&str, &[(u32, u32)])] = &[
    (
        "Latin",
        &[
            (0x41, 0x5a),
            (0x61, 0x7a),
            (0xc0, 0xd6),
            (0xd8, 0xf6),
            (0xf8, 0x24f),
            (0x1e00, 0x1eff),
            (0x2c60, 0x2c7f),
            (0xa720, 0xa7ff),
        ],
    ),
    ("Greek", &[(0x370, 0x3ff), (0x1f00, 0x1fff)]),
    (
        "Cyrillic",
        &[(0x400, 0x52f), (0x2de0, 0x2dff), (0xa640, 0xa69f)],
    ),
    ("Armenian", &[(0x530, 0x58f)]),
    ("Hebrew", &[(0x590, 0x5ff), (0xfb1d, 0xfb4f)]),
    (
        "Arabic",
        &[
            (0x600, 0x6ff),
            (0x750, 0x77f),
            (0x8a0, 0x8ff),
            (0xfb50, 0xfdff),
            (0xfe70, 0xfeff),
        ],
    ),
    ("Devanagari", &[(0x900, 0x97f), (0xa8e0, 0xa8ff)]),
    ("Bengali", &[(0x980, 0x9ff)]),
    ("Gurmukhi", &[(0xa00, 0xa7f)]),
    ("Gujarati", &[(0xa80, 0xaff)]),
    ("Tamil", &[(0xb80, 0xbff)]),
    ("Telugu", &[(0xc00, 0xc7f)]),
    ("Kannada", &[(0xc80, 0xcff)]),
    ("Malayalam", &[(0xd00, 0xd7f)]),
    ("Sinhala", &[(0xd80, 0xdff)]),
    ("Thai", &[(0xe00, 0xe7f)]),
    ("Lao", &[(0xe80, 0xeff)]),
    ("Tibetan", &[(0xf00, 0xfff)]),
    ("Myanmar", &[(0x1000, 0x109f)]),
    ("Georgian", &[(0x10a0, 0x10ff)]),
    ("Ethiopic", &[(0x1200, 0x139f)]),
    ("Khmer", &[(0x1780, 0x17ff)]),
    (
        "Hiragana and Katakana",
        &[(0x3041, 0x30ff), (0x31f0, 0x31ff)],
    ),
    ("Bopomofo", &[(0x3105, 0x312f)]),
    (
        "Hangul",
        &[(0x1100, 0x11ff), (0x3131, 0x318e), (0xac00, 0xd7af)],
    ),
    (
        "Han",
        &[
            (0x2e80, 0x2fdf),
            (0x3005, 0x3007),
            (0x3400, 0x4dbf),
            (0x4e00, 0x9fff),
            (0xf900, 0xfaff),
            (0x20000, 0x3ffff),
        ],
    ),
];

/// Scripts of an alphabet, each with the number of entries that begin with one of its characters; those
/// with most first. Digits, punctuation and symbols come last, as `other`.
pub(super) fn scripts<'a>(alphabet: impl Iterator<Item = &'a str>) -> Vec<(&'static str, usize)> {
    let mut counts = vec![0usize; SCRIPTS.len()];
    let mut other = 0;
    for c in alphabet.filter_map(|entry| entry.chars().next()) {
        let is_in = |(from, to): &(u32, u32)| (*from..=*to).contains(&(c as u32));
        match SCRIPTS
            .iter()
            .position(|(_, ranges)| ranges.iter().any(is_in))
        {
            Some(at) => counts[at] += 1,
            None => other += 1,
        }
    }
    let mut found: Vec<(&str, usize)> = SCRIPTS.iter().map(|s| s.0).zip(counts).collect();
    found.retain(|(_, count)| *count > 0);
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    found.push(("other", other));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_yaml_is_read_to_its_end() {
        let text = "PostProcess:\n  name: CTCLabelDecode\n  character_dict:\n  - '!'\n  - ''''\n  - '\"'\n  - \"\\u3000\"\n  \
                    - \"\\\\\"\n  - а\n  - '1'\n  - \u{3000}\nHpi:\n  - no\n";
        let entries = of_inference_yml(text).unwrap();
        assert_eq!(
            entries,
            ["!", "'", "\"", "\u{3000}", "\\", "а", "1", "\u{3000}"]
        );
        assert_eq!(of_inference_yml("Global:\n  model_name: x\n"), None);
    }

    #[test]
    fn classes_are_the_entries_the_blank_and_perhaps_the_space() {
        let entries = || of_lines("а\r\nб\n");
        assert_eq!(alphabet(entries(), 3).unwrap(), ["", "а", "б"]);
        assert_eq!(alphabet(entries(), 4).unwrap(), ["", "а", "б", " "]);
        let told = alphabet(entries(), 2).unwrap_err();
        assert!(
            told.contains("2 classes") && told.contains("2 entries"),
            "{told}"
        );
        assert!(alphabet(entries(), 5).is_err());
        assert!(
            alphabet(vec!["x".repeat(65)], 2)
                .unwrap_err()
                .contains("entry 1")
        );
        let many = of_lines(&"x\n".repeat(MOST_ENTRIES * 2));
        assert!(alphabet(many, 7).unwrap_err().contains("more than"));
    }

    #[test]
    fn scripts_are_counted() {
        let entries = of_lines("а\nб\nz\n1\n漢\nв");
        let found = scripts(entries.iter().map(String::as_str));
        assert_eq!(
            found,
            [("Cyrillic", 3), ("Latin", 1), ("Han", 1), ("other", 1)]
        );
    }
}
