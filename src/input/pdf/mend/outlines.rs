//! Glyphs by their shape: a glyph without Unicode whose outline equals that of a mapped glyph of another font in
//! the document is the same character.
//!
//! Outlines of TrueType, CFF and Type 1 fonts and procedures of Type 3 fonts are compared, each by a hash. The fonts
//! of a document are gone through once, only if a page has a glyph about which nothing else is known.

use super::facts::{Facts, fonts_of_page};
use super::names;
use super::program::{MAX_NAMES, MAX_SUBTABLES, Program, is_fast, names_of};
use super::type1::{self, Type1};
use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, ObjectIdentifier, Stream};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use ttf_parser::head::IndexToLocationFormat;
use ttf_parser::{Face, GlyphId, OutlineBuilder, Tag, cff};

/// Most pages of a document whose fonts are looked at.
const MAX_PAGES: usize = 500;
/// Most fonts of a document that are looked at.
const MAX_FONTS: usize = 100;
/// Largest font file that is unpacked, as it is in the file.
const MAX_FILE: usize = 1 << 19;
/// Most bytes of all of them together, unpacked: what is packed a thousandfold ends the search.
const MAX_FILES: usize = 1 << 25;
/// Most segments of an outline; those of ideographs have some hundred.
const MAX_SEGMENTS: usize = 4000;
/// Most parts of a composite glyph: a letter and its accents.
const MAX_PARTS: usize = 8;

/// What a glyph looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Drawn {
    /// It has no outline: a space.
    Blank,
    /// It has one, with this hash.
    As(u64),
}

/// Characters by the shapes of their glyphs in all fonts of a document.
#[derive(Default)]
pub(super) struct Shapes {
    texts: BTreeMap<u64, String>,
}

impl Shapes {
    /// Goes through the fonts of a document.
    pub(super) fn of(pdf: &Pdf) -> Shapes {
        let mut votes: BTreeMap<u64, BTreeMap<String, usize>> = BTreeMap::new();
        let mut seen: BTreeSet<ObjectIdentifier> = BTreeSet::new();
        let mut room = MAX_FILES;
        let pages = pdf.pages().iter().take(MAX_PAGES);
        for (id, font) in pages.flat_map(fonts_of_page) {
            if seen.len() >= MAX_FONTS || id.is_none_or(|id| !seen.insert(id)) {
                continue;
            }
            let facts = Facts::read(&font);
            let file = embedded(&font, &mut room);
            let program = file.as_deref().map_or_else(Program::default, Program::read);
            let outlines = file.as_deref().map_or(Outlines::Nothing, Outlines::read);
            for (code, text) in facts.mapped(&program) {
                if let Some(Drawn::As(shape)) = outlines.of_code(&facts, code) {
                    *votes.entry(shape).or_default().entry(text).or_default() += 1;
                }
            }
        }
        let texts = votes.into_iter().filter_map(|(shape, votes)| {
            // Letters of several alphabets look alike: the first one is the Latin one.
            let (text, _) = votes
                .into_iter()
                .max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)))?;
            Some((shape, text))
        });
        Shapes {
            texts: texts.collect(),
        }
    }

    /// The character of a glyph with this shape.
    pub(super) fn text(&self, shape: u64) -> Option<&str> {
        self.texts.get(&shape).map(String::as_str)
    }
}

