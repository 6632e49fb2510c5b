//! What a PDF's dictionaries say about a font: names of its glyphs, its map to Unicode.

use super::super::page::has_no_meaning;
use super::codings::Coding;
use super::collections::Collection;
use super::program::Program;
use super::{names, tex};
use hayro_cmap::{BfString, CMap};
use hayro_syntax::object::{self, Array, Dict, Name, Object, ObjectIdentifier, Stream};
use hayro_syntax::page::Page;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};

/// Most fonts of a page that are looked at, and most forms in which they are looked for.
const MAX_FONTS: usize = 1000;
/// Depth of forms in forms in which fonts are looked for.
const MAX_DEPTH: usize = 8;
/// Largest map to Unicode that is read, in bytes of the file: those of large fonts take some ten thousand.
const MAX_MAP: usize = 1 << 18;
/// Largest table of glyph indices that is read, in bytes of the file; unpacked it has 131072.
const MAX_GLYPH_MAP: usize = 1 << 18;

/// Largest procedure of a Type 3 font that is compared, in bytes of the file.
const MAX_PROCEDURE: usize = 1 << 16;

/// A font's map to Unicode.
enum ToUnicode {
    /// There is none.
    Missing,
    /// The name of an identity stands in its place: codes are Unicode.
    Codes,
    /// A map.
    Map(Box<CMap>),
}

/// A font, from its dictionary.
pub(super) struct Facts {
    /// Name with the mark of a subset; empty for Type 3 fonts.
    name: String,
    /// Codes of two bytes select glyphs of a large font.
    pub is_composite: bool,
    /// Codes of a composite font are its glyph identifiers.
    is_identity: bool,
    is_type3: bool,
    /// Glyph names by code, where the font's encoding is changed.
    differences: BTreeMap<u8, String>,
    to_unicode: ToUnicode,
    /// Glyph indices by identifier, of a composite font; empty if they are equal.
    glyphs: Vec<u16>,
    /// Collection of characters that its identifiers number.
    collection: Option<Collection>,
    /// What its codes are, of a composite font whose encoding is no identity.
    pub coding: Option<Coding>,
    /// The name of an encoding that is not known.
    pub unknown_encoding: Option<String>,
    /// A hash of what the dictionary says about codes.
    pub digest: u64,
    /// Its encoding is one of those in which printable ASCII stands for itself.
    is_ascii: bool,
    /// Hashes of the procedures that draw the glyphs of a Type 3 font, by code.
    procedures: BTreeMap<u8, u64>,
}

impl Facts {
    /// Reads a font's dictionary.
    pub(super) fn read(font: &Dict<'_>) -> Facts {
        let name_of = |dict: &Dict<'_>, key: &str| {
            dict.get::<Name<'_>>(key)
                .map_or(String::new(), |name| name.as_str().to_string())
        };
        let kind = name_of(font, "Subtype");
        let descendant = font
            .get::<Array<'_>>("DescendantFonts")
            .and_then(|fonts| fonts.iter::<Dict<'_>>().next());
        let mut glyphs = Vec::new();
        if let Some(stream) = descendant
            .as_ref()
            .and_then(|dict| dict.get::<Stream<'_>>("CIDToGIDMap"))
            && let Some(data) = decoded(&stream, MAX_GLYPH_MAP)
        {
            let pairs = data.chunks_exact(2).take(1 << 16);
            glyphs = pairs
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
        }
        let differences = differences(font);
        let system = descendant
            .as_ref()
            .and_then(|dict| dict.get::<Dict<'_>>("CIDSystemInfo"));
        let ordering = system.and_then(|system| system.get::<object::String<'_>>("Ordering"));
        let encoding = match font.get::<Dict<'_>>("Encoding") {
            Some(encoding) => name_of(&encoding, "BaseEncoding"),
            None => name_of(font, "Encoding"),
        };
        let coding = match font.get::<Object<'_>>("Encoding") {
            Some(Object::Name(name)) if kind == "Type0" => Coding::named(name.as_str()),
            Some(Object::Stream(stream)) if kind == "Type0" => {
                decoded(&stream, MAX_MAP).and_then(|data| Coding::embedded(&data))
            }
            _ => None,
        };
        let encoding_name = name_of(font, "Encoding");
        let is_unknown = kind == "Type0"
            && coding.is_none()
            && !encoding_name.is_empty()
            && !encoding_name.starts_with("Identity");
        let procedures = procedures(font, &differences);
        let digest = digest(font, descendant.as_ref(), &differences, &procedures);
        Facts {
            coding,
            digest,
            unknown_encoding: is_unknown.then_some(encoding_name),
            is_ascii: encoding == "WinAnsiEncoding" || encoding == "MacRomanEncoding",
            procedures,
            collection: ordering.and_then(|name| Collection::named(name.as_ref())),
            // pdfium names composite fonts after their only descendant.
            name: name_of(descendant.as_ref().unwrap_or(font), "BaseFont"),
            is_composite: kind == "Type0",
            is_identity: name_of(font, "Encoding").starts_with("Identity"),
            is_type3: kind == "Type3",
            differences,
            to_unicode: to_unicode(font),
            glyphs,
        }
    }

    /// `true` for a font that pdfium calls `name`: it leaves the marks of subsets out, but of composite fonts.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name == name || (!self.is_composite && without_subset(&self.name) == name)
    }

