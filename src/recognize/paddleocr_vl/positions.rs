//! Positions: multimodal rotary positions (M-RoPE) of the decoder; rotary and interpolated position
//! embeddings of the vision encoder.

use super::config::{TextConfig, VisionConfig};

/// Base of the vision encoder's rotary embedding, the same in all versions.
const VISION_THETA: f64 = 10_000.0;

/// Cosines and sines, one row per token or patch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rotary {
    /// `[rows, head size / 2]`.
    pub cosines: Vec<f32>,
    /// `[rows, head size / 2]`.
    pub sines: Vec<f32>,
}

impl Rotary {
    fn push(&mut self, angles: impl Iterator<Item = f32>) {
        for angle in angles {
            self.cosines.push(angle.cos());
            self.sines.push(angle.sin());
        }
    }

    /// Appends the rows of another one.
    pub fn extend(&mut self, other: &Rotary) {
        self.cosines.extend_from_slice(&other.cosines);
        self.sines.extend_from_slice(&other.sines);
    }
}

/// Frequencies theta^(-2j/size) for j < size / 2, rounded as in the reference, which large positions show.
fn frequencies(theta: f64, size: usize) -> Vec<f32> {
    let power = |j: usize| theta.powf(f64::from((2 * j) as f32 / size as f32)) as f32;
    (0..size / 2).map(|j| 1.0 / power(j)).collect()
}

/// Positions (time, height, width) of a prompt's tokens, and the rope delta (position of a later token minus
/// its index).
///
/// `image_token`s, as many as `grid` (rows and columns of merged patches) has cells, share one time and have
/// their rows and columns as offsets; all other tokens count up on all axes.
pub fn prompt_positions(ids: &[u32], image_token: u32, grid: [usize; 2]) -> (Vec<[i64; 3]>, i64) {
    let mut positions = Vec::with_capacity(ids.len());
    let mut next = 0i64;
    let mut piece = 0;
    for id in ids {
        if *id == image_token && piece < grid[0] * grid[1] {
            let (row, column) = (piece / grid[1], piece % grid[1]);
            positions.push([next, next + row as i64, next + column as i64]);
            piece += 1;
            if piece == grid[0] * grid[1] {
                next += grid[0].max(grid[1]) as i64;
            }
        } else {
            positions.push([next; 3]);
            next += 1;
        }
    }
    (positions, next - ids.len() as i64)
}

/// Rotary position embedding of the decoder.
#[derive(Debug, Clone)]
pub struct TextRotary {
    /// Frequency and axis of each rotary pair.
    pairs: Vec<(f32, usize)>,
}

impl TextRotary {
    /// Frequencies and axes for a network's sizes.
    pub fn new(config: &TextConfig) -> Self {
        let axes = config.mrope_section.iter().enumerate();
        let axes = axes.flat_map(|(axis, pairs)| std::iter::repeat_n(axis, *pairs));
        TextRotary {
            pairs: frequencies(config.rope_theta, config.head_dim)
                .into_iter()
                .zip(axes)
                .collect(),
        }
    }

    /// Cosines and sines at these positions.
    pub fn at(&self, positions: &[[i64; 3]]) -> Rotary {
        let mut rotary = Rotary::default();
        for position in positions {
            rotary.push(
                self.pairs
                    .iter()
                    .map(|(frequency, axis)| position[*axis] as f32 * frequency),
            );
        }
        rotary
    }
}

/// Rotary positions of patches: the first half of the pairs rotates by the row, the second by the column.
pub fn vision_rotary(config: &VisionConfig, [rows, columns]: [usize; 2]) -> Rotary {
    let frequencies = frequencies(VISION_THETA, config.hidden_size / config.heads / 2);
    let mut rotary = Rotary::default();
    for row in 0..rows {
        for column in 0..columns {
            let of = |n: usize| {
                frequencies
                    .iter()
                    .map(move |frequency| n as f32 * frequency)
            };
            rotary.push(of(row).chain(of(column)));
        }
    }
    rotary
}

/// Four entries of the position embedding table for every patch and their weights: bilinear interpolation,
/// corners not aligned, edges clamped.
pub fn table_taps(config: &VisionConfig, [rows, columns]: [usize; 2]) -> (Vec<i64>, Vec<f32>) {
    let side = config.table_side;
    let taps = |count: usize| -> Vec<[(usize, f32); 2]> {
        let tap = |i: usize| {
            let place = (i as f32 + 0.5) * (side as f32 / count as f32) - 0.5;
            let place = place.max(0.0);
            let low = (place as usize).min(side - 1);
            let share = place - low as f32;
            [(low, 1.0 - share), ((low + 1).min(side - 1), share)]
        };
        (0..count).map(tap).collect()
    };
    let (ys, xs) = (taps(rows), taps(columns));
    let (mut places, mut shares) = (Vec::new(), Vec::new());
    for y in &ys {
        for x in &xs {
            for (row, a) in y {
                for (column, b) in x {
                    places.push((row * side + column) as i64);
                    shares.push(a * b);
                }
            }
        }
    }
    (places, shares)
}

/// Patch order for merging: the patches of a square consecutively, squares row by row.
pub fn merge_order(merge: usize, [rows, columns]: [usize; 2]) -> Vec<i64> {
    let mut order = Vec::with_capacity(rows * columns);
    for row in (0..rows).step_by(merge) {
        for column in (0..columns).step_by(merge) {
            for y in row..row + merge {
                order.extend((column..column + merge).map(|x| (y * columns + x) as i64));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_stands_at_one_time_and_at_its_places() {
        let (positions, delta) = prompt_positions(&[1, 9, 9, 9, 9, 9, 9, 2, 3], 9, [2, 3]);
        assert_eq!(
            positions,
            [
                [0; 3],
                [1, 1, 1],
                [1, 1, 2],
                [1, 1, 3],
                [1, 2, 1],
                [1, 2, 2],
                [1, 2, 3],
                [4; 3],
                [5; 3]
            ]
        );
        assert_eq!(delta, -3);
    }

    #[test]
    fn squares_of_patches_come_together() {
        assert_eq!(merge_order(2, [2, 4]), [0, 1, 4, 5, 2, 3, 6, 7]);
    }

    #[test]
    fn the_table_is_stretched_from_the_middles_of_its_cells() {
        let config = VisionConfig {
            hidden_size: 8,
            intermediate_size: 8,
            layers: 1,
            heads: 1,
            patch_size: 14,
            channels: 3,
            table_side: 3,
            merge_size: 2,
            layer_norm_eps: 1e-6,
        };
        let (places, shares) = table_taps(&config, [3, 6]);
        assert_eq!(places[..4], [0, 1, 3, 4]);
        // Before the centre of the first cell only that cell counts; after it a quarter of the next.
        assert_eq!(shares[..4], [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(shares[4..6], [0.75, 0.25]);
    }
}
