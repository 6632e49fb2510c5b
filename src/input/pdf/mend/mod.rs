//! Mends characters of a page's text layer one by one: those without Unicode, and those of a map to Unicode
//! that the font itself contradicts.
//!
//! pdfium tells the code of a character that it cannot map, but nothing about its font's dictionary. So a
//! second reader (`hayro-syntax`) opens the same bytes, only when a page has such characters, and [`facts`]
//! finds what the dictionary says (names of glyphs, a name in the place of a map, a collection), [`program`] what the
//! embedded font says; [`codings`] knows encodings that pdfium does not, [`tex`] and [`symbols`] know some by the
//! names of fonts, and [`outlines`] equal glyphs of other fonts. Where nothing is known a character stays as it was, or becomes the number of its glyph.
//!
//! Runs in worker processes only. A panic in the second reader leaves the page as it was.

mod codings;
mod collections;
pub(super) mod cyrillic;
mod facts;
mod letters;
mod names;
mod outlines;
mod program;
mod symbols;
mod tex;
mod thresholds;
mod type1;

use super::page::{PdfChar, PdfPage};
use facts::{Facts, fonts_of_page};
use hayro_syntax::object::ObjectIdentifier;
use hayro_syntax::{Pdf, PdfData};
use outlines::{Drawn, Outlines, Shapes};
use program::Program;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// Largest file that is opened a second time, in bytes: a file without usable cross-references is searched.
const MAX_FILE: usize = 1 << 30;
/// Most pages of a document whose pages the second reader counts otherwise; beyond, it is not asked.
const MAX_PAGES: usize = 200;

/// The second reader of a document, with the fonts that were read.
pub(super) struct Mender {
    pdf: Pdf,
    page_count: usize,
    fonts: RefCell<BTreeMap<ObjectIdentifier, Rc<Facts>>>,
    shapes: OnceCell<Shapes>,
}

impl Mender {
    /// Opens a document of `page_count` pages; `None` if it cannot be read.
    pub(super) fn open(data: PdfData, password: &str, page_count: usize) -> Option<Mender> {
        if data.as_ref().len() > MAX_FILE {
            return None;
        }
        let opened = catch_unwind(AssertUnwindSafe(|| {
            Pdf::new_with_password(data, password).ok()
        }));
        let pdf = opened.ok().flatten()?;
        Some(Mender {
            pdf,
            page_count,
            fonts: RefCell::default(),
            shapes: OnceCell::new(),
        })
    }

    /// Characters by the shapes of their glyphs, of the whole document.
    fn shapes(&self) -> &Shapes {
        let read = || catch_unwind(AssertUnwindSafe(|| Shapes::of(&self.pdf)));
        self.shapes.get_or_init(|| read().unwrap_or_default())
    }

    /// Fonts of a page by their names; of all pages, if the two readers disagree on what the pages are.
    fn fonts(&self, page_index: usize) -> Vec<Rc<Facts>> {
        let pages = self.pdf.pages();
        let range = match pages.len() == self.page_count {
            true => page_index..(page_index + 1).min(pages.len()),
            false => 0..pages.len().min(MAX_PAGES),
        };
        let mut all: Vec<Rc<Facts>> = Vec::new();
        let mut known = self.fonts.borrow_mut();
        for page in pages.get(range).unwrap_or_default() {
            for (id, font) in fonts_of_page(page) {
                let facts = match id {
                    Some(id) => known
                        .entry(id)
                        .or_insert_with(|| Rc::new(Facts::read(&font)))
                        .clone(),
                    None => Rc::new(Facts::read(&font)),
                };
                if !all.iter().any(|other| Rc::ptr_eq(other, &facts)) {
                    all.push(facts);
                }
            }
        }
        all
    }
}

