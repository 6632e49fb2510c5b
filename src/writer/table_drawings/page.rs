//! One page: evidence, areas that were considered, and chosen tables, over the page's lightened picture, with a legend in a
//! margin at the top.

use super::labels::{LabelBox, stacked};
use crate::document::Page;
use crate::geometry::Rect;
use crate::layout::{Considered, TableTrace};
use crate::writer::pdf::{self, Opacity};
use pdf_writer::{Content, Name};

/// Opacity of the white over the page's picture: its text can still be read.
const VEIL: Name = Name(b"V");
/// Opacity of gaps and head cells: text under them can be read.
const TINT: Name = Name(b"T");
/// The levels of opacity for the file.
pub(super) const OPACITIES: [Opacity; 2] = [(VEIL, 0.5), (TINT, 0.25)];

type Color = [f32; 3];

// Evidence.
const RULE: Color = [1.0, 0.45, 0.4];
const SHADE: Color = [1.0, 0.75, 0.2];
const PIECE: Color = [0.45, 0.55, 0.75];
const GAP: Color = [0.0, 0.6, 0.65];
const WEIGHT: Color = [0.0, 0.3, 0.35];
// Hypotheses.
const REFUSED: Color = [0.6, 0.0, 0.55];
const LOST: Color = [0.5, 0.33, 0.1];
// The choice.
const CHOSEN: Color = [0.0, 0.45, 0.1];
const INK: Color = [0.1; 3];
const WHITE: Color = [1.0; 3];

/// Width in points of a page on which sizes are as given below; on others they grow and shrink with it.
const USUAL_WIDTH: f32 = 595.0;
/// Factor of sizes on small pages: smaller type could not be read beside that of the page.
const LEAST_UNIT: f32 = 0.8;
/// Font size of the legend.
const LEGEND_FONT: f32 = 6.5;
/// Most labels on a page.
const MOST_LABELS: usize = 300;
/// Font size of labels of areas.
const LABEL_FONT: f32 = 5.2;
/// Font size of weights in gaps.
const WEIGHT_FONT: f32 = 3.4;
/// Height of a line in relation to its font size.
const LEADING: f32 = 1.45;
/// Distance between parts of the legend, and from the page's edge.
const SPACE: f32 = 6.0;
/// Width of the sample of a colour.
const SAMPLE: f32 = 12.0;
/// Line widths. Evidence is wide, so that it can be seen on both sides of what is drawn over it.
const WIDE: f32 = 2.6;
const THICK: f32 = 1.3;
const MEDIUM: f32 = 0.8;
const THIN: f32 = 0.3;
/// Length of the marks outside of a table where its separators end.
const TICK: f32 = 5.0;
/// Step between the outlines of areas that are the same.
const STEP: f32 = 1.6;
/// Distance in page pixels below which the sides of areas are the same.
const SAME_SIDE: f32 = 3.0;
/// Weights from here are those of sure gaps, for which no number is shown.
const SURE_WEIGHT: f32 = 0.995;

/// How a colour is used.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sample {
    Line,
    Box,
    Tint,
    Dashed,
}

/// An entry of the legend: colour, how it is used, what it means.
type Entry = (Color, Sample, &'static str);

/// The legend: steps with their entries.
const LEGEND: [(&str, &[Entry]); 3] = [
    (
        "1 evidence",
        &[
            (RULE, Sample::Line, "ruling line"),
            (SHADE, Sample::Line, "border of a shaded area"),
            (PIECE, Sample::Box, "piece of a line of text"),
            (GAP, Sample::Tint, "gap (weight, if it is below 1)"),
        ],
    ),
    (
        "2 considered",
        &[
            (REFUSED, Sample::Dashed, "no table, with the reason"),
            (
                LOST,
                Sample::Dashed,
                "a table that lost against another one",
            ),
        ],
    ),
    (
        "3 chosen",
        &[
            (CHOSEN, Sample::Box, "cells; marks outside: separators"),
            (CHOSEN, Sample::Tint, "head"),
        ],
    ),
];

/// A part of the legend with its place: left side, and number of its row from 0.
struct Placed {
    x: f32,
    row: usize,
    sample: Option<(Color, Sample)>,
    text: String,
}

/// The drawing of one page. Sizes are points.
pub(super) struct PageDrawing<'a> {
    trace: Option<&'a TableTrace>,
    /// Width and height of the page, without the margin.
    page: (f32, f32),
    /// Height of the margin above it.
    margin: f32,
    /// Points per page pixel.
    scale: (f32, f32),
    /// Factor of all sizes.
    unit: f32,
    legend: Vec<Placed>,
    content: Content,
}