    /// The text of a code according to the font's own names and tables, without its map to Unicode.
    pub(super) fn own_text(&self, code: u32, program: &Program) -> Option<String> {
        if self.is_composite {
            let glyph = self.glyph_index(code)?;
            return self
                .is_identity
                .then(|| program.by_glyph.get(&glyph).cloned())?;
        }
        if let Some(name) = u8::try_from(code)
            .ok()
            .and_then(|code| self.differences.get(&code))
        {
            return names::text(name).or_else(|| self.numbered(name, code));
        }
        let built_in = program.by_code.get(&code).cloned();
        built_in.or_else(|| tex::text(&self.name, code))
    }

    /// The text of a code that has none in the map to Unicode.
    pub(super) fn text(&self, code: u32, program: &Program) -> Option<String> {
        let identical = || match self.to_unicode {
            ToUnicode::Codes => char::from_u32(code)
                .filter(|c| !c.is_control())
                .map(String::from),
            _ => None,
        };
        let in_collection = || {
            let collection = self.collection.filter(|_| self.is_identity);
            collection.and_then(|collection| collection.text(code))
        };
        let coded = || {
            self.coding
                .as_ref()
                .filter(|coding| coding.is_known)?
                .text(code)
        };
        self.own_text(code, program)
            .or_else(identical)
            .or_else(in_collection)
            .or_else(coded)
    }

    /// The text of a glyph of a bitmap font of TeX, whose names are a letter and the code.
    fn numbered(&self, name: &str, code: u32) -> Option<String> {
        let number = name.get(1..).filter(|_| self.is_type3)?;
        (number.parse() == Ok(code))
            .then(|| tex::text("CMR10", code))
            .flatten()
    }

    /// The index of a code's glyph in the font, where only that is known: a code that is one, or a name that
    /// is a letter or a word and a number.
    pub(super) fn glyph_number(&self, code: u32) -> Option<u32> {
        if self.is_composite {
            return self.is_identity.then_some(code);
        }
        let name = self.differences.get(&u8::try_from(code).ok()?)?;
        let number = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        matches!(
            &name[..name.len() - number.len()],
            "g" | "G" | "gid" | "glyph" | "cid" | "index"
        )
        .then(|| number.parse().ok())
        .flatten()
    }

    /// The glyph that a code of a composite font selects: its index in a TrueType file, its identifier in a CFF
    /// one.
    pub(super) fn glyph_index(&self, code: u32) -> Option<u16> {
        match self.glyphs.is_empty() {
            true => u16::try_from(code).ok(),
            false => self.glyphs.get(code as usize).copied(),
        }
    }

    /// The name that a code of a simple font selects, where its encoding is changed.
    pub(super) fn glyph_name(&self, code: u32) -> Option<&str> {
        let code = u8::try_from(code).ok()?;
        self.differences.get(&code).map(String::as_str)
    }

    /// A hash of the procedure that draws a code's glyph, of a Type 3 font.
    pub(super) fn procedure(&self, code: u32) -> Option<u64> {
        self.procedures.get(&u8::try_from(code).ok()?).copied()
    }

    /// The codes whose text is known, with it.
    pub(super) fn mapped(&self, program: &Program) -> Vec<(u32, String)> {
        let is_sound = |text: &String| {
            let is_text = |c: char| !c.is_control() && !has_no_meaning(c as u32);
            !text.trim().is_empty() && text.chars().all(is_text)
        };
        let text = |code: u32| {
            let by_map = match &self.to_unicode {
                ToUnicode::Map(map) => match map.lookup_bf_string(code)? {
                    BfString::Char(c) => Some(c.to_string()),
                    BfString::String(text) => Some(text),
                },
                _ => None,
            };
            let ascii = || {
                let letter = char::from_u32(code).filter(char::is_ascii_graphic)?;
                (self.is_ascii && self.glyph_name(code).is_none()).then(|| letter.to_string())
            };
            by_map
                .or_else(|| self.own_text(code, program))
                .or_else(ascii)
        };
        let last = match self.is_composite && self.is_identity {
            true => 0xFFFF,
            // Codes of other composite fonts are not those of glyphs.
            false if self.is_composite => return Vec::new(),
            false => 0xFF,
        };
        let texts = (0..=last).filter_map(|code| Some((code, text(code)?)));
        texts.filter(|(_, text)| is_sound(text)).collect()
    }

