//! Encodings of composite fonts that pdfium does not know: it takes each two bytes of a text for a code without a
//! character.
//!
//! Codes of the encodings whose names begin with `Uni` are Unicode; others are mapped to identifiers of a
//! collection by the maps of `hayro-cmap`, or by one that the file holds.

use super::super::page::{PdfChar, PdfPage, part_of};
use super::collections::Collection;
use hayro_cmap::{CMap, CMapName, load_embedded};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Names, without the direction at their ends, of the encodings that pdfium knows.
#[rustfmt::skip]
const KNOWN: &[&str] = &[
    "83pv-RKSJ", "90ms-RKSJ", "90msp-RKSJ", "90pv-RKSJ", "Add-RKSJ", "B5pc", "ETen-B5", "ETenms-B5", "EUC", "Ext-RKSJ",
    "GB-EUC", "GBK-EUC", "GBK2K", "GBKp-EUC", "GBpc-EUC", "H", "HKscs-B5", "Identity", "KSC-EUC", "KSCms-UHC",
    "KSCms-UHC-HW", "KSCpc-EUC", "UniCNS-UCS2", "UniCNS-UTF16", "UniGB-UCS2", "UniGB-UTF16", "UniJIS-UCS2",
    "UniJIS-UCS2-HW", "UniJIS-UTF16", "UniKS-UCS2", "UniKS-UTF16", "V",
];

/// Encodings without a map here, and those that have the same characters for the most part.
const ALIKE: &[(&str, &str)] = &[("RKSJ", "90ms-RKSJ-H"), ("Add", "H"), ("Ext", "H")];

/// Bytes of which some code has each after its second one, in every map of more than two bytes: of the forms of EUC,
/// and of GB 18030.
const LATER_BYTES: [u8; 3] = [0xA1, 0x30, 0x81];

/// What the codes of a composite font are.
#[derive(Debug, Clone)]
enum Kind {
    Utf8,
    Utf16,
    Utf32,
    /// Codes of identifiers of a collection.
    Mapped(Arc<Map>, Collection),
}

/// A map from codes to identifiers.
#[derive(Debug)]
struct Map {
    map: CMap,
    /// Lengths of codes by their first bytes; 0 where none begins so.
    lengths: OnceLock<Vec<usize>>,
}

impl Map {
    /// The identifier of a code of `length` bytes.
    fn identifier(&self, code: u32, length: usize) -> Option<u32> {
        let identifier = self.map.lookup_cid_code(code, length as u8);
        identifier.filter(|identifier| *identifier != 0)
    }

    /// Length of the codes that begin with a byte, for one that stands for nothing; 1 if there are none.
    fn length(&self, first: u8) -> usize {
        let lengths = self
            .lengths
            .get_or_init(|| (0..=0xFF).map(|first| self.found_length(first)).collect());
        lengths[usize::from(first)]
    }

    /// The ranges of valid codes are not told, so codes are tried.
    fn found_length(&self, first: u8) -> usize {
        let two = (0..=0xFF).map(|second| u32::from(first) << 8 | second);
        let longer = |codes: &[u32]| -> Vec<u32> {
            let later = LATER_BYTES.map(u32::from);
            let codes = codes.iter();
            let longer = codes.flat_map(|code| later.map(|byte| code << 8 | byte));
            longer.collect()
        };
        let two: Vec<u32> = two.collect();
        let three = longer(&two);
        let four = longer(&three);
        let one = vec![u32::from(first)];
        let is_there = |codes: &[u32], length: usize| {
            let mut codes = codes.iter();
            codes.any(|code| self.identifier(*code, length).is_some())
        };
        let mut lengths = (1..).zip([one, two, three, four]);
        let found = lengths.find(|(length, codes)| is_there(codes, *length));
        found.map_or(1, |(length, _)| length)
    }
}

/// The encoding of a composite font, other than an identity.
#[derive(Debug, Clone)]
pub(super) struct Coding {
    kind: Kind,
    /// pdfium divides texts into codes as it should.
    pub is_known: bool,
    is_vertical: bool,
}

/// A character of a text, by the bytes of its code.
#[derive(Debug, PartialEq, Eq)]
struct Letter {
    bytes: Range<usize>,
    text: String,
}

