//! What a page holds beside the text that is shown: text that a reader does not see, values of a form that no page
//! draws, and what is to be told of the page's file.

use super::prepare::PreparedPage;
use super::text_layer::push_normalized;
use crate::document::{Code, Diagnostic, HiddenMode, HiddenReason, HiddenText, TextSource};
use crate::geometry::Rect;
use crate::input::SourcePage;
use crate::input::pdf::page::PdfPage;

/// Least part of the lower one's height that two characters of a hidden line have in common.
const SAME_LINE: f32 = 0.3;

/// It, taken from a page before the page is prepared.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    hidden: Vec<HiddenText>,
    form_values: Vec<(String, String)>,
    is_xfa: bool,
    left_out: usize,
    missing_rows: usize,
    /// Width and height of the page as it was read, in pixels.
    size: (f32, f32),
    /// Hidden text of a text layer is text like any other.
    is_kept: bool,
}

impl Beside {
    /// Takes it from a page. With [`HiddenMode::Keep`], text of the text layer that is not seen becomes text like
    /// any other there.
    pub(crate) fn take(page: &mut SourcePage, mode: HiddenMode) -> Beside {
        let size = (page.width as f32, page.height as f32);
        let Some(content) = &mut page.content else {
            return Beside {
                missing_rows: page.missing_rows,
                size,
                ..Beside::default()
            };
        };
        let hidden = hidden_text(content);
        let is_kept = mode == HiddenMode::Keep;
        if is_kept {
            reveal(content);
        }
        Beside {
            hidden,
            form_values: std::mem::take(&mut content.form_values),
            is_xfa: content.is_xfa,
            left_out: content.left_out,
            missing_rows: page.missing_rows,
            size,
            is_kept,
        }
    }

    /// Puts it into the prepared page, turned like that.
    pub(crate) fn give(self, page: &mut PreparedPage) {
        let (width, height) = self.size;
        page.hidden_text = match self.is_kept && page.decision.source == TextSource::TextLayer {
            true => Vec::new(),
            false => self.hidden,
        };
        for text in &mut page.hidden_text {
            let [x1, y1, x2, y2] = text.bbox.map(|v| v as f32);
            let turned = match page.rotation_quarters {
                1 => [y1, width - x2, y2, width - x1],
                2 => [width - x2, height - y2, width - x1, height - y1],
                3 => [height - y2, x1, height - y1, x2],
                _ => continue,
            };
            text.bbox = turned.map(|v| v.round() as i32);
        }
        page.form_values = self.form_values;
        if self.missing_rows > 0 {
            let message = format!(
                "the picture is damaged or cut off; rows of pixels that are missing: {}",
                self.missing_rows
            );
            let told = Diagnostic::warning(Code::PictureCut, None, message);
            page.diagnostics.push(told);
        }
        if self.left_out > 0 {
            let message = format!(
                "notes and form fields that are cut or left out, beyond what is read of a page: {}",
                self.left_out
            );
            let told = Diagnostic::warning(Code::PdfCut, None, message);
            page.diagnostics.push(told);
        }
        if self.is_xfa {
            let count = page.form_values.len();
            let message = format!(
                "an XFA form, of which the pages show nothing; values read out of its data: {count}"
            );
            let told = Diagnostic::warning(Code::XfaForm, None, message);
            page.diagnostics.push(told);
        }
    }
}

/// Makes hidden text text like any other; what repeats other text stays out.
fn reveal(content: &mut PdfPage) {
    for run in &mut content.runs {
        if run.hidden != Some(HiddenReason::Double) {
            run.hidden = None;
        }
    }
}

/// The text that a reader does not see, by lines, in the order of the text layer.
fn hidden_text(content: &PdfPage) -> Vec<HiddenText> {
    let mut found: Vec<HiddenText> = Vec::new();
    // The box of the last piece, and of its last character.
    let mut open: Option<(Rect, Rect)> = None;
    let mut blank = false;
    for c in &content.chars {
        let character = match c.code {
            // Hyphens at line ends.
            0x02 | 0xAD | 0xFFFE => '-',
            _ => c.letter(),
        };
        if character.is_whitespace() || character.is_control() {
            blank = true;
            continue;
        }
        let run = content.runs.get(c.run as usize);
        let Some(reason) = run.and_then(|run| run.hidden) else {
            open = None;
            continue;
        };
        if reason == HiddenReason::Double {
            continue;
        }
        let [x1, y1, x2, y2] = c.bbox;
        let bbox = Rect { x1, y1, x2, y2 };
        let goes_on = |last: &Rect| {
            let height = last.height().min(bbox.height());
            last.overlap_y(&bbox) >= SAME_LINE * height && last.near(&bbox, 4.0 * last.height())
        };
        let piece = found.last_mut().filter(|piece| piece.reason == reason);
        match (piece, &mut open) {
            (Some(piece), Some((whole, last))) if goes_on(last) => {
                if blank {
                    piece.text.push(' ');
                }
                push_normalized(&mut piece.text, character);
                (*whole, *last) = (whole.union(&bbox), bbox);
                piece.bbox = whole.to_pixels();
            }
            _ => {
                let mut text = String::new();
                push_normalized(&mut text, character);
                open = Some((bbox, bbox));
                found.push(HiddenText {
                    text,
                    bbox: bbox.to_pixels(),
                    reason,
                });
            }
        }
        blank = false;
    }
    found.retain(|piece| !piece.text.trim().is_empty());
    found
}