/// The font file that a font's dictionary embeds, unless it is too large; `room` is what may still be unpacked.
fn embedded(font: &Dict<'_>, room: &mut usize) -> Option<Vec<u8>> {
    let descendant = font
        .get::<Array<'_>>("DescendantFonts")
        .and_then(|fonts| fonts.iter::<Dict<'_>>().next());
    let descriptor = descendant
        .as_ref()
        .unwrap_or(font)
        .get::<Dict<'_>>("FontDescriptor")?;
    let file = |key: &str| descriptor.get::<Stream<'_>>(key);
    let file = file("FontFile2")
        .or_else(|| file("FontFile3"))
        .or_else(|| file("FontFile"))?;
    if *room == 0 || file.raw_data().len() > MAX_FILE {
        return None;
    }
    let data = file.decoded_data().ok()?.into_owned();
    let fits = data.len() <= *room;
    *room = room.saturating_sub(data.len());
    fits.then_some(data)
}

/// The outlines of an embedded font.
pub(super) enum Outlines<'d> {
    /// Of a TrueType or OpenType file.
    Face {
        face: Box<Face<'d>>,
        /// Glyphs are looked up by their names.
        has_names: bool,
    },
    /// Of a bare CFF table.
    Cff(Box<cff::Table<'d>>, BTreeMap<u16, GlyphId>),
    /// Of a Type 1 font, with the names of its glyphs by code.
    Type1(Type1, BTreeMap<u8, String>),
    /// None that can be read.
    Nothing,
}

/// What selects a glyph of a font.
#[derive(Clone, Copy)]
enum Glyph<'g> {
    Index(GlyphId),
    Named(&'g str),
}

impl<'d> Outlines<'d> {
    /// Reads a font file.
    pub(super) fn read(data: &'d [u8]) -> Outlines<'d> {
        if type1::is_type1(data) {
            return Outlines::Type1(Type1::read(data), type1::encoding(data));
        }
        if let Ok(face) = Face::parse(data, 0) {
            let has_names = names_of(&face) <= MAX_NAMES;
            let face = Box::new(face);
            return Outlines::Face { face, has_names };
        }
        let Some(table) = cff::Table::parse(data) else {
            return Outlines::Nothing;
        };
        let glyphs = (0..table.number_of_glyphs()).map(GlyphId);
        let by_cid = glyphs.filter_map(|glyph| Some((table.glyph_cid(glyph)?, glyph)));
        let by_cid = by_cid.collect();
        Outlines::Cff(Box::new(table), by_cid)
    }

    /// The shape of the glyph that a code selects; `None` if it cannot be read.
    pub(super) fn of_code(&self, facts: &Facts, code: u32) -> Option<Drawn> {
        if let Some(procedure) = facts.procedure(code) {
            return Some(Drawn::As(procedure));
        }
        match self {
            Outlines::Type1(_, names) => {
                let built_in = u8::try_from(code).ok().and_then(|code| names.get(&code));
                let name = facts.glyph_name(code).or(built_in.map(String::as_str));
                let name = name.or_else(|| names::of_ascii(code));
                self.of_glyph(Glyph::Named(name?))
            }
            _ => self.of_glyph(Glyph::Index(self.glyph(facts, code)?)),
        }
    }

    fn glyph(&self, facts: &Facts, code: u32) -> Option<GlyphId> {
        if facts.is_composite {
            let index = facts.glyph_index(code)?;
            return match self {
                Outlines::Face { .. } => Some(GlyphId(index)),
                Outlines::Cff(_, by_cid) if !by_cid.is_empty() => by_cid.get(&index).copied(),
                Outlines::Cff(..) => Some(GlyphId(index)),
                Outlines::Type1(..) | Outlines::Nothing => None,
            };
        }
        let name = facts.glyph_name(code);
        match self {
            Outlines::Cff(table, _) => match name {
                Some(name) => table.glyph_index_by_name(name),
                None => table.glyph_index(u8::try_from(code).ok()?),
            },
            Outlines::Face { face, has_names } => {
                let name = name.filter(|_| *has_names);
                let by_name = name.and_then(|name| face.glyph_index_by_name(name));
                by_name.or_else(|| by_code(face, code))
            }
            Outlines::Type1(..) | Outlines::Nothing => None,
        }
    }

    fn of_glyph(&self, glyph: Glyph<'_>) -> Option<Drawn> {
        let has_glyph = match (self, glyph) {
            (Outlines::Face { face, .. }, Glyph::Index(glyph)) => glyph.0 < face.number_of_glyphs(),
            (Outlines::Cff(table, _), Glyph::Index(glyph)) => glyph.0 < table.number_of_glyphs(),
            (Outlines::Type1(font, _), Glyph::Named(name)) => font.has(name),
            _ => false,
        };
        if !has_glyph {
            return None;
        }
        let mut shape = Shape::default();
        // The builder ends an outline that does not end by itself.
        let drawn = catch_unwind(AssertUnwindSafe(|| match (self, glyph) {
            (Outlines::Face { face, .. }, Glyph::Index(glyph)) if is_simple(face, glyph) => {
                shape.hasher.write_u16(face.units_per_em());
                face.outline_glyph(glyph, &mut shape).is_some()
            }
            (Outlines::Cff(table, _), Glyph::Index(glyph)) => {
                shape.hasher.write_u16(1000);
                table.outline(glyph, &mut shape).is_ok()
            }
            (Outlines::Type1(font, _), Glyph::Named(name)) => {
                shape.hasher.write_u16(1000);
                font.outline(name, &mut shape).is_some()
            }
            _ => false,
        }));
        let is_whole = |is_drawn: bool| match (self, glyph) {
            (Outlines::Face { face, .. }, Glyph::Index(glyph)) => is_simple(face, glyph),
            (Outlines::Type1(..), _) => is_drawn,
            _ => true,
        };
        match drawn {
            Ok(true) if shape.segments > 0 => Some(Drawn::As(shape.hasher.finish())),
            Ok(is_drawn) if shape.segments == 0 && is_whole(is_drawn) => Some(Drawn::Blank),
            _ => None,
        }
    }
}

/// The glyph of a code of a simple TrueType font: in the tables for Macintosh and for symbols.
fn by_code(face: &Face<'_>, code: u32) -> Option<GlyphId> {
    let subtables = face.tables().cmap?.subtables.into_iter();
    let subtables = subtables.filter(is_fast).take(MAX_SUBTABLES);
    let mut own = subtables.filter(|subtable| !subtable.is_unicode());
    own.find_map(|subtable| {
        let glyph = subtable.glyph_index(code);
        glyph.or_else(|| subtable.glyph_index(0xF000 + code))
    })
}

/// `true` unless a TrueType glyph is made of many parts, or of parts that have parts: such may never end.
fn is_simple(face: &Face<'_>, glyph: GlyphId) -> bool {
    let table = |tag: &[u8; 4]| face.raw_face().table(Tag::from_bytes(tag));
    let (Some(loca), Some(glyf)) = (table(b"loca"), table(b"glyf")) else {
        return true;
    };
    let is_short = face.tables().head.index_to_location_format == IndexToLocationFormat::Short;
    let offset = |index: usize| {
        let number = |at: usize| Some(u16::from_be_bytes([*loca.get(at)?, *loca.get(at + 1)?]));
        Some(match is_short {
            true => usize::from(number(index * 2)?) * 2,
            false => usize::from(number(index * 4)?) << 16 | usize::from(number(index * 4 + 2)?),
        })
    };
    let data = |glyph: GlyphId| {
        let index = usize::from(glyph.0);
        glyf.get(offset(index)?..offset(index + 1)?)
    };
    let is_composite = |data: &[u8]| data.first().is_some_and(|byte| byte & 0x80 != 0);
    let Some(whole) = data(glyph).filter(|data| is_composite(data)) else {
        return true;
    };
    let word = |at: usize| Some(u16::from_be_bytes([*whole.get(at)?, *whole.get(at + 1)?]));
    // After the number of contours and the box: flags, index, arguments and a scale of up to four numbers.
    let mut at = 10;
    for _ in 0..MAX_PARTS {
        let (Some(flags), Some(part)) = (word(at), word(at + 2)) else {
            return false;
        };
        if data(GlyphId(part)).is_some_and(is_composite) {
            return false;
        }
        if flags & 0x20 == 0 {
            return true;
        }
        at += 4 + if flags & 1 != 0 { 4 } else { 2 };
        at += match flags {
            _ if flags & 0x08 != 0 => 2,
            _ if flags & 0x40 != 0 => 4,
            _ if flags & 0x80 != 0 => 8,
            _ => 0,
        };
    }
    false
}

/// A hash of an outline's segments. The hasher's keys are always the same.
#[derive(Default)]
struct Shape {
    hasher: DefaultHasher,
    segments: usize,
}

impl Shape {
    fn segment(&mut self, kind: u8, numbers: &[f32]) {
        self.segments += 1;
        if self.segments > MAX_SEGMENTS {
            resume_unwind(Box::new(()));
        }
        self.hasher.write_u8(kind);
        for number in numbers {
            self.hasher.write_u32(number.to_bits());
        }
    }
}

impl OutlineBuilder for Shape {
    fn move_to(&mut self, x: f32, y: f32) {
        self.segment(b'm', &[x, y]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.segment(b'l', &[x, y]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.segment(b'q', &[x1, y1, x, y]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.segment(b'c', &[x1, y1, x2, y2, x, y]);
    }

    fn close(&mut self) {
        self.segment(b'z', &[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FONT: &[u8] = include_bytes!("../../../../assets/fonts/DejaVuSans-subset.ttf");

    #[test]
    fn equal_outlines_are_equal_and_others_are_not() {
        let face = Face::parse(FONT, 0).unwrap();
        let glyphs: Vec<GlyphId> = ('a'..='z')
            .filter_map(|letter| face.glyph_index(letter))
            .collect();
        let outlines = Outlines::read(FONT);
        let shapes: Vec<Option<Drawn>> = glyphs
            .iter()
            .map(|g| outlines.of_glyph(Glyph::Index(*g)))
            .collect();
        assert!(glyphs.len() == 26 && shapes.iter().all(Option::is_some));
        let different: BTreeSet<_> = shapes.iter().collect();
        assert_eq!(different.len(), 26);
        let again = Outlines::read(FONT);
        assert_eq!(again.of_glyph(Glyph::Index(glyphs[3])), shapes[3]);
        let space = face.glyph_index(' ').unwrap();
        assert_eq!(outlines.of_glyph(Glyph::Index(space)), Some(Drawn::Blank));
        assert_eq!(outlines.of_glyph(Glyph::Index(GlyphId(u16::MAX))), None);
    }

    #[test]
    fn endless_outlines_end() {
        let mut shape = Shape::default();
        let drawn = catch_unwind(AssertUnwindSafe(|| {
            (0..10_000_000).for_each(|_| shape.line_to(0.0, 0.0));
        }));
        assert!(drawn.is_err());
        assert!(matches!(Outlines::read(b"no font"), Outlines::Nothing));
    }
}