impl<'a> PageDrawing<'a> {
    /// A drawing of a page; `trace` is missing if the page has no regions from its text.
    pub(super) fn new(page: &Page, trace: Option<&'a TableTrace>) -> Self {
        let size = pdf::page_size(page.size_points);
        let unit = (size.0.min(size.1) / USUAL_WIDTH).max(LEAST_UNIT);
        let legend = legend(page, trace, size.0, unit);
        let rows = legend.last().map_or(0, |part| part.row + 1);
        let font = LEGEND_FONT * unit;
        Self {
            trace,
            page: size,
            margin: rows as f32 * LEADING * font + SPACE * unit,
            scale: (
                size.0 / page.width.max(1) as f32,
                size.1 / page.height.max(1) as f32,
            ),
            unit,
            legend,
            content: Content::new(),
        }
    }

    /// Width and height with the margin.
    pub(super) fn size(&self) -> (f32, f32) {
        pdf::page_size((self.page.0, self.page.1 + self.margin))
    }

    /// The content of the page.
    pub(super) fn draw(mut self, has_picture: bool) -> Vec<u8> {
        let page = [0.0, 0.0, self.page.0, self.page.1];
        if has_picture {
            pdf::draw_picture(&mut self.content, page);
            self.tint(VEIL, page, WHITE);
        }
        self.draw_legend();
        if let Some(trace) = self.trace {
            self.draw_evidence(trace);
            let (chosen, refused): (Vec<_>, Vec<_>) =
                trace.considered.iter().partition(|c| c.refused.is_none());
            self.draw_refused(&refused);
            chosen.iter().for_each(|table| self.draw_chosen(table));
            // Chosen ones first: their labels stand where they belong.
            let all: Vec<&Considered> = chosen.into_iter().chain(refused).collect();
            self.draw_labels(&all);
        }
        self.content.finish().to_vec()
    }

    /// A box in points with y upward: left, bottom, width, height.
    fn to_points(&self, bbox: &Rect) -> [f32; 4] {
        pdf::to_points(bbox, self.scale, self.page.1)
    }

    fn draw_legend(&mut self) {
        let font = LEGEND_FONT * self.unit;
        let sample = SAMPLE * self.unit;
        for part in std::mem::take(&mut self.legend) {
            let line = (part.row + 1) as f32 * LEADING * font;
            let y = self.page.1 + self.margin - line;
            let mut x = part.x;
            if let Some((color, way)) = part.sample {
                let area = [x, y, sample, 0.8 * font];
                match way {
                    Sample::Line => {
                        let middle = [x, y + 0.35 * font, sample, 0.0];
                        self.stroke(middle, color, WIDE, false);
                    }
                    Sample::Box => self.stroke(area, color, MEDIUM, false),
                    Sample::Dashed => self.stroke(area, color, MEDIUM, true),
                    Sample::Tint => self.tint(TINT, area, color),
                }
                x += sample + 0.3 * font;
            }
            pdf::write_text(&mut self.content, (x, y), font, &part.text, INK);
        }
    }

    fn draw_evidence(&mut self, trace: &TableTrace) {
        let font = WEIGHT_FONT * self.unit;
        for line in &trace.lines {
            for (gap, weight) in &line.gaps {
                let area = self.to_points(gap);
                self.tint(TINT, area, GAP);
                if *weight < SURE_WEIGHT {
                    let place = (area[0], area[1] + 0.5 * area[3] - 0.4 * font);
                    let text = format!("{weight:.2}");
                    let text = text.trim_start_matches('0');
                    pdf::write_text(&mut self.content, place, font, text, WEIGHT);
                }
            }
            for piece in &line.pieces {
                let area = self.to_points(piece);
                self.stroke(area, PIECE, THIN, false);
            }
        }
        for (rule, is_line) in &trace.rules {
            let area = self.to_points(rule);
            let color = if *is_line { RULE } else { SHADE };
            self.stroke(area, color, WIDE, false);
        }
    }