    /// Codes by the character that the map to Unicode gives them, for the characters that only one has.
    pub(super) fn codes(&self) -> BTreeMap<char, u32> {
        let ToUnicode::Map(map) = &self.to_unicode else {
            return BTreeMap::new();
        };
        let (mut codes, mut ambiguous) = (BTreeMap::new(), BTreeSet::new());
        for code in 0..=if self.is_composite { 0xFFFF } else { 0xFF } {
            if let Some(BfString::Char(c)) = map.lookup_bf_string(code)
                && codes.insert(c, code).is_some()
            {
                ambiguous.insert(c);
            }
        }
        codes.retain(|c, _| !ambiguous.contains(c));
        codes
    }
}

/// A font's name without the six capitals and the plus sign that mark a subset.
fn without_subset(name: &str) -> &str {
    match name.split_once('+') {
        Some((mark, rest)) if mark.len() == 6 => rest,
        _ => name,
    }
}

/// `true` for a font that text can be shown with: not for the descendant of a composite one.
fn is_font(dict: &Dict<'_>) -> bool {
    let kind = dict.get::<Name<'_>>("Subtype");
    let kind = kind.as_ref().map(|kind| kind.as_str());
    matches!(
        kind,
        Some("Type0" | "Type1" | "MMType1" | "Type3" | "TrueType")
    )
}

fn decoded(stream: &Stream<'_>, most: usize) -> Option<Vec<u8>> {
    if stream.raw_data().len() > most {
        return None;
    }
    stream.decoded_data().ok().map(|data| data.into_owned())
}

fn differences(font: &Dict<'_>) -> BTreeMap<u8, String> {
    let mut names = BTreeMap::new();
    let encoding = font.get::<Dict<'_>>("Encoding");
    let Some(list) = encoding.and_then(|encoding| encoding.get::<Array<'_>>("Differences")) else {
        return names;
    };
    let mut code = 0u32;
    // Each code once; a longer list repeats itself.
    for item in list.iter::<Object<'_>>().take(2048) {
        match item {
            Object::Number(number) => code = u32::try_from(number.as_i64()).unwrap_or(256),
            Object::Name(name) => {
                if let Ok(code) = u8::try_from(code) {
                    names.insert(code, name.as_str().to_string());
                }
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
    names
}

/// A hash of a font's name, encoding, collection and maps, as they are in the file.
fn digest(
    font: &Dict<'_>,
    descendant: Option<&Dict<'_>>,
    differences: &BTreeMap<u8, String>,
    procedures: &BTreeMap<u8, u64>,
) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut add = |bytes: &[u8]| {
        hasher.write_usize(bytes.len());
        hasher.write(bytes);
    };
    for (code, name) in differences {
        add(&[*code]);
        add(name.as_bytes());
    }
    let encoding = font.get::<Dict<'_>>("Encoding");
    let collection = descendant.and_then(|dict| dict.get::<Dict<'_>>("CIDSystemInfo"));
    let entries = [
        (Some(font), "BaseFont"),
        (Some(font), "Subtype"),
        (Some(font), "Encoding"),
        (encoding.as_ref(), "BaseEncoding"),
        (Some(font), "ToUnicode"),
        (descendant, "CIDToGIDMap"),
        (collection.as_ref(), "Registry"),
        (collection.as_ref(), "Ordering"),
        (collection.as_ref(), "Supplement"),
    ];
    for (dict, key) in entries {
        match dict.and_then(|dict| dict.get::<Object<'_>>(key)) {
            Some(Object::Name(name)) => add(name.as_str().as_bytes()),
            Some(Object::String(string)) => add(string.as_ref()),
            Some(Object::Number(number)) => add(&number.as_i64().to_be_bytes()),
            Some(Object::Stream(stream)) => add(&stream.raw_data()),
            _ => add(&[]),
        }
    }
    for (code, shape) in procedures {
        add(&[*code]);
        add(&shape.to_be_bytes());
    }
    hasher.finish()
}

/// Hashes of the procedures of a Type 3 font, which are compared as they are in the file.
fn procedures(font: &Dict<'_>, differences: &BTreeMap<u8, String>) -> BTreeMap<u8, u64> {
    let Some(procedures) = font.get::<Dict<'_>>("CharProcs") else {
        return BTreeMap::new();
    };
    let hash = |name: &String| {
        let procedure = procedures.get::<Stream<'_>>(name.as_str())?;
        let data = procedure.raw_data();
        let mut hasher = DefaultHasher::new();
        hasher.write(&data);
        (!data.is_empty() && data.len() <= MAX_PROCEDURE).then(|| hasher.finish())
    };
    let hashes = differences.iter();
    let hashes = hashes.filter_map(|(code, name)| Some((*code, hash(name)?)));
    hashes.collect()
}

fn to_unicode(font: &Dict<'_>) -> ToUnicode {
    match font.get::<Object<'_>>("ToUnicode") {
        Some(Object::Name(name)) if name.as_str().starts_with("Identity") => ToUnicode::Codes,
        Some(Object::Stream(stream)) => decoded(&stream, MAX_MAP)
            .and_then(|data| CMap::parse(&data, |_| None))
            .map_or(ToUnicode::Missing, |map| ToUnicode::Map(Box::new(map))),
        _ => ToUnicode::Missing,
    }
}

