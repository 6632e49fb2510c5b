//! Figures: raster pictures and groups of drawn shapes, distinguished from backgrounds, frames and bullets.

use super::panels::{Background, Content, Surroundings};
use super::thresholds::figures::*;
use super::thresholds::tables::{INSIDE, RULE_MARGIN, SHAPE_MARGIN};
use crate::deadline;
use crate::document::TextSource;
use crate::geometry::Rect;
use crate::lines::{PreparedPage, Segment};
use std::collections::HashSet;

/// A figure on a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    /// Bounding box, including labels.
    pub bbox: Rect,
    /// `true` for a chart: a drawn figure with numbers along it.
    pub is_chart: bool,
    /// Indices of the segments inside.
    pub segments: Vec<usize>,
}

/// Shapes beyond this number are joined coarsely.
const MAX_SHAPES: usize = 4000;

/// Finds the figures of a page. `taken` is `true` for segments of tables, whose boxes are `tables`.
pub(super) fn find(page: &PreparedPage, taken: &[bool], tables: &[Rect], body: f32) -> Vec<Figure> {
    let (width, height) = (page.width as f32, page.height as f32);
    let page_area = (width * height).max(1.0);
    let in_table = |r: &Rect| {
        tables
            .iter()
            .any(|t| r.share_inside(&t.expanded(SHAPE_MARGIN, SHAPE_MARGIN)) > INSIDE)
    };
    let untaken: Vec<usize> = (0..page.text.segments.len())
        .filter(|i| !taken[*i])
        .collect();
    let segments = &page.text.segments;

    // Figures of a scan were found in its picture: they may be drawings, with labels around them.
    let scanned = page.text.source == TextSource::Lines;
    let mut boxes: Vec<(Rect, bool)> = Vec::new();
    for image in &page.images {
        let image = image.clamped(width, height);
        if image.area() < BACKGROUND_SHARE * page_area && !in_table(&image) && image.area() > 0.0 {
            boxes.push((image, !scanned));
        }
    }
    let fills = whole_fills(&page.fills);
    let is_small = |r: &Rect| r.area() < BACKGROUND_SHARE * page_area;
    let clamped = |r: &Rect| r.clamped(width, height);
    let drawn: Vec<Rect> = page.drawings.iter().map(clamped).collect();
    let filled: Vec<Rect> = fills.iter().map(clamped).collect();
    let around = Surroundings {
        segments,
        free: &untaken,
        fills: &filled,
        drawn: &drawn,
        rulings: &page.rulings,
        body,
    };
    let (mut in_panels, mut read): (HashSet<usize>, HashSet<usize>) = Default::default();
    let mut shapes: Vec<Rect> = Vec::new();
    let found = drawn.iter().map(|r| (r, false));
    for (shape, is_fill) in found.chain(filled.iter().map(|r| (r, true))) {
        deadline::check();
        let is_background = match around.background(shape, is_fill) {
            Background::No => false,
            Background::OfLabels => true,
            Background::OfText(text, runs) => {
                in_panels.extend(text);
                read.extend(runs);
                true
            }
        };
        if !is_background && is_small(shape) && !in_table(shape) {
            shapes.push(*shape);
        }
    }
    if scanned {
        for (bbox, _) in &mut boxes {
            // The axes of a chart count as ruling lines.
            let lines = page.rulings.iter().filter(|r| !in_table(r));
            *bbox = lines
                .filter(|r| {
                    r.near(bbox, AXIS_GAP * body)
                        && r.width().max(r.height()) < AXIS_LENGTH * bbox.width().max(bbox.height())
                })
                .fold(*bbox, |b, r| b.union(r));
        }
    }
    let mut groups = grouped(shapes, SHAPE_GAP * body, &page.rulings, tables);
    let all: Vec<Rect> = groups.iter().chain(&page.images).copied().collect();
    let is_alone = |bbox: &Rect| {
        let beside = |other: &&Rect| other.near(bbox, NEIGHBOUR * body);
        all.iter().filter(beside).count() == 1
    };
    // The frame of a text goes before it can be joined with pictures that it may have.
    groups.retain(|bbox| {
        let lies_inside = |i: &usize| segments[*i].bbox.share_inside(bbox) > LABEL_INSIDE;
        let inside: Vec<usize> = untaken.iter().copied().filter(lies_inside).collect();
        !matches!(around.content(bbox, &inside, is_alone(bbox)), Content::Text)
    });
    boxes.extend(groups.into_iter().map(|r| (r, false)));
    join_overlapping(&mut boxes);

    let mut figures: Vec<Figure> = Vec::new();
    let mut free = untaken.clone();
    for (bbox, raster) in boxes {
        // A label between two figures belongs to the first.
        free.retain(|i| !figures.last().is_some_and(|f| f.segments.contains(i)));
        if bbox.width() < MIN_SIDE * body || bbox.height() < MIN_SIDE * body {
            continue;
        }
        // Words printed over a photograph are text; one or two words may be a label.
        let is_label = |s: &Segment| !raster || s.words.len() <= PHOTO_LABEL_WORDS;
        let lies_inside = |s: &Segment| s.bbox.share_inside(&bbox) > LABEL_INSIDE;
        let mut inside: Vec<usize> = free
            .iter()
            .copied()
            .filter(|&i| lies_inside(&segments[i]) && is_label(&segments[i]))
            .collect();
        // What is drawn behind the text of a panel decorates it.
        let behind = inside.iter().filter(|i| !raster && read.contains(i));
        let behind: f32 = behind.map(|i| segments[*i].bbox.area()).sum();
        if behind > BEHIND_SHARE * bbox.area() {
            continue;
        }
        inside.retain(|i| raster || !read.contains(i));
        let large = bbox.area() > LARGE_SHARE * page_area;
        if is_text_background(&bbox, &inside, segments, raster, large) {
            continue;
        }
        if !raster {
            match around.content(&bbox, &inside, false) {
                Content::Text if !page.images.iter().any(|p| p.near(&bbox, 0.0)) => continue,
                Content::Text | Content::Drawing => {}
                Content::DrawingBehind(text) => inside.retain(|i| !text.contains(i)),
            }
        }
        let banner = !raster && bbox.height() < BANNER_HEIGHT * body && !inside.is_empty();
        if banner {
            continue;
        }
        let outside = |i: &usize| !in_panels.contains(i);
        let labels: Vec<usize> = free.iter().copied().filter(outside).collect();
        figures.push(with_labels(bbox, raster, inside, &labels, segments, body));
    }
    figures
}

