//! Decides if a page's text layer can be trusted.
//!
//! Text layers fail in known ways: hidden text of unknown quality under a scan, glyphs without a mapping to
//! Unicode, characters that are not on the rendered page, or a page whose visible text is outlines or a
//! picture. Each is one rule below, checked in order. A layer in a script that the line recognizer cannot
//! read is kept all the same: the picture would be read as nonsense.

use super::letters::{is_other_script, odd_fonts};
use super::rows::rows;
use super::thresholds::trust::*;
use crate::document::{TextDecision, TextSource};
use crate::geometry::Rect;
use crate::input::pdf::page::{PdfChar, PdfPage};
use crate::raster::Pixels;

/// Choice of a page's text source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextLayerMode {
    /// The text layer if it can be trusted.
    Auto,
    /// Always the text layer.
    Always,
    /// Never the text layer.
    Never,
}

/// Why a layer that a page has would be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejected {
    /// Its characters may not be those of the page.
    Quality,
    /// The page may show more than them.
    Missing,
}

/// A decision on the source of a page's text, and what is open about it until lines of the picture are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The decision, as far as known.
    pub decision: TextDecision,
    /// It has glyphs without meaning that may be letters.
    pub(super) has_unknown: bool,
    /// Its fonts whose letters are none of a language, by their index.
    pub(super) odd_fonts: Vec<u16>,
    /// Why it would be given up, if it can be compared.
    pub(super) rejected: Option<Rejected>,
}

impl Verdict {
    /// A decision that stands.
    pub fn sure(source: TextSource, reason: &str) -> Verdict {
        Verdict {
            decision: TextDecision {
                source,
                reason: reason.into(),
            },
            has_unknown: false,
            odd_fonts: Vec::new(),
            rejected: None,
        }
    }

    /// `true` if lines of the picture must be read before the layer can be used.
    pub fn needs_lines(&self) -> bool {
        self.decision.source == TextSource::Lines || self.is_doubted()
    }

    /// `true` if letters of the layer are none of a language.
    pub fn is_odd(&self) -> bool {
        !self.odd_fonts.is_empty()
    }

    /// `true` if letters of the layer may be wrong.
    pub fn is_doubted(&self) -> bool {
        self.has_unknown || self.is_odd() || self.rejected.is_some()
    }
}

/// Decides the source of a page's text. `picture` is the page at any scale; `size` is the page's in pixels.
pub(crate) fn decide(
    content: &PdfPage,
    picture: Option<&Pixels>,
    size: (f32, f32),
    mode: TextLayerMode,
) -> Verdict {
    let mut verdict = judge(content, picture, size, mode);
    if mode != TextLayerMode::Auto
        || !content
            .chars
            .iter()
            .any(|c| c.is_mark() && content.is_seen(c))
    {
        return verdict;
    }
    // An invisible layer lies over a picture, which is looked at later.
    let is_kept = verdict.decision.source == TextSource::Lines
        && hidden_share(content) <= MAX_HIDDEN
        && other_script_share(content) > MAX_OTHER_SCRIPT;
    if is_kept {
        let reason = format!(
            "{}, but the line recognizer does not know its script",
            verdict.decision.reason
        );
        verdict = Verdict::sure(TextSource::TextLayer, &reason);
    }
    if verdict.decision.source == TextSource::TextLayer
        || verdict.rejected == Some(Rejected::Quality)
    {
        let rows = || rows(content);
        verdict.has_unknown = content
            .chars
            .iter()
            .any(|c| c.is_mark() && c.is_meaningless())
            && rows()
                .iter()
                .any(|row| row.has_unknown_letter(content) && row.is_readable(content));
        verdict.odd_fonts = odd_fonts(content);
    }
    verdict
}

