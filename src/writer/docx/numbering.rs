//! Lists of Word: which numbered list an item goes on with, and the part of the document that describes all lists.
//!
//! An item keeps the number that it has on the page: it goes on with the list above it if that counts on to its number, else
//! a list begins with it. Marks that Word cannot count with (`2.1`, check boxes) are text.

use super::xml::escaped;
use crate::writer::markdown::is_bullet;
use std::collections::BTreeMap;

/// Levels of a list of Word.
pub(super) const LEVELS: usize = 9;
/// Indents in twentieths of a point: of the first level, of each further one, and of the mark before the text.
const INDENT: usize = 720;
const STEP: usize = 360;
const HANGING: usize = 360;
/// Bullets of the levels, in turn.
const BULLETS: [char; 3] = ['\u{2022}', '\u{25e6}', '\u{25aa}'];
/// Largest number that a list begins with in Word.
const MAX_NUMBER: u32 = 32_767;
/// Most lists of a document: Word becomes slow with more. Marks of further ones are text.
const MAX_LISTS: usize = 2000;
/// Number of the list of all bullets.
const BULLET_LIST: usize = 1;

/// How items are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Digits,
    LowerLetters,
    UpperLetters,
    LowerRoman,
    UpperRoman,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Digits => "decimal",
            Kind::LowerLetters => "lowerLetter",
            Kind::UpperLetters => "upperLetter",
            Kind::LowerRoman => "lowerRoman",
            Kind::UpperRoman => "upperRoman",
        }
    }
}

/// The look of numbers: what counts, and what stands around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    kind: Kind,
    before: &'static str,
    after: &'static str,
}

/// How an item is marked in Word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark<'a> {
    /// By the list of this number.
    List(usize),
    /// By text.
    Text(&'a str),
}

/// The last number of a level.
#[derive(Debug)]
struct Last {
    pattern: Pattern,
    number: u32,
    list: usize,
}

/// A list that begins with a number.
struct List {
    /// Index of its pattern.
    pattern: usize,
    level: usize,
    first: u32,
}

/// The lists of a document.
#[derive(Default)]
pub(super) struct Numbering {
    patterns: BTreeMap<Pattern, usize>,
    /// Their numbers follow that of bullets.
    lists: Vec<List>,
    last: [Option<Last>; LEVELS],
}

impl Numbering {
    /// How the next item of a level, below [`LEVELS`], is marked.
    pub(super) fn next<'a>(&mut self, marker: Option<&'a str>, level: usize) -> Mark<'a> {
        self.last[level + 1..].fill_with(|| None);
        let marker = marker.map(str::trim).unwrap_or_default();
        if marker.is_empty() || is_bullet(marker) {
            return Mark::List(BULLET_LIST);
        }
        let read = readings(marker);
        if let Some(last) = &mut self.last[level]
            && let next = (last.pattern.clone(), last.number + 1)
            && read.contains(&next)
        {
            last.number += 1;
            return Mark::List(last.list);
        }
        let Some((pattern, number)) = read.into_iter().next() else {
            return Mark::Text(marker);
        };
        if self.lists.len() == MAX_LISTS {
            return Mark::Text(marker);
        }
        let new = self.patterns.len();
        self.lists.push(List {
            pattern: *self.patterns.entry(pattern.clone()).or_insert(new),
            level,
            first: number,
        });
        let list = BULLET_LIST + self.lists.len();
        self.last[level] = Some(Last {
            pattern,
            number,
            list,
        });
        Mark::List(list)
    }

    /// The part that describes the lists.
    pub(super) fn xml(&self) -> String {
        let mut xml = String::from(super::parts::NUMBERING_START);
        let bullets = |level: usize| ("bullet", BULLETS[level % BULLETS.len()].to_string());
        xml.push_str(&abstract_list(0, &bullets));
        let mut patterns: Vec<(&Pattern, usize)> = self
            .patterns
            .iter()
            .map(|(pattern, id)| (pattern, *id))
            .collect();
        patterns.sort_by_key(|(_, id)| *id);
        for (pattern, id) in patterns {
            let Pattern {
                kind,
                before,
                after,
            } = pattern;
            let look = |level: usize| (kind.name(), format!("{before}%{}{after}", level + 1));
            xml.push_str(&abstract_list(id + 1, &look));
        }
        xml.push_str(&format!(
            "<w:num w:numId=\"{BULLET_LIST}\"><w:abstractNumId w:val=\"0\"/></w:num>"
        ));
        for (at, list) in self.lists.iter().enumerate() {
            xml.push_str(&format!(
                "<w:num w:numId=\"{}\"><w:abstractNumId w:val=\"{}\"/><w:lvlOverride w:ilvl=\"{}\">\
                 <w:startOverride w:val=\"{}\"/></w:lvlOverride></w:num>",
                BULLET_LIST + at + 1,
                list.pattern + 1,
                list.level,
                list.first
            ));
        }
        xml.push_str("</w:numbering>");
        xml
    }
}

/// Indents of the items of a level: of their text, and how far before it their mark stands.
pub(super) fn indent(level: usize) -> (usize, usize) {
    (INDENT + STEP * level, HANGING)
}

