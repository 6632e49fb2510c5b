//! Combines regions that a network found in the picture with the page's text: assigns lines to regions, finds
//! the grids of tables, and adds regions for text that the network missed.

use super::geometric;
use super::table::{self, Evidence, FoundTable};
use super::{Region, postprocess};
use crate::document::Label;
use crate::geometry::Rect;
use crate::layout::polygons::ShapeMode;
use crate::lines::{PageText, PreparedPage, Segment};

/// Share of a piece of text or of a rule that must lie in a region to belong to it, more than this: of two regions side by
/// side at most one has it. Larger: text that sticks out of a tight box becomes a region of its own. Smaller: a region takes its
/// neighbour's lines.
const INSIDE: f32 = 0.5;

/// Assigns each text segment to one region; the result is in reading order.
///
/// Text outside all regions gets regions from the geometric detector, so that none is lost because the
/// network missed it.
pub(crate) fn with_text(regions: Vec<Region>, page: &PreparedPage, mode: ShapeMode) -> Vec<Region> {
    let mut regions = postprocess::without_overlaps(&regions, mode);
    let segments = &page.text.segments;
    let mut owner: Vec<Option<usize>> = segments
        .iter()
        .map(|s| owner_of(&s.bbox, &regions))
        .collect();
    let body = page.text.body_size_or_default();
    for (index, region) in regions.iter_mut().enumerate() {
        let own: Vec<usize> = (0..segments.len())
            .filter(|i| owner[*i] == Some(index))
            .collect();
        if region.label == Label::Table
            && let Some(found) = table_in(&region.bbox, &own, page, body)
        {
            // Text in the region but outside the grid is a note or a caption.
            own.iter()
                .filter(|i| !found.segments.contains(i))
                .for_each(|i| owner[*i] = None);
            region.table = Some(found.table);
            region.lines = lines(&found.segments, segments);
        } else {
            region.lines = lines(&own, segments);
        }
    }
    let free: Vec<usize> = (0..segments.len())
        .filter(|i| owner[*i].is_none())
        .collect();
    for region in passed_over(&free, page) {
        let at = place(&region.bbox, &regions);
        regions.insert(at, region);
    }
    let mut order = 0;
    for region in &mut regions {
        region.order = (!region.label.is_unordered()).then(|| {
            order += 1;
            order
        });
    }
    regions
}

/// The region that contains most of a segment; of several the smallest.
fn owner_of(bbox: &Rect, regions: &[Region]) -> Option<usize> {
    let area = |i: &usize| regions[*i].bbox.width() * regions[*i].bbox.height();
    (0..regions.len())
        .filter(|i| bbox.share_inside(&regions[*i].bbox) > INSIDE)
        .min_by(|a, b| area(a).total_cmp(&area(b)))
}

/// Groups segments into rows, from top to bottom.
fn lines(own: &[usize], segments: &[Segment]) -> Vec<Vec<usize>> {
    table::rows(own, segments)
        .into_iter()
        .map(|row| row.segments)
        .collect()
}

/// The table grid of a region: from ruling lines, else from columns separated by white space.
fn table_in(bbox: &Rect, own: &[usize], page: &PreparedPage, body: f32) -> Option<FoundTable> {
    let segments: Vec<Segment> = own.iter().map(|i| page.text.segments[*i].clone()).collect();
    let around = bbox.expanded(body, body);
    let rulings: Vec<Rect> = page
        .rulings
        .iter()
        .filter(|r| r.share_inside(&around) > INSIDE)
        .copied()
        .collect();
    let all: Vec<usize> = (0..segments.len()).collect();
    let largest =
        |found: Vec<FoundTable>| found.into_iter().max_by_key(|table| table.segments.len());
    let fills: Vec<(Rect, [u8; 3])> = page
        .fills
        .iter()
        .filter(|(area, _)| area.share_inside(&around) > INSIDE)
        .copied()
        .collect();
    let size = (page.width as f32, page.height as f32);
    let evidence = Evidence::new(&segments, &rulings, &fills, size, body);
    let found = largest(table::find_drawn(&evidence, &all)).or_else(|| {
        let rows = table::rows(&all, &segments);
        largest(table::find_open(&evidence, &rows))
    })?;
    Some(FoundTable {
        segments: found.segments.iter().map(|i| own[*i]).collect(),
        ..found
    })
}

