//! What is told of a page whose text is not, or not all, what the page shows.

use super::PageText;
use super::thresholds::trust::TOLD_MEANINGLESS;
use super::tiles::LEAST_SIDE;
use super::unread::Tally;
use crate::document::{Code, Diagnostic};
use crate::geometry::Rect;
use crate::input::pdf::page::PdfPage;

/// Diagnostic of a page whose text layer has characters without meaning, `share` of all.
pub(super) fn not_readable(share: f32) -> Option<Diagnostic> {
    (share > TOLD_MEANINGLESS).then(|| {
        let message = format!(
            "{:.0} % of the characters have no meaning in Unicode and were not read",
            (share * 100.0).max(1.0)
        );
        Diagnostic::warning(Code::TextUnreadable, None, message)
    })
}

/// Diagnostic of a page that shows nothing of its text layer, if no line was read from its picture either.
pub(super) fn not_read(
    content: Option<&PdfPage>,
    text: &PageText,
    reason: &str,
) -> Option<Diagnostic> {
    let content = content?;
    let count = content.chars.iter().filter(|c| c.run != u32::MAX).count();
    if count == 0 && text.segments.is_empty() {
        return no_chars(content);
    }
    (count > 0 && text.segments.is_empty()).then(|| {
        let message = format!(
            "the page's text of {count} characters is not used, because {reason}, and no line was found in its picture"
        );
        Diagnostic::warning(Code::TextUnreadable, None, message)
    })
}

/// Diagnostic of a page that comes after as many lines of its document as are read for single letters.
pub(super) fn short_of_lines(lines: usize) -> Diagnostic {
    let message = format!(
        "some doubtful letters of this page were not checked against its picture: at most {lines} lines of a document are"
    );
    Diagnostic::warning(Code::TextUnreadable, None, message)
}

/// Diagnostic of a page whose texts have no characters.
pub(super) fn no_chars(content: &PdfPage) -> Option<Diagnostic> {
    let (count, plural) = match content.unread_texts {
        0 => return None,
        1 => (1, ""),
        count => (count, "s"),
    };
    let message = format!("no character was found in {count} text{plural} of the page");
    Some(Diagnostic::warning(Code::TextUnreadable, None, message))
}

/// Diagnostic of a page with texts in encodings of which nothing is known.
pub(super) fn unknown_encodings(content: &PdfPage) -> Option<Diagnostic> {
    let names: Vec<String> = content
        .unknown_encodings
        .iter()
        .map(|n| format!("`{n}`"))
        .collect();
    let unknown = match &names[..] {
        [] => return None,
        [only] => format!("encoding {only} is unknown"),
        _ => format!("encodings {} are unknown", names.join(", ")),
    };
    let message = format!("text of the page may be missing or wrong: {unknown}");
    Some(Diagnostic::warning(Code::TextUnreadable, None, message))
}

/// Diagnostic of a page that is too narrow to look for lines.
pub(super) fn too_narrow(width: usize, height: usize) -> Option<Diagnostic> {
    (width.min(height) < LEAST_SIDE).then(|| {
        let message = format!(
            "a picture of {width}x{height} pixels has no room for text; no lines were looked for"
        );
        Diagnostic::warning(Code::TooNarrow, None, message)
    })
}

/// Diagnostic of a page with lines that were too long to be read.
pub(super) fn too_long(lines: &[Rect]) -> Option<Diagnostic> {
    let first = lines.first()?;
    let (count, plural) = (lines.len(), if lines.len() == 1 { "" } else { "s" });
    let of_first = if lines.len() == 1 { "" } else { "the first " };
    let [x, y, width, height] =
        [first.x1, first.y1, first.width(), first.height()].map(|v| v.round());
    let message = format!(
        "{count} line{plural} too long to be text, {of_first}{width} pixels by {height} at {x}, {y}: not read"
    );
    Some(Diagnostic::warning(Code::LineTooLong, None, message))
}

/// Diagnostic of a page with lines that could not be read, or only doubtfully.
pub(super) fn lines_unread(tally: &Tally) -> Option<Diagnostic> {
    tally.is_told().then(|| {
        let Tally {
            unread,
            unsure,
            lines,
            ..
        } = tally;
        let message = format!(
            "of {lines} lines {unread} could not be read and {unsure} only doubtfully: their script may be one that the \
             recognizer lacks; `rec_model_dir` takes a recognizer for it"
        );
        Diagnostic::warning(Code::LinesUnread, None, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_too_long_are_told() {
        let line = |y: f32| Rect {
            x1: 3.0,
            y1: y,
            x2: 60_003.4,
            y2: y + 10.0,
        };
        let told = |lines: &[Rect]| too_long(lines).map(|d| (d.code, d.message));
        assert_eq!(told(&[]), None);
        let one = "1 line too long to be text, 60000 pixels by 10 at 3, 40: not read";
        assert_eq!(
            told(&[line(40.0)]),
            Some((Code::LineTooLong, one.to_string()))
        );
        let two = "2 lines too long to be text, the first 60000 pixels by 10 at 3, 40: not read";
        assert_eq!(
            told(&[line(40.0), line(80.0)]),
            Some((Code::LineTooLong, two.to_string()))
        );
    }

    #[test]
    fn unknown_encodings_are_named() {
        let told = |names: &[&str]| {
            let content = PdfPage {
                unknown_encodings: names.iter().map(|name| name.to_string()).collect(),
                ..PdfPage::default()
            };
            unknown_encodings(&content).map(|told| told.message)
        };
        let before = "text of the page may be missing or wrong";
        assert_eq!(told(&[]), None);
        assert_eq!(
            told(&["A"]),
            Some(format!("{before}: encoding `A` is unknown"))
        );
        assert_eq!(
            told(&["A", "B"]),
            Some(format!("{before}: encodings `A`, `B` are unknown"))
        );
    }
}
