//! Boxes of forms to be filled in: rectangles of their own inside a ruled area with labels beside them. Their sides divide
//! no cells; the text within belongs to the cell around.

use super::rules::{Rule, groups, merged};
use super::thresholds::drawn::{SNAP, TOUCH};
use super::thresholds::fields::*;
use crate::deadline;
use crate::geometry::Rect;
use crate::lines::Segment;

/// Most lines of a direction on a page where boxes are looked for.
const MAX_LINES: usize = 20_000;

/// Most lines of equal extent that are looked at for a side of a box.
const MAX_SIDES: usize = 200;

/// A rectangle of four lines, by their indices.
struct DrawnBox {
    area: Rect,
    level: [usize; 2],
    upright: [usize; 2],
}

/// The lines without those of boxes to be filled in, horizontal and vertical ones. `level` and `upright` are lines as drawn,
/// before those that touch are joined.
pub(super) fn without_fields(
    level: Vec<Rule>,
    upright: Vec<Rule>,
    segments: &[Segment],
    body: f32,
) -> (Vec<Rule>, Vec<Rule>) {
    if level.len().max(upright.len()) > MAX_LINES {
        return (level, upright);
    }
    let boxes = lone_boxes(&level, &upright, body);
    if boxes.is_empty() {
        return (level, upright);
    }
    let left = |boxes: &[&DrawnBox]| {
        let [mut levels, mut uprights] = [&level, &upright].map(|lines| vec![true; lines.len()]);
        for own in boxes {
            own.level.iter().for_each(|i| levels[*i] = false);
            own.upright.iter().for_each(|i| uprights[*i] = false);
        }
        let pick = |lines: &[Rule], is_left: Vec<bool>| -> Vec<Rule> {
            let kept = lines.iter().zip(is_left).filter(|(_, is_left)| *is_left);
            kept.map(|(line, _)| *line).collect()
        };
        (pick(&level, levels), pick(&upright, uprights))
    };
    // What is ruled around them, and has labels for them.
    let (levels, uprights) = left(&boxes.iter().collect::<Vec<_>>());
    let (levels, uprights) = (merged(levels.into_iter()), merged(uprights.into_iter()));
    let mut fields: Vec<&DrawnBox> = Vec::new();
    for (levels, uprights) in groups(&levels, &uprights) {
        let ([top, .., bottom], [first, .., last]) = (&levels[..], &uprights[..]) else {
            continue;
        };
        let area = Rect::new(first.at, top.at, last.at, bottom.at);
        let own: Vec<&DrawnBox> = boxes
            .iter()
            .filter(|own| own.area.share_inside(&area.expanded(SNAP, SNAP)) > INSIDE)
            .filter(|own| own.area.area() < MOST_OF_AREA * area.area())
            .collect();
        let is_label = |segment: &&Segment| {
            deadline::check();
            let (x, y) = (segment.bbox.center_x(), segment.bbox.center_y());
            area.contains(x, y) && !own.iter().any(|field| field.area.contains(x, y))
        };
        if LABELS.is_reached(segments.iter().filter(is_label).count(), own.len()) {
            fields.extend(own);
        }
    }
    match fields.is_empty() {
        true => (level, upright),
        false => left(&fields),
    }
}

/// Rectangles that no other line meets or divides. Small ones, to be ticked, may stand on a border.
fn lone_boxes(level: &[Rule], upright: &[Rule], body: f32) -> Vec<DrawnBox> {
    let order = |lines: &[Rule]| -> Vec<usize> {
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by(|a, b| lines[*a].at.total_cmp(&lines[*b].at));
        order
    };
    let (levels, uprights) = (order(level), order(upright));
    // The lines of an order whose position lies between two values.
    let near = |lines: &[Rule], order: &[usize], from: f32, to: f32| -> std::ops::Range<usize> {
        let first = order.partition_point(|i| lines[*i].at < from);
        first..first + order[first..].partition_point(|i| lines[*i].at <= to)
    };
    let is_near = |a: f32, b: f32| (a - b).abs() < SNAP;
    let mut found: Vec<DrawnBox> = Vec::new();
    for (at, &top) in levels.iter().enumerate() {
        deadline::check();
        let own = level[top];
        if own.to - own.from > MOST_WIDTH * body {
            continue;
        }
        let is_bottom = |i: &&usize| {
            let other = level[**i];
            other.at - own.at > SNAP && is_near(other.from, own.from) && is_near(other.to, own.to)
        };
        let Some(&bottom) = levels[at + 1..].iter().take(MAX_SIDES).find(is_bottom) else {
            continue;
        };
        let area = Rect::new(own.from, own.at, own.to, level[bottom].at);
        let side = |x: f32| {
            let range = near(upright, &uprights, x - SNAP, x + SNAP);
            let mut sides = uprights[range].iter().take(MAX_SIDES).copied();
            sides.find(|i| is_near(upright[*i].from, area.y1) && is_near(upright[*i].to, area.y2))
        };
        let (Some(left), Some(right)) = (side(area.x1), side(area.x2)) else {
            continue;
        };
        let own = DrawnBox {
            area,
            level: [top, bottom],
            upright: [left, right],
        };
        let is_small = area.width().max(area.height()) < TICK_SIZE * body;
        let around = match is_small {
            // A line through its middle, not one along a side.
            true => area.expanded(-area.width() / 4.0, -area.height() / 4.0),
            false => area.expanded(TOUCH, TOUCH),
        };
        let crosses =
            |lines: &[Rule], order: &[usize], is_own: [usize; 2], at: [f32; 2], along: [f32; 2]| {
                let range = near(lines, order, at[0], at[1]);
                range.len() > MAX_SIDES
                    || order[range].iter().any(|i| {
                        let line = &lines[*i];
                        let is_same = is_own.iter().any(|own| *own == *i || lines[*own] == *line);
                        !is_same && line.from < along[1] && along[0] < line.to
                    })
            };
        let (x, y) = ([around.x1, around.x2], [around.y1, around.y2]);
        if !crosses(level, &levels, own.level, y, x)
            && !crosses(upright, &uprights, own.upright, x, y)
        {
            found.push(own);
        }
    }
    if found.is_empty() {
        return found;
    }
    // Boxes in a row for a character each are a grid.
    let is_beside = |a: &Rect, b: &Rect| {
        is_near(a.y1, b.y1) && is_near(a.y2, b.y2) && (is_near(a.x2, b.x1) || is_near(a.x1, b.x2))
    };
    let areas: Vec<Rect> = found.iter().map(|own| own.area).collect();
    let from = |at: usize| at.saturating_sub(MAX_SIDES)..(at + MAX_SIDES).min(areas.len());
    let mut at = 0..areas.len();
    found.retain(|own| {
        let at = at.next().unwrap_or_default();
        !areas[from(at)]
            .iter()
            .any(|other| is_beside(other, &own.area))
    });
    found
}
