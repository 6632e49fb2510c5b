//! Text of glyphs according to an embedded font itself: names of its glyphs, its encoding, its cmap read
//! backwards.

use super::{names, type1};
use std::collections::BTreeMap;
use ttf_parser::cmap::{Format, Subtable};
use ttf_parser::{Face, GlyphId, cff};

/// Last code that a cmap is asked for; the glyphs of characters beyond the basic plane are not mended.
const LAST_CODE: u32 = 0xFFFF;

/// Most subtables of a cmap that are asked; fonts have some five.
pub(super) const MAX_SUBTABLES: usize = 8;
/// Most names of glyphs in a font that are read.
pub(super) const MAX_NAMES: usize = 5000;

/// What a font says about its glyphs.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// Texts by code, in the encoding that is built in.
    pub by_code: BTreeMap<u32, String>,
    /// Texts by glyph index.
    pub by_glyph: BTreeMap<u16, String>,
}

impl Program {
    /// Reads a font file of any kind that a PDF embeds; an unknown or damaged one says nothing.
    ///
    /// Time and memory are linear in the number of glyphs, at most 65536.
    pub(super) fn read(data: &[u8]) -> Program {
        if type1::is_type1(data) {
            return Program::type1(data);
        }
        if let Ok(face) = Face::parse(data, 0) {
            return Program::true_type(&face);
        }
        cff::Table::parse(data).map_or_else(Program::default, |table| Program::cff(&table))
    }

    /// The encoding of a Type 1 font.
    fn type1(data: &[u8]) -> Program {
        let names = type1::encoding(data).into_iter();
        let texts = names.filter_map(|(code, name)| Some((code.into(), names::text(&name)?)));
        Program {
            by_code: texts.collect(),
            by_glyph: BTreeMap::new(),
        }
    }

    fn cff(table: &cff::Table<'_>) -> Program {
        let text = |glyph: GlyphId| table.glyph_name(glyph).and_then(names::text);
        let by_glyph = (0..table.number_of_glyphs())
            .filter_map(|glyph| Some((glyph, text(GlyphId(glyph))?)))
            .collect();
        let by_code = (0..=255u8)
            .filter_map(|code| Some((code.into(), text(table.glyph_index(code)?)?)))
            .collect();
        Program { by_code, by_glyph }
    }

    fn true_type(face: &Face<'_>) -> Program {
        let mut program = Program::default();
        let subtables: Vec<_> = face
            .tables()
            .cmap
            .into_iter()
            .flat_map(|cmap| cmap.subtables.into_iter())
            .filter(is_fast)
            .take(MAX_SUBTABLES)
            .collect();
        for subtable in subtables.iter().filter(|subtable| subtable.is_unicode()) {
            for code in 0x20..=LAST_CODE {
                let Some(letter) = char::from_u32(code).filter(|c| is_text(*c)) else {
                    continue;
                };
                if let Some(glyph) = subtable.glyph_index(code).filter(|glyph| glyph.0 != 0) {
                    let known = program.by_glyph.entry(glyph.0);
                    known.or_insert_with(|| letter.to_string());
                }
            }
        }
        let named = match names_of(face) <= MAX_NAMES {
            true => face.number_of_glyphs(),
            false => 0,
        };
        for glyph in 1..named {
            let name = || face.glyph_name(GlyphId(glyph)).and_then(names::text);
            if !program.by_glyph.contains_key(&glyph)
                && let Some(text) = name()
            {
                program.by_glyph.insert(glyph, text);
            }
        }
        for subtable in subtables.iter().filter(|subtable| !subtable.is_unicode()) {
            for code in 0..=255u32 {
                // Symbol fonts have their codes in the private area.
                let glyph = subtable
                    .glyph_index(code)
                    .or_else(|| subtable.glyph_index(0xF000 + code));
                if let Some(text) = glyph.and_then(|glyph| program.by_glyph.get(&glyph.0)) {
                    program.by_code.entry(code).or_insert_with(|| text.clone());
                }
            }
        }
        program
    }
}

/// `true` unless a lookup in a subtable goes through all of it, as in fonts that stand for all others.
pub(super) fn is_fast(subtable: &Subtable<'_>) -> bool {
    !matches!(subtable.format, Format::ManyToOneRangeMappings(_))
}

/// Number of names of glyphs in a font; each lookup of one goes through all of them.
pub(super) fn names_of(face: &Face<'_>) -> usize {
    face.tables().post.map_or(0, |post| post.names().count())
}

/// `true` for a character that a reader could mean.
fn is_text(c: char) -> bool {
    !c.is_control() && !matches!(c as u32, 0xAD | 0xE000..=0xF8FF | 0xFFF0..=0xFFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_of_a_type1_font_is_read() {
        let font = b"%!PS-AdobeFont-1.0: X\n/Encoding 256 array\n0 1 255 {1 index exch /.notdef put} for\n\
            dup 14/ffi put\ndup 80 /summationtext put\nreadonly def\ndup 1 /A put\ncurrentfile eexec";
        let program = Program::read(font);
        let all: Vec<_> = program
            .by_code
            .iter()
            .map(|(code, text)| (*code, text.as_str()))
            .collect();
        assert_eq!(all, [(14, "ffi"), (80, "∑")]);
    }

    #[test]
    fn damaged_fonts_say_nothing() {
        for data in [
            &b""[..],
            b"\x80",
            b"%!",
            b"\0\x01\0\0\0\xFF",
            b"\x01\0\x04\x01\0\x01",
            b"OTTO",
        ] {
            let program = Program::read(data);
            assert!(program.by_code.is_empty() && program.by_glyph.is_empty());
        }
    }
}
