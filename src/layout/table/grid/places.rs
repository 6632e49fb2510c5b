//! Places of a grid joined to cells.

use crate::deadline;

/// First row, first column, last row, last column of a cell.
pub(super) type Span = (usize, usize, usize, usize);

/// Places joined to cells.
#[derive(Debug)]
pub(super) struct Places {
    rows: usize,
    columns: usize,
    parent: Vec<usize>,
}

impl Places {
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            parent: (0..rows * columns).collect(),
        }
    }

    fn root(&self, mut at: usize) -> usize {
        while self.parent[at] != at {
            at = self.parent[at];
        }
        at
    }

    /// Makes two places, as `(row, column)`, parts of one cell.
    pub(super) fn join(&mut self, a: (usize, usize), b: (usize, usize)) {
        let at = |(row, column): (usize, usize)| self.root(row * self.columns + column);
        let (a, b) = (at(a), at(b));
        self.parent[a.max(b)] = a.min(b);
    }

    /// The cells in reading order, tiling the grid.
    ///
    /// Joined places that form no rectangle are split row by row.
    pub(super) fn rectangles(&self) -> Vec<Span> {
        let mut taken = vec![false; self.parent.len()];
        let mut found = Vec::new();
        for r in 0..self.rows {
            deadline::check();
            for c in 0..self.columns {
                let at = r * self.columns + c;
                if taken[at] {
                    continue;
                }
                let same = |r: usize, c: usize| {
                    let other = r * self.columns + c;
                    !taken[other] && self.root(other) == self.root(at)
                };
                let c2 = (c..self.columns)
                    .take_while(|&x| same(r, x))
                    .last()
                    .unwrap_or(c);
                let r2 = (r..self.rows)
                    .take_while(|&y| (c..=c2).all(|x| same(y, x)))
                    .last()
                    .unwrap_or(r);
                for y in r..=r2 {
                    taken[y * self.columns + c..=y * self.columns + c2].fill(true);
                }
                found.push((r, c, r2, c2));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_places_that_are_no_rectangle_still_tile_the_grid() {
        let mut places = Places::new(2, 2);
        places.join((0, 0), (0, 1));
        places.join((0, 1), (1, 1));
        assert_eq!(
            places.rectangles(),
            [(0, 0, 0, 1), (1, 0, 1, 0), (1, 1, 1, 1)]
        );
    }
}
