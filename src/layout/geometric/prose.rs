//! Columns of prose on a page whose lines were read from its picture.
//!
//! There, lines of neighbouring columns stand at any height to one another, a page that is turned or bent has no straight
//! gutter, and rows that overlap a little run through all columns. So lines are first put below each other, each by its
//! own neighbours ([`stacks`]), and stacks that fill their width are columns. What is read before what then follows from
//! places of two blocks each: one above the other, or left of it unless something across both lies between.
//!
//! In: the items of a page, and the zones that white gutters give. Out: other zones, if those read columns of prose across.

mod order;
mod stacks;

use super::columns::Zone;
use super::flow::ColumnItem;
use super::thresholds::prose::*;
use crate::geometry::Rect;
use crate::lines::{Direction, Segment};
use order::in_order;
use stacks::{Stack, stacks};

/// Something that is read as a unit.
#[derive(Debug, Clone, Default)]
struct Block {
    /// Its items; none for white space that divides the page.
    items: Vec<usize>,
    bbox: Rect,
    /// Left and right end of its typical line: columns of a turned page lean, so that their boxes overlap.
    span: (f32, f32),
    /// It lies across what is around it, and nothing goes on over it.
    divides: bool,
}

impl Block {
    fn new(items: Vec<usize>, all: &[ColumnItem]) -> Block {
        let bbox = super::flow::bounds(all, &items);
        Block {
            items,
            bbox,
            span: (bbox.x1, bbox.x2),
            divides: false,
        }
    }

    fn width(&self) -> f32 {
        self.span.1 - self.span.0
    }

    /// `true` if its typical line has these ends.
    fn has_ends(&self, (from, to): (f32, f32)) -> bool {
        let slack = SAME_ENDS * self.width().max(to - from);
        (self.span.0 - from).abs() < slack && (self.span.1 - to).abs() < slack
    }

    /// `true` if two blocks are above one another.
    fn shares_width(&self, other: &Block) -> bool {
        let common = self.span.1.min(other.span.1) - self.span.0.max(other.span.0);
        common > COMMON_WIDTH * self.width().min(other.width())
    }
}

/// Where text stands that is no column.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// Above or below all columns.
    Across,
    /// In a column with these ends.
    Column((f32, f32)),
    /// Beside columns.
    Free,
}

impl Place {
    /// `true` if text at both places may be one row.
    fn is_same(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Across, Place::Across) => true,
            (Place::Column(a), Place::Column(b)) => a.0 < b.1 && b.0 < a.1,
            _ => false,
        }
    }
}

/// The zones of a page in reading order; `None` if it has no columns of prose, or `before` has each of them in one piece.
///
/// `rules` are horizontal rules, `body` is the body size in pixels.
pub(super) fn zones(
    items: &[ColumnItem],
    before: &[Zone],
    rules: &[Rect],
    body: f32,
    right_to_left: bool,
) -> Option<Vec<Zone>> {
    if items.len() > MOST_ITEMS {
        return None;
    }
    let stacks = stacks(items, body);
    let columns = stacks::columns(&stacks, body);
    if columns.is_empty() || are_kept(&stacks, &columns, before) {
        return None;
    }
    let mut blocks = blocks(items, &stacks, &columns, body);
    blocks.extend(dividers(rules, &blocks[..columns.len()], body));
    Some(joined(in_order(&blocks, body, right_to_left), blocks))
}

/// Rules across several columns.
fn dividers(rules: &[Rect], columns: &[Block], body: f32) -> Vec<Block> {
    let is_across = |rule: &Rect| {
        let under = columns.iter().filter(|column| {
            let common = rule.x2.min(column.span.1) - rule.x1.max(column.span.0);
            common > ACROSS * column.width()
        });
        let mut spans = under.map(|column| column.span);
        let first = spans.next();
        let is_apart = |span: (f32, f32), first: (f32, f32)| span.0 > first.1 || span.1 < first.0;
        first.is_some_and(|first| spans.any(|span| is_apart(span, first)))
    };
    let block = |rule: Rect| Block {
        items: Vec::new(),
        bbox: Rect::new(rule.x1, rule.center_y(), rule.x2, rule.center_y()),
        span: (rule.x1, rule.x2),
        divides: true,
    };
    let whole = whole_rules(rules, body);
    whole.into_iter().filter(is_across).map(block).collect()
}

