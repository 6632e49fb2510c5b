//! The style of a segment, from the names, weights and glyph widths of its fonts.

use super::super::page_text::SegmentStyle;
use super::super::thresholds::fonts::*;
use super::RawWord;
use crate::document::SpanStyle;
use crate::input::pdf::page::{PdfPage, PdfRun};
use std::collections::BTreeMap;

pub(super) fn style(
    raw: &[RawWord],
    content: &PdfPage,
    fixed_pitch: &[Option<bool>],
) -> SegmentStyle {
    let mut style = SegmentStyle::default();
    let (mut total, mut bold, mut italic, mut fixed, mut math) =
        (0usize, 0usize, 0usize, 0usize, 0usize);
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    let mut colors: BTreeMap<[u8; 3], usize> = BTreeMap::new();
    for word in raw {
        let Some(run) = content.runs.get(word.run as usize) else {
            continue;
        };
        let count = word.text.chars().count();
        let font = FontTraits::of(
            content
                .fonts
                .get(run.font as usize)
                .map_or("", String::as_str),
        );
        total += count;
        let measured = fixed_pitch.get(run.font as usize).copied().flatten();
        bold += if font.is_bold(run, measured) {
            count
        } else {
            0
        };
        italic += if font.italic || run.italic { count } else { 0 };
        fixed += if measured.unwrap_or(font.fixed_pitch || run.fixed_pitch) {
            count
        } else {
            0
        };
        math += if font.math { count } else { 0 };
        *sizes.entry((word.size * 8.0).round() as u32).or_default() += count;
        *colors.entry(run.color).or_default() += count;
    }
    let most = |n: usize| n * 2 > total;
    style.font_size = sizes
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map_or(0.0, |(s, _)| s as f32 / 8.0);
    style.color = colors
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map_or([0; 3], |(c, _)| c);
    (style.bold, style.italic, style.fixed_pitch) = (most(bold), most(italic), most(fixed));
    style.math = math as f32 / total.max(1) as f32;
    style
}

/// The style of every run of the page. Letters of formulas are italic by custom, not for emphasis.
pub(super) fn run_styles(content: &PdfPage, fixed_pitch: &[Option<bool>]) -> Vec<SpanStyle> {
    let fonts: Vec<FontTraits> = content
        .fonts
        .iter()
        .map(|name| FontTraits::of(name))
        .collect();
    let unknown = FontTraits::of("");
    let style = |run: &PdfRun| {
        let at = run.font as usize;
        let font = fonts.get(at).unwrap_or(&unknown);
        let measured = fixed_pitch.get(at).copied().flatten();
        SpanStyle {
            bold: font.is_bold(run, measured),
            italic: (font.italic || run.italic) && !font.math,
            code: measured.unwrap_or(font.fixed_pitch || run.fixed_pitch),
            strike: false,
            link: None,
        }
    };
    content.runs.iter().map(style).collect()
}

/// For every font of the page, whether its letters have equal widths; `None` without enough of them to tell.
///
/// The widths say more than the font's name and its flag, which some programs set on any font.
pub(super) fn fixed_pitch_fonts(content: &PdfPage) -> Vec<Option<bool>> {
    let mut widths = vec![[Widths::default(); 2]; content.fonts.len()];
    for c in &content.chars {
        let Some(run) = content.runs.get(c.run as usize) else {
            continue;
        };
        // In proportional fonts the widths of these differ by more than half an em.
        let is_wide = match char::from_u32(c.code) {
            Some(
                'i' | 'l' | 'j' | 't' | 'f' | 'r' | 'I' | '1' | '.' | ',' | ';' | ':' | '\'' | '!'
                | '(' | ')',
            ) => false,
            Some('m' | 'w' | 'M' | 'W' | 'A'..='H' | 'K' | 'N'..='Z') => true,
            _ => continue,
        };
        if let Some(font) = widths.get_mut(run.font as usize) {
            font[usize::from(is_wide)].add((c.bbox[2] - c.bbox[0]) / run.size.max(0.1));
        }
    }
    let is_fixed = |[narrow, wide]: &[Widths; 2]| {
        if narrow.count < FIXED_PITCH_LETTERS || wide.count < FIXED_PITCH_LETTERS {
            return None;
        }
        let (least, most) = (narrow.least.min(wide.least), narrow.most.max(wide.most));
        if most - least < FIXED_PITCH_SLACK {
            return Some(true);
        }
        (narrow.mean() < PROPORTIONAL * wide.mean()).then_some(false)
    };
    widths.iter().map(is_fixed).collect()
}

/// Widths of some letters of a font, in ems.
#[derive(Clone, Copy)]
struct Widths {
    least: f32,
    most: f32,
    sum: f32,
    count: usize,
}

impl Default for Widths {
    fn default() -> Self {
        Widths {
            least: f32::INFINITY,
            most: f32::NEG_INFINITY,
            sum: 0.0,
            count: 0,
        }
    }
}

impl Widths {
    fn add(&mut self, width: f32) {
        (self.least, self.most) = (self.least.min(width), self.most.max(width));
        self.sum += width;
        self.count += 1;
    }

    fn mean(&self) -> f32 {
        self.sum / self.count.max(1) as f32
    }
}

/// Traits of a font derived from its name.
struct FontTraits {
    bold: bool,
    /// Its name says that it is neither bold nor light.
    regular: bool,
    italic: bool,
    fixed_pitch: bool,
    math: bool,
}

impl FontTraits {
    /// `true` if text of a run is bold. What a file says of the weight of a font is the width of its stems, which many
    /// programs get wrong: it counts where the name says nothing, and not for fonts of equal widths, whose stems are thick.
    fn is_bold(&self, run: &PdfRun, is_fixed: Option<bool>) -> bool {
        let is_fixed = is_fixed.unwrap_or(self.fixed_pitch || run.fixed_pitch);
        self.bold || run.weight >= BOLD_WEIGHT && !self.regular && !is_fixed
    }

    fn of(name: &str) -> Self {
        // The name of a subset font starts with six capitals and a plus sign.
        let name = name
            .split_once('+')
            .map_or(name, |(_, rest)| rest)
            .to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        let starts = |parts: &[&str]| parts.iter().any(|part| name.starts_with(part));
        FontTraits {
            bold: has(&["bold", "black", "heavy", "demi", "-medi"])
                || starts(&["cmbx", "cmb1", "sfbx"]),
            regular: has(&["regular", "roman", "-book"])
                || starts(&["cmr", "cmtt", "cmti", "sfrm", "lmmono"]),
            italic: has(&["italic", "oblique", "slanted", "-it", "ital"])
                || starts(&["cmti", "cmsl", "sfti"]),
            fixed_pitch: has(&[
                "mono",
                "nimbusmon",
                "courier",
                "consol",
                "menlo",
                "typewriter",
                "-code",
                "sourcecode",
            ]) || starts(&[
                "cmtt", "cmsltt", "cmitt", "sftt", "ectt", "lmtt", "lmmono",
            ]),
            math: has(&["math", "stixsize", "mathematicalpi"])
                || starts(&[
                    "cmmi", "cmsy", "cmex", "msbm", "msam", "cmmib", "eufm", "euex", "rsfs",
                ])
                || name == "symbol"
                || name.starts_with("symbolmt"),
        }
    }
}
