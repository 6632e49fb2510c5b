//! Warping a picture with a mesh, as PyTorch's `grid_sample` over an `interpolate`d grid (bilinear,
//! `align_corners`, zero padding).

use super::Pixels;
use rayon::prelude::*;

/// A sampling grid: for each position of the result, the source position in the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    /// Columns of the grid.
    pub columns: usize,
    /// Rows of the grid.
    pub rows: usize,
    /// `[x, y]` of every grid point, row by row; -1 is the first pixel of the picture and 1 the last.
    pub places: Vec<[f32; 2]>,
}

impl Mesh {
    /// The grid interpolated between four points.
    fn at(&self, (top, bottom, v): Tap, (left, right, u): Tap) -> [f32; 2] {
        let place = |column: usize, row: usize| self.places[row * self.columns + column];
        let (a, b, c, d) = (
            place(left, top),
            place(right, top),
            place(left, bottom),
            place(right, bottom),
        );
        std::array::from_fn(|i| {
            (1.0 - v) * ((1.0 - u) * a[i] + u * b[i]) + v * ((1.0 - u) * c[i] + u * d[i])
        })
    }
}

/// Two neighbouring positions and the weight of the second.
pub(super) type Tap = (usize, usize, f32);

/// For every one of `length` positions its neighbours among `from` positions; both ends of the two ranges are
/// aligned.
pub(crate) fn aligned_taps(length: usize, from: usize) -> Vec<Tap> {
    let scale = if length > 1 {
        (from - 1) as f32 / (length - 1) as f32
    } else {
        0.0
    };
    let tap = |i: usize| {
        let place = i as f32 * scale;
        let first = (place as usize).min(from - 1);
        (first, (first + 1).min(from - 1), place - first as f32)
    };
    (0..length).map(tap).collect()
}

impl Pixels {
    /// The picture warped by the mesh; the same size. Positions outside are black.
    pub fn warp(&self, mesh: &Mesh) -> Pixels {
        let (width, height) = (self.width, self.height);
        let (columns, rows) = (
            aligned_taps(width, mesh.columns),
            aligned_taps(height, mesh.rows),
        );
        let mut data = vec![0; self.data.len()];
        data.par_chunks_exact_mut(width * 3)
            .zip(&rows)
            .for_each(|(line, row)| {
                for (pixel, column) in line.chunks_exact_mut(3).zip(&columns) {
                    let [x, y] = mesh.at(*row, *column);
                    let place = |v: f32, length: usize| (v + 1.0) / 2.0 * (length as f32 - 1.0);
                    pixel.copy_from_slice(&self.sampled(place(x, width), place(y, height)));
                }
            });
        Pixels {
            width,
            height,
            data,
        }
    }

    /// The picture warped by the mesh to `width` x `height` pixels, bicubic; positions outside have the colour of the nearest edge.
    pub fn warped(&self, mesh: &Mesh, width: usize, height: usize) -> Pixels {
        let mut out = Pixels::white(width, height);
        if self.data.is_empty() || out.data.is_empty() {
            return out;
        }
        let columns = aligned_taps(width, mesh.columns);
        let rows = aligned_taps(height, mesh.rows);
        let place = |v: f32, length: usize| (v + 1.0) / 2.0 * (length as f32 - 1.0);
        out.data
            .par_chunks_exact_mut(width * 3)
            .zip(&rows)
            .for_each(|(line, row)| {
                for (pixel, column) in line.chunks_exact_mut(3).zip(&columns) {
                    let [x, y] = mesh.at(*row, *column);
                    let colour = self.bicubic(place(x, self.width), place(y, self.height));
                    pixel.copy_from_slice(&colour);
                }
            });
        out
    }

    /// The colour at a fractional position, truncated to whole levels.
    fn sampled(&self, x: f32, y: f32) -> [u8; 3] {
        let (left, top) = (x.floor(), y.floor());
        let (u, v) = (x - left, y - top);
        let corners = [
            (left, top, (1.0 - u) * (1.0 - v)),
            (left + 1.0, top, u * (1.0 - v)),
            (left, top + 1.0, (1.0 - u) * v),
            (left + 1.0, top + 1.0, u * v),
        ];
        let mut sum = [0.0f32; 3];
        for (x, y, weight) in corners {
            // Written so that a NaN position counts as outside.
            if x >= 0.0 && y >= 0.0 && x < self.width as f32 && y < self.height as f32 {
                let at = (y as usize * self.width + x as usize) * 3;
                for (sum, level) in sum.iter_mut().zip(&self.data[at..at + 3]) {
                    *sum += f32::from(*level) / 255.0 * weight;
                }
            }
        }
        sum.map(|v| (v * 255.0) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Pixels {
        Pixels {
            width: 4,
            height: 3,
            data: (0..36).map(|v| v * 7).collect(),
        }
    }

    fn mesh(place: impl Fn(f32, f32) -> [f32; 2]) -> Mesh {
        let places = (0..6)
            .map(|i| place((i % 3) as f32 - 1.0, (i / 3) as f32 * 2.0 - 1.0))
            .collect();
        Mesh {
            columns: 3,
            rows: 2,
            places,
        }
    }

    #[test]
    fn a_mesh_of_nothing_new_changes_at_most_a_level() {
        let same = picture().warp(&mesh(|x, y| [x, y]));
        assert!(
            same.data
                .iter()
                .zip(&picture().data)
                .all(|(a, b)| a.abs_diff(*b) <= 1)
        );
    }

    #[test]
    fn a_mirrored_mesh_mirrors() {
        let mirrored = picture().warp(&mesh(|x, y| [-x, y]));
        assert!(mirrored.data[9].abs_diff(picture().data[0]) <= 1);
    }

    #[test]
    fn places_outside_and_no_places_are_black() {
        assert!(
            picture()
                .warp(&mesh(|_, _| [5.0, 0.0]))
                .data
                .iter()
                .all(|v| *v == 0)
        );
        assert!(
            picture()
                .warp(&mesh(|_, _| [f32::NAN, 0.0]))
                .data
                .iter()
                .all(|v| *v == 0)
        );
    }
}
