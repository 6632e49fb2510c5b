//! What annotations and form fields show: values of fields, check boxes, notes on the page, stamps.
//!
//! The text layer has none of it. Values come from the fields themselves, so that it does not matter whether the
//! file says how they look; they are laid into the rectangle of their annotation. Text that only the appearance
//! has comes from there (`appearance`).

use super::library::OpenPage;
use super::page::{PdfChar, PdfPage, PdfRun};
use super::strings::clipped_utf16;
use super::transform::{Transform, apply_box};
use std::ffi::c_void;

/// Most annotations of a page that are read.
const MOST_ANNOTATIONS: i32 = 2000;
/// Longest text of an annotation, in characters.
const MOST_TEXT: usize = 20_000;
/// Most characters of all annotations of a page together.
const MOST_OF_PAGE: usize = 200_000;
/// Most boxes of text that one annotation lies over.
const MOST_BOXES: usize = 64;
/// Most options of a choice that are read.
const MOST_OPTIONS: i32 = 1000;
/// Largest font size, in points, of text whose size is not stated.
const FONT_SIZE: f32 = 11.0;
/// Width of a character in ems, and distance of lines: common in text fonts.
const CHAR_WIDTH: f32 = 0.5;
const LINE_HEIGHT: f32 = 1.2;
/// Part of the height of a field that a line in it takes.
const FILLS: f32 = 0.7;

/// Subtypes of annotations (`FPDF_ANNOT_...`).
const FREE_TEXT: i32 = 3;
const STRIKE_OUT: i32 = 12;
const STAMP: i32 = 13;
const WIDGET: i32 = 20;
const WATERMARK: i32 = 24;
/// Flags of annotations: hidden, and not shown on a screen.
const NOT_SHOWN: i32 = 2 | 32;
/// Types of fields (`FPDF_FORMFIELD_...`).
const CHECK_BOX: i32 = 2;
const RADIO_BUTTON: i32 = 3;
const COMBO_BOX: i32 = 4;
const LIST_BOX: i32 = 5;
const TEXT_FIELD: i32 = 6;
/// Flags of text fields: several lines, and a password.
const MULTILINE: i32 = 1 << 12;
const PASSWORD: i32 = 1 << 13;

/// Text of an annotation and its place.
struct Placed {
    text: String,
    /// In page pixels.
    bbox: [f32; 4],
    /// Font size in points; 0 if it is not stated.
    size: f32,
    /// Long lines are broken.
    wraps: bool,
    /// It is a check box or a radio button.
    is_mark: bool,
}