impl Coding {
    /// The predefined encoding with a name.
    pub(super) fn named(name: &str) -> Option<Coding> {
        let stem = name.strip_suffix("-H").or_else(|| name.strip_suffix("-V"));
        let stem = stem.unwrap_or(name);
        if stem == "Identity" {
            return None;
        }
        let unicode = || {
            let form = stem.strip_prefix("Uni")?.split_once('-')?.1;
            match form.split('-').next()? {
                "UTF8" => Some(Kind::Utf8),
                "UTF16" | "UCS2" => Some(Kind::Utf16),
                "UTF32" => Some(Kind::Utf32),
                _ => None,
            }
        };
        let mapped = || {
            let alike = ALIKE.iter().find(|(other, _)| *other == stem);
            let names = [name.to_string(), format!("{stem}-H")];
            let names = names
                .into_iter()
                .chain(alike.map(|(_, name)| name.to_string()));
            let data = |name: String| load_embedded(CMapName::from_bytes(name.as_bytes()));
            Coding::mapped(names.into_iter().find_map(data)?)
        };
        Some(Coding {
            kind: unicode().or_else(mapped)?,
            is_known: KNOWN.contains(&stem),
            is_vertical: name.ends_with('V'),
        })
    }

    /// The encoding that a map in the file gives. pdfium reads those, but not the maps that they go on from.
    pub(super) fn embedded(map: &[u8]) -> Option<Coding> {
        Some(Coding {
            kind: Coding::mapped(map)?,
            is_known: true,
            is_vertical: false,
        })
    }

    fn mapped(map: &[u8]) -> Option<Kind> {
        let map = CMap::parse(map, load_embedded)?;
        let collection = Collection::of(&map)?;
        let lengths = OnceLock::new();
        Some(Kind::Mapped(Arc::new(Map { map, lengths }), collection))
    }

    /// The text of a code as pdfium gives it, of an encoding that it knows.
    pub(super) fn text(&self, code: u32) -> Option<String> {
        let Kind::Mapped(map, collection) = &self.kind else {
            return char::from_u32(code)
                .filter(|c| !c.is_control())
                .map(String::from);
        };
        let least = (4 - code.leading_zeros() as usize / 8).max(1);
        collection.text((least..=4).find_map(|length| map.identifier(code, length))?)
    }

    /// The characters of a text. Bytes that are no code are left out; a code of a glyph whose character is not known is
    /// the replacement character.
    fn letters(&self, bytes: &[u8]) -> Vec<Letter> {
        let mut letters = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let found = self.first(rest);
            let length = found
                .as_ref()
                .map_or_else(|| self.step(rest[0]), |(length, _)| *length);
            if let Some((_, text)) = found.filter(|(_, text)| !text.contains(char::is_control)) {
                let bytes = at..at + length;
                letters.push(Letter { bytes, text });
            }
            at += length;
        }
        letters
    }

    /// Bytes to the next code after one that stands for nothing, by its first byte.
    fn step(&self, first: u8) -> usize {
        match &self.kind {
            Kind::Utf8 => 1,
            Kind::Utf16 => 2,
            Kind::Utf32 => 4,
            Kind::Mapped(map, _) => map.length(first),
        }
    }

    /// The first character of these bytes and the length of its code.
    fn first(&self, bytes: &[u8]) -> Option<(usize, String)> {
        let unit = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        match &self.kind {
            Kind::Utf8 => (1..=bytes.len().min(4)).find_map(|length| {
                let text = std::str::from_utf8(&bytes[..length]).ok()?;
                Some((length, text.to_string()))
            }),
            Kind::Utf16 => {
                let units = [unit(0)?, unit(2).unwrap_or_default()];
                let letter = char::decode_utf16(units).next()?.ok()?;
                Some((2 * letter.len_utf16(), letter.to_string()))
            }
            Kind::Utf32 => {
                let code = u32::from(unit(0)?) << 16 | u32::from(unit(2)?);
                Some((4, char::from_u32(code)?.to_string()))
            }
            Kind::Mapped(map, collection) => (1..=bytes.len().min(4)).find_map(|length| {
                let code = bytes[..length].iter();
                let code = code.fold(0, |code, byte| code << 8 | u32::from(*byte));
                let text = collection.text(map.identifier(code, length)?);
                let unknown = || char::REPLACEMENT_CHARACTER.to_string();
                Some((length, text.unwrap_or_else(unknown)))
            }),
        }
    }
}