/// Filled areas that can be seen. The shades of lines below one another, as listings have them, are one area.
fn whole_fills(fills: &[(Rect, [u8; 3])]) -> Vec<Rect> {
    let mut whole: Vec<(Rect, [u8; 3])> = Vec::new();
    for (fill, color) in fills.iter().filter(|(_, color)| *color != [255; 3]) {
        // The shades of both margins may come between.
        let line_above = whole.iter_mut().rev().take(4).find(|(above, same)| {
            let aligned = (above.x1 - fill.x1).abs().max((above.x2 - fill.x2).abs()) < STRIP_SLACK;
            let touches = (fill.y1 - above.y2).abs() < STRIP_SLACK;
            aligned && touches && same == color
        });
        match line_above {
            Some((above, _)) => *above = above.union(fill),
            None => whole.push((*fill, *color)),
        }
    }
    whole.into_iter().map(|(fill, _)| fill).collect()
}

/// Groups of nearby shapes; ruling lines outside tables join a group that they touch.
fn grouped(mut shapes: Vec<Rect>, gap: f32, rulings: &[Rect], tables: &[Rect]) -> Vec<Rect> {
    if shapes.len() > MAX_SHAPES {
        shapes = coarse(&shapes, gap);
    }
    // With shapes sorted by left edge, only those whose extents still overlap need comparing.
    let mut groups: Vec<Rect> = shapes;
    loop {
        deadline::check();
        let before = groups.len();
        groups.sort_by(|a, b| a.x1.total_cmp(&b.x1).then(a.y1.total_cmp(&b.y1)));
        let mut merged: Vec<Rect> = Vec::new();
        for shape in groups {
            match merged
                .iter_mut()
                .rev()
                .take(400)
                .find(|g| g.near(&shape, gap / 2.0))
            {
                Some(group) => *group = group.union(&shape),
                None => merged.push(shape),
            }
        }
        groups = merged;
        if groups.len() == before {
            break;
        }
    }
    for ruling in rulings {
        join_ends(&mut groups, ruling, gap);
    }
    for ruling in rulings.iter().filter(|r| {
        !tables
            .iter()
            .any(|t| r.share_inside(&t.expanded(RULE_MARGIN, RULE_MARGIN)) > INSIDE)
    }) {
        // A long rule beside a small shape is not its axis.
        if let Some(group) = groups.iter_mut().find(|g| g.near(ruling, DRAWN_AXIS_GAP)) {
            let larger = group.union(ruling);
            if larger.area() < AXIS_GROWTH * group.area().max(1.0) {
                *group = larger;
            }
        }
    }
    groups
}

