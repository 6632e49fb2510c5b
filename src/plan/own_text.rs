//! Decides if a block's text can be taken from the page's own text: its characters lie inside the block, all
//! ink is theirs, and nothing in it needs a recognizer that understands more than characters.

use super::Task;
use crate::document::{Label, TextSource};
use crate::geometry::Rect;
use crate::layout::Region;
use crate::lines::{Direction, PageText, Segment, Shift};
use crate::raster::Pixels;

/// Tolerance in pixels between the size of a crop and of its block, for rounding.
const CROP_SLACK: f32 = 3.0;
/// Share of a segment's area from which it counts as inside the block, and up to which it counts as outside.
/// In between it crosses the block's edge, and its owner is unknown.
const INSIDE: f32 = 0.85;
const OUTSIDE: f32 = 0.15;
/// Share of characters in math fonts above which a segment counts as a formula.
const MATH: f32 = 0.02;
/// Difference in brightness from the paper above which a pixel is ink.
const CONTRAST: i32 = 48;
/// Largest share of a block's ink outside its characters: rules and specks.
const STRAY_INK: f32 = 0.06;
/// Smallest share of ink in a segment's box if its characters are visible on the page.
const LEAST_INK: f32 = 0.01;

/// The reason why a block's text must not be taken; `None` if it can be.
pub(crate) fn doubt(
    text: &PageText,
    region: &Region,
    task: Task,
    figures: usize,
    crop: Option<&Pixels>,
) -> Option<&'static str> {
    let is_text = task == Task::Ocr
        && figures == 0
        && !matches!(
            region.label,
            Label::Algorithm | Label::VerticalText | Label::FormulaNumber | Label::Image
        );
    if !is_text {
        return Some("it is no plain text");
    }
    if text.source != TextSource::TextLayer || text.segments.is_empty() {
        return Some("the page has no text layer that can be trusted");
    }
    let Some(crop) = crop else {
        return Some("nothing is shown of it");
    };
    let size = [region.bbox.width(), region.bbox.height()];
    let shown = [crop.width as f32, crop.height as f32];
    if size
        .iter()
        .zip(shown)
        .any(|(a, b)| (a - b).abs() > CROP_SLACK)
    {
        return Some("it was put together from several blocks");
    }
    let mut inside: Vec<&Segment> = Vec::new();
    for segment in &text.segments {
        let shared = segment.bbox.intersection(&region.bbox).area();
        match shared / segment.bbox.area().max(1.0) {
            share if share >= INSIDE => inside.push(segment),
            share if share > OUTSIDE => return Some("text lies across its edge"),
            _ => {}
        }
    }
    if inside.is_empty() {
        return Some("no text lies in it");
    }
    for segment in &inside {
        if segment.direction != Direction::Horizontal {
            return Some("it has text that is not horizontal");
        }
        // In many files the letters of ligatures such as lam-alef are stored in the wrong order.
        if segment.right_to_left {
            return Some("it runs from right to left");
        }
        let is_raised = segment.words.iter().any(|word| word.shift != Shift::None);
        if segment.style.math > MATH
            || is_raised
            || segment
                .words
                .iter()
                .any(|word| has_formula_signs(&word.text))
        {
            return Some("it has formulas");
        }
    }
    ink_doubt(crop, region.bbox, &inside)
}

/// `true` if the text has characters of formulas, private-use characters or replacement characters.
fn has_formula_signs(text: &str) -> bool {
    text.chars().any(|c| {
        matches!(c,
            '\u{2200}'..='\u{22ff}' | '\u{27c0}'..='\u{27ef}' | '\u{2980}'..='\u{2aff}'
            | '\u{1d400}'..='\u{1d7ff}' | '\u{2070}'..='\u{209f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fffd}')
    })
}

/// The reason if the ink of a block is not that of its characters.
fn ink_doubt(crop: &Pixels, bbox: Rect, inside: &[&Segment]) -> Option<&'static str> {
    let gray = crop.to_gray();
    let paper = paper(&gray);
    let (width, height) = (crop.width, crop.height);
    // Boxes of characters in crop pixels, enlarged for marks above and below letters.
    let boxes: Vec<[usize; 4]> = inside
        .iter()
        .map(|segment| {
            let margin = 0.2 * segment.style.font_size.max(4.0);
            let clamp = |value: f32, most: usize| value.clamp(0.0, most as f32) as usize;
            let Rect { x1, y1, x2, y2 } = segment.bbox;
            [
                clamp(x1 - bbox.x1 - margin, width),
                clamp(y1 - bbox.y1 - margin, height),
                clamp((x2 - bbox.x1 + margin).ceil(), width),
                clamp((y2 - bbox.y1 + margin).ceil(), height),
            ]
        })
        .collect();
    let mut owned = vec![false; width * height];
    for [x1, y1, x2, y2] in &boxes {
        (*y1..*y2).for_each(|y| owned[y * width + x1..y * width + x2].fill(true));
    }
    let is_ink = |at: usize| (i32::from(gray[at]) - paper).abs() > CONTRAST;
    let ink = (0..gray.len()).filter(|at| is_ink(*at)).count();
    let stray = (0..gray.len())
        .filter(|at| !owned[*at] && is_ink(*at))
        .count();
    if stray as f32 > STRAY_INK * ink as f32 {
        return Some("it shows more than its text");
    }
    let is_empty = |[x1, y1, x2, y2]: &[usize; 4]| {
        let count = (*y1..*y2)
            .flat_map(|y| y * width + x1..y * width + x2)
            .filter(|at| is_ink(*at))
            .count();
        (count as f32) < LEAST_INK * ((x2 - x1) * (y2 - y1)) as f32
    };
    boxes
        .iter()
        .any(is_empty)
        .then_some("text of it is not to be seen")
}