/// Horizontal rules, those of one line in one piece.
fn whole_rules(rules: &[Rect], body: f32) -> Vec<Rect> {
    let is_thin = |rule: &&Rect| rule.height() < RULE_HEIGHT * body && rule.width() > body;
    let mut pieces: Vec<Rect> = rules
        .iter()
        .filter(is_thin)
        .take(MOST_RULES)
        .copied()
        .collect();
    pieces.sort_by(|a, b| a.x1.total_cmp(&b.x1));
    // Each with its last piece.
    let mut whole: Vec<(Rect, Rect)> = Vec::new();
    for piece in pieces {
        let goes_on = |(_, last): &&mut (Rect, Rect)| {
            (last.center_y() - piece.center_y()).abs() < RULE_STEP * body
                && piece.x1 - last.x2 < RULE_GAP * body
        };
        match whole.iter_mut().find(goes_on) {
            Some((rule, last)) => (*rule, *last) = (rule.union(&piece), piece),
            None => whole.push((piece, piece)),
        }
    }
    whole.into_iter().map(|(rule, _)| rule).collect()
}

/// For each segment the number of the column of prose that it is in, of those with many lines.
pub(super) fn long_columns(segments: &[Segment], body: f32) -> Vec<Option<usize>> {
    let mut column_of = vec![None; segments.len()];
    if segments.len() > MOST_ITEMS {
        return column_of;
    }
    let item = |segment: &Segment| ColumnItem {
        is_text: segment.direction == Direction::Horizontal,
        ..ColumnItem::of_text(segment)
    };
    let items: Vec<ColumnItem> = segments.iter().map(item).collect();
    let stacks = stacks(&items, body);
    for at in stacks::columns(&stacks, body) {
        if stacks[at].items.len() >= LONG_COLUMN {
            stacks[at]
                .items
                .iter()
                .for_each(|i| column_of[*i] = Some(at));
        }
    }
    column_of
}

/// `true` if most of some segments are lines of several columns of prose; `column_of` as [`long_columns`] gives it.
pub(super) fn are_columns(segments: &[usize], column_of: &[Option<usize>]) -> bool {
    let mut columns: Vec<usize> = segments.iter().filter_map(|i| column_of[*i]).collect();
    let is_most = columns.len() as f32 >= MOST_LINES * segments.len() as f32;
    columns.sort_unstable();
    columns.dedup();
    is_most && columns.len() > 1
}

/// `true` if zones have each column in one piece, and never two of them at a time.
fn are_kept(stacks: &[Stack], columns: &[usize], zones: &[Zone]) -> bool {
    // The zone of each line, piece by piece.
    let lists = zones.iter().flat_map(|zone| match zone.pieces.is_empty() {
        true => std::slice::from_ref(&zone.items),
        false => &zone.pieces[..],
    });
    let mut zone_of = std::collections::HashMap::new();
    for (zone, list) in lists.enumerate() {
        zone_of.extend(list.iter().map(|item| (*item, zone)));
    }
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &column in columns {
        let zones = || {
            stacks[column]
                .items
                .iter()
                .filter_map(|item| zone_of.get(item))
        };
        let (first, last) = (zones().min(), zones().max());
        ranges.extend(first.zip(last).map(|(first, last)| (*first, *last)));
    }
    ranges.iter().enumerate().all(|(at, a)| {
        let others = ranges.iter().enumerate().filter(|(other, _)| *other != at);
        let mut beside =
            others.filter(|(other, _)| stacks[columns[at]].stands_beside(&stacks[columns[*other]]));
        beside.all(|(_, b)| a.1 < b.0 || b.1 < a.0)
    })
}