/// Dictionaries of the fonts that a page, its forms and its annotations use, with their object numbers.
pub(super) fn fonts_of_page<'a>(page: &Page<'a>) -> Vec<(Option<ObjectIdentifier>, Dict<'a>)> {
    let mut search = Search::default();
    let resources = page.resources();
    search.fonts(&resources.fonts);
    search.forms(&resources.x_objects, 0);
    let annotations = page.raw().get::<Array<'a>>("Annots");
    for annotation in annotations
        .into_iter()
        .flat_map(|list| list.iter::<Dict<'a>>())
        .take(MAX_FONTS)
    {
        let appearance = annotation.get::<Dict<'a>>("AP");
        if let Some(form) = appearance.and_then(|dict| dict.get::<Stream<'a>>("N")) {
            search.form(&form, 0);
        }
    }
    search.found
}

/// A search for fonts in resources.
#[derive(Default)]
struct Search<'a> {
    found: Vec<(Option<ObjectIdentifier>, Dict<'a>)>,
    seen: BTreeSet<ObjectIdentifier>,
}

impl<'a> Search<'a> {
    fn fonts(&mut self, fonts: &Dict<'a>) {
        for (key, _) in fonts.entries() {
            let id = fonts.get_ref(&*key).map(ObjectIdentifier::from);
            if self.found.len() >= MAX_FONTS || id.is_some_and(|id| !self.seen.insert(id)) {
                continue;
            }
            if let Some(font) = fonts.get::<Dict<'a>>(&*key).filter(is_font) {
                self.found.push((id, font));
            }
        }
    }

    fn forms(&mut self, forms: &Dict<'a>, depth: usize) {
        for (key, _) in forms.entries() {
            let id = forms.get_ref(&*key).map(ObjectIdentifier::from);
            if self.seen.len() >= MAX_FONTS || id.is_none_or(|id| !self.seen.insert(id)) {
                continue;
            }
            if let Some(form) = forms.get::<Stream<'a>>(&*key) {
                self.form(&form, depth);
            }
        }
    }

    fn form(&mut self, form: &Stream<'a>, depth: usize) {
        let Some(resources) = form
            .dict()
            .get::<Dict<'a>>("Resources")
            .filter(|_| depth < MAX_DEPTH)
        else {
            return;
        };
        if let Some(fonts) = resources.get::<Dict<'a>>("Font") {
            self.fonts(&fonts);
        }
        if let Some(forms) = resources.get::<Dict<'a>>("XObject") {
            self.forms(&forms, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hayro_syntax::object::FromBytes;

    #[test]
    fn fonts_whose_codes_differ_have_different_hashes() {
        let digest = |font: &str| Facts::read(&Dict::from_bytes(font.as_bytes()).unwrap()).digest;
        let simple = |base: &str| {
            digest(&format!(
                "<< /Subtype /Type1 /BaseFont /A /Encoding << /BaseEncoding /{base} /Differences [65 /B] >> >>"
            ))
        };
        assert_eq!(simple("WinAnsiEncoding"), simple("WinAnsiEncoding"));
        assert_ne!(simple("WinAnsiEncoding"), simple("MacRomanEncoding"));
        let composite = |ordering: &str, supplement: u8| {
            digest(&format!(
                "<< /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /DescendantFonts [<< /BaseFont /A \
                 /CIDSystemInfo << /Registry (Adobe) /Ordering ({ordering}) /Supplement {supplement} >> >>] >>"
            ))
        };
        assert_eq!(composite("Japan1", 6), composite("Japan1", 6));
        assert_ne!(composite("Japan1", 6), composite("Korea1", 6));
        assert_ne!(composite("Japan1", 6), composite("Japan1", 2));
    }
}