fn judge(
    content: &PdfPage,
    picture: Option<&Pixels>,
    size: (f32, f32),
    mode: TextLayerMode,
) -> Verdict {
    let layer = |reason: &str| Verdict::sure(TextSource::TextLayer, reason);
    let lines = |reason: &str| Verdict::sure(TextSource::Lines, reason);
    let rejected = |rejected: Rejected, reason: String| Verdict {
        rejected: Some(rejected),
        ..lines(&reason)
    };
    match mode {
        TextLayerMode::Always => return layer("asked for"),
        TextLayerMode::Never => return lines("asked for"),
        TextLayerMode::Auto => {}
    }
    let ink = picture.map(|picture| InkMap::new(picture, size));
    // Text that nobody sees says nothing about the text that is seen.
    let chars = content.chars.iter();
    let chars: Vec<&PdfChar> = chars
        .filter(|c| c.is_mark() && content.is_seen(c))
        .collect();
    if chars.is_empty() {
        let blank = ink.as_ref().is_some_and(InkMap::is_blank);
        return if blank {
            layer("the page is blank")
        } else {
            lines("the page has no text layer")
        };
    }
    let visible = |c: &PdfChar| is_visible(content, c);
    let hidden = hidden_share(content);
    if hidden > MAX_HIDDEN {
        let reason = format!("{:.0} % of the characters are hidden", hidden * 100.0);
        return rejected(Rejected::Quality, reason);
    }
    let meaningless = meaningless_share(content);
    if meaningless > MAX_MEANINGLESS {
        let reason = format!(
            "{:.0} % of the characters have no meaning in Unicode",
            meaningless * 100.0
        );
        return rejected(Rejected::Quality, reason);
    }
    if chars.len() < SCAN_CHARS && image_cover(content, size) > SCAN_COVER {
        let reason = "the page is a picture with hardly any characters";
        return rejected(Rejected::Missing, reason.into());
    }
    if content
        .drawings
        .iter()
        .filter(|d| is_glyph_sized(d, size))
        .count()
        > OUTLINES.max(chars.len())
    {
        return rejected(Rejected::Missing, "the text is drawn as outlines".into());
    }
    if let Some(ink) = &ink {
        let seen = chars.iter().filter(|c| visible(c)).count();
        let is_missing =
            |c: &&&PdfChar| visible(c) && is_embedded(content, c) && !ink.has_ink(&c.bbox);
        let without = chars.iter().filter(is_missing).count() as f32 / seen.max(1) as f32;
        let boxes = content
            .chars
            .iter()
            .map(|c| &c.bbox)
            .chain(&content.images)
            .chain(&content.drawings);
        let boxes = boxes
            .chain(&content.rulings)
            .chain(content.fills.iter().map(|(r, _)| r));
        if ink.share_outside(boxes) > MAX_INK_OUTSIDE {
            let reason = "most of what is shown is not in the text layer";
            return rejected(Rejected::Missing, reason.into());
        }
        if without > MAX_WITHOUT_INK {
            let reason = format!(
                "{:.0} % of the characters are not on the shown page",
                without * 100.0
            );
            return rejected(Rejected::Quality, reason);
        }
    }
    layer("passed all checks")
}

fn is_visible(content: &PdfPage, c: &PdfChar) -> bool {
    let run = content.runs.get(c.run as usize);
    run.is_none_or(|run| run.visible)
}

/// Share of the characters that leave a mark for which `is` holds; 0 without characters.
fn share(content: &PdfPage, is: impl Fn(&PdfChar) -> bool) -> f32 {
    let (mut all, mut count) = (0usize, 0usize);
    for c in content.chars.iter().filter(|c| c.is_mark()) {
        all += 1;
        count += usize::from(is(c));
    }
    count as f32 / all.max(1) as f32
}

/// Share of the characters that are drawn in no visible way, 0 to 1.
pub(super) fn hidden_share(content: &PdfPage) -> f32 {
    share(content, |c| !is_visible(content, c))
}

/// Share of the characters that have no meaning in Unicode, 0 to 1.
pub(super) fn meaningless_share(content: &PdfPage) -> f32 {
    share(content, PdfChar::is_meaningless)
}

/// Share of the letters whose script is not in the line recognizer's alphabet.
pub(super) fn other_script_share(content: &PdfPage) -> f32 {
    let (mut all, mut other) = (0usize, 0usize);
    let letters = content
        .chars
        .iter()
        .filter(|c| c.is_mark() && !c.is_meaningless());
    for letter in letters
        .filter_map(|c| char::from_u32(c.code))
        .filter(|c| c.is_alphabetic())
    {
        all += 1;
        other += usize::from(is_other_script(letter));
    }
    other as f32 / all.max(1) as f32
}

/// `true` if the character's font is in the file. Others are drawn with what the machine has, which may be
/// nothing: that such a character gives no ink proves nothing.
fn is_embedded(content: &PdfPage, c: &PdfChar) -> bool {
    let run = content.runs.get(c.run as usize);
    let embedded = run.and_then(|run| content.embedded.get(run.font as usize));
    embedded.copied().unwrap_or(true)
}

fn is_glyph_sized(&[x1, y1, x2, y2]: &[f32; 4], size: (f32, f32)) -> bool {
    let limit = size.0.min(size.1) / OUTLINE_PART;
    x2 - x1 < limit && y2 - y1 < limit
}