impl OpenPage<'_> {
    /// Adds what the annotations of the page show to its characters, where the text layer does not have it.
    pub(super) fn add_annotations(&self, to_page: &Transform, out: &mut PdfPage) {
        let api = self.api();
        // SAFETY: the page is loaded.
        let count = unsafe { api.FPDFPage_GetAnnotCount(self.handle.cast()) };
        out.left_out = (count - MOST_ANNOTATIONS).max(0) as usize;
        let (mut placed, mut drawn) = (Vec::new(), Vec::new());
        for index in 0..count.clamp(0, MOST_ANNOTATIONS) {
            // SAFETY: the index is below the count; the annotation is closed below.
            let annotation: *mut c_void =
                unsafe { api.FPDFPage_GetAnnot(self.handle.cast(), index).cast() };
            if annotation.is_null() {
                continue;
            }
            // SAFETY: the annotation is open.
            unsafe {
                match self.shown(annotation, to_page) {
                    Some(Shown::Text(text)) => placed.push(text),
                    Some(Shown::Appearance(bbox)) => drawn.push(bbox),
                    Some(Shown::Strikes(boxes)) => out.struck.extend(boxes),
                    None => {}
                }
                api.FPDFPage_CloseAnnot(annotation.cast());
            }
        }
        let font = out.fonts.len().min(u16::MAX as usize) as u16;
        let mut left = MOST_OF_PAGE;
        placed.retain(|text| !is_there(out, text));
        for text in &placed {
            if text.text.len() > left {
                out.left_out += 1;
                continue;
            }
            left -= text.text.len();
            // It may have been longer.
            out.left_out += usize::from(text.text.chars().count() >= MOST_TEXT);
            lay(out, text, font, to_page);
        }
        if !placed.is_empty() {
            out.fonts.push(String::new());
        }
        if !drawn.is_empty() {
            self.add_appearances(&drawn, to_page, out);
        }
    }

    /// # Safety
    /// `annotation` is an open annotation of this page.
    unsafe fn shown(&self, annotation: *mut c_void, to_page: &Transform) -> Option<Shown> {
        let api = self.api();
        let mut rect = [0f32; 4];
        // SAFETY: by the contract of this function; FS_RECTF is four floats.
        let (kind, flags, has_rect) = unsafe {
            (
                api.FPDFAnnot_GetSubtype(annotation.cast()),
                api.FPDFAnnot_GetFlags(annotation.cast()),
                api.FPDFAnnot_GetRect(annotation.cast(), rect.as_mut_ptr().cast()) != 0,
            )
        };
        let [left, top, right, bottom] = rect;
        let bbox = apply_box(to_page, [left, bottom, right, top]);
        let is_empty = bbox[2] - bbox[0] <= 0.0 || bbox[3] - bbox[1] <= 0.0;
        if flags & NOT_SHOWN != 0 || !has_rect || is_empty || bbox.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let text = |text: String, size: f32, wraps: bool, is_mark: bool| {
            let is_blank = text.trim().is_empty();
            (!is_blank).then_some(Shown::Text(Placed {
                text,
                bbox,
                size,
                wraps,
                is_mark,
            }))
        };
        // SAFETY: by the contract of this function.
        unsafe {
            let has_appearance = || api.FPDFAnnot_HasKey(annotation.cast(), "AP") != 0;
            match kind {
                FREE_TEXT => text(
                    self.annotation_text(annotation, "Contents"),
                    0.0,
                    true,
                    false,
                ),
                STAMP | WATERMARK if has_appearance() => Some(Shown::Appearance(bbox)),
                STAMP => text(
                    self.annotation_text(annotation, "Contents"),
                    0.0,
                    true,
                    false,
                ),
                STRIKE_OUT => Some(Shown::Strikes(self.text_boxes(annotation, to_page))),
                WIDGET if !self.document.form.is_null() => match self.value(annotation) {
                    Value::Text(value, size, wraps) => text(value, size, wraps, false),
                    Value::Mark(is_on) => {
                        let mark = if is_on { "\u{2611}" } else { "\u{2610}" };
                        text(mark.into(), 0.0, false, true)
                    }
                    Value::Other => has_appearance().then_some(Shown::Appearance(bbox)),
                },
                _ => None,
            }
        }
    }

    /// The boxes of text that an annotation lies over, in page pixels.
    ///
    /// # Safety
    /// `annotation` is an open annotation of this page.
    unsafe fn text_boxes(&self, annotation: *mut c_void, to_page: &Transform) -> Vec<[f32; 4]> {
        let api = self.api();
        let mut boxes = Vec::new();
        // SAFETY: by the contract of this function; FS_QUADPOINTSF is eight floats, x and y of four corners.
        unsafe {
            let count = api.FPDFAnnot_CountAttachmentPoints(annotation.cast());
            for index in 0..count.min(MOST_BOXES) {
                let mut quad = [0f32; 8];
                let quads = quad.as_mut_ptr().cast();
                if api.FPDFAnnot_GetAttachmentPoints(annotation.cast(), index as _, quads) == 0 {
                    continue;
                }
                let of = |from: usize| quad.iter().skip(from).step_by(2).copied();
                let (x1, y1) = (
                    of(0).fold(f32::INFINITY, f32::min),
                    of(1).fold(f32::INFINITY, f32::min),
                );
                let (x2, y2) = (
                    of(0).fold(f32::MIN, f32::max),
                    of(1).fold(f32::MIN, f32::max),
                );
                boxes.push(apply_box(to_page, [x1, y1, x2, y2]));
            }
        }
        boxes.retain(|bbox| bbox.iter().all(|v| v.is_finite()));
        boxes
    }

    /// # Safety
    /// `annotation` is an open annotation of this page.
    unsafe fn annotation_text(&self, annotation: *mut c_void, key: &str) -> String {
        // SAFETY: by the contract of this function; the buffer is as long as said.
        let found = clipped_utf16(MOST_TEXT, &|buffer, bytes| unsafe {
            let (annotation, buffer) = (annotation.cast(), buffer.cast());
            self.api()
                .FPDFAnnot_GetStringValue(annotation, key, buffer, bytes as _) as usize
        });
        found.text
    }

    /// The value of a field.
    ///
    /// # Safety
    /// `annotation` is an open widget of this page, and the document has a form.
    unsafe fn value(&self, annotation: *mut c_void) -> Value {
        let (api, form) = (self.api(), self.document.form);
        // SAFETY: by the contract of this function; buffers are as long as said.
        unsafe {
            let text = || {
                let found = clipped_utf16(MOST_TEXT, &|buffer, bytes| {
                    let (form, annotation) = (form.cast(), annotation.cast());
                    api.FPDFAnnot_GetFormFieldValue(form, annotation, buffer.cast(), bytes as _)
                        as usize
                });
                found.text
            };
            let mut size = 0f32;
            api.FPDFAnnot_GetFontSize(form.cast(), annotation.cast(), &mut size);
            let flags = api.FPDFAnnot_GetFormFieldFlags(form.cast(), annotation.cast());
            match api.FPDFAnnot_GetFormFieldType(form.cast(), annotation.cast()) {
                TEXT_FIELD if flags & PASSWORD != 0 => {
                    // What is shown of it.
                    Value::Text("*".repeat(text().chars().count().min(32)), size, false)
                }
                TEXT_FIELD => Value::Text(text(), size, flags & MULTILINE != 0),
                CHECK_BOX | RADIO_BUTTON => {
                    Value::Mark(api.FPDFAnnot_IsChecked(form.cast(), annotation.cast()) != 0)
                }
                kind @ (COMBO_BOX | LIST_BOX) => {
                    let chosen = self.chosen(annotation);
                    let value = if chosen.is_empty() { text() } else { chosen };
                    Value::Text(value, size, kind == LIST_BOX)
                }
                _ => Value::Other,
            }
        }
    }

    /// The labels of the chosen options of a choice, one a line.
    ///
    /// # Safety
    /// As of [`OpenPage::value`].
    unsafe fn chosen(&self, annotation: *mut c_void) -> String {
        let (api, form) = (self.api(), self.document.form);
        let mut chosen: Vec<String> = Vec::new();
        let mut length = 0;
        // SAFETY: by the contract of this function; the index is below the count.
        unsafe {
            let count = api.FPDFAnnot_GetOptionCount(form.cast(), annotation.cast());
            for index in 0..count.clamp(0, MOST_OPTIONS) {
                if api.FPDFAnnot_IsOptionSelected(form.cast(), annotation.cast(), index) == 0 {
                    continue;
                }
                let left = MOST_TEXT.saturating_sub(length);
                let label = clipped_utf16(left, &|buffer, bytes| {
                    let (form, annotation) = (form.cast(), annotation.cast());
                    let buffer = buffer.cast();
                    api.FPDFAnnot_GetOptionLabel(form, annotation, index, buffer, bytes as _)
                        as usize
                });
                length += label.text.chars().count();
                chosen.push(label.text);
            }
        }
        chosen.join("\n")
    }
}