    fn draw_refused(&mut self, refused: &[&Considered]) {
        for (at, area) in refused.iter().enumerate() {
            let color = color_of(area);
            let before = refused[..at].iter();
            let same = before.filter(|other| is_same(&other.area, &area.area));
            let grown = STEP * self.unit * same.count() as f32;
            let [x, y, width, height] = self.to_points(&area.area);
            let outline = [
                x - grown,
                y - grown,
                width + 2.0 * grown,
                height + 2.0 * grown,
            ];
            // Its rows would hide the evidence.
            for separator in &area.grid.between_columns {
                let line = self.to_points(separator);
                self.stroke(line, color, THIN, true);
            }
            self.stroke(outline, color, MEDIUM, true);
        }
    }

    fn draw_chosen(&mut self, table: &Considered) {
        for (cell, is_head) in &table.grid.cells {
            let area = self.to_points(cell);
            if *is_head {
                self.tint(TINT, area, CHOSEN);
            }
            self.stroke(area, CHOSEN, MEDIUM, false);
        }
        let area = self.to_points(&table.area);
        self.stroke(area, CHOSEN, THICK, false);
        let tick = TICK * self.unit;
        let grid = &table.grid;
        for separator in grid.between_columns.iter().chain(&grid.between_rows) {
            let [x, y, width, height] = self.to_points(separator);
            let ends = match height > width {
                true => [[x, y - tick, 0.0, tick], [x, y + height, 0.0, tick]],
                false => [[x - tick, y, tick, 0.0], [x + width, y, tick, 0.0]],
            };
            for end in ends {
                self.stroke(end, CHOSEN, THICK, false);
            }
        }
    }

    fn draw_labels(&mut self, areas: &[&Considered]) {
        // Nobody reads more; chosen ones come first.
        let areas = &areas[..areas.len().min(MOST_LABELS)];
        let font = LABEL_FONT * self.unit;
        let height = LEADING * font;
        let texts: Vec<String> = areas.iter().map(|area| label(area)).collect();
        let corners: Vec<(f32, f32)> = areas
            .iter()
            .map(|area| {
                let [x, y, _, height] = self.to_points(&area.area);
                (x, y + height)
            })
            .collect();
        let wanted: Vec<LabelBox> = texts
            .iter()
            .zip(&corners)
            .map(|(text, (x, y))| LabelBox {
                x: *x,
                y: *y,
                width: pdf::text_width(text, font) + font,
                height,
            })
            .collect();
        let placed = stacked(&wanted, self.page);
        for (((area, text), (x, y)), place) in areas.iter().zip(&texts).zip(&corners).zip(placed) {
            let color = color_of(area);
            let bounds = [place.x, place.y, place.width, place.height];
            // A label that had to move leads to its area.
            if (place.y - y).abs() > 1.5 * height {
                self.set_stroke(color, THIN, false);
                let middle = place.y + height / 2.0;
                self.content.move_to(place.x, middle).line_to(*x, *y);
                self.content.stroke().restore_state();
            }
            let (ground, ink) = match area.refused {
                None => (color, WHITE),
                Some(_) => (WHITE, color),
            };
            pdf::fill(&mut self.content, bounds, ground);
            self.stroke(bounds, color, THIN, false);
            let start = (place.x + 0.5 * font, place.y + 0.35 * font);
            pdf::write_text(&mut self.content, start, font, text, ink);
        }
    }

    /// Outlines a box; one without width or height is a line.
    fn stroke(&mut self, [x, y, width, height]: [f32; 4], color: Color, line: f32, dashed: bool) {
        self.set_stroke(color, line, dashed);
        match width == 0.0 || height == 0.0 {
            true => self.content.move_to(x, y).line_to(x + width, y + height),
            false => self.content.rect(x, y, width, height),
        };
        self.content.stroke().restore_state();
    }

