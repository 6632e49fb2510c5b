//! Lines below one another, and which of these stacks are columns of prose.

use super::super::flow::ColumnItem;
use super::super::thresholds::prose::*;
use crate::geometry::Rect;

/// Lines each of which is right below the one before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stack {
    /// Indices of its pieces, from top to bottom.
    pub items: Vec<usize>,
    pub bbox: Rect,
    /// Left and right end of its typical line.
    pub span: (f32, f32),
    /// Its lines.
    lines: Vec<Rect>,
}

/// The text among items as stacks.
pub(super) fn stacks(items: &[ColumnItem], body: f32) -> Vec<Stack> {
    let lines = lines(items, body);
    let boxes: Vec<Rect> = lines
        .iter()
        .map(|line| super::super::flow::bounds(items, line))
        .collect();
    let walls: Vec<Rect> = items
        .iter()
        .filter(|item| !item.is_text)
        .map(|item| item.bbox)
        .collect();
    let below = neighbours(&boxes, &walls);
    // Each line goes on with the one below it if it is the only one above that, too.
    let mut above: Vec<Vec<usize>> = vec![Vec::new(); boxes.len()];
    for (at, others) in below.iter().enumerate() {
        others.iter().for_each(|other| above[*other].push(at));
    }
    let next = |at: usize| match below[at][..] {
        [other] if above[other].len() == 1 && goes_on(&boxes[at], &boxes[other], body) => {
            Some(other)
        }
        _ => None,
    };
    let mut has_before = vec![false; boxes.len()];
    (0..boxes.len())
        .filter_map(next)
        .for_each(|other| has_before[other] = true);
    let firsts = (0..boxes.len()).filter(|at| !has_before[*at]);
    firsts
        .map(|first| {
            let chain = std::iter::successors(Some(first), |at| next(*at));
            let chain: Vec<usize> = chain.collect();
            let own: Vec<Rect> = chain.iter().map(|at| boxes[*at]).collect();
            Stack {
                items: chain
                    .iter()
                    .flat_map(|at| lines[*at].iter().copied())
                    .collect(),
                bbox: Rect::union_all(own.iter()).unwrap_or_default(),
                span: (
                    share_of(own.iter().map(|line| line.x1), LEFT_END),
                    share_of(own.iter().map(|line| line.x2), RIGHT_END),
                ),
                lines: own,
            }
        })
        .collect()
}

/// The value below which a share of values lies.
fn share_of(values: impl Iterator<Item = f32>, share: f32) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    let at = (values.len().saturating_sub(1)) as f32 * share;
    values.get(at.round() as usize).copied().unwrap_or_default()
}

/// `true` if the second line may go on with the first one: both have one size, and an end or their middles in common.
fn goes_on(a: &Rect, b: &Rect, body: f32) -> bool {
    let is_near = |x: f32, other: f32, slack: f32| (x - other).abs() < slack * body;
    let is_aligned = is_near(a.x1, b.x1, SAME_END)
        || is_near(a.x2, b.x2, SAME_END)
        || is_near(a.center_x(), b.center_x(), SAME_MIDDLE);
    let least = a.height().min(b.height());
    let step = b.center_y() - a.center_y();
    is_aligned && least > SAME_HEIGHT * a.height().max(b.height()) && step < STEP * least
}