/// Mends the characters of a page.
///
/// `mender` opens the second reader when it is needed; `data_of` returns the file of the embedded font with
/// an index in the page's list.
pub(super) fn mend<'m>(
    page: &mut PdfPage,
    page_index: usize,
    mender: impl FnOnce() -> Option<&'m Mender>,
    data_of: impl Fn(usize) -> Option<Vec<u8>>,
) {
    let wanted = wanted_fonts(page);
    if wanted.contains(&true) {
        let mender = mender();
        let fonts = mender
            .and_then(|mender| catch_unwind(AssertUnwindSafe(|| mender.fonts(page_index))).ok());
        let fonts = fonts.unwrap_or_default();
        let by_shape =
            |shape: u64| mender.and_then(|mender| mender.shapes().text(shape).map(String::from));
        let found = catch_unwind(AssertUnwindSafe(|| {
            texts(page, &wanted, &fonts, (&data_of, &by_shape))
        }));
        let found = found.unwrap_or_default();
        for (at, bbox) in found.boxes {
            page.chars[at].bbox = bbox;
        }
        page.font_keys = found.keys;
        page.unknown_encodings = found.unknown_encodings.into_iter().collect();
        for font in found.drawn_wrong {
            page.embedded[font] = false;
        }
        page.replace_chars(found.texts);
        number(page, &found.numbered);
    }
    for c in &mut page.chars {
        // U+0002 stands for a hyphen at a line's end, but fonts of bullets use it as well.
        if c.unmapped && char::from_u32(c.code).is_none_or(char::is_control) {
            c.code = PdfChar::numbered(c.code).unwrap_or(0xFFFD);
        }
    }
}

/// `true` for a character that is not what it shows: without Unicode, private, or a control character.
fn is_bad(c: &PdfChar) -> bool {
    let is_control = c.code < 0x20 && !matches!(c.code, 0x02 | 0x09 | 0x0A | 0x0D);
    c.run != u32::MAX && (c.is_meaningless() || is_control)
}

/// For each font of the page, whether it has characters to mend, or letters that are none of a language.
fn wanted_fonts(page: &PdfPage) -> Vec<bool> {
    let mut wanted = vec![false; page.fonts.len()];
    let mut letters: Vec<Vec<char>> = vec![Vec::new(); page.fonts.len()];
    for c in &page.chars {
        let Some(run) = page.runs.get(c.run as usize) else {
            continue;
        };
        let font = run.font as usize;
        if is_bad(c) {
            wanted[font] = true;
        } else if let Some(letter) = char::from_u32(c.code).filter(char::is_ascii_alphabetic) {
            letters[font].push(letter);
        }
    }
    for (wanted, letters) in wanted.iter_mut().zip(letters) {
        *wanted |= letters::are_odd(letters.into_iter());
    }
    wanted
}

/// Gives the characters without Unicode of these fonts codes that only number glyphs: the index of a glyph is
/// no character.
fn number(page: &mut PdfPage, fonts: &[bool]) {
    for c in page.chars.iter_mut().filter(|c| c.unmapped) {
        let font = page.runs.get(c.run as usize).map(|run| run.font as usize);
        if font.is_some_and(|font| fonts.get(font) == Some(&true)) {
            c.code = PdfChar::numbered(c.code).unwrap_or(0xFFFD);
        }
    }
}

/// What was found out about the characters of a page.
#[derive(Default)]
struct Found {
    /// Texts by the indices of characters.
    texts: BTreeMap<usize, String>,
    /// Keys of fonts.
    keys: Vec<u64>,
    /// Boxes of characters that are others than those of their codes.
    boxes: Vec<(usize, [f32; 4])>,
    /// Names of encodings that are not known.
    unknown_encodings: BTreeSet<String>,
    /// Fonts of which pdfium does not find the glyphs.
    drawn_wrong: Vec<usize>,
    /// For each font, whether codes without Unicode are indices of glyphs.
    numbered: Vec<bool>,
}

