//! Converts the network's output per query to rows of boxes, in the form of the exported models.
//!
//! Source: docs/reference.md, "Reading order of PP-DocLayoutV2" and "Detections and votes".

use super::config::ReadingOrderConfig;
use super::reading_order::{COORDINATES, OrderRequest};
use crate::geometry::contour::Mask;
use crate::layout::postprocess::{RawBox, RawLayout, Threshold};

/// The network's output for a page.
#[derive(Debug, Clone, Default)]
pub struct DetectorOutput {
    /// Number of queries.
    pub queries: usize,
    /// Number of classes.
    pub classes: usize,
    /// `[queries, classes]`.
    pub logits: Vec<f32>,
    /// `[queries, 4]`: centre, width and height as fractions of the page.
    pub boxes: Vec<f32>,
    /// `[queries, queries]`: above the diagonal, the logit that the first query comes before the second.
    pub order_logits: Vec<f32>,
    /// V3's mask output.
    pub masks: Option<MaskAnswer>,
}

/// Mask coefficients and prototype maps.
#[derive(Debug, Clone)]
pub struct MaskAnswer {
    /// `[queries, prototypes]`.
    pub queries: Vec<f32>,
    /// `[prototypes, height, width]`.
    pub maps: Vec<f32>,
    /// Number of prototype maps.
    pub prototypes: usize,
    /// Height and width of the maps.
    pub size: [usize; 2],
}

impl MaskAnswer {
    /// Mask logits of a query, row by row.
    pub fn logits(&self, query: usize) -> Vec<f32> {
        let cells = self.size[0] * self.size[1];
        let factors = &self.queries[query * self.prototypes..(query + 1) * self.prototypes];
        let mut mask = vec![0.0f32; cells];
        for (factor, map) in factors.iter().zip(self.maps.chunks_exact(cells)) {
            mask.iter_mut()
                .zip(map)
                .for_each(|(sum, value)| *sum += factor * value);
        }
        mask
    }

