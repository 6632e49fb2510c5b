//! Invariants on any page: no segment is lost or read twice, and nothing panics.

use super::*;
use crate::document::{TextDecision, TextSource};
use crate::lines::{PageText, SegmentStyle, Word};
use proptest::prelude::*;

/// A segment of some words at a position.
fn segment(x: f32, y: f32, size: f32, words: usize, kind: u8) -> Segment {
    let text = [
        "Figure 1: tide",
        "2.1",
        "x = y",
        "(3)",
        "• item",
        "word",
        "1,024",
        "Harbour",
    ][kind as usize % 8];
    let width = size * 2.5;
    let word = |i: usize| {
        let left = x + i as f32 * (width + size * 0.3);
        let bbox = Rect::new(left, y, left + width, y + size * 1.2);
        Word {
            space_before: i > 0,
            ..Word::of(bbox, text)
        }
    };
    let words: Vec<Word> = (0..words).map(word).collect();
    let piece = Segment::of(words, size);
    Segment {
        style: SegmentStyle {
            bold: kind & 8 != 0,
            fixed_pitch: kind & 16 != 0,
            math: f32::from(kind >> 5 & 1),
            ..piece.style
        },
        direction: match kind >> 6 {
            2 => Direction::Turned,
            3 => Direction::Vertical,
            _ => Direction::Horizontal,
        },
        ..piece
    }
}

fn rect() -> impl Strategy<Value = Rect> {
    (0f32..1200.0, 0f32..1600.0, 0f32..600.0, 0f32..600.0).prop_map(|(x, y, w, h)| Rect {
        x1: x,
        y1: y,
        x2: (x + w).min(1224.0),
        y2: (y + h).min(1584.0),
    })
}

/// A horizontal or vertical line.
fn ruling() -> impl Strategy<Value = Rect> {
    (0f32..1000.0, 0f32..1500.0, 20f32..600.0, any::<bool>()).prop_map(|(x, y, length, across)| {
        match across {
            true => Rect {
                x1: x,
                y1: y,
                x2: x + length,
                y2: y + 1.0,
            },
            false => Rect {
                x1: x,
                y1: y,
                x2: x + 1.0,
                y2: y + length,
            },
        }
    })
}

/// Positions on a coarse grid, so that segments line up as on real pages.
fn place(step: f32, count: i32) -> impl Strategy<Value = f32> {
    (0..count).prop_map(move |i| 60.0 + i as f32 * step)
}

prop_compose! {
    fn any_page()(
        pieces in prop::collection::vec((place(90.0, 11), place(26.0, 55), 12f32..30.0, 1usize..9, any::<u8>()), 0..60),
        rulings in prop::collection::vec(ruling(), 0..14),
        images in prop::collection::vec(rect(), 0..3),
        drawings in prop::collection::vec(rect(), 0..6),
        recognized in any::<bool>(),
    ) -> PreparedPage {
        let source = if recognized { TextSource::Lines } else { TextSource::TextLayer };
        let segments = pieces.into_iter().map(|(x, y, size, words, kind)| segment(x, y, size, words, kind)).collect();
        PreparedPage {
            text: PageText { source, segments },
            decision: TextDecision { source, reason: String::new() },
            rulings,
            drawings,
            images,
            ..PreparedPage::blank(0, 1224, 1584)
        }
    }
}

proptest! {
    #[test]
    fn every_piece_of_text_is_in_one_region(page in any_page()) {
        let regions = regions(&page);
        let mut seen = vec![0; page.text.segments.len()];
        for i in regions.iter().flat_map(|r| r.lines.iter().flatten()) {
            seen[*i] += 1;
        }
        prop_assert!(seen.iter().all(|n| *n == 1), "{seen:?}");
    }

    #[test]
    fn tables_keep_the_words_of_their_pieces(page in any_page()) {
        for region in regions(&page) {
            let Some(table) = &region.table else { continue };
            let words = |text: &str| text.split_whitespace().count();
            let expected: usize =
                region.lines.iter().flatten().map(|i| words(&page.text.segments[*i].plain_text())).sum();
            let kept: usize = table.cells.iter().map(|c| words(&c.text)).sum();
            prop_assert_eq!(kept, expected, "{}", table.to_html());
            // Cells tile the grid.
            let mut places = vec![0; table.rows * table.columns];
            for cell in &table.cells {
                prop_assert!(cell.row + cell.row_span <= table.rows && cell.column + cell.column_span <= table.columns);
                for row in cell.row..cell.row + cell.row_span {
                    let first = row * table.columns + cell.column;
                    places[first..first + cell.column_span].iter_mut().for_each(|n| *n += 1);
                }
            }
            prop_assert!(places.iter().all(|n| *n == 1), "{}", table.to_html());
        }
    }
}
