//! Takes a block's content from the text of its page: the recognizer of the embedded default.
//!
//! Lines are joined to running text and hyphenated words are rejoined; code keeps its lines and indents,
//! tables of contents keep their lines, tables become HTML.

mod styled;

use super::{BlockAnswer, BlockRequest, Recognition, RecognizeError, Recognizer};
use crate::deadline::{self, Deadline};
use crate::document::{Label, Markup, ReadLine};
use crate::fault::Fault;
use crate::geometry::{Rect, rows_by_overlap};
use crate::layout::Region;
use crate::lines::{PageText, Segment, Shift};
use crossbeam_channel::{Receiver, Sender};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use styled::StyledText;

/// Width of a character of code in ems, to compute indents: common fixed-pitch fonts have 0.6.
const CODE_CHAR: f32 = 0.6;
/// Measured widths of a character that are believed, relative to the usual one.
const PITCHES: std::ops::Range<f32> = 0.8..1.25;
/// Least gap, in characters, of a space that the text layer has between two words of code: fonts that are not of
/// fixed pitch have spaces of half a character. Larger: those are lost. Smaller: the spacing of glyphs counts.
const NARROW_SPACE: f32 = 0.35;
/// Largest indent in characters; anything deeper is a position on the page.
const MAX_INDENT: usize = 40;

/// The backend.
#[derive(Debug, Default)]
pub(crate) struct PageTextRecognizer;