    /// Begins a state for lines.
    fn set_stroke(&mut self, [r, g, b]: Color, line: f32, dashed: bool) {
        self.content
            .save_state()
            .set_stroke_rgb(r, g, b)
            .set_line_width(line * self.unit);
        if dashed {
            let dash = 3.0 * self.unit;
            self.content.set_dash_pattern([dash, dash * 0.6], 0.0);
        }
    }

    /// Fills a box with a level of opacity.
    fn tint(&mut self, opacity: Name, area: [f32; 4], color: Color) {
        self.content.save_state().set_parameters(opacity);
        pdf::fill(&mut self.content, area, color);
        self.content.restore_state();
    }
}

/// The parts of the legend of a page, in rows as wide as the page.
fn legend(page: &Page, trace: Option<&TableTrace>, width: f32, unit: f32) -> Vec<Placed> {
    let (font, space) = (LEGEND_FONT * unit, SPACE * unit);
    let number = page.page_index + 1;
    let title = match trace {
        None => format!("page {number}: its regions were not found in its text"),
        Some(trace) => {
            let all = trace.considered.len();
            let chosen = trace.considered.iter().filter(|c| c.refused.is_none());
            let chosen = chosen.count();
            format!("page {number}: {chosen} of {all} areas that were considered are tables")
        }
    };
    let mut placed = vec![Placed {
        x: space,
        row: 0,
        sample: None,
        text: title,
    }];
    for (step, entries) in LEGEND {
        let mut row = placed.last().map_or(0, |part| part.row) + 1;
        let mut x = space;
        let mut add = |sample: Option<(Color, Sample)>, text: &str| {
            let swatch = sample.map_or(0.0, |_| SAMPLE * unit + 0.3 * font);
            let own = swatch + pdf::text_width(text, font);
            if x > space && x + own > width {
                (x, row) = (space, row + 1);
            }
            placed.push(Placed {
                x,
                row,
                sample,
                text: text.to_string(),
            });
            x += own + space;
        };
        add(None, step);
        for (color, sample, text) in entries {
            add(Some((*color, *sample)), text);
        }
    }
    placed
}

/// What proposed an area, what it is worth, its size, and what became of it.
fn label(area: &Considered) -> String {
    let mut text = match area.is_turned {
        true => format!("turned, {}", area.origin),
        false => area.origin.to_string(),
    };
    if let Some(value) = area.value {
        text += &format!(", value {value:.1}");
    }
    if area.grid.rows > 0 {
        text += &format!(", {} x {}", area.grid.rows, area.grid.columns);
    }
    match area.refused {
        None => text + ": chosen",
        Some(reason) => format!("{text}: {reason}"),
    }
}

fn color_of(area: &Considered) -> Color {
    match area.refused {
        None => CHOSEN,
        Some(reason) if reason.is_rivalry() => LOST,
        Some(_) => REFUSED,
    }
}

fn is_same(a: &Rect, b: &Rect) -> bool {
    let sides = [(a.x1, b.x1), (a.y1, b.y1), (a.x2, b.x2), (a.y2, b.y2)];
    sides.iter().all(|(a, b)| (a - b).abs() < SAME_SIDE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Origin, Reason};

    #[test]
    fn labels_say_what_proposed_an_area_and_what_became_of_it() {
        let area = Rect::new(0.0, 0.0, 10.0, 10.0);
        let bare = Considered::bare(Origin::Between, area, Some(Reason::SingleRow));
        assert_eq!(label(&bare), "between lines: a single row");
        let mut chosen = Considered {
            value: Some(12.04),
            is_turned: true,
            ..Considered::bare(Origin::Meeting, area, None)
        };
        (chosen.grid.rows, chosen.grid.columns) = (4, 3);
        assert_eq!(
            label(&chosen),
            "turned, lines meet, value 12.0, 4 x 3: chosen"
        );
    }

    #[test]
    fn the_legend_of_a_narrow_page_has_more_rows() {
        let page = Page::failed(0, crate::fault::Fault::internal("no picture"));
        let rows = |width: f32| {
            let parts = legend(&page, None, width, 1.0);
            parts.last().map(|part| part.row + 1)
        };
        assert_eq!(rows(600.0), Some(4));
        assert!(rows(150.0) > Some(6));
    }
}