/// Everything on the page as blocks: columns, and rows of what is in none.
fn blocks(items: &[ColumnItem], stacks: &[Stack], columns: &[usize], body: f32) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut loose: Vec<usize> = Vec::new();
    for (at, stack) in stacks.iter().enumerate() {
        if columns.contains(&at) {
            let mut block = Block::new(stack.items.clone(), items);
            block.span = stack.span;
            blocks.push(block);
        } else {
            loose.extend(&stack.items);
        }
    }
    let count = blocks.len();
    // A column of the page: where its lines stand.
    let column_of = |item: usize| {
        let bbox = &items[item].bbox;
        let inside = |block: &&Block| {
            let common = bbox.x2.min(block.span.1) - bbox.x1.max(block.span.0);
            common > IN_COLUMN * bbox.width()
        };
        let away = |block: &Block| {
            (block.bbox.y1 - bbox.y2)
                .max(bbox.y1 - block.bbox.y2)
                .max(0.0)
        };
        let found = blocks[..count].iter().filter(inside);
        found
            .min_by(|a, b| away(a).total_cmp(&away(b)))
            .map(|block| block.span)
    };
    let is_beside_columns = |item: usize| {
        let bbox = &items[item].bbox;
        let core = bbox.expanded(0.0, -BESIDE * bbox.height());
        blocks[..count]
            .iter()
            .any(|block| block.bbox.overlap_y(&core) > 0.0)
    };
    // Between two parts of one column, whatever is beside it.
    let is_within = |item: usize, span: (f32, f32)| {
        let y = items[item].bbox.center_y();
        let own = |block: &&Block| block.has_ends(span);
        let mut parts = blocks[..count].iter().filter(own);
        let is_above = parts.clone().any(|block| block.bbox.y2 < y);
        is_above && parts.any(|block| block.bbox.y1 > y)
    };
    let whole = blocks.iter().map(|block| block.span);
    let whole = whole.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let mut rows: Vec<(Block, Place)> = Vec::new();
    loose.sort_by(|&a, &b| {
        let y = |item: usize| items[item].bbox.center_y();
        y(a).total_cmp(&y(b))
    });
    for item in loose {
        let bbox = items[item].bbox;
        let place = match column_of(item) {
            Some(span) if is_beside_columns(item) || is_within(item, span) => Place::Column(span),
            None if is_beside_columns(item) => Place::Free,
            _ => Place::Across,
        };
        let same = rows.iter_mut().rev().take(ROWS_BACK).find(|(row, other)| {
            let least = row.bbox.height().min(bbox.height());
            place.is_same(other) && row.bbox.overlap_y(&bbox) > SAME_ROW * least
        });
        match same {
            Some((row, _)) => {
                row.items.push(item);
                row.bbox = row.bbox.union(&bbox);
            }
            None => rows.push((Block::new(vec![item], items), place)),
        }
    }
    for (mut row, place) in rows {
        row.span = match (place, whole) {
            (Place::Across, Some(whole)) => (whole.0.min(row.bbox.x1), whole.1.max(row.bbox.x2)),
            (Place::Column(span), _) => span,
            _ => (row.bbox.x1, row.bbox.x2),
        };
        blocks.push(row);
    }
    for item in (0..items.len()).filter(|i| !items[*i].is_text) {
        let mut block = Block::new(vec![item], items);
        block.divides = block.bbox.height() < RULE_HEIGHT * body;
        blocks.push(block);
    }
    blocks.extend(order::white_strips(&blocks[..count], body));
    blocks
}