/// Makes the two groups one that a line leads from and to, as in a diagram.
fn join_ends(groups: &mut Vec<Rect>, line: &Rect, reach: f32) {
    let across = line.width() >= line.height();
    let turned = |r: &Rect| match across {
        true => *r,
        false => Rect::new(r.y1, r.x1, r.y2, r.x2),
    };
    let line_across = turned(line);
    // A line may run on through the head of its arrow.
    let ends = -DRAWN_AXIS_GAP..reach;
    let at_level = |g: &Rect| (g.y1..g.y2).contains(&line_across.center_y());
    let from = groups.iter().position(|g| {
        let g = turned(g);
        at_level(&g) && ends.contains(&(g.x2 - line_across.x1)) && g.x1 < line_across.x1
    });
    let to = groups.iter().position(|g| {
        let g = turned(g);
        at_level(&g) && ends.contains(&(line_across.x2 - g.x1)) && g.x2 > line_across.x2
    });
    if let (Some(from), Some(to)) = (from, to)
        && from != to
    {
        groups[from] = groups[from].union(&groups[to]).union(line);
        groups.remove(to);
    }
}

/// One box for all shapes whose upper left corners share a grid cell.
fn coarse(shapes: &[Rect], cell: f32) -> Vec<Rect> {
    let mut cells: std::collections::BTreeMap<(i32, i32), Rect> = Default::default();
    let cell = cell.max(1.0) * 2.0;
    for shape in shapes {
        let key = ((shape.y1 / cell) as i32, (shape.x1 / cell) as i32);
        cells
            .entry(key)
            .and_modify(|r| *r = r.union(shape))
            .or_insert(*shape);
    }
    cells.into_values().collect()
}

/// Merges boxes that overlap by much of the smaller one.
fn join_overlapping(boxes: &mut Vec<(Rect, bool)>) {
    let mut i = 0;
    while i < boxes.len() {
        deadline::check();
        let (bbox, raster) = boxes[i];
        let other = (0..boxes.len()).find(|&j| {
            j != i && {
                let smaller = bbox.area().min(boxes[j].0.area()).max(1.0);
                let strips = is_strip_of(&bbox, &boxes[j].0) && raster && boxes[j].1;
                bbox.intersection(&boxes[j].0).area() > JOIN_SHARE * smaller
                    || bbox.share_inside(&boxes[j].0) > JOIN_SHARE
                    || strips
            }
        });
        match other {
            Some(j) => {
                boxes[i] = (bbox.union(&boxes[j].0), raster && boxes[j].1);
                boxes.remove(j);
                i = 0;
            }
            None => i += 1,
        }
    }
}

/// `true` if two pictures are strips of one, as some programs cut them: equally wide, one below the other.
fn is_strip_of(a: &Rect, b: &Rect) -> bool {
    let gap = (b.y1 - a.y2).max(a.y1 - b.y2);
    (a.x1 - b.x1).abs() < STRIP_SLACK && (a.x2 - b.x2).abs() < STRIP_SLACK && gap < STRIP_SLACK
}

/// `true` for a picture behind text, or the decoration of a page.
fn is_text_background(
    bbox: &Rect,
    inside: &[usize],
    segments: &[Segment],
    raster: bool,
    large: bool,
) -> bool {
    let in_lines = |i: &usize| {
        if segments[*i].words.len() >= LINE_WORDS {
            segments[*i].words.len()
        } else {
            0
        }
    };
    if large && inside.iter().map(in_lines).sum::<usize>() >= LARGE_WORDS {
        return true;
    }
    let all: f32 = inside.iter().map(|i| segments[*i].bbox.area()).sum();
    raster && all / bbox.area().max(1.0) > MAX_TEXT_SHARE
}

