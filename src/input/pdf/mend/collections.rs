//! The characters of Adobe's collections for Chinese, Japanese and Korean, by their identifiers.
//!
//! pdfium has tables of its own, of older editions: it leaves what came later, above all Japanese variants. The
//! tables here are those of `hayro-cmap`, and one of our own of the collection KR, which came in the place of Korea1.

use flate2::read::ZlibDecoder;
use hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use std::io::Read;
use std::sync::OnceLock;

/// A collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collection {
    /// One with a table of `hayro-cmap`, by its place in [`NAMES`].
    Named(usize),
    /// The collection KR.
    Korean,
}

/// The tables from identifiers to Unicode, by the names of the collections' orderings.
const NAMES: [(&str, CMapName<'static>); 4] = [
    ("CNS1", CMapName::AdobeCns1Ucs2),
    ("GB1", CMapName::AdobeGb1Ucs2),
    ("Japan1", CMapName::AdobeJapan1Ucs2),
    ("Korea1", CMapName::AdobeKorea1Ucs2),
];

/// The same, read on first use.
static TABLES: [OnceLock<Option<CMap>>; NAMES.len()] = [const { OnceLock::new() }; NAMES.len()];

/// The collection KR: differences of the characters of neighbouring identifiers, 32 bits each
/// (`scripts/adobe_kr.py` makes it of Adobe's `UniAKR-UTF32-H`).
const KOREAN: &[u8] = include_bytes!("../../../../assets/cids/adobe-kr.zlib");
/// Most bytes that the table is unpacked to.
const MAX_KOREAN: u64 = 1 << 18;

/// The characters of the collection KR by their identifiers.
fn korean() -> &'static [u32] {
    static TABLE: OnceLock<Vec<u32>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut bytes = Vec::new();
        let unpacked = ZlibDecoder::new(KOREAN)
            .take(MAX_KOREAN)
            .read_to_end(&mut bytes);
        unpacked.expect("the table is part of the program");
        let steps = bytes.chunks_exact(4);
        let steps = steps.map(|step| u32::from_be_bytes([step[0], step[1], step[2], step[3]]));
        let sum = |code: &mut u32, step: u32| {
            *code = code.wrapping_add(step);
            Some(*code)
        };
        steps.scan(0, sum).collect()
    })
}

impl Collection {
    /// The collection with an ordering.
    pub(super) fn named(ordering: &[u8]) -> Option<Collection> {
        if ordering == b"KR" {
            return Some(Collection::Korean);
        }
        let at = NAMES
            .iter()
            .position(|(name, _)| name.as_bytes() == ordering);
        at.map(Collection::Named)
    }

    /// The collection whose identifiers a map from codes gives.
    pub(super) fn of(map: &CMap) -> Option<Collection> {
        match &map.metadata().character_collection.as_ref()?.family {
            CidFamily::AdobeCNS1 => Collection::named(b"CNS1"),
            CidFamily::AdobeGB1 => Collection::named(b"GB1"),
            CidFamily::AdobeJapan1 => Collection::named(b"Japan1"),
            CidFamily::AdobeKorea1 => Collection::named(b"Korea1"),
            CidFamily::Custom { ordering, .. } => Collection::named(ordering),
            CidFamily::AdobeIdentity => None,
        }
    }

    /// The text of a character by its identifier.
    pub(super) fn text(self, identifier: u32) -> Option<String> {
        let Collection::Named(at) = self else {
            let code = *korean().get(identifier as usize)?;
            return char::from_u32(code)
                .filter(|c| !c.is_control())
                .map(String::from);
        };
        let read = || CMap::parse(load_embedded(NAMES[at].1)?, load_embedded);
        let table = TABLES[at].get_or_init(read).as_ref()?;
        let text = match table.lookup_bf_string(identifier)? {
            BfString::Char(c) => c.to_string(),
            BfString::String(text) => text,
        };
        let is_text = |c: char| !c.is_control() && !matches!(c as u32, 0xFFFD | 0xE000..=0xF8FF);
        text.chars().all(is_text).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_characters() {
        #[track_caller]
        fn check(ordering: &str, identifier: u32, expected: Option<&str>) {
            let collection = Collection::named(ordering.as_bytes()).unwrap();
            let text = collection.text(identifier);
            assert_eq!(text.as_deref(), expected, "{ordering} {identifier}");
        }
        check("Japan1", 34, Some("A"));
        check("Japan1", 843, Some("あ"));
        check("Korea1", 1086, Some("가"));
        check("CNS1", 595, Some("一"));
        check("KR", 1, Some(" "));
        check("KR", 221, Some("가"));
        check("KR", 14238, Some("一"));
        check("KR", 0, None);
        check("KR", 65000, None);
        check("GB1", 34, Some("A"));
        check("GB1", 65000, None);
        // Of the fifth supplement, which pdfium does not have.
        assert!(Collection::named(b"Japan1").unwrap().text(15500).is_some());
        assert_eq!(Collection::named(b"Identity"), None);
    }

    #[test]
    fn korean_ideographs_are_neither_radicals_nor_variants() {
        let is_variant =
            |code: &u32| matches!(code, 0x2E80..=0x2FDF | 0xF900..=0xFAFF | 0x2_F800..=0x2_FA1F);
        assert_eq!(korean().iter().find(|code| is_variant(code)), None);
    }
}
