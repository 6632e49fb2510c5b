//! What can be seen in the picture of a scanned page besides text: ruling lines and figures.

use super::page_text::{PageText, Segment};
use crate::geometry::Rect;
use crate::raster::Pixels;

/// Ruling lines are at least this long, in pixels at 144 dpi: longer than any stroke of body text.
const MIN_HORIZONTAL: usize = 48;
/// Vertical ones may be as short as a table row.
const MIN_VERTICAL: usize = 30;
/// A line may be interrupted for so many pixels: noise and worn print.
const MAX_BREAK: usize = 3;
/// A line is at most this thick, in pixels.
const MAX_THICKNESS: usize = 8;
/// Cell of the grid in which figures are looked for, in pixels.
const CELL: usize = 8;
/// Figures are at least this wide and high, in cells.
const MIN_FIGURE_CELLS: usize = 8;
/// Share of cells with ink inside the box of a figure.
const MIN_FIGURE_DENSITY: f32 = 0.07;
/// Short lines less sure than this may be part of a drawing that the recognizer took for letters.
const DOUBTFUL: f32 = 0.8;
const DOUBTFUL_CHARS: usize = 6;

/// The picture of a page as dark and light.
pub struct DarkMap {
    dark: Vec<bool>,
    width: usize,
    height: usize,
}

impl DarkMap {
    /// Dark is what is clearly darker than the paper: below the middle between the darkest and the most
    /// frequent light level.
    pub fn new(page: &Pixels) -> Self {
        let gray = page.to_gray();
        let mut histogram = [0u32; 256];
        for &v in &gray {
            histogram[v as usize] += 1;
        }
        let paper = (128..256).max_by_key(|v| histogram[*v]).unwrap_or(255);
        let darkest = (0..256).find(|v| histogram[*v] > (gray.len() / 2000) as u32).unwrap_or(0);
        let threshold = ((paper + darkest.min(paper)) / 2) as u8;
        Self { dark: gray.iter().map(|v| *v < threshold).collect(), width: page.width, height: page.height }
    }

    fn transposed(&self) -> DarkMap {
        let mut dark = vec![false; self.dark.len()];
        for y in 0..self.height {
            for x in 0..self.width {
                dark[x * self.height + y] = self.dark[y * self.width + x];
            }
        }
        DarkMap { dark, width: self.height, height: self.width }
    }

    /// Horizontal lines as boxes.
    fn horizontal(&self, min_length: usize) -> Vec<Rect> {
        // Runs of neighbouring rows that overlap make one line.
        let mut open: Vec<Rect> = Vec::new();
        let mut done = Vec::new();
        for y in 0..self.height {
            let row = &self.dark[y * self.width..(y + 1) * self.width];
            let runs = runs(row, min_length);
            let mut next: Vec<Rect> = Vec::new();
            for (a, b) in runs {
                let mut line = Rect { x1: a as f32, y1: y as f32, x2: b as f32, y2: y as f32 + 1.0 };
                open.retain(|old| {
                    let joins = old.x1 <= line.x2 && line.x1 <= old.x2;
                    if joins {
                        line = line.union(old);
                    }
                    !joins
                });
                next.push(line);
            }
            done.append(&mut open);
            open = next;
        }
        done.append(&mut open);
        done.retain(|line| line.height() <= MAX_THICKNESS as f32 + line.width() * 0.004);
        done
    }
}

/// Stretches of dark pixels at least `min_length` long, short breaks bridged.
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
pub fn rulings(map: &DarkMap, text: &PageText) -> Vec<Rect> {
    let body = text.body_size().unwrap_or(20.0);
    let mut lines = map.horizontal(MIN_HORIZONTAL.max((body * 2.0) as usize));
    let vertical = map.transposed().horizontal(MIN_VERTICAL.max((body * 1.4) as usize));
    lines.extend(vertical.into_iter().map(|r| Rect { x1: r.y1, y1: r.x1, x2: r.y2, y2: r.x2 }));
    // A stroke through the middle of a line of text belongs to the text.
    lines.retain(|line| {
        !text.segments.iter().any(|s| {
            let core = s.bbox.expanded(0.0, -0.22 * s.bbox.height());
            line.share_inside(&core) > 0.6
        })
    });
    lines
}

/// Areas with ink that are neither text nor rulings and large enough for a figure.
pub fn figures(map: &DarkMap, text: &PageText, rulings: &[Rect]) -> Vec<Rect> {
    let (columns, rows) = (map.width.div_ceil(CELL), map.height.div_ceil(CELL));
    let mut ink = vec![0u16; columns * rows];
    for y in 0..map.height {
        for x in 0..map.width {
            ink[y / CELL * columns + x / CELL] += map.dark[y * map.width + x] as u16;
        }
    }
    // A speck of dust fills less than this.
    let mut full: Vec<bool> = ink.iter().map(|n| *n > 5).collect();
    let doubtful =
        |s: &&Segment| s.confidence.is_some_and(|c| c < DOUBTFUL) && s.char_count() <= DOUBTFUL_CHARS;
    let covers = text
        .segments
        .iter()
        .filter(|s| !doubtful(s))
        .map(|s| s.bbox)
        .chain(rulings.iter().map(|r| r.expanded(3.0, 3.0)));
    for cover in covers {
        let [x1, y1, x2, y2] =
            cover.clamped(map.width as f32, map.height as f32).to_pixels().map(|v| v as usize);
        for cy in y1 / CELL..y2.div_ceil(CELL).min(rows) {
            full[cy * columns + x1 / CELL..cy * columns + x2.div_ceil(CELL).min(columns)].fill(false);
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

/// Clears an area of cells that touch; returns its bounds and the number of cells.
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
        bounds = (bounds.0.min(x), bounds.1.min(y), bounds.2.max(x), bounds.3.max(y));
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
        assert_eq!(found, [Rect::new(10.0, 20.0, 250.0, 22.0), Rect::new(10.0, 20.0, 12.0, 120.0)]);
    }

    #[test]
    fn short_breaks_are_bridged() {
        let row: Vec<bool> = (0..100).map(|x| x < 40 || (43..90).contains(&x)).collect();
        assert_eq!(runs(&row, 50), [(0, 90)]);
        assert!(runs(&row[..41], 50).is_empty());
    }

    #[test]
    fn large_inked_areas_are_figures() {
        let page = page(&[(40, 40, 140, 140), (200, 10, 210, 20)]);
        let map = DarkMap::new(&page);
        assert_eq!(figures(&map, &PageText::empty(), &[]), [Rect::new(40.0, 40.0, 144.0, 144.0)]);
    }
}