/// What an annotation shows.
enum Shown {
    Text(Placed),
    /// Text of the page in these boxes is struck out.
    Strikes(Vec<[f32; 4]>),
    /// Text that only its appearance has, in a box in page pixels.
    Appearance([f32; 4]),
}

/// The value of a field.
enum Value {
    /// Text, its font size in points or 0, and whether its lines are broken.
    Text(String, f32, bool),
    /// A box that is checked or not.
    Mark(bool),
    /// A button or a signature.
    Other,
}

/// `true` if the text layer has the text in its place: the page was printed with it.
fn is_there(page: &PdfPage, text: &Placed) -> bool {
    let plain = |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace()).collect() };
    let [x1, y1, x2, y2] = text.bbox;
    let inside = page.chars.iter().filter(|c| {
        let [left, top, right, bottom] = c.bbox;
        let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
        c.run != u32::MAX && page.is_seen(c) && x >= x1 && x <= x2 && y >= y1 && y <= y2
    });
    let inside: String = inside.filter_map(|c| char::from_u32(c.code)).collect();
    let inside = plain(&inside);
    if text.is_mark {
        let is_box = |c: char| matches!(c, '\u{2610}'..='\u{2612}' | '\u{25a0}'..='\u{25a2}');
        return inside.contains(is_box);
    }
    inside.contains(&plain(&text.text))
}