/// A look of lists: for every level what counts, and the text of its marks.
fn abstract_list(id: usize, look: &dyn Fn(usize) -> (&'static str, String)) -> String {
    let mut xml = format!(
        "<w:abstractNum w:abstractNumId=\"{id}\"><w:multiLevelType w:val=\"hybridMultilevel\"/>"
    );
    for level in 0..LEVELS {
        let (format, text) = look(level);
        let (left, hanging) = indent(level);
        xml.push_str(&format!(
            "<w:lvl w:ilvl=\"{level}\"><w:start w:val=\"1\"/><w:numFmt w:val=\"{format}\"/>\
             <w:lvlText w:val=\"{}\"/><w:lvlJc w:val=\"left\"/>\
             <w:pPr><w:ind w:left=\"{left}\" w:hanging=\"{hanging}\"/></w:pPr></w:lvl>",
            escaped(&text)
        ));
    }
    xml.push_str("</w:abstractNum>");
    xml
}

/// The numbers that a mark may be, the likeliest one first: `i.` is Roman before it is a letter.
fn readings(marker: &str) -> Vec<(Pattern, u32)> {
    let before = ["(", "["].into_iter().find(|open| marker.starts_with(open));
    let before = before.unwrap_or_default();
    let core = &marker[before.len()..];
    let after = [".)", ".", ")", "]", ":"]
        .into_iter()
        .find(|end| core.ends_with(end));
    let after = after.unwrap_or_default();
    let core = &core[..core.len() - after.len()];
    let mut kinds = Vec::new();
    if core.bytes().all(|b| b.is_ascii_digit()) {
        let is_plain = core == "0" || !core.starts_with('0');
        kinds.extend(
            core.parse()
                .ok()
                .filter(|_| is_plain)
                .map(|number| (Kind::Digits, number)),
        );
    }
    let is_lower = core.bytes().all(|b| b.is_ascii_lowercase());
    if is_lower || core.bytes().all(|b| b.is_ascii_uppercase()) {
        let [roman, letters] = match is_lower {
            true => [Kind::LowerRoman, Kind::LowerLetters],
            false => [Kind::UpperRoman, Kind::UpperLetters],
        };
        let lower = core.to_ascii_lowercase();
        kinds.extend(roman_number(&lower).map(|number| (roman, number)));
        if let [letter @ b'a'..=b'z'] = lower.as_bytes() {
            let letter = (letters, u32::from(letter - b'a') + 1);
            // A list of one Roman number begins with I; a single letter else counts letters.
            let at = if lower == "i" { kinds.len() } else { 0 };
            kinds.insert(at, letter);
        }
    }
    let read = kinds
        .into_iter()
        .filter(|(_, number)| *number <= MAX_NUMBER);
    let read = read.map(|(kind, number)| {
        let pattern = Pattern {
            kind,
            before,
            after,
        };
        (pattern, number)
    });
    read.collect()
}

/// The value of a Roman number in small letters, written in the usual way.
fn roman_number(text: &str) -> Option<u32> {
    const SIGNS: [(&str, u32); 13] = [
        ("m", 1000),
        ("cm", 900),
        ("d", 500),
        ("cd", 400),
        ("c", 100),
        ("xc", 90),
        ("l", 50),
        ("xl", 40),
        ("x", 10),
        ("ix", 9),
        ("v", 5),
        ("iv", 4),
        ("i", 1),
    ];
    let (mut rest, mut number) = (text, 0);
    for (sign, value) in SIGNS {
        // Only M, C, X and I are repeated, up to three times.
        let most = if matches!(sign, "m" | "c" | "x" | "i") {
            3
        } else {
            1
        };
        for _ in 0..most {
            if let Some(after) = rest.strip_prefix(sign) {
                (rest, number) = (after, number + value);
            }
        }
    }
    (rest.is_empty() && number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_go_on_or_begin_lists() {
        let mut numbering = Numbering::default();
        let mut next = |marker, level| numbering.next(Some(marker), level);
        assert_eq!(next("1.", 0), Mark::List(2));
        assert_eq!(next("a)", 1), Mark::List(3));
        assert_eq!(next("b)", 1), Mark::List(3));
        assert_eq!(
            next("2.", 0),
            Mark::List(2),
            "goes on behind the items below it"
        );
        assert_eq!(
            next("a)", 1),
            Mark::List(4),
            "begins again below another item"
        );
        assert_eq!(next("\u{2013}", 0), Mark::List(BULLET_LIST));
        assert_eq!(next("4.", 0), Mark::List(5), "a number was left out");
        assert_eq!(next("2.1", 0), Mark::Text("2.1"));
        assert_eq!(next("\u{2610}", 0), Mark::Text("\u{2610}"));
        let xml = numbering.xml();
        assert!(xml.contains("<w:startOverride w:val=\"4\"/>"), "{xml}");
        assert_eq!(xml.matches("<w:abstractNum ").count(), 3);
        assert_eq!(xml.matches("<w:num ").count(), 5);
    }

    #[test]
    fn letters_are_told_from_roman_numbers() {
        let first = |marker: &str| {
            let read = readings(marker).into_iter().next();
            read.map(|(pattern, number)| (pattern.kind, number))
        };
        assert_eq!(first("(i)"), Some((Kind::LowerRoman, 1)));
        assert_eq!(first("c."), Some((Kind::LowerLetters, 3)));
        assert_eq!(first("IV."), Some((Kind::UpperRoman, 4)));
        assert_eq!(first("iiii."), None);
        assert_eq!(first("ab."), None);
        assert_eq!(first("007."), None);
        assert_eq!(first("99999999999."), None);
        assert_eq!(first("."), None);
        let mut numbering = Numbering::default();
        for marker in ["h.", "i.", "j."] {
            assert_eq!(numbering.next(Some(marker), 0), Mark::List(2), "{marker}");
        }
        for marker in ["iv)", "v)", "vi)"] {
            assert_eq!(numbering.next(Some(marker), 0), Mark::List(3), "{marker}");
        }
    }

    #[test]
    fn lists_without_end_are_text_at_last() {
        let mut numbering = Numbering::default();
        for _ in 0..MAX_LISTS {
            assert_ne!(numbering.next(Some("7."), 0), Mark::Text("7."));
        }
        assert_eq!(numbering.next(Some("7."), 0), Mark::Text("7."));
    }
}