/// The most frequent brightness.
fn paper(gray: &[u8]) -> i32 {
    let mut counts = [0usize; 256];
    gray.iter()
        .for_each(|value| counts[usize::from(*value)] += 1);
    // Ties go to the lightest.
    (0..256).max_by_key(|value| counts[*value]).unwrap_or(255) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::Word;

    /// A page with two lines, and the crop of a block around them with ink at their boxes.
    fn page() -> (PageText, Region, Pixels) {
        let line = |y: f32| {
            Segment::of(
                vec![Word::of(Rect::new(20.0, y, 180.0, y + 20.0), "some words")],
                20.0,
            )
        };
        let text = PageText {
            source: TextSource::TextLayer,
            segments: vec![line(20.0), line(60.0)],
        };
        let region = Region::new(Label::Text, Rect::new(10.0, 10.0, 190.0, 90.0), 0.9);
        let mut crop = Pixels {
            width: 180,
            height: 80,
            data: vec![255; 180 * 80 * 3],
        };
        for (x, y) in (10..170)
            .step_by(3)
            .flat_map(|x| (12..28).chain(52..68).map(move |y| (x, y)))
        {
            crop.data[(y * 180 + x) * 3..][..3].fill(0);
        }
        (text, region, crop)
    }

    #[test]
    fn plain_text_with_its_ink_is_taken() {
        let (text, region, crop) = page();
        assert_eq!(doubt(&text, &region, Task::Ocr, 0, Some(&crop)), None);
    }

    #[test]
    fn what_is_doubtful_is_not() {
        let (text, region, crop) = page();
        let says = |text: &PageText, region: &Region, task, crop: Option<&Pixels>| {
            doubt(text, region, task, 0, crop).unwrap_or("nothing")
        };
        assert_eq!(
            says(&text, &region, Task::Table, Some(&crop)),
            "it is no plain text"
        );
        assert_eq!(
            says(&text, &region, Task::Ocr, None),
            "nothing is shown of it"
        );
        let lines = PageText {
            source: TextSource::Lines,
            ..text.clone()
        };
        assert!(says(&lines, &region, Task::Ocr, Some(&crop)).contains("no text layer"));
        let mut cut = region.clone();
        cut.bbox.y2 = 70.0;
        let short = Pixels {
            height: 60,
            data: crop.data[..180 * 60 * 3].to_vec(),
            ..crop.clone()
        };
        assert_eq!(
            says(&text, &cut, Task::Ocr, Some(&short)),
            "text lies across its edge"
        );
        assert!(says(&text, &cut, Task::Ocr, Some(&crop)).contains("several blocks"));
        let mut formula = text.clone();
        formula.segments[1].style.math = 0.5;
        assert_eq!(
            says(&formula, &region, Task::Ocr, Some(&crop)),
            "it has formulas"
        );
        let mut raised = text.clone();
        raised.segments[0].words[0].shift = Shift::Super;
        assert_eq!(
            says(&raised, &region, Task::Ocr, Some(&crop)),
            "it has formulas"
        );
        let mut turned = text.clone();
        turned.segments[0].direction = Direction::Turned;
        assert!(says(&turned, &region, Task::Ocr, Some(&crop)).contains("not horizontal"));
        let mut arabic = text.clone();
        arabic.segments[0].right_to_left = true;
        assert!(says(&arabic, &region, Task::Ocr, Some(&crop)).contains("right to left"));
        let elsewhere = Region::new(Label::Text, Rect::new(300.0, 10.0, 480.0, 90.0), 0.9);
        assert_eq!(
            says(&text, &elsewhere, Task::Ocr, Some(&crop)),
            "no text lies in it"
        );
        // A stamp between the lines, and a line without ink on the page.
        let mut stamped = crop.clone();
        (36..46).for_each(|y| stamped.data[(y * 180 + 20) * 3..(y * 180 + 160) * 3].fill(90));
        assert_eq!(
            says(&text, &region, Task::Ocr, Some(&stamped)),
            "it shows more than its text"
        );
        let mut wiped = crop;
        wiped.data[48 * 180 * 3..72 * 180 * 3].fill(255);
        assert_eq!(
            says(&text, &region, Task::Ocr, Some(&wiped)),
            "text of it is not to be seen"
        );
    }
}
