//! Page rotation by multiples of 90 degrees as the reference does it: an affine warp about a centre that is
//! half a pixel off, so that the content moves by one pixel and a row or column at the border turns black.

use super::{Pixels, resample::cubic_weights};
use rayon::prelude::*;

/// Fractional bits of source coordinates (OpenCV 4.10, `warpAffine`).
const COORD_BITS: u32 = 10;
/// Bits of the fraction that selects the weights.
const FRACTION_BITS: u32 = 5;
/// Fractional bits of weights.
const WEIGHT_BITS: u32 = 15;

/// Rotated counter-clockwise by `angle` degrees (a multiple of 90) as `cv2.warpAffine` with bicubic
/// interpolation about `(width / 2, height / 2)` into a picture that holds the result, the border black
/// (docs/reference.md, "Page orientation").
pub(super) fn rotate_page(picture: &Pixels, angle: u32) -> Pixels {
    let (w, h) = (picture.width as f64, picture.height as f64);
    let radians = (angle as f64).to_radians();
    let (cos, sin) = (radians.cos(), radians.sin());
    let width = (h * sin.abs() + w * cos.abs()) as usize;
    let height = (h * cos.abs() + w * sin.abs()) as usize;
    // Rotation about the centre, then a shift to the new centre.
    let (cx, cy) = (w / 2.0, h / 2.0);
    let forward = [
        [
            cos,
            sin,
            (1.0 - cos) * cx - sin * cy + (width as f64 - w) / 2.0,
        ],
        [
            -sin,
            cos,
            sin * cx + (1.0 - cos) * cy + (height as f64 - h) / 2.0,
        ],
    ];
    let inverse = invert(forward);
    let table: Vec<[[i32; 4]; 4]> = (0..1 << (2 * FRACTION_BITS))
        .map(|i| weights(i >> FRACTION_BITS, i & ((1 << FRACTION_BITS) - 1)))
        .collect();
    let scale = (1u32 << COORD_BITS) as f64;
    let fixed = |v: f64| (v * scale).round_ties_even() as i64;
    let half_step = 1i64 << (COORD_BITS - FRACTION_BITS - 1);
    let mut data = vec![0u8; width * height * 3];
    data.par_chunks_exact_mut((width * 3).max(1))
        .enumerate()
        .for_each(|(y, row)| {
            let base = inverse.map(|m| fixed(m[1] * y as f64 + m[2]) + half_step);
            for (x, out) in row.chunks_exact_mut(3).enumerate() {
                let at: [i64; 2] = std::array::from_fn(|i| {
                    (base[i] + fixed(inverse[i][0] * x as f64)) >> (COORD_BITS - FRACTION_BITS)
                });
                let mask = (1 << FRACTION_BITS) - 1;
                let entry = ((at[1] & mask) << FRACTION_BITS | (at[0] & mask)) as usize;
                out.copy_from_slice(&blend(
                    picture,
                    at[0] >> FRACTION_BITS,
                    at[1] >> FRACTION_BITS,
                    &table[entry],
                ));
            }
        });
    Pixels {
        width,
        height,
        data,
    }
}

fn invert(m: [[f64; 3]; 2]) -> [[f64; 3]; 2] {
    let determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
    let d = if determinant != 0.0 {
        1.0 / determinant
    } else {
        0.0
    };
    let (a, b, c, e) = (m[1][1] * d, -m[0][1] * d, -m[1][0] * d, m[0][0] * d);
    [
        [a, b, -a * m[0][2] - b * m[1][2]],
        [c, e, -c * m[0][2] - e * m[1][2]],
    ]
}

/// Weights of the sixteen neighbours; they sum to exactly one.
fn weights(fraction_y: usize, fraction_x: usize) -> [[i32; 4]; 4] {
    let step = 1.0 / (1 << FRACTION_BITS) as f32;
    let (wx, wy) = (
        cubic_weights(fraction_x as f32 * step),
        cubic_weights(fraction_y as f32 * step),
    );
    let one = 1i32 << WEIGHT_BITS;
    let mut table = wy.map(|wy| wx.map(|wx| (wy * wx * one as f32).round_ties_even() as i32));
    let missing = one - table.iter().flatten().sum::<i32>();
    if missing != 0 {
        // The rounding error is added to the smallest, or subtracted from the largest, of the middle four.
        let middle = [(1, 1), (1, 2), (2, 1), (2, 2)];
        let value = |&(y, x): &(usize, usize)| table[y][x];
        let chosen = if missing < 0 {
            middle.into_iter().rev().max_by_key(value)
        } else {
            middle.into_iter().min_by_key(value)
        };
        if let Some((y, x)) = chosen {
            table[y][x] += missing;
        }
    }
    table
}

fn blend(picture: &Pixels, x: i64, y: i64, weights: &[[i32; 4]; 4]) -> [u8; 3] {
    let mut sums = [1i32 << (WEIGHT_BITS - 1); 3];
    for (j, row) in weights.iter().enumerate() {
        for (i, weight) in row.iter().enumerate() {
            let (px, py) = (x - 1 + i as i64, y - 1 + j as i64);
            if (0..picture.width as i64).contains(&px) && (0..picture.height as i64).contains(&py) {
                let at = (py as usize * picture.width + px as usize) * 3;
                for (sum, value) in sums.iter_mut().zip(&picture.data[at..at + 3]) {
                    *sum += *value as i32 * weight;
                }
            }
        }
    }
    sums.map(|s| (s >> WEIGHT_BITS).clamp(0, 255) as u8)
}