/// What was found about the texts of a page that pdfium divides wrongly.
#[derive(Default)]
pub(super) struct Divided {
    /// Texts by the indices of characters; those after the first one of a code have none.
    pub texts: BTreeMap<usize, String>,
    /// Their boxes.
    pub boxes: Vec<(usize, [f32; 4])>,
}

/// Divides the texts of a font, by its index in the page's list, as its encoding says.
pub(super) fn divided(page: &PdfPage, font: usize, coding: Option<&Coding>) -> Divided {
    let mut found = Divided::default();
    let Some(coding) = coding.filter(|coding| !coding.is_known) else {
        return found;
    };
    let mut runs: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, c) in page.chars.iter().enumerate() {
        let run = page.runs.get(c.run as usize);
        if run.is_some_and(|run| usize::from(run.font) == font) {
            runs.entry(c.run).or_default().push(at);
        }
    }
    for (run, chars) in runs {
        let of_run = chars.iter().map(|at| &page.chars[*at]);
        // A map to Unicode has the last word, where pdfium finds something in it.
        if of_run.clone().any(|c| !c.unmapped && c.code >= 0x20) {
            continue;
        }
        let angle = page.runs[run as usize].angle + if coding.is_vertical { 90.0 } else { 0.0 };
        // The byte of each code, and of which character it is.
        let bytes: Vec<(u8, usize)> = of_run
            .enumerate()
            .flat_map(|(nth, c)| bytes_of(c).into_iter().map(move |byte| (byte, nth)))
            .collect();
        let plain: Vec<u8> = bytes.iter().map(|(byte, _)| *byte).collect();
        let letters = coding.letters(&plain);
        if letters.is_empty() {
            continue;
        }
        let part = |byte: usize| {
            let nth = bytes[byte].1;
            let first = bytes[..byte].iter().rposition(|(_, other)| *other != nth);
            let first = first.map_or(0, |at| at + 1);
            let count = bytes[first..].iter().take_while(|(_, other)| *other == nth);
            part_of(
                page.chars[chars[nth]].bbox,
                angle,
                byte - first,
                count.count(),
            )
        };
        let mut boxes: BTreeMap<usize, [f32; 4]> = BTreeMap::new();
        found
            .texts
            .extend(chars.iter().map(|at| (*at, String::new())));
        for letter in letters {
            let at = chars[bytes[letter.bytes.start].1];
            found.texts.entry(at).or_default().push_str(&letter.text);
            for byte in letter.bytes {
                let [x1, y1, x2, y2] = part(byte);
                let known = boxes.entry(at).or_insert([x1, y1, x2, y2]);
                let [l, t, r, b] = *known;
                *known = [l.min(x1), t.min(y1), r.max(x2), b.max(y2)];
            }
        }
        found.boxes.extend(boxes);
    }
    found
}