/// Lays a text into its box, as characters in a run of its own.
fn lay(out: &mut PdfPage, text: &Placed, font: u16, to_page: &Transform) {
    let [x1, y1, x2, y2] = text.bbox;
    let (width, height) = (x2 - x1, y2 - y1);
    let per_point = to_page[2].hypot(to_page[3]);
    let stated = if text.size > 0.0 {
        text.size
    } else {
        FONT_SIZE
    };
    let mut em = stated * per_point;
    if text.size <= 0.0 && !text.wraps {
        em = em.min(FILLS * height);
    }
    if text.is_mark {
        em = width.min(height);
    }
    let lines = lines(&text.text, text.wraps.then_some(width / (CHAR_WIDTH * em)));
    let total = lines.len() as f32 * LINE_HEIGHT;
    em = em.min(height / total.max(1.0)).max(0.1);
    let run = out.runs.len() as u32;
    out.runs.push(PdfRun {
        font,
        size: em,
        ..PdfRun::PLAIN
    });
    // One line stands in the middle of its box, several begin at its top.
    let top = match lines.len() {
        1 if !text.wraps => y1 + (height - em) / 2.0,
        _ => y1 + (LINE_HEIGHT - 1.0) / 2.0 * em,
    };
    for (index, line) in lines.iter().enumerate() {
        let total: f32 = line.chars().map(width_of).sum();
        let unit = match text.is_mark {
            true => em,
            false => em.min(width / total.max(CHAR_WIDTH)),
        };
        let y = top + index as f32 * LINE_HEIGHT * em;
        let mut x = x1;
        for c in line.chars() {
            let next = x + unit * if text.is_mark { 1.0 } else { width_of(c) };
            out.chars.push(PdfChar {
                code: if c.is_control() { ' ' } else { c } as u32,
                bbox: [x, y, next, y + em],
                run,
                unmapped: false,
            });
            x = next;
        }
        out.chars.push(PdfChar {
            code: '\n' as u32,
            bbox: [0.0; 4],
            run: u32::MAX,
            unmapped: false,
        });
    }
}

/// Width of a character in ems, about that of a common text font: equal widths would look like a listing.
fn width_of(c: char) -> f32 {
    match c {
        'i' | 'l' | 'j' | 't' | 'f' | 'r' | 'I' | '1' | '.' | ',' | ';' | ':' | '\'' | '!'
        | '(' | ')' | ' ' => 0.3,
        'm' | 'w' | 'A'..='Z' => 0.7,
        _ => CHAR_WIDTH,
    }
}

/// The lines of a text, broken at blanks where they have more characters than `most`.
fn lines(text: &str, most: Option<f32>) -> Vec<String> {
    let most = most.map_or(usize::MAX, |most| (most as usize).max(1));
    let text = text.replace("\r\n", "\n");
    let mut lines = Vec::new();
    for stated in text.split(['\n', '\r', '\u{2028}', '\u{2029}']) {
        let mut line = String::new();
        let mut count = 0;
        for word in stated.split_whitespace() {
            let length = word.chars().count();
            if count > 0 && count + 1 + length > most {
                lines.push(std::mem::take(&mut line));
                count = 0;
            }
            if count > 0 {
                line.push(' ');
                count += 1;
            }
            line.push_str(word);
            count += length;
        }
        if !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks() {
        assert_eq!(
            lines("one two\r\nthree  four", None),
            ["one two", "three four"]
        );
        assert_eq!(lines("one two three", Some(7.9)), ["one two", "three"]);
        assert_eq!(lines("immeasurable", Some(3.0)), ["immeasurable"]);
    }

    #[test]
    fn a_text_lies_within_its_box() {
        let mut page = PdfPage::default();
        let text = Placed {
            text: "many words in a box".repeat(20),
            bbox: [10.0, 10.0, 110.0, 60.0],
            size: 12.0,
            wraps: true,
            is_mark: false,
        };
        lay(&mut page, &text, 0, &[2.0, 0.0, 0.0, -2.0, 0.0, 0.0]);
        let placed: Vec<_> = page.chars.iter().filter(|c| c.run == 0).collect();
        assert_eq!(
            placed.len(),
            lines(&text.text, None)[0].len() - (page.chars.len() - placed.len() - 1)
        );
        assert!(
            placed
                .iter()
                .all(|c| c.bbox[0] >= 10.0 && c.bbox[2] <= 110.1)
        );
        assert!(
            placed
                .iter()
                .all(|c| c.bbox[1] >= 10.0 && c.bbox[3] <= 60.1)
        );
        assert!(is_there(&page, &text));
    }
}
