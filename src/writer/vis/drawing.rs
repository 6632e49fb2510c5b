//! The drawing on a page: outlines, labels, scores and the reading order, as PDF content.

use super::{TINT, View};
use crate::document::{Block, Label, Page};
use crate::geometry::{Point, Rect};
use crate::writer::drawings::{COLORS, WHITE_TEXT};
use crate::writer::pdf;
use pdf_writer::Content;
use pdf_writer::types::LineJoinStyle;

/// Text colour on the other colours (docs/reference.md, "Drawings").
const DARK_TEXT: [f32; 3] = [20.0 / 255.0, 14.0 / 255.0, 53.0 / 255.0];
/// The drawing of one page.
pub(super) struct Drawing<'a> {
    page: &'a Page,
    size: (f32, f32),
    /// Points per page pixel.
    scale: (f32, f32),
    content: Content,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(page: &'a Page, size: (f32, f32)) -> Self {
        let scale = (
            size.0 / page.width.max(1) as f32,
            size.1 / page.height.max(1) as f32,
        );
        Self {
            page,
            size,
            scale,
            content: Content::new(),
        }
    }

    pub(super) fn draw(mut self, view: View, has_picture: bool) -> Vec<u8> {
        if has_picture {
            let (width, height) = self.size;
            pdf::draw_picture(&mut self.content, [0.0, 0.0, width, height]);
        }
        if view == View::Preprocessed {
            return self.content.finish().to_vec();
        }
        let colors = label_colors(&self.page.blocks);
        // Large boxes first, so that labels of small ones stay readable.
        let mut order: Vec<usize> = (0..self.page.blocks.len()).collect();
        order.sort_by(|&a, &b| {
            self.page.blocks[b]
                .bbox
                .area()
                .total_cmp(&self.page.blocks[a].bbox.area())
        });
        for &i in &order {
            self.outline(&self.page.blocks[i], colors[i]);
        }
        match view {
            View::Layout => {
                for i in order {
                    let block = &self.page.blocks[i];
                    let text = format!("{} {:.2}", block.label.as_str(), block.score);
                    self.tag(&block.bbox, &text, colors[i]);
                }
            }
            View::Order | View::Preprocessed => self.reading_order(&colors),
        }
        if self.page.blocks.is_empty() && (self.page.has_error() || self.page.is_repeated()) {
            let reason = self
                .page
                .diagnostics
                .iter()
                .map(|d| d.message.as_str())
                .collect::<Vec<_>>()
                .join("; ");
            self.text(
                12.0,
                self.size.1 - 24.0,
                8.0,
                &match self.page.through {
                    Some(last) => {
                        format!("pages {}-{}: {reason}", self.page.page_index + 1, last + 1)
                    }
                    None => format!("page {}: {reason}", self.page.page_index + 1),
                },
                DARK_TEXT,
            );
        }
        self.content.finish().to_vec()
    }

    /// A box in points with y upward: left, bottom, width, height.
    fn to_points(&self, bbox: &Rect) -> [f32; 4] {
        pdf::to_points(bbox, self.scale, self.size.1)
    }

    fn outline(&mut self, block: &Block, color: usize) {
        let [r, g, b] = rgb(color);
        self.content
            .save_state()
            .set_parameters(TINT)
            .set_fill_rgb(r, g, b);
        self.shape(block);
        self.content.fill_nonzero().restore_state();
        self.content
            .save_state()
            .set_stroke_rgb(r, g, b)
            .set_line_width(0.9);
        self.content.set_line_join(LineJoinStyle::RoundJoin);
        self.shape(block);
        self.content.stroke().restore_state();
    }

    /// The path of a block: its outline if the detector gave one, else its box.
    fn shape(&mut self, block: &Block) {
        match block.polygon.as_deref() {
            Some([first, rest @ ..]) if rest.len() > 1 => {
                let (scale, height) = (self.scale, self.size.1);
                let place = |p: &Point| (p.x * scale.0, height - p.y * scale.1);
                let (x, y) = place(first);
                self.content.move_to(x, y);
                for (x, y) in rest.iter().map(place) {
                    self.content.line_to(x, y);
                }
                self.content.close_path();
            }
            _ => {
                let [x, y, w, h] = self.to_points(&block.bbox);
                self.content.rect(x, y, w, h);
            }
        }
    }

    /// A label at the upper left corner: above the box, or inside at the page's upper edge.
    fn tag(&mut self, bbox: &Rect, text: &str, color: usize) {
        let font = self.font_size();
        let [x, y, _, h] = self.to_points(bbox);
        let (width, height) = (pdf::text_width(text, font) + 4.0, font * 1.3);
        let top = y + h;
        let bottom = if top + height > self.size.1 {
            top - height
        } else {
            top
        };
        let left = x.min(self.size.0 - width).max(0.0);
        self.filled(left, bottom, width, height, color);
        self.text(
            left + 2.0,
            bottom + 0.32 * font,
            font,
            text,
            text_color(color),
        );
    }

    fn font_size(&self) -> f32 {
        (0.0105 * self.size.0.min(self.size.1 * 1.2)).clamp(4.5, 40.0)
    }

    /// Numbers on the boxes, and a line from each to the next.
    fn reading_order(&mut self, colors: &[usize]) {
        let places: Vec<(usize, f32, f32)> = self
            .page
            .blocks
            .iter()
            .enumerate()
            .filter(|(_, b)| is_read(b.label))
            .map(|(i, b)| {
                // At the corner where reading starts: the middle of a block is covered with text.
                let [x, y, _, h] = self.to_points(&b.bbox);
                (i, x, y + h)
            })
            .collect();
        self.content
            .save_state()
            .set_stroke_rgb(0.12, 0.2, 0.45)
            .set_line_width(0.7)
            .set_dash_pattern([3.0, 2.0], 0.0);
        for pair in places.windows(2) {
            self.content
                .move_to(pair[0].1, pair[0].2)
                .line_to(pair[1].1, pair[1].2)
                .stroke();
        }
        self.content.restore_state();
        let font = self.font_size() * 1.35;
        for (number, (i, x, y)) in places.iter().enumerate() {
            let text = (number + 1).to_string();
            let (width, height) = (pdf::text_width(&text, font) + font * 0.7, font * 1.4);
            self.filled(x - width / 2.0, y - height / 2.0, width, height, colors[*i]);
            let left = x - pdf::text_width(&text, font) / 2.0;
            self.text(left, y - 0.36 * font, font, &text, text_color(colors[*i]));
        }
    }

    fn filled(&mut self, x: f32, y: f32, width: f32, height: f32, color: usize) {
        pdf::fill(&mut self.content, [x, y, width, height], rgb(color));
    }

    fn text(&mut self, x: f32, y: f32, font: f32, text: &str, ink: [f32; 3]) {
        pdf::write_text(&mut self.content, (x, y), font, text, ink);
    }
}

/// `true` for labels in the reading order; running headers and the like are not.
fn is_read(label: Label) -> bool {
    use Label::*;
    !matches!(
        label,
        Header | Footer | Number | HeaderImage | FooterImage | AsideText
    )
}

/// The colour of every block: that of the first block with its label (docs/reference.md, "Drawings").
fn label_colors(blocks: &[Block]) -> Vec<usize> {
    let first = |label: Label| blocks.iter().position(|b| b.label == label).unwrap_or(0);
    blocks
        .iter()
        .map(|b| first(b.label) % COLORS.len())
        .collect()
}

fn rgb(color: usize) -> [f32; 3] {
    let value = COLORS[color];
    [16, 8, 0].map(|shift| (value >> shift & 0xFF) as f32 / 255.0)
}

fn text_color(color: usize) -> [f32; 3] {
    if WHITE_TEXT.contains(&color) {
        [1.0; 3]
    } else {
        DARK_TEXT
    }
}
