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
    let mut spans = Vec::new();
    let content = match (&region.table, region.label) {
        (Some(table), _) => table.to_html(),
        (None, Label::Algorithm) => code(text, lines),
        (None, Label::Content) => contents(text, lines),
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
    let mut out = String::new();
    for line in lines {
        let mut column = 0;
        if !out.is_empty() {
            out.push('\n');
        }
        for segment in segments(line) {
            let width = (CODE_CHAR * segment.style.font_size).max(1.0);
            let at = ((segment.bbox.x1 - left) / width).round().max(0.0) as usize;
            let blanks = if column == 0 {
                at.min(MAX_INDENT)
            } else {
                at.saturating_sub(column).clamp(1, MAX_INDENT)
            };
            out.extend(std::iter::repeat_n(' ', blanks));
            let piece = segment.plain_text();
            column += blanks + piece.chars().count();
            out.push_str(&piece);
        }
    }
    out
}

fn contents(text: &PageText, lines: &[Vec<usize>]) -> String {
    let line = |line: &Vec<usize>| {
        line.iter()
            .filter_map(|i| text.segments.get(*i))
            .map(Segment::plain_text)
            .collect::<Vec<_>>()
            .join(" ")
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
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
        assert_eq!(read.content, "- hyphenation end");
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
