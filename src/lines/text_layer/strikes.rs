//! Finds words that are struck out: by a thin line through their middle that begins and ends with them.

use super::super::page_text::{Direction, Segment};
use super::super::thresholds::strikes::*;
use crate::geometry::Rect;
use crate::input::pdf::page::PdfPage;

/// Most lines of a page that are compared with its words.
const MOST_LINES: usize = 1000;

/// Marks the words of a page that its drawn lines strike out.
pub(super) fn mark(content: &PdfPage, segments: &mut [Segment]) {
    let rect = |[x1, y1, x2, y2]: [f32; 4]| Rect { x1, y1, x2, y2 };
    // A note strikes out the lines of text in its boxes through their middle.
    let middle = |bbox: Rect| Rect {
        y1: bbox.center_y(),
        y2: bbox.center_y(),
        ..bbox
    };
    let noted = content.struck.iter().map(|bbox| middle(rect(*bbox)));
    let lines = noted.chain(content.rulings.iter().map(|line| rect(*line)));
    for line in lines.filter(|r| r.width() > r.height()).take(MOST_LINES) {
        for segment in segments.iter_mut() {
            if segment.direction == Direction::Horizontal
                && (segment.bbox.y1..segment.bbox.y2).contains(&line.center_y())
            {
                strike(&line, segment);
            }
        }
    }
}

/// Marks the words of a line of text that `line` strikes out. A line that goes on beyond them is a rule with words on it.
fn strike(line: &Rect, segment: &mut Segment) {
    let em = segment.style.font_size.max(1.0);
    let is_crossed = |bbox: &Rect| {
        let place = (line.center_y() - bbox.y1) / bbox.height().max(1.0);
        let covered = line.overlap_x(bbox);
        PLACE.contains(&place) && covered > COVER * bbox.width()
    };
    let words = &mut segment.words;
    let crossed: Vec<usize> = (0..words.len())
        .filter(|i| is_crossed(&words[*i].bbox))
        .collect();
    let Some(all) = Rect::union_all(crossed.iter().map(|i| &words[*i].bbox)) else {
        return;
    };
    let ends_with = (line.x1 - all.x1).abs() < SLACK * em && (line.x2 - all.x2).abs() < SLACK * em;
    if ends_with && line.height() < THICKNESS * em {
        crossed
            .into_iter()
            .for_each(|i| words[i].style.strike = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::Word;

    /// The words that a line from `x1` to `x2` at `y` strikes out; each is 50 wide and 20 high, 60 from the next.
    fn struck(x1: f32, x2: f32, y: f32) -> Vec<usize> {
        let word = |i: usize| {
            let x = i as f32 * 60.0;
            Word::of(Rect::new(x, 0.0, x + 50.0, 20.0), "tides")
        };
        let mut segments = [Segment::of((0..4).map(word).collect(), 18.0)];
        let content = PdfPage {
            rulings: vec![[x1, y, x2, y + 1.0]],
            ..PdfPage::default()
        };
        mark(&content, &mut segments);
        let words = &segments[0].words;
        (0..4).filter(|i| words[*i].style.strike).collect()
    }

    #[test]
    fn lines_through_words_strike_them_out() {
        assert_eq!(struck(60.0, 170.0, 11.0), [1, 2]);
        assert_eq!(struck(118.0, 172.0, 10.0), [2]);
    }

    #[test]
    fn underlines_and_rules_do_not() {
        assert!(struck(60.0, 170.0, 18.0).is_empty(), "under the words");
        assert!(struck(60.0, 170.0, 1.0).is_empty(), "above them");
        assert!(
            struck(-200.0, 900.0, 10.0).is_empty(),
            "a rule with words on it"
        );
    }
}