impl Recognizer for PageTextRecognizer {
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError> {
        for request in requests {
            let ticket = request.ticket;
            let start = Instant::now();
            let spent = Duration::from_nanos(request.time_spent.load(Ordering::Relaxed));
            let left = request.time_left.map(|left| left.saturating_sub(spent));
            let deadline = Deadline::of_all(vec![request.document.cancel.clone()], left);
            let (result, _) = deadline.run(|| {
                catch_unwind(AssertUnwindSafe(|| {
                    deadline::check();
                    recognize(&request.page.text, &request.region)
                }))
            });
            let took = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            request.time_spent.fetch_add(took, Ordering::Relaxed);
            let result = result.map_err(|panic| match deadline::why(panic.as_ref()) {
                Some(why) => why.into(),
                None => Fault::internal("internal error while reading the block"),
            });
            // The receiver is gone: the run is over.
            if answers.send(BlockAnswer { ticket, result }).is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// The content of a region.
///
/// A region made from text knows its segments; for others, those are taken whose centre lies inside.
pub(crate) fn recognize(text: &PageText, region: &Region) -> Recognition {
    let found;
    let lines: &[Vec<usize>] = if region.lines.is_empty() && region.table.is_none() {
        found = lines_inside(text, region);
        &found
    } else {
        &region.lines
    };
    let segments: Vec<&Segment> = lines
        .iter()
        .flatten()
        .filter_map(|i| text.segments.get(*i))
        .collect();
    let mut markup = Markup::default();
    let (mut spans, mut cells) = (Vec::new(), Vec::new());
    let content = match (&region.table, region.label) {
        (Some(table), _) => {
            cells = table.facts();
            table.to_html()
        }
        (None, Label::Algorithm) => code(text, lines),
        (None, Label::Content) => contents(text, lines),
        (None, Label::Image | Label::Chart | Label::Seal) => labels(&segments),
        _ => {
            markup.scripts = segments
                .iter()
                .flat_map(|s| &s.words)
                .any(|word| word.shift != Shift::None);
            let styled = StyledText::of(text, lines, &region.style).into_list_item();
            markup.list_item = styled.is_item;
            spans = styled.spans;
            styled.text
        }
    };
    let confidences: Vec<f32> = segments.iter().filter_map(|s| s.confidence).collect();
    let mean = confidences.iter().sum::<f32>() / confidences.len().max(1) as f32;
    Recognition {
        content,
        markup,
        spans,
        cells,
        is_raw: false,
        confidence: (!confidences.is_empty()).then_some(mean),
        lines: segments.iter().filter_map(|s| read_line(s)).collect(),
        generation: None,
        text: None,
        warning: None,
    }
}

fn read_line(segment: &Segment) -> Option<ReadLine> {
    segment.confidence.map(|confidence| ReadLine {
        text: segment.plain_text(),
        bbox: segment.bbox.to_pixels(),
        confidence,
    })
}

fn lines_inside(text: &PageText, region: &Region) -> Vec<Vec<usize>> {
    let inside: Vec<usize> = (0..text.segments.len())
        .filter(|&i| {
            region.bbox.contains(
                text.segments[i].bbox.center_x(),
                text.segments[i].bbox.center_y(),
            )
        })
        .collect();
    let boxes: Vec<Rect> = inside.iter().map(|i| text.segments[*i].bbox).collect();
    let lines = rows_by_overlap(&boxes, Rect::union)
        .into_iter()
        .map(|(row, _)| {
            let mut line: Vec<usize> = row.into_iter().map(|i| inside[i]).collect();
            line.sort_by(|&a, &b| {
                text.segments[a]
                    .bbox
                    .x1
                    .total_cmp(&text.segments[b].bbox.x1)
            });
            line
        });
    lines.collect()
}

/// A listing with its line breaks, indents and spaces.
///
/// Spaces are counted from the gaps between words: what the text layer says of them is often the spacing of glyphs.
fn code(text: &PageText, lines: &[Vec<usize>]) -> String {
    let segments = |line: &[usize]| {
        line.iter()
            .filter_map(|i| text.segments.get(*i))
            .collect::<Vec<_>>()
    };
    let left = lines
        .iter()
        .flat_map(|l| segments(l))
        .map(|s| s.bbox.x1)
        .fold(f32::INFINITY, f32::min);
    let pitch = pitch(lines.iter().flat_map(|line| segments(line)));
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let mut end: Option<f32> = None;
        for word in segments(line).into_iter().flat_map(|s| &s.words) {
            let blanks = match end {
                None => ((word.bbox.x1 - left) / pitch).round(),
                Some(end) => {
                    let gap = (word.bbox.x1 - end) / pitch;
                    let least = f32::from(word.space_before && gap > NARROW_SPACE);
                    gap.round().max(least)
                }
            };
            out.extend(std::iter::repeat_n(
                ' ',
                (blanks.max(0.0) as usize).min(MAX_INDENT),
            ));
            out.push_str(&word.text);
            end = Some(word.bbox.x2);
        }
        if segments(line).last().is_some_and(|s| s.hyphenated) {
            out.push('-');
        }
    }
    out
}

/// Width of a character of a listing in pixels: the median over its words.
fn pitch<'a>(segments: impl Iterator<Item = &'a Segment>) -> f32 {
    let mut widths = Vec::new();
    let mut size = 0f32;
    for segment in segments {
        size = size.max(segment.style.font_size);
        let words = segment.words.iter();
        widths.extend(words.map(|w| w.bbox.width() / w.text.chars().count().max(1) as f32));
    }
    widths.sort_by(f32::total_cmp);
    let median = widths.get(widths.len() / 2).copied().unwrap_or(0.0);
    // Boxes of recognized words are no measure: their fonts need not be of fixed pitch.
    let usual = CODE_CHAR * size;
    let pitch = if (usual * PITCHES.start..usual * PITCHES.end).contains(&median) {
        median
    } else {
        usual
    };
    pitch.max(1.0)
}

fn contents(text: &PageText, lines: &[Vec<usize>]) -> String {
    let line = |line: &Vec<usize>| {
        line.iter()
            .filter_map(|i| text.segments.get(*i))
            .map(whole)
            .collect::<Vec<_>>()
            .join(" ")
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The text of a piece of a line that nothing goes on, with the hyphen that it may end with.
fn whole(segment: &Segment) -> String {
    let hyphen = if segment.hyphenated { "-" } else { "" };
    segment.plain_text() + hyphen
}

/// The labels of a figure, a line for each row of them.
fn labels(segments: &[&Segment]) -> String {
    let boxes: Vec<Rect> = segments.iter().map(|s| s.bbox).collect();
    let rows = rows_by_overlap(&boxes, Rect::union)
        .into_iter()
        .map(|(mut row, _)| {
            row.sort_by(|&a, &b| boxes[a].x1.total_cmp(&boxes[b].x1));
            let texts: Vec<String> = row.into_iter().map(|i| whole(segments[i])).collect();
            texts.join(" ")
        });
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::TextSource;
    use crate::lines::Word;

    fn page(pieces: &[(f32, f32, &str, bool)]) -> PageText {
        let segment = |&(x, y, text, hyphenated): &(f32, f32, &str, bool)| {
            let bbox = Rect::new(x, y, x + 12.0 * text.len() as f32, y + 20.0);
            let piece = Segment::of(vec![Word::of(bbox, text)], 20.0);
            Segment {
                hyphenated,
                confidence: Some(0.9),
                ..piece
            }
        };
        PageText {
            source: TextSource::Lines,
            segments: pieces.iter().map(segment).collect(),
        }
    }

    fn region(label: Label, lines: &[&[usize]]) -> Region {
        let mut region = Region::new(label, Rect::new(0.0, 0.0, 500.0, 500.0), 1.0);
        region.lines = lines.iter().map(|l| l.to_vec()).collect();
        region
    }

    #[test]
    fn lines_run_on() {
        let text = page(&[
            (0.0, 0.0, "• hyphen", true),
            (0.0, 24.0, "ation", false),
            (0.0, 48.0, "end", false),
        ]);
        let read = recognize(&text, &region(Label::Text, &[&[0], &[1], &[2]]));
        assert_eq!(read.content, "- hyphen\u{ad}ation end");
        assert!((read.confidence.unwrap() - 0.9).abs() < 1e-6);
        assert_eq!(read.lines.len(), 3);
    }

    #[test]
    fn code_keeps_lines_and_indents() {
        let text = page(&[(0.0, 0.0, "if x:", false), (48.0, 24.0, "y()", false)]);
        assert_eq!(
            recognize(&text, &region(Label::Algorithm, &[&[0], &[1]])).content,
            "if x:\n    y()"
        );
    }

    #[test]
    fn a_region_without_lines_takes_what_lies_inside() {
        let text = page(&[
            (100.0, 0.0, "b", false),
            (0.0, 2.0, "a", false),
            (0.0, 900.0, "out", false),
        ]);
        assert_eq!(recognize(&text, &region(Label::Text, &[])).content, "a b");
    }
}