    /// Mask of a query: cells with a probability above 1/2. (The exported models do not state theirs.)
    fn mask(&self, query: usize) -> Mask {
        let cells = self
            .logits(query)
            .into_iter()
            .map(|logit| logit > 0.0)
            .collect();
        Mask {
            width: self.size[1],
            height: self.size[0],
            cells,
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// `[x1, y1, x2, y2]` of a box given by centre and size.
fn corners(b: &[f32]) -> [f32; 4] {
    [
        b[0] - 0.5 * b[2],
        b[1] - 0.5 * b[3],
        b[0] + 0.5 * b[2],
        b[1] + 0.5 * b[3],
    ]
}

impl DetectorOutput {
    fn row(&self, query: usize) -> &[f32] {
        &self.logits[query * self.classes..(query + 1) * self.classes]
    }

    /// Class with the highest score of a query, and that score; ties go to the first class.
    fn best(&self, query: usize) -> (usize, f32) {
        let best = self.row(query).iter().enumerate().fold(
            (0, f32::NEG_INFINITY),
            |best, (class, logit)| {
                if *logit > best.1 {
                    (class, *logit)
                } else {
                    best
                }
            },
        );
        (best.0, sigmoid(best.1))
    }

    /// V2: moves queries that reach their class's threshold to the front; returns the request for their
    /// order.
    pub fn partition(&mut self, config: &ReadingOrderConfig) -> OrderRequest {
        let best: Vec<(usize, f32)> = (0..self.queries).map(|query| self.best(query)).collect();
        let is_sure = |query: &usize| best[*query].1 >= config.class_thresholds[best[*query].0];
        let (sure, rest): (Vec<usize>, Vec<usize>) = (0..self.queries).partition(is_sure);
        let request = OrderRequest {
            boxes: sure
                .iter()
                .map(|q| {
                    let scaled = |v: f32| (v * COORDINATES).clamp(0.0, COORDINATES);
                    corners(&self.boxes[q * 4..q * 4 + 4]).map(scaled)
                })
                .collect(),
            kinds: sure
                .iter()
                .map(|q| config.class_order[best[*q].0])
                .collect(),
            queries: self.queries,
        };
        let order: Vec<usize> = sure.into_iter().chain(rest).collect();
        self.logits = order.iter().flat_map(|q| self.row(*q)).copied().collect();
        self.boxes = order
            .iter()
            .flat_map(|q| &self.boxes[q * 4..q * 4 + 4])
            .copied()
            .collect();
        request
    }

    /// Position of every query in the reading order, and the votes by which it was found: each other query
    /// votes that this one comes later.
    pub fn places(&self) -> Vec<(usize, f32)> {
        let n = self.queries;
        let mut votes = vec![0.0f64; n];
        for before in 0..n {
            for after in before + 1..n {
                let score = sigmoid(self.order_logits[before * n + after]);
                votes[after] += f64::from(score);
                votes[before] += f64::from(1.0 - score);
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| votes[*a].total_cmp(&votes[*b]));
        let mut places = vec![(0, 0.0); n];
        for (place, query) in order.into_iter().enumerate() {
            places[query] = (place, votes[query] as f32);
        }
        places
    }

    /// The rows of the exported model for a page of `width` x `height` pixels: the best pairs of query and
    /// class, as many as queries, best first. Rows that `threshold` drops are left out here, because
    /// post-processing would drop them first anyway, and their masks need not be computed.
    ///
    /// `with_votes`: rows carry their votes, as in V2.
    pub fn rows(
        &self,
        width: usize,
        height: usize,
        threshold: &Threshold,
        with_votes: bool,
    ) -> RawLayout {
        let places = self.places();
        let scores: Vec<f32> = self.logits.iter().map(|logit| sigmoid(*logit)).collect();
        let mut pairs: Vec<usize> = (0..scores.len()).collect();
        pairs.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        pairs.truncate(self.queries);
        let mut layout = RawLayout {
            boxes: Vec::new(),
            masks: self.masks.as_ref().map(|_| Vec::new()),
        };
        for pair in pairs {
            let (query, class) = (pair / self.classes, pair % self.classes);
            let [x1, y1, x2, y2] = corners(&self.boxes[query * 4..query * 4 + 4]);
            let (w, h) = (width as f32, height as f32);
            let row = RawBox {
                class_id: class as i64,
                score: scores[pair],
                bbox: [x1 * w, y1 * h, x2 * w, y2 * h],
                order: Some(places[query].0 as f32),
                votes: with_votes.then_some(places[query].1),
            };
            if !threshold.keeps(&row) {
                continue;
            }
            if let Some((masks, answer)) = layout.masks.as_mut().zip(self.masks.as_ref()) {
                masks.push(answer.mask(query));
            }
            layout.boxes.push(row);
        }
        layout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> DetectorOutput {
        DetectorOutput {
            queries: 3,
            classes: 2,
            logits: vec![-2.0, -3.0, 4.0, 0.0, -4.0, 1.0],
            boxes: vec![0.5, 0.5, 1.0, 0.5, 0.25, 0.25, 0.5, 0.5, 0.1, 0.1, 0.2, 0.2],
            // The third query before the second, the first before both.
            order_logits: vec![9.0, 5.0, 6.0, 9.0, 9.0, -5.0, 9.0, 9.0, 9.0],
            masks: None,
        }
    }

    #[test]
    fn places_follow_from_votes() {
        let places: Vec<usize> = answer().places().into_iter().map(|p| p.0).collect();
        assert_eq!(places, [0, 2, 1]);
    }

    #[test]
    fn one_query_may_stand_with_several_classes() {
        let layout = answer().rows(100, 200, &Threshold::Off, true);
        let rows: Vec<(i64, f32)> = layout
            .boxes
            .iter()
            .map(|b| (b.class_id, b.order.unwrap()))
            .collect();
        assert_eq!(rows, [(0, 2.0), (1, 1.0), (1, 2.0)]);
        assert_eq!(layout.boxes[0].bbox, [0.0, 0.0, 50.0, 100.0]);
        let sure = answer().rows(100, 200, &Threshold::All(0.6), true);
        assert_eq!(sure.boxes.len(), 2);
    }

    #[test]
    fn sure_queries_come_first_and_keep_their_order() {
        let config = ReadingOrderConfig {
            class_thresholds: vec![0.5, 0.5],
            class_order: vec![7, 9],
            ..config_of_anything()
        };
        let mut answer = answer();
        let request = answer.partition(&config);
        assert_eq!(request.kinds, [7, 9]);
        assert_eq!(request.boxes[0], [0.0, 0.0, 500.0, 500.0]);
        assert_eq!(answer.logits, [4.0, 0.0, -4.0, 1.0, -2.0, -3.0]);
        assert_eq!(answer.boxes[..2], [0.25, 0.25]);
    }

    fn config_of_anything() -> ReadingOrderConfig {
        ReadingOrderConfig {
            hidden: 1,
            heads: 1,
            ffn: 1,
            layers: 1,
            coordinate: 1,
            shape: 1,
            classes: 1,
            coordinates: 1,
            positions: 1,
            words: 1,
            types: 1,
            pointer: 1,
            tokens: [1, 0, 2, 3],
            relation: 16,
            relation_theta: 1.0,
            relation_scale: 1.0,
            epsilon: 1.0,
            class_thresholds: Vec::new(),
            class_order: Vec::new(),
        }
    }
}