/// Pieces of lines: those side by side whose gap most lines nearby run across are one.
fn lines(items: &[ColumnItem], body: f32) -> Vec<Vec<usize>> {
    let mut texts: Vec<usize> = (0..items.len()).filter(|i| items[*i].is_text).collect();
    texts.sort_by(|&a, &b| {
        items[a]
            .bbox
            .center_y()
            .total_cmp(&items[b].bbox.center_y())
    });
    // Where a piece is, so that only those nearby are compared.
    let near = |at: usize, reach: f32| {
        let y = items[texts[at]].bbox.center_y();
        let from = texts.partition_point(|i| items[*i].bbox.center_y() < y - reach);
        let to = texts.partition_point(|i| items[*i].bbox.center_y() <= y + reach);
        from..to
    };
    let mut joins: Vec<(usize, usize)> = Vec::new();
    for at in 0..texts.len() {
        crate::deadline::check();
        let a = items[texts[at]].bbox;
        let right = near(at, a.height()).filter(|other| {
            let b = &items[texts[*other]].bbox;
            let least = a.height().min(b.height());
            *other != at
                && a.overlap_y(b) > SAME_LINE * least
                && (-GAP.end * body..GAP.end * body).contains(&(b.x1 - a.x2))
                && b.center_x() > a.center_x()
        });
        let nearest = right.min_by(|x, y| {
            items[texts[*x]]
                .bbox
                .x1
                .total_cmp(&items[texts[*y]].bbox.x1)
        });
        let Some(other) = nearest else { continue };
        let b = items[texts[other]].bbox;
        let (from, to) = (a.x2.min(b.x1), a.x2.max(b.x1));
        let (mut across, mut beside) = (0, 0);
        for third in near(at, NEARBY * a.height()).filter(|third| *third != at && *third != other) {
            let c = &items[texts[third]].bbox;
            if c.height() > UNLIKE_HEIGHT * a.height() {
                continue;
            }
            if c.x1 < from - ROOM * body && c.x2 > to + ROOM * body {
                across += 1;
            } else if (from - ROOM * body..to + ROOM * body).contains(&c.x1)
                || (from - ROOM * body..to + ROOM * body).contains(&c.x2)
            {
                beside += 1;
            }
        }
        if across > beside || b.x1 - a.x2 < GAP.start * body {
            joins.push((at, other));
        }
    }
    let mut line_of: Vec<usize> = (0..texts.len()).collect();
    for (a, b) in joins {
        let (to, from) = (line_of[a], line_of[b]);
        line_of
            .iter_mut()
            .filter(|line| **line == from)
            .for_each(|line| *line = to);
    }
    let mut lines: Vec<Vec<usize>> = vec![Vec::new(); texts.len()];
    for (at, line) in line_of.into_iter().enumerate() {
        lines[line].push(texts[at]);
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// For each line those right below it.
fn neighbours(boxes: &[Rect], walls: &[Rect]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by(|&a, &b| boxes[a].center_y().total_cmp(&boxes[b].center_y()));
    let tallest = boxes.iter().map(Rect::height).fold(0.0, f32::max);
    let mut below = vec![Vec::new(); boxes.len()];
    for (rank, &at) in order.iter().enumerate() {
        crate::deadline::check();
        let a = &boxes[at];
        // What is seen from the line's lower side.
        let mut found: Vec<usize> = Vec::new();
        for &other in &order[rank + 1..] {
            let b = &boxes[other];
            let step = b.center_y() - a.center_y();
            if step > STEP * a.height().max(tallest) {
                break;
            }
            let common = a.overlap_x(b);
            let is_below = step > LEAST_STEP * a.height().min(b.height())
                && step < STEP * a.height().max(b.height())
                && common > COMMON * a.width().min(b.width());
            let is_hidden = found.iter().any(|seen| {
                let seen = &boxes[*seen];
                seen.overlap_x(b) > COMMON * b.width().min(seen.width())
                    && b.center_y() - seen.center_y() > LEAST_STEP * b.height().min(seen.height())
            });
            let is_walled = walls.iter().any(|wall| {
                (a.center_y()..b.center_y()).contains(&wall.center_y())
                    && wall.overlap_x(a) > COMMON * a.width()
            });
            if is_below && !is_hidden && !is_walled {
                found.push(other);
            }
        }
        below[at] = found;
    }
    below
}

impl Stack {
    /// `true` if its lines fill its width.
    fn is_prose(&self, body: f32) -> bool {
        let width = share_of(self.lines.iter().map(Rect::width), WIDE_LINE);
        let typical = share_of(self.lines.iter().map(Rect::width), 0.5);
        self.lines.len() >= LEAST_LINES && width >= LEAST_WIDTH * body && typical >= FILL * width
    }

    /// `true` if several lines of both stand side by side.
    pub(super) fn stands_beside(&self, other: &Stack) -> bool {
        let height = self.line_height().max(other.line_height());
        let (a, b) = (self.span, other.span);
        let common = a.1.min(b.1) - a.0.max(b.0);
        common < APART * (a.1 - a.0).min(b.1 - b.0)
            && self.bbox.overlap_y(&other.bbox) > LINES_BESIDE * height
    }

    fn line_height(&self) -> f32 {
        share_of(self.lines.iter().map(Rect::height), 0.5)
    }

    /// Tops of its first line, and of those with more room above them than lines of a paragraph have.
    fn starts(&self) -> Vec<f32> {
        let steps = || {
            self.lines
                .windows(2)
                .map(|two| two[1].center_y() - two[0].center_y())
        };
        let pitch = share_of(steps(), 0.5);
        let later = steps().zip(&self.lines[1..]);
        let later = later.filter(|(step, _)| *step > MORE_ROOM * pitch);
        let first = self.lines.first().map(Rect::center_y);
        first
            .into_iter()
            .chain(later.map(|(_, line)| line.center_y()))
            .collect()
    }
}

/// Numbers of the stacks that are columns of prose beside others, or go on above or below one of these.
pub(super) fn columns(stacks: &[Stack], body: f32) -> Vec<usize> {
    let prose: Vec<usize> = (0..stacks.len())
        .filter(|i| stacks[*i].is_prose(body))
        .collect();
    let is_beside = |i: &usize| {
        let mut others = prose.iter().filter(|other| *other != i);
        others.any(|other| {
            let (a, b) = (&stacks[*i], &stacks[*other]);
            a.stands_beside(b) && !are_rows(a, b)
        })
    };
    let beside: Vec<usize> = prose.iter().copied().filter(is_beside).collect();
    let goes_on = |i: &usize| {
        let (from, to) = stacks[*i].span;
        let slack = SAME_ENDS * (to - from);
        beside.iter().any(|other| {
            let other = stacks[*other].span;
            (other.0 - from).abs() < slack && (other.1 - to).abs() < slack
        })
    };
    prose.into_iter().filter(goes_on).collect()
}

/// `true` if the paragraphs of two stacks begin at the same heights: cells of a table.
fn are_rows(a: &Stack, b: &Stack) -> bool {
    let slack = SAME_TOP * a.line_height().min(b.line_height());
    let (tops, others) = (a.starts(), b.starts());
    let is_in = |y: &&f32, list: &[f32]| list.iter().any(|other| (*y - other).abs() < slack);
    let matched = tops.iter().filter(|y| is_in(y, &others)).count();
    let least = tops.len().min(others.len());
    least >= ROWS && matched as f32 >= ROWS_SHARE * tops.len().max(others.len()) as f32
}
