//! Clustering of heading heights: scikit-learn's k-means with seed 42, step by step (docs/reference.md,
//! "Clustering heading heights").

use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of clusters, that is of levels told apart by height.
const MAX_CLUSTERS: usize = 4;
/// Maximum number of iterations (scikit-learn's default).
const MAX_ROUNDS: usize = 300;
/// Movement of the centres, relative to the variance, that ends the iteration (scikit-learn's default).
const TOLERANCE: f64 = 1e-4;
/// Draws of numpy's legacy generator with seed 42 (docs/reference.md, "Clustering heading heights").
const DRAWS: [f64; 10] = [
    0.3745401188473625,
    0.9507143064099162,
    0.7319939418114051,
    0.5986584841970366,
    0.15601864044243652,
    0.15599452033620265,
    0.05808361216819946,
    0.8661761457749352,
    0.6011150117432088,
    0.7080725777960455,
];

/// Level of every height: that of the cluster with the nearest centre; the highest cluster is level 1.
pub(crate) fn level_of_heights(heights: &[i64]) -> BTreeMap<i64, i32> {
    let distinct: BTreeSet<i64> = heights.iter().copied().collect();
    let points: Vec<f64> = heights.iter().map(|h| *h as f64).collect();
    let centers = centers(&points, MAX_CLUSTERS.min(distinct.len()));
    let rank = |c: usize| 1 + centers.iter().filter(|other| **other > centers[c]).count() as i32;
    // Ties in distance go to the cluster found first.
    let nearest = |height: i64| {
        let distance = |c: usize| (height as f64 - centers[c]).abs();
        (0..centers.len()).fold(0, |best, c| {
            if distance(c) < distance(best) {
                c
            } else {
                best
            }
        })
    };
    distinct
        .into_iter()
        .map(|height| (height, rank(nearest(height))))
        .collect()
}

/// Centres of `k` clusters.
fn centers(points: &[f64], k: usize) -> Vec<f64> {
    if k == 0 {
        return Vec::new();
    }
    let count = points.len() as f64;
    let mean = points.iter().sum::<f64>() / count;
    let x: Vec<f64> = points.iter().map(|p| p - mean).collect();
    let variance = x.iter().map(|v| v * v).sum::<f64>() / count;
    let mut centers = first_centers(&x, k);
    let tolerance = variance * TOLERANCE;
    let mut labels: Vec<usize> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let now: Vec<usize> = x.iter().map(|v| nearest(&centers, *v)).collect();
        let mut moved = 0.0;
        let next: Vec<f64> = (0..k)
            .map(|c| {
                let own: Vec<f64> = x
                    .iter()
                    .zip(&now)
                    .filter(|(_, l)| **l == c)
                    .map(|(v, _)| *v)
                    .collect();
                if own.is_empty() {
                    centers[c]
                } else {
                    own.iter().sum::<f64>() * (1.0 / own.len() as f64)
                }
            })
            .collect();
        for (a, b) in centers.iter().zip(&next) {
            moved += (a - b) * (a - b);
        }
        centers = next;
        if now == labels || moved <= tolerance {
            break;
        }
        labels = now;
    }
    centers.iter().map(|c| c + mean).collect()
}

fn nearest(centers: &[f64], x: f64) -> usize {
    let cost = |c: usize| centers[c] * centers[c] - 2.0 * centers[c] * x;
    (0..centers.len()).fold(0, |best, c| if cost(c) < cost(best) { c } else { best })
}

/// Squared distance, computed as in scikit-learn.
fn squared(a: f64, b: f64) -> f64 {
    (-2.0 * a * b + a * a + b * b).max(0.0)
}

/// Sums in the order of the vector code behind numpy's products, even and odd indices apart: candidates with
/// equal totals differ by rounding only.
fn blas_sum(values: &[f64]) -> f64 {
    let lane = |first: usize| values.chunks_exact(2).map(|pair| pair[first]).sum::<f64>();
    lane(0) + lane(1) + values.chunks_exact(2).remainder().iter().sum::<f64>()
}

/// k-means++ with several candidates for every centre after the first.
fn first_centers(x: &[f64], k: usize) -> Vec<f64> {
    let mut draws = DRAWS.into_iter();
    let mut draw = || draws.next().unwrap_or(0.5);
    let count = x.len();
    let share = 1.0 / count as f64;
    let mut cumulative: Vec<f64> = Vec::with_capacity(count);
    for _ in 0..count {
        cumulative.push(cumulative.last().unwrap_or(&0.0) + share);
    }
    let total = cumulative[count - 1];
    let first_draw = draw();
    let first = cumulative
        .iter()
        .position(|c| c / total > first_draw)
        .unwrap_or(count - 1);
    let mut centers = vec![x[first]];
    let mut closest: Vec<f64> = x.iter().map(|v| squared(x[first], *v)).collect();
    let trials = 2 + (k as f64).ln() as usize;
    while centers.len() < k {
        let potential = blas_sum(&closest);
        let mut sum = 0.0;
        let sums: Vec<f64> = closest
            .iter()
            .map(|d| {
                sum += d;
                sum
            })
            .collect();
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        for _ in 0..trials {
            let limit = draw() * potential;
            let candidate = sums.partition_point(|s| *s < limit).min(count - 1);
            let distances: Vec<f64> = x
                .iter()
                .zip(&closest)
                .map(|(v, d)| squared(x[candidate], *v).min(*d))
                .collect();
            let total = blas_sum(&distances);
            if best.as_ref().is_none_or(|(least, ..)| total < *least) {
                best = Some((total, candidate, distances));
            }
        }
        let Some((_, candidate, distances)) = best else {
            break;
        };
        centers.push(x[candidate]);
        closest = distances;
    }
    centers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_fall_into_at_most_four_depths() {
        let levels = level_of_heights(&[30, 26, 12, 14, 30, 30]);
        assert_eq!(levels, [(12, 4), (14, 3), (26, 2), (30, 1)].into());
        assert_eq!(level_of_heights(&[7, 7, 7]), [(7, 1)].into());
        assert!(level_of_heights(&[]).is_empty());
    }
}