/// Texts of characters, for the fonts that are wanted.
fn texts(
    page: &PdfPage,
    wanted: &[bool],
    fonts: &[Rc<Facts>],
    (data_of, by_shape): (
        &impl Fn(usize) -> Option<Vec<u8>>,
        &impl Fn(u64) -> Option<String>,
    ),
) -> Found {
    let mut found = Found {
        numbered: vec![false; wanted.len()],
        keys: vec![0; wanted.len()],
        ..Found::default()
    };
    for font in (0..wanted.len()).filter(|font| wanted[*font]) {
        let name = page.fonts[font].as_str();
        let candidates: Vec<&Facts> = fonts
            .iter()
            .map(Rc::as_ref)
            .filter(|facts| facts.is_called(name))
            .collect();
        let unknown = candidates
            .iter()
            .filter_map(|facts| facts.unknown_encoding.clone());
        found.unknown_encodings.extend(unknown);
        if let [only] = candidates[..] {
            let divided = codings::divided(page, font, only.coding.as_ref());
            if !divided.texts.is_empty() {
                found.texts.extend(divided.texts);
                found.boxes.extend(divided.boxes);
                found.drawn_wrong.push(font);
                continue;
            }
        }
        let data = data_of(font);
        if let [only] = candidates[..] {
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(only.digest);
            hasher.write(data.as_deref().unwrap_or_default());
            found.keys[font] = hasher.finish();
        }
        let program = data.as_deref().map_or_else(Program::default, Program::read);
        let outlines = data.as_deref().map_or(Outlines::Nothing, Outlines::read);
        let chars = || {
            let of_font = move |c: &PdfChar| {
                page.runs
                    .get(c.run as usize)
                    .is_some_and(|run| run.font as usize == font)
            };
            page.chars
                .iter()
                .enumerate()
                .filter(move |(_, c)| of_font(c))
        };
        // What fonts of one name say counts if they agree.
        let agreed = |code: u32| {
            let mut texts = candidates.iter().map(|facts| facts.text(code, &program));
            let first = texts.next()??;
            texts
                .all(|text| text.as_ref() == Some(&first))
                .then_some(first)
        };
        let drawn_alike = |code: u32| match candidates[..] {
            [only] => match outlines.of_code(only, code)? {
                Drawn::Blank => Some(" ".to_string()),
                Drawn::As(shape) => by_shape(shape),
            },
            _ => None,
        };
        let codes = match candidates[..] {
            [only] => only.codes(),
            _ => BTreeMap::new(),
        };
        let by_code = |c: &PdfChar| {
            let code = codes.get(&char::from_u32(c.code)?)?;
            candidates.first()?.own_text(*code, &program)
        };
        let is_map_wrong = is_map_wrong(chars().map(|(_, c)| c), by_code);
        // The code of a simple font is often a character.
        found.numbered[font] =
            !candidates.is_empty() && candidates.iter().all(|facts| facts.is_composite);
        let ordered = in_usual_order(&candidates, &program, chars().map(|(_, c)| c));
        let mut known: BTreeMap<(u32, bool), Option<String>> = BTreeMap::new();
        for (at, c) in chars() {
            let text = known.entry((c.code, c.unmapped)).or_insert_with(|| {
                if !is_bad(c) {
                    return is_map_wrong.then(|| by_code(c)).flatten();
                }
                let private = || symbols::text(name, c.code);
                if c.unmapped {
                    let ordered = || ordered.get(&c.code).map(char::to_string);
                    let by_name = || {
                        candidates
                            .is_empty()
                            .then(|| tex::text(name, c.code))
                            .flatten()
                    };
                    return agreed(c.code)
                        .or_else(private)
                        .or_else(ordered)
                        .or_else(by_name)
                        .or_else(|| drawn_alike(c.code));
                }
                by_code(c).or_else(private)
            });
            if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
                found.texts.insert(at, text.clone());
            }
        }
    }
    found
}

/// `true` if a font's map to Unicode says something else than the font itself, `own_text`.
fn is_map_wrong<'c>(
    chars: impl Iterator<Item = &'c PdfChar>,
    own_text: impl Fn(&PdfChar) -> Option<String>,
) -> bool {
    let mut readings: BTreeMap<char, (u32, String)> = BTreeMap::new();
    for c in chars.filter(|c| !is_bad(c)) {
        let Some(mapped) = char::from_u32(c.code) else {
            continue;
        };
        if let Some((count, _)) = readings.get_mut(&mapped) {
            *count += 1;
        } else if let Some(own) = own_text(c) {
            readings.insert(mapped, (1, own));
        }
    }
    letters::is_map_wrong(&readings)
}

/// The characters of those codes of a font about which nothing is known but the indices of their glyphs,
/// if these are in a usual order.
fn in_usual_order<'c>(
    candidates: &[&Facts],
    program: &Program,
    chars: impl Iterator<Item = &'c PdfChar>,
) -> BTreeMap<u32, char> {
    let [font] = candidates else {
        return BTreeMap::new();
    };
    let unknown = chars.filter(|c| c.unmapped && font.text(c.code, program).is_none());
    let glyphs: Vec<(u32, u32)> = unknown
        .filter_map(|c| Some((c.code, font.glyph_number(c.code)?)))
        .collect();
    let indices: Vec<u32> = glyphs.iter().map(|(_, glyph)| *glyph).collect();
    let Some(shift) = letters::glyph_shift(&indices) else {
        return BTreeMap::new();
    };
    let letter = |glyph: u32| char::from_u32(glyph + shift).filter(|c| matches!(c, ' '..='~'));
    glyphs
        .into_iter()
        .filter_map(|(code, glyph)| Some((code, letter(glyph)?)))
        .collect()
}

#[cfg(test)]
mod tests;
