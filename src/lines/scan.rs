//! Ruling lines and figures in the picture of a scanned page.

use super::page_text::{DEFAULT_BODY, PageText, Segment};
use super::thresholds::scans::*;
use crate::geometry::Rect;
use crate::raster::Pixels;

/// Cell size in pixels of the grid in which figures are searched.
const CELL: usize = 8;

/// The page's pixels as dark or light, one bit each: a page may have 180 million.
pub(super) struct DarkMap {
    /// Rows of whole words, the first pixel in the lowest bit.
    bits: Vec<u64>,
    /// Words per row.
    stride: usize,
    width: usize,
    height: usize,
}

/// Number of columns that are transposed at once: one word of every row.
const TURNED: usize = u64::BITS as usize;

impl DarkMap {
    /// Marks pixels that are clearly darker than the paper: below the middle between the darkest and the most
    /// frequent light level.
    pub(super) fn new(page: &Pixels) -> Self {
        let mut histogram = [0u32; 256];
        page.gray_levels()
            .for_each(|v| histogram[usize::from(v)] += 1);
        let paper = PAPER_LEVELS.max_by_key(|v| histogram[*v]).unwrap_or(255);
        let least = (page.width * page.height / INK_PART) as u32;
        let darkest = (0..256).find(|v| histogram[*v] > least).unwrap_or(0);
        let threshold = ((paper + darkest.min(paper)) / 2) as u8;
        let stride = page.width.div_ceil(TURNED);
        let mut bits = vec![0u64; stride * page.height];
        let mut levels = page.gray_levels();
        for row in bits.chunks_exact_mut(stride.max(1)) {
            for (x, level) in levels.by_ref().take(page.width).enumerate() {
                row[x / TURNED] |= u64::from(level < threshold) << (x % TURNED);
            }
        }
        Self {
            bits,
            stride,
            width: page.width,
            height: page.height,
        }
    }

    /// Unpacks the pixels of a row into `row`.
    fn row(&self, y: usize, row: &mut Vec<bool>) {
        let words = &self.bits[y * self.stride..(y + 1) * self.stride];
        row.clear();
        row.extend((0..self.width).map(|x| words[x / TURNED] >> (x % TURNED) & 1 == 1));
    }

    /// Horizontal lines as boxes.
    fn horizontal(&self, min_length: usize) -> Vec<Rect> {
        let mut lines = Lines::default();
        let mut row = Vec::new();
        for y in 0..self.height {
            self.row(y, &mut row);
            lines.add(y, &runs(&row, min_length));
        }
        lines.done()
    }

    /// Vertical lines as boxes.
    fn vertical(&self, min_length: usize) -> Vec<Rect> {
        let mut lines = Lines::default();
        if self.height == 0 {
            return Vec::new();
        }
        let mut columns = vec![false; TURNED.min(self.width) * self.height];
        for word in 0..self.stride {
            let first = word * TURNED;
            let count = TURNED.min(self.width - first);
            for y in 0..self.height {
                let bits = self.bits[y * self.stride + word];
                (0..count).for_each(|i| columns[i * self.height + y] = bits >> i & 1 == 1);
            }
            for (i, column) in columns.chunks_exact(self.height).take(count).enumerate() {
                lines.add(first + i, &runs(column, min_length));
            }
        }
        let upright = |r: Rect| Rect {
            x1: r.y1,
            y1: r.x1,
            x2: r.y2,
            y2: r.x2,
        };
        lines.done().into_iter().map(upright).collect()
    }
}

/// Lines under construction, built from runs row by row.
#[derive(Default)]
struct Lines {
    /// Lines that continue in the last row, sorted by where they begin in it.
    open: Vec<Rect>,
    done: Vec<Rect>,
}