/// Share of the page that pictures cover, at most 1; overlaps count twice.
fn image_cover(content: &PdfPage, (width, height): (f32, f32)) -> f32 {
    let area: f32 = content
        .images
        .iter()
        .map(|&[x1, y1, x2, y2]| Rect { x1, y1, x2, y2 }.clamped(width, height).area())
        .sum();
    (area / (width * height).max(1.0)).min(1.0)
}

/// Grey levels of a rendered page, to look up ink in boxes.
struct InkMap {
    gray: Vec<u8>,
    width: usize,
    height: usize,
    scale: (f32, f32),
}

impl InkMap {
    fn new(picture: &Pixels, size: (f32, f32)) -> Self {
        // A full picture is looked at as coarsely as a preview: the same is found, sixteen times faster.
        let (x, y) = (
            picture.width as f32 / size.0.max(1.0),
            picture.height as f32 / size.1.max(1.0),
        );
        let factor = ((x / INK_SCALE).round() as usize).clamp(1, Pixels::MOST_SHRUNK);
        let (gray, width, height) = picture.shrunk_gray(factor);
        Self {
            gray,
            width,
            height,
            scale: (x / factor as f32, y / factor as f32),
        }
    }

    fn is_blank(&self) -> bool {
        let (min, max) = self
            .gray
            .iter()
            .fold((255u8, 0u8), |(a, b), &v| (a.min(v), b.max(v)));
        max.saturating_sub(min) < INK_CONTRAST
    }

