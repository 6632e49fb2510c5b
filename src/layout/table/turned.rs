//! Tables that are turned by a quarter on an upright page: they are found as they look when the page is turned.

use super::evidence::Evidence;
use super::pieces::note_text;
use super::reason::Reason;
use super::regions::{find_drawn, find_open};
use super::trace::{Considered, Origin, Trace};
use super::{FoundTable, rows};
use crate::geometry::Rect;
use crate::lines::{Direction, Segment, Word};

/// Fewest words of a turned table; fewer are labels and headings.
const LEAST_WORDS: usize = 12;

/// Which way text is turned.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Turn {
    /// Read from the bottom of the page to its top.
    Up,
    /// Read from the top to the bottom.
    Down,
}

impl Turn {
    /// The place of a box after the page of `size` (width, height) was turned so that the text is upright.
    fn upright(self, r: &Rect, (width, height): (f32, f32)) -> Rect {
        match self {
            Turn::Up => Rect::new(height - r.y2, r.x1, height - r.y1, r.x2),
            Turn::Down => Rect::new(r.y1, width - r.x2, r.y2, width - r.x1),
        }
    }

    /// The place on the page of a box on the turned one.
    fn back(self, r: &Rect, (width, height): (f32, f32)) -> Rect {
        match self {
            Turn::Up => Rect::new(r.y1, height - r.x2, r.y2, height - r.x1),
            Turn::Down => Rect::new(width - r.y2, r.x1, width - r.y1, r.x2),
        }
    }
}

/// The turned tables among the segments `free` of a page of `size` (width and height in pixels). `trace` is that of the page.
pub(crate) fn find_turned(
    segments: &[Segment],
    rulings: &[Rect],
    fills: &[(Rect, [u8; 3])],
    size: (f32, f32),
    free: &[usize],
    trace: &Trace,
) -> Vec<FoundTable> {
    let own: Vec<usize> = free
        .iter()
        .copied()
        .filter(|i| segments[*i].direction == Direction::Turned)
        .collect();
    if own.len() < LEAST_WORDS {
        if let Some(area) = Rect::union_all(own.iter().map(|i| &segments[*i].bbox)) {
            let few = Some(Reason::FewWords(own.len()));
            trace.consider(|| Considered::bare(Origin::Turned, area, few));
        }
        return Vec::new();
    }
    let turn = turn_of(segments, &own);
    let upright = |r: &Rect| turn.upright(r, size);
    let turned: Vec<Segment> = own
        .iter()
        .map(|i| {
            let segment = &segments[*i];
            let words = segment.words.iter().map(|word| Word {
                bbox: upright(&word.bbox),
                ..word.clone()
            });
            Segment {
                bbox: upright(&segment.bbox),
                words: words.collect(),
                direction: Direction::Horizontal,
                ..segment.clone()
            }
        })
        .collect();
    let rulings: Vec<Rect> = rulings.iter().map(upright).collect();
    let fills: Vec<(Rect, [u8; 3])> = fills.iter().map(|(r, c)| (upright(r), *c)).collect();
    let mut sizes: Vec<f32> = turned.iter().map(|s| s.style.font_size).collect();
    sizes.sort_by(f32::total_cmp);
    let body = sizes[sizes.len() / 2].max(1.0);
    let mut evidence = Evidence::new(&turned, &rulings, &fills, (size.1, size.0), body);
    evidence.trace = trace.same();
    let all: Vec<usize> = (0..turned.len()).collect();
    note_text(&evidence, &all);
    let mut found = find_drawn(&evidence, &all);
    let mut taken = vec![false; turned.len()];
    for i in found.iter().flat_map(|table| &table.segments) {
        taken[*i] = true;
    }
    let rest: Vec<usize> = all.into_iter().filter(|i| !taken[*i]).collect();
    found.extend(find_open(&evidence, &rows(&rest, &turned)));
    let is_upright_inside = |bbox: &Rect| {
        segments.iter().any(|s| {
            s.direction == Direction::Horizontal
                && bbox.contains(s.bbox.center_x(), s.bbox.center_y())
        })
    };
    let inner = evidence.trace.into_inner();
    trace.note(|trace| trace.add(inner.turned_back(|r| turn.back(r, size))));
    let back = |bbox: &mut [i32; 4]| {
        let [x1, y1, x2, y2] = bbox.map(|at| at as f32);
        *bbox = turn.back(&Rect::new(x1, y1, x2, y2), size).to_pixels();
    };
    let found = found.into_iter().map(|mut found| {
        let cells = found.table.cells.iter_mut();
        for place in cells.flat_map(|cell| &mut cell.place) {
            back(&mut place.bbox);
            place.lines.iter_mut().for_each(back);
        }
        FoundTable {
            bbox: turn.back(&found.bbox, size),
            segments: found.segments.iter().map(|i| own[*i]).collect(),
            ..found
        }
    });
    // Rotated headings above upright rows are part of a table, not one.
    let mut tables = Vec::new();
    for table in found {
        let words = table.segments.len();
        let refused = match is_upright_inside(&table.bbox) {
            _ if words < LEAST_WORDS => Some(Reason::FewWords(words)),
            true => Some(Reason::UprightInside),
            false => None,
        };
        match refused {
            Some(reason) => trace.note(|trace| trace.refuse(&table.bbox, reason)),
            None => tables.push(table),
        }
    }
    tables
}

/// The way in which most words go on to the next one of their line; words come in writing order.
fn turn_of(segments: &[Segment], own: &[usize]) -> Turn {
    let (mut up, mut down) = (0usize, 0usize);
    for pair in own.windows(2) {
        let (a, b) = (&segments[pair[0]].bbox, &segments[pair[1]].bbox);
        if a.overlap_x(b) > 0.5 * a.width().min(b.width()) {
            match b.center_y() < a.center_y() {
                true => up += 1,
                false => down += 1,
            }
        }
    }
    match up >= down {
        true => Turn::Up,
        false => Turn::Down,
    }
}