/// Regions for text segments without a region.
fn passed_over(free: &[usize], page: &PreparedPage) -> Vec<Region> {
    if free.is_empty() {
        return Vec::new();
    }
    let rest = PreparedPage {
        size_points: page.size_points,
        text: PageText {
            source: page.text.source,
            segments: free
                .iter()
                .map(|i| page.text.segments[*i].clone())
                .collect(),
        },
        decision: page.decision.clone(),
        rotation_quarters: page.rotation_quarters,
        skew_degrees: page.skew_degrees,
        is_unwarped: page.is_unwarped,
        ..PreparedPage::blank(page.page_index, page.width, page.height)
    };
    let mut regions = geometric::regions(&rest);
    for region in &mut regions {
        region
            .lines
            .iter_mut()
            .flatten()
            .for_each(|i| *i = free[*i]);
    }
    regions
}

/// Index at which a region belongs in the reading order: behind the last region above it in its column, else
/// before the first one below it there.
fn place(bbox: &Rect, regions: &[Region]) -> usize {
    let in_column = |r: &Region| r.bbox.x1 < bbox.x2 && bbox.x1 < r.bbox.x2;
    let is_above = |r: &Region| r.bbox.center_y() <= bbox.center_y();
    let after = regions
        .iter()
        .rposition(|r| in_column(r) && is_above(r))
        .map(|at| at + 1);
    let before = || regions.iter().position(|r| in_column(r) && !is_above(r));
    after.or_else(before).unwrap_or(regions.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{TextDecision, TextSource};
    use crate::lines::Word;

    fn page(pieces: &[(f32, f32, &str)]) -> PreparedPage {
        let segment = |&(x, y, text): &(f32, f32, &str)| {
            let bbox = Rect::new(x, y, x + 10.0 * text.len() as f32, y + 20.0);
            Segment::of(vec![Word::of(bbox, text)], 20.0)
        };
        PreparedPage {
            text: PageText {
                source: TextSource::TextLayer,
                segments: pieces.iter().map(segment).collect(),
            },
            decision: TextDecision {
                source: TextSource::TextLayer,
                reason: String::new(),
            },
            ..PreparedPage::blank(0, 600, 800)
        }
    }

    fn region(label: Label, x1: f32, y1: f32, x2: f32, y2: f32) -> Region {
        Region::new(label, Rect::new(x1, y1, x2, y2), 0.9)
    }

    #[test]
    fn every_piece_of_text_is_in_one_region() {
        let page = page(&[
            (50.0, 100.0, "above"),
            (50.0, 200.0, "left"),
            (300.0, 202.0, "right"),
            (50.0, 600.0, "missed"),
        ]);
        let found = vec![
            region(Label::DocTitle, 40.0, 90.0, 400.0, 130.0),
            region(Label::Text, 40.0, 190.0, 500.0, 240.0),
        ];
        let regions = with_text(found, &page, ShapeMode::Auto);
        let lines: Vec<_> = regions.iter().map(|r| (r.lines.clone(), r.order)).collect();
        assert_eq!(
            lines,
            [
                (vec![vec![0]], Some(1)),
                (vec![vec![1, 2]], Some(2)),
                (vec![vec![3]], Some(3))
            ]
        );
    }

    #[test]
    fn a_table_region_gets_its_grid_and_gives_back_the_rest() {
        let mut pieces = Vec::new();
        for (row, y) in [100.0, 140.0, 180.0, 220.0].into_iter().enumerate() {
            pieces.extend([
                (50.0, y, "name"),
                (250.0, y, "12.5"),
                (400.0, y, ["a", "b", "c", "d"][row]),
            ]);
        }
        let page = page(&pieces);
        let regions = with_text(
            vec![region(Label::Table, 40.0, 90.0, 500.0, 250.0)],
            &page,
            ShapeMode::Auto,
        );
        assert_eq!(regions.len(), 1);
        let html = regions[0].table.as_ref().unwrap().to_html();
        assert_eq!(html.matches("<tr>").count(), 4, "{html}");
        assert!(
            html.contains("<td>name</td><td>12.5</td><td>d</td>"),
            "{html}"
        );
    }

    #[test]
    fn what_was_passed_over_comes_at_its_place() {
        let regions = [
            region(Label::Text, 0.0, 0.0, 90.0, 50.0),
            region(Label::Text, 0.0, 200.0, 90.0, 250.0),
            region(Label::Text, 100.0, 0.0, 190.0, 50.0),
        ];
        let at = |x1, y1| place(&Rect::new(x1, y1, x1 + 50.0, y1 + 20.0), &regions);
        assert_eq!(
            [
                at(10.0, 100.0),
                at(110.0, 100.0),
                at(10.0, 300.0),
                at(300.0, 0.0)
            ],
            [1, 3, 2, 3]
        );
    }
}