/// Zones of blocks in their order: those that go on below one another are one.
fn joined(order: Vec<usize>, blocks: Vec<Block>) -> Vec<Zone> {
    let mut zones: Vec<Zone> = Vec::new();
    let mut last: Option<Block> = None;
    for at in order {
        let block = &blocks[at];
        let goes_on = last.as_ref().is_some_and(|last| {
            let is_below = block.bbox.center_y() > last.bbox.center_y();
            is_below && last.has_ends(block.span) && !last.divides && !block.divides
        });
        match (zones.last_mut(), &mut last) {
            (Some(zone), Some(last)) if goes_on => {
                zone.items.extend(&block.items);
                last.bbox = last.bbox.union(&block.bbox);
            }
            _ => {
                zones.push(Zone {
                    items: block.items.clone(),
                    pieces: Vec::new(),
                });
                last = Some(block.clone());
            }
        }
    }
    zones.retain(|zone| !zone.items.is_empty());
    zones
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: f32 = 16.0;

    /// A line of text whose left end is at `(x, y)`.
    fn text(x: f32, y: f32, width: f32) -> ColumnItem {
        ColumnItem {
            bbox: Rect::new(x, y, x + width, y + 20.0),
            is_text: true,
            ..ColumnItem::default()
        }
    }

    /// Lines of a column that leans by a pixel a line.
    fn column(x: f32, y: f32, count: usize) -> Vec<ColumnItem> {
        let line = |i: usize| text(x + i as f32, y + 18.0 * i as f32, 200.0);
        (0..count).map(line).collect()
    }

    fn all_in_one(items: &[ColumnItem]) -> Vec<Zone> {
        let items = (0..items.len()).collect();
        let pieces = Vec::new();
        vec![Zone { items, pieces }]
    }

    fn lists(items: &[ColumnItem]) -> Option<Vec<Vec<usize>>> {
        let zones = zones(items, &all_in_one(items), &[], BODY, false)?;
        let mut lists: Vec<Vec<usize>> = zones.into_iter().map(|zone| zone.items).collect();
        lists.iter_mut().for_each(|list| list.sort_unstable());
        Some(lists)
    }

    #[test]
    fn leaning_columns_with_lines_at_any_height_are_read_one_after_the_other() {
        let mut items = vec![text(120.0, 0.0, 220.0)];
        items.extend(column(0.0, 40.0, 12));
        items.extend(column(212.0, 31.0, 12));
        items.extend(column(424.0, 47.0, 9));
        items.push(text(300.0, 300.0, 60.0));
        let expected = [
            vec![0],
            (1..13).collect(),
            (13..25).collect(),
            (25..34).collect(),
            vec![34],
        ];
        assert_eq!(lists(&items), Some(expected.to_vec()));
        // From right to left.
        let zones = zones(&items, &all_in_one(&items), &[], BODY, true);
        let second = zones.map(|zones| zones[1].items.clone());
        assert_eq!(second, Some((25..34).collect::<Vec<usize>>()));
    }

    #[test]
    fn a_heading_over_some_columns_is_read_before_them() {
        let mut items = column(0.0, 40.0, 14);
        items.extend(column(220.0, 40.0, 5));
        items.extend(column(440.0, 40.0, 5));
        items.push(text(225.0, 150.0, 300.0));
        items.extend(column(222.0, 185.0, 6));
        items.extend(column(442.0, 185.0, 6));
        let expected = [
            (0..14).collect(),
            (14..19).collect(),
            (19..24).collect(),
            vec![24],
            (25..31).collect(),
            (31..37).collect::<Vec<usize>>(),
        ];
        assert_eq!(lists(&items), Some(expected.to_vec()));
    }

    #[test]
    fn white_space_across_three_columns_divides_the_page() {
        let mut items = Vec::new();
        for y in [0.0, 180.0] {
            for x in [0.0, 220.0, 440.0] {
                items.extend(column(x, y, 6));
            }
        }
        let expected: Vec<Vec<usize>> = (0..6).map(|i| (6 * i..6 * i + 6).collect()).collect();
        assert_eq!(lists(&items), Some(expected));
        // One column runs through: the others do, too.
        items.truncate(30);
        items.extend(column(440.0, 108.0, 10));
        let found = lists(&items).unwrap_or_default();
        assert_eq!(found[0], [0, 1, 2, 3, 4, 5, 18, 19, 20, 21, 22, 23]);
    }

    #[test]
    fn rules_in_pieces_divide_columns() {
        let mut items = column(0.0, 0.0, 14);
        items.extend(column(220.0, 0.0, 6));
        items.extend(column(440.0, 0.0, 6));
        items.extend(column(228.0, 130.0, 6));
        items.extend(column(448.0, 130.0, 6));
        let rule = |x1: f32, y: f32, x2: f32| Rect::new(x1, y, x2, y + 2.0);
        let order = |rules: &[Rect]| -> Vec<usize> {
            let zones = zones(&items, &all_in_one(&items), rules, BODY, false);
            let zones = zones.unwrap_or_default();
            zones.iter().map(|zone| zone.items[0]).collect()
        };
        // Without a rule the second column goes on to its end.
        assert_eq!(order(&[]), [0, 14, 20]);
        let rules = [rule(440.0, 123.0, 650.0), rule(222.0, 119.0, 430.0)];
        assert_eq!(order(&rules), [0, 14, 20, 26, 32]);
        // One that is over a single column divides nothing.
        assert_eq!(order(&rules[..1]), [0, 14, 20]);
    }

    #[test]
    fn rules_around_long_columns_make_no_table() {
        let line = |x: f32, y: f32| {
            let word = crate::lines::Word::of(Rect::new(x, y, x + 200.0, y + 20.0), "words");
            Segment::of(vec![word], BODY)
        };
        let column = |x: f32, count: usize| (0..count).map(move |i| line(x, 18.0 * i as f32));
        let segments: Vec<Segment> = column(0.0, 12).chain(column(220.0, 12)).collect();
        let columns = long_columns(&segments, BODY);
        let all: Vec<usize> = (0..24).collect();
        assert!(are_columns(&all, &columns));
        assert!(!are_columns(&all[..12], &columns));
        // Cells of some lines.
        let segments: Vec<Segment> = column(0.0, 4).chain(column(220.0, 4)).collect();
        assert!(!are_columns(&all[..8], &long_columns(&segments, BODY)));
    }

    #[test]
    fn cells_of_rows_are_no_columns() {
        let mut items = Vec::new();
        for x in [0.0, 220.0] {
            for row in 0..4 {
                items.extend(column(x, 75.0 * row as f32, 3));
            }
        }
        assert_eq!(lists(&items), None);
    }

    #[test]
    fn columns_that_are_in_order_stay_as_they_are() {
        let mut items = column(0.0, 0.0, 8);
        items.extend(column(220.0, 0.0, 8));
        let zone = |items: std::ops::Range<usize>| Zone {
            items: items.collect(),
            pieces: Vec::new(),
        };
        let right = [zone(0..8), zone(8..16)];
        assert_eq!(zones(&items, &right, &[], BODY, false), None);
        let wrong = [zone(0..4), zone(8..12), zone(4..8), zone(12..16)];
        assert_eq!(
            zones(&items, &wrong, &[], BODY, false).map(|zones| zones.len()),
            Some(2)
        );
        assert_eq!(zones(&[], &[], &[], BODY, false), None);
    }

    #[test]
    fn a_line_in_two_pieces_does_not_end_its_column() {
        let mut items = column(0.0, 0.0, 12);
        // A wide space in the fifth line.
        items[4] = text(4.0, 72.0, 80.0);
        items.push(text(100.0, 72.0, 104.0));
        items.extend(column(220.0, 7.0, 12));
        let found = lists(&items).unwrap_or_default();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], (0..13).collect::<Vec<usize>>());
    }
}