impl Lines {
    /// Adds the runs of the next row, left to right: overlapping runs of neighbouring rows form one line.
    fn add(&mut self, y: usize, runs: &[(usize, usize)]) {
        // Running maximum of right ends and minimum of left ends: they limit the lines compared with a run.
        let mut right: Vec<f32> = self.open.iter().map(|line| line.x2).collect();
        (1..right.len()).for_each(|i| right[i] = right[i].max(right[i - 1]));
        let mut left: Vec<f32> = self.open.iter().map(|line| line.x1).collect();
        (1..left.len())
            .rev()
            .for_each(|i| left[i - 1] = left[i - 1].min(left[i]));
        let mut is_joined = vec![false; self.open.len()];
        let mut next = Vec::with_capacity(runs.len());
        for &(a, b) in runs {
            let mut line = Rect {
                x1: a as f32,
                y1: y as f32,
                x2: b as f32,
                y2: y as f32 + 1.0,
            };
            for i in right.partition_point(|x2| *x2 < line.x1)..self.open.len() {
                if left[i] > line.x2 {
                    break;
                }
                let old = &self.open[i];
                if !is_joined[i] && old.x1 <= line.x2 && line.x1 <= old.x2 {
                    line = line.union(old);
                    is_joined[i] = true;
                }
            }
            next.push(line);
        }
        let ended = self
            .open
            .iter()
            .zip(&is_joined)
            .filter(|(_, is_joined)| !**is_joined);
        self.done
            .extend(ended.map(|(line, _)| *line).filter(is_thin));
        self.open = next;
    }

    fn done(mut self) -> Vec<Rect> {
        self.done.extend(self.open.into_iter().filter(is_thin));
        self.done
    }
}

/// `true` for a line, `false` for an area; a long line may be slightly tilted.
fn is_thin(line: &Rect) -> bool {
    line.height() <= MAX_THICKNESS as f32 + line.width() * TILT
}

/// Runs of dark pixels at least `min_length` long, with short breaks bridged.
fn runs(row: &[bool], min_length: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut start, mut last) = (None, 0);
    for (x, dark) in row.iter().enumerate() {
        if !dark {
            continue;
        }
        match start {
            Some(s) if x - last > MAX_BREAK + 1 => {
                if last + 1 - s >= min_length {
                    found.push((s, last + 1));
                }
                start = Some(x);
            }
            None => start = Some(x),
            _ => {}
        }
        last = x;
    }
    if let Some(s) = start.filter(|s| last + 1 - s >= min_length) {
        found.push((s, last + 1));
    }
    found
}

/// Horizontal and vertical ruling lines of a straight page, without strokes of letters.
pub(super) fn rulings(map: &DarkMap, text: &PageText) -> Vec<Rect> {
    let body = text.body_size().unwrap_or(DEFAULT_BODY);
    let mut lines = map.horizontal(MIN_HORIZONTAL.max((body * MIN_HORIZONTAL_EMS) as usize));
    lines.extend(map.vertical(MIN_VERTICAL.max((body * MIN_VERTICAL_EMS) as usize)));
    // A stroke through the middle of a text line belongs to the text.
    lines.retain(|line| {
        !text.segments.iter().any(|s| {
            let core = s.bbox.expanded(0.0, -TEXT_CORE * s.bbox.height());
            line.share_inside(&core) > STROKE_INSIDE
        })
    });
    lines
}

/// Areas with ink that are neither text nor ruling lines, large enough for a figure.
pub(super) fn figures(map: &DarkMap, text: &PageText, rulings: &[Rect]) -> Vec<Rect> {
    let (columns, rows) = (map.width.div_ceil(CELL), map.height.div_ceil(CELL));
    let mut ink = vec![0u16; columns * rows];
    for y in 0..map.height {
        // Cells do not cross the words of a row.
        let words = &map.bits[y * map.stride..(y + 1) * map.stride];
        let cells = words.iter().flat_map(|word| word.to_le_bytes());
        for (cell, dark) in ink[y / CELL * columns..][..columns].iter_mut().zip(cells) {
            *cell += dark.count_ones() as u16;
        }
    }
    let mut full: Vec<bool> = ink.iter().map(|n| *n > MIN_CELL_INK).collect();
    let doubtful = |s: &&Segment| {
        s.confidence.is_some_and(|c| c < DOUBTFUL) && s.char_count() <= DOUBTFUL_CHARS
    };
    let covers = text
        .segments
        .iter()
        .filter(|s| !doubtful(s))
        .map(|s| s.bbox)
        .chain(rulings.iter().map(|r| r.expanded(RULE_MARGIN, RULE_MARGIN)));
    for cover in covers {
        let [x1, y1, x2, y2] = cover
            .clamped(map.width as f32, map.height as f32)
            .to_pixels()
            .map(|v| v as usize);
        for cy in y1 / CELL..y2.div_ceil(CELL).min(rows) {
            full[cy * columns + x1 / CELL..cy * columns + x2.div_ceil(CELL).min(columns)]
                .fill(false);
        }
    }
    let mut found = Vec::new();
    for start in 0..full.len() {
        if !full[start] {
            continue;
        }
        let (bounds, count) = flood(&mut full, columns, rows, start);
        let (x1, y1, x2, y2) = bounds;
        let (w, h) = (x2 - x1 + 1, y2 - y1 + 1);
        if w >= MIN_FIGURE_CELLS
            && h >= MIN_FIGURE_CELLS
            && count as f32 >= MIN_FIGURE_DENSITY * (w * h) as f32
        {
            found.push(Rect {
                x1: (x1 * CELL) as f32,
                y1: (y1 * CELL) as f32,
                x2: ((x2 + 1) * CELL).min(map.width) as f32,
                y2: ((y2 + 1) * CELL).min(map.height) as f32,
            });
        }
    }
    found
}