fn with_labels(
    mut bbox: Rect,
    raster: bool,
    mut inside: Vec<usize>,
    free: &[usize],
    segments: &[Segment],
    body: f32,
) -> Figure {
    if !raster {
        let reach = |segment: &Segment| {
            if segment.style.font_size < SMALL_LABEL * body {
                SMALL_LABEL_GAP
            } else {
                LABEL_GAP
            }
        };
        let drawn = bbox;
        for &i in free
            .iter()
            .filter(|i| !inside.contains(*i))
            .collect::<Vec<_>>()
        {
            let segment = &segments[i];
            let label =
                segment.words.len() <= LABEL_WORDS && segment.style.font_size < LABEL_SIZE * body;
            let beside = segment.bbox.near(&drawn, reach(segment) * body)
                && segment.bbox.width() < LABEL_WIDTH * drawn.width();
            let caption = crate::layout::captions::caption_kind(&segment.plain_text()).is_some();
            if label && beside && !caption {
                bbox = bbox.union(&segment.bbox);
                inside.push(i);
            }
        }
    }
    inside.sort_unstable();
    let numbers = inside
        .iter()
        .filter(|i| {
            let text = segments[**i].plain_text();
            text.chars().any(|c| c.is_ascii_digit()) && text.chars().all(|c| !c.is_alphabetic())
        })
        .count();
    Figure {
        bbox,
        is_chart: !raster && numbers >= CHART_NUMBERS,
        segments: inside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_shapes_are_one_figure() {
        let shapes = vec![
            Rect::new(0.0, 0.0, 10.0, 10.0),
            Rect::new(18.0, 0.0, 30.0, 10.0),
            Rect::new(100.0, 0.0, 130.0, 40.0),
        ];
        let axis = Rect::new(100.0, 40.0, 140.0, 41.0);
        let groups = grouped(shapes, 20.0, &[axis], &[]);
        assert_eq!(
            groups,
            [
                Rect::new(0.0, 0.0, 30.0, 10.0),
                Rect::new(100.0, 0.0, 140.0, 41.0)
            ]
        );
    }

    #[test]
    fn overlapping_boxes_are_joined() {
        let mut boxes = vec![
            (Rect::new(0.0, 0.0, 50.0, 50.0), true),
            (Rect::new(10.0, 10.0, 20.0, 20.0), false),
            (Rect::new(60.0, 0.0, 70.0, 9.0), true),
        ];
        join_overlapping(&mut boxes);
        assert_eq!(
            boxes,
            [
                (Rect::new(0.0, 0.0, 50.0, 50.0), false),
                (Rect::new(60.0, 0.0, 70.0, 9.0), true)
            ]
        );
    }

    #[test]
    fn boxes_that_a_line_joins_are_one_figure() {
        let shapes = vec![
            Rect::new(0.0, 0.0, 100.0, 40.0),
            Rect::new(200.0, 0.0, 300.0, 40.0),
            Rect::new(0.0, 200.0, 100.0, 240.0),
        ];
        let arrow = Rect::new(100.0, 20.0, 200.0, 21.0);
        let rule = Rect::new(0.0, 150.0, 300.0, 151.0);
        let groups = grouped(shapes, 20.0, &[arrow, rule], &[]);
        assert_eq!(
            groups,
            [
                Rect::new(0.0, 0.0, 300.0, 40.0),
                Rect::new(0.0, 200.0, 100.0, 240.0)
            ]
        );
    }

    #[test]
    fn shades_of_lines_are_one_area() {
        let gray = [240; 3];
        let line = |y: f32| (Rect::new(10.0, y, 400.0, y + 20.0), gray);
        let margin = |y: f32| (Rect::new(4.0, y, 10.0, y + 20.0), gray);
        let fills = [
            line(0.0),
            margin(0.0),
            line(20.0),
            margin(20.0),
            (Rect::new(10.0, 40.0, 400.0, 60.0), [255, 0, 0]),
            (Rect::new(10.0, 60.0, 400.0, 80.0), [255; 3]),
        ];
        assert_eq!(
            whole_fills(&fills),
            [
                Rect::new(10.0, 0.0, 400.0, 40.0),
                Rect::new(4.0, 0.0, 10.0, 40.0),
                Rect::new(10.0, 40.0, 400.0, 60.0)
            ]
        );
    }
}