/// The bytes of a code as pdfium divides texts of unknown encodings: two, or four where two codes look like
/// one character of UTF-16.
fn bytes_of(c: &PdfChar) -> Vec<u8> {
    let mut units = [0u16; 2];
    let units = match char::from_u32(c.code) {
        // A hyphen at a line's end.
        Some('\u{2}') => &[0x2D][..],
        Some(letter) => letter.encode_utf16(&mut units),
        None => &[0xFFFD][..],
    };
    units.iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::page::PdfRun;
    use super::*;

    #[track_caller]
    fn check(name: &str, bytes: &[u8], expected: &str) {
        let coding = Coding::named(name).unwrap();
        let letters = coding.letters(bytes);
        let text: String = letters.iter().map(|letter| letter.text.as_str()).collect();
        assert_eq!(text, expected, "{name}");
    }

    #[test]
    fn texts_are_divided_as_their_encodings_say() {
        check("UniGB-UTF8-H", "中文 a".as_bytes(), "中文 a");
        // pdfium takes a lone byte at the end for the first one of two.
        check("UniGB-UTF8-H", "中\0".as_bytes(), "中");
        check(
            "UniJIS2004-UTF32-V",
            &[0, 0, 0x65, 0xE5, 0, 2, 0, 0x0B],
            "日𠀋",
        );
        check("UniAKR-UTF16-H", &[0xAC, 0, 0xD8, 0x40, 0xDC, 0x0B], "가𠀋");
        check("UniJISPro-UCS2-HW-V", &[0x65, 0xE5], "日");
        check(
            "CNS-EUC-H",
            &[0x41, 0xC4, 0xA1, 0x8E, 0xA1, 0xC4, 0xA1],
            "A一一",
        );
        check("CNS-EUC-V", &[0xC4, 0xA1], "一");
        check("RKSJ-H", &[0x93, 0xFA, 0x41], "日A");
        check("Ext-V", &[0x46, 0x7C], "日");
        check("UniGB-UTF32-H", &[0xFF, 0xFF, 0xFF, 0xFF, 0, 0], "");
    }

    #[test]
    fn a_code_that_stands_for_nothing_costs_itself_only() {
        check(
            "UniAKR-UTF16-H",
            &[0xD8, 0x40, 0x4E, 0x2D, 0x65, 0x87],
            "中文",
        );
        let beyond = [0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0x4E, 0x2D];
        check("UniGB-UTF32-H", &beyond, "中");
        check("UniGB-UTF8-H", b"\xE4\xB8\xE4\xB8\xAD", "中");
        // No character has the codes 81 AD, and 8E A1 A1 FF.
        check("RKSJ-H", &[0x81, 0xAD, 0x93, 0xFA, 0xFF, 0x41], "日A");
        let bad = [0x8E, 0xA1, 0xA1, 0xFF, 0x8E, 0xA1, 0xC4, 0xA1, 0x41];
        check("CNS-EUC-H", &bad, "一A");
    }

    /// A map that gives the code A1A1 an identifier that the collection does not have.
    fn unknown() -> Coding {
        let map = b"/CIDSystemInfo 3 dict dup begin /Registry (Adobe) def /Ordering (Japan1) def /Supplement 1 def \
            end def /CMapName /X def /EUC-H usecmap begincmap 1 begincidchar <A1A1> 65000 endcidchar endcmap";
        Coding {
            is_known: false,
            ..Coding::embedded(map).unwrap()
        }
    }

    #[test]
    fn glyphs_without_a_known_character_stay_to_be_read() {
        let char = |(at, code): (usize, u32)| PdfChar {
            code,
            bbox: [at as f32 * 10.0, 0.0, at as f32 * 10.0 + 10.0, 10.0],
            run: 0,
            unmapped: true,
        };
        let mut page = PdfPage {
            chars: [0xA1A1, 0xC6FC].into_iter().enumerate().map(char).collect(),
            runs: vec![PdfRun::PLAIN],
            ..PdfPage::default()
        };
        let found = divided(&page, 0, Some(&unknown()));
        page.replace_chars(found.texts);
        let text: String = page.chars.iter().map(PdfChar::letter).collect();
        assert_eq!(text, "\u{FFFD}日");
        assert!(page.chars[0].is_meaningless() && !page.chars[1].is_meaningless());
    }

    #[test]
    fn codes_that_pdfium_divides_have_their_texts() {
        let text = |name: &str, code| Coding::named(name)?.text(code);
        assert_eq!(text("90pv-RKSJ-V", 0x93FA).as_deref(), Some("日"));
        assert_eq!(text("KSCpc-EUC-V", 0xB0A1).as_deref(), Some("가"));
        assert_eq!(text("HKscs-B5-H", 0xA440).as_deref(), Some("一"));
        assert_eq!(text("EUC-H", 0xFFFF), None);
        for known in ["EUC-V", "V", "90ms-RKSJ-H", "UniJIS-UTF16-V"] {
            assert!(Coding::named(known).unwrap().is_known, "{known}");
        }
        for none in ["Identity-H", "KSC-Johab-H", "Uni", "UniX-UTF7-H", ""] {
            assert!(Coding::named(none).is_none(), "{none}");
        }
    }

    #[test]
    fn maps_in_the_file_go_on_from_predefined_ones() {
        let map = b"/CIDSystemInfo 3 dict dup begin /Registry (Adobe) def /Ordering (Japan1) def /Supplement 1 def \
            end def /CMapName /X def /EUC-H usecmap begincmap 1 begincidchar <A1A1> 843 endcidchar endcmap";
        let coding = Coding::embedded(map).unwrap();
        assert_eq!(coding.text(0xA1A1).as_deref(), Some("あ"));
        assert_eq!(coding.text(0xC6FC).as_deref(), Some("日"));
    }
}