/// Clears a connected area of cells; returns its bounds and number of cells.
fn flood(
    full: &mut [bool],
    columns: usize,
    rows: usize,
    start: usize,
) -> ((usize, usize, usize, usize), usize) {
    const REACH: usize = 1;
    let mut stack = vec![start];
    full[start] = false;
    let (mut bounds, mut count) = ((usize::MAX, usize::MAX, 0, 0), 0);
    while let Some(at) = stack.pop() {
        let (x, y) = (at % columns, at / columns);
        bounds = (
            bounds.0.min(x),
            bounds.1.min(y),
            bounds.2.max(x),
            bounds.3.max(y),
        );
        count += 1;
        for ny in y.saturating_sub(REACH)..(y + REACH + 1).min(rows) {
            for nx in x.saturating_sub(REACH)..(x + REACH + 1).min(columns) {
                if std::mem::replace(&mut full[ny * columns + nx], false) {
                    stack.push(ny * columns + nx);
                }
            }
        }
    }
    (bounds, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(dark: &[(usize, usize, usize, usize)]) -> Pixels {
        let mut page = Pixels::white(300, 200);
        for &(x1, y1, x2, y2) in dark {
            for y in y1..y2 {
                page.data[(y * 300 + x1) * 3..(y * 300 + x2) * 3].fill(0);
            }
        }
        page
    }

    #[test]
    fn thin_long_strokes_are_rulings() {
        let page = page(&[(10, 20, 250, 22), (10, 20, 12, 120), (40, 150, 60, 170)]);
        let found = rulings(&DarkMap::new(&page), &PageText::empty());
        assert_eq!(
            found,
            [
                Rect::new(10.0, 20.0, 250.0, 22.0),
                Rect::new(10.0, 20.0, 12.0, 120.0)
            ]
        );
    }

    #[test]
    fn short_breaks_are_bridged() {
        let row: Vec<bool> = (0..100).map(|x| x < 40 || (43..90).contains(&x)).collect();
        assert_eq!(runs(&row, 50), [(0, 90)]);
        assert!(runs(&row[..41], 50).is_empty());
    }

    #[test]
    fn many_lines_side_by_side_stay_apart() {
        // Two rows of 50,000 runs each: comparing every pair would take minutes.
        let runs: Vec<(usize, usize)> = (0..50_000).map(|i| (i * 60, i * 60 + 50)).collect();
        let mut lines = Lines::default();
        (0..200).for_each(|_| lines.add(0, &runs));
        assert_eq!(lines.done().len(), 50_000);
    }

    #[test]
    fn columns_beyond_the_last_are_none() {
        let mut page = Pixels::white(70, 100);
        (0..100).for_each(|y| page.data[(y * 70 + 69) * 3..][..3].fill(0));
        let found = rulings(&DarkMap::new(&page), &PageText::empty());
        assert_eq!(found, [Rect::new(69.0, 0.0, 70.0, 100.0)]);
    }

    #[test]
    fn large_inked_areas_are_figures() {
        let page = page(&[(40, 40, 140, 140), (200, 10, 210, 20)]);
        let map = DarkMap::new(&page);
        assert_eq!(
            figures(&map, &PageText::empty(), &[]),
            [Rect::new(40.0, 40.0, 144.0, 144.0)]
        );
    }
}