    /// Share of the dark pixels that lie outside all boxes (in page pixels); 0 on a page without ink.
    fn share_outside<'a>(&self, boxes: impl Iterator<Item = &'a [f32; 4]>) -> f32 {
        let paper = self.gray.iter().fold(0u8, |max, v| max.max(*v));
        let dark = |v: u8| v < paper.saturating_sub(DARK_LEVELS);
        let mut covered = vec![false; self.gray.len()];
        for bbox in boxes {
            let (left, right, top, bottom) = self.reach(bbox);
            for y in top..bottom {
                covered[y * self.width + left..y * self.width + right.max(left)].fill(true);
            }
        }
        let (mut total, mut outside) = (0usize, 0usize);
        for (v, covered) in self.gray.iter().zip(&covered) {
            total += usize::from(dark(*v));
            outside += usize::from(dark(*v) & !covered);
        }
        outside as f32 / total.max(1) as f32
    }

    /// Left, right, top and bottom of a box in the picture, with a margin of one pixel: at the small scale a
    /// thin glyph may fall between two boxes.
    fn reach(&self, &[x1, y1, x2, y2]: &[f32; 4]) -> (usize, usize, usize, usize) {
        let low = |v: f32, scale: f32, n: usize| {
            ((v * scale).floor() - 1.0).clamp(0.0, n as f32) as usize
        };
        let high =
            |v: f32, scale: f32, n: usize| ((v * scale).ceil() + 1.0).clamp(0.0, n as f32) as usize;
        (
            low(x1, self.scale.0, self.width),
            high(x2, self.scale.0, self.width),
            low(y1, self.scale.1, self.height),
            high(y2, self.scale.1, self.height),
        )
    }

    /// `true` if light and dark differ inside a box in page pixels; boxes off the page have no ink.
    fn has_ink(&self, bbox: &[f32; 4]) -> bool {
        let (left, right, top, bottom) = self.reach(bbox);
        let (mut min, mut max) = (255u8, 0u8);
        for y in top..bottom {
            for &v in &self.gray[y * self.width + left..y * self.width + right.max(left)] {
                (min, max) = (min.min(v), max.max(v));
            }
        }
        max.saturating_sub(min) >= INK_CONTRAST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::pdf::page::PdfRun;

    const SIZE: (f32, f32) = (200.0, 100.0);

    fn page(count: usize) -> PdfPage {
        let run = PdfRun::PLAIN;
        let char = |i: usize| PdfChar {
            code: 'a' as u32,
            bbox: [i as f32 * 2.0, 10.0, i as f32 * 2.0 + 2.0, 20.0],
            run: 0,
            unmapped: false,
        };
        PdfPage {
            chars: (0..count).map(char).collect(),
            runs: vec![run],
            ..PdfPage::default()
        }
    }

    /// Black stripes over the line of text.
    fn inked() -> Pixels {
        let mut picture = Pixels::white(200, 100);
        for x in (0..200).step_by(2) {
            for y in 12..18 {
                picture.data[(y * 200 + x) * 3..][..3].fill(0);
            }
        }
        picture
    }

    #[track_caller]
    fn check(page: &PdfPage, picture: &Pixels, source: TextSource, reason: &str) {
        let decision = decide(page, Some(picture), SIZE, TextLayerMode::Auto).decision;
        assert_eq!(decision.source, source, "{}", decision.reason);
        assert!(decision.reason.contains(reason), "{}", decision.reason);
    }

    #[test]
    fn honest_text_is_trusted() {
        check(&page(90), &inked(), TextSource::TextLayer, "passed");
    }

    #[test]
    fn hidden_text_over_a_scan_is_not() {
        let mut page = page(90);
        page.runs[0].visible = false;
        check(&page, &inked(), TextSource::Lines, "hidden");
    }

    #[test]
    fn glyphs_without_meaning_are_not() {
        let mut page = page(90);
        page.chars[..20].iter_mut().for_each(|c| c.unmapped = true);
        check(&page, &inked(), TextSource::Lines, "no meaning");
        page.chars[..20]
            .iter_mut()
            .for_each(|c| (c.unmapped, c.code) = (false, 0xE001));
        check(&page, &inked(), TextSource::Lines, "no meaning");
    }

    #[test]
    fn characters_without_ink_are_not() {
        check(
            &page(90),
            &Pixels::white(200, 100),
            TextSource::Lines,
            "not on the shown page",
        );
    }

    #[test]
    fn ink_that_no_character_explains_is_read() {
        let mut picture = inked();
        for y in 40..90 {
            picture.data[(y * 200 + 20) * 3..(y * 200 + 180) * 3].fill(0);
        }
        check(
            &page(90),
            &picture,
            TextSource::Lines,
            "not in the text layer",
        );
    }

    #[test]
    fn a_stamped_scan_is_read_as_a_scan() {
        let mut page = page(20);
        page.images.push([0.0, 0.0, 200.0, 100.0]);
        check(&page, &inked(), TextSource::Lines, "picture");
    }

    #[test]
    fn pages_without_characters_are_blank_or_scans() {
        check(
            &page(0),
            &Pixels::white(20, 10),
            TextSource::TextLayer,
            "blank",
        );
        check(&page(0), &inked(), TextSource::Lines, "no text layer");
    }

    #[test]
    fn a_font_that_is_not_in_the_file_needs_no_ink() {
        let white = Pixels::white(200, 100);
        for letter in ['a', '中'] {
            let mut page = page(90);
            page.chars.iter_mut().for_each(|c| c.code = letter as u32);
            page.embedded = vec![true];
            check(&page, &white, TextSource::Lines, "not on the shown page");
            page.embedded = vec![false];
            check(&page, &white, TextSource::TextLayer, "passed");
        }
    }

    #[test]
    fn a_script_that_is_not_recognized_keeps_its_layer() {
        let mut page = page(90);
        for (at, c) in page.chars.iter_mut().enumerate() {
            c.code = if at % 5 == 0 { 0xFFFD } else { '한' as u32 };
        }
        check(
            &page,
            &inked(),
            TextSource::TextLayer,
            "does not know its script",
        );
        page.runs[0].visible = false;
        check(&page, &inked(), TextSource::Lines, "hidden");
    }

    #[test]
    fn doubts_are_settled_by_lines_of_the_picture() {
        let verdict = |page: &PdfPage| decide(page, Some(&inked()), SIZE, TextLayerMode::Auto);
        assert!(!verdict(&page(90)).needs_lines());
        let mut unknown = page(90);
        (unknown.chars[40].code, unknown.chars[40].unmapped) = (0xF0001, true);
        let found = verdict(&unknown);
        assert_eq!(found.decision.source, TextSource::TextLayer);
        assert!(found.has_unknown && found.needs_lines());
        let mut hidden = page(90);
        hidden.runs[0].visible = false;
        assert_eq!(verdict(&hidden).rejected, Some(Rejected::Quality));
        let mut stamped = page(20);
        stamped.images.push([0.0, 0.0, 200.0, 100.0]);
        assert_eq!(verdict(&stamped).rejected, Some(Rejected::Missing));
        let always = decide(&unknown, None, SIZE, TextLayerMode::Always);
        assert!(!always.needs_lines(), "what is asked for is done");
    }

    #[test]
    fn the_mode_has_the_last_word() {
        let white = Pixels::white(20, 10);
        let source = |mode| decide(&page(90), Some(&white), SIZE, mode).decision.source;
        assert_eq!(source(TextLayerMode::Always), TextSource::TextLayer);
        assert_eq!(source(TextLayerMode::Never), TextSource::Lines);
    }
}
