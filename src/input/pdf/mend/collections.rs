//! The characters of Adobe's collections for Chinese, Japanese and Korean, by their identifiers.
//!
//! pdfium has tables of its own, of older editions: it leaves what came later, above all Japanese variants. The
//! tables here are those of `hayro-cmap`.

use hayro_cmap::{BfString, CMap, CMapName, load_embedded};
use std::sync::OnceLock;

/// A collection, by its place in [`NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Collection(usize);

/// The tables from identifiers to Unicode, by the names of the collections' orderings.
const NAMES: [(&str, CMapName<'static>); 4] = [
    ("CNS1", CMapName::AdobeCns1Ucs2),
    ("GB1", CMapName::AdobeGb1Ucs2),
    ("Japan1", CMapName::AdobeJapan1Ucs2),
    ("Korea1", CMapName::AdobeKorea1Ucs2),
];

/// The same, read on first use.
static TABLES: [OnceLock<Option<CMap>>; NAMES.len()] = [const { OnceLock::new() }; NAMES.len()];

impl Collection {
    /// The collection with an ordering.
    pub(super) fn named(ordering: &[u8]) -> Option<Collection> {
        let at = NAMES
            .iter()
            .position(|(name, _)| name.as_bytes() == ordering);
        at.map(Collection)
    }

    /// The text of a character by its identifier.
    pub(super) fn text(self, identifier: u32) -> Option<String> {
        let read = || CMap::parse(load_embedded(NAMES[self.0].1)?, load_embedded);
        let table = TABLES[self.0].get_or_init(read).as_ref()?;
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
        check("GB1", 34, Some("A"));
        check("GB1", 65000, None);
        // Of the fifth supplement, which pdfium does not have.
        assert!(Collection::named(b"Japan1").unwrap().text(15500).is_some());
        assert_eq!(Collection::named(b"Identity"), None);
    }
}
