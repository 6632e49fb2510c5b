//! Memory for reading a picture, and its limits.
//!
//! The line networks' memory grows with the pixels of the detector's input and the columns of the
//! recognizer's; [`LineOptions::memory`](super::LineOptions::memory) limits both: larger pages are read in
//! more tiles, lines in smaller batches. Constants measured with ONNX Runtime 1.31.1, x86-64, PP-OCRv6 small,
//! sessions without memory patterns. The recognizer with weights of eight bits takes less: 12,000 bytes per
//! column of one line at a time, its input included, and a megabyte per thread.

/// Bytes of the line networks' sessions once loaded: 40 MiB for the detector, 52 for the recognizer, 11 for
/// the direction classifier (which needs hardly more to run), and the runtime's code.
pub const SESSIONS: u64 = 128 << 20;
/// Bytes of the network that sees which way up a page is, runs included: 46 MiB measured. It is not part of the budget.
pub(crate) const PAGE_ORIENTATION: u64 = 48 << 20;
/// Bytes of a line recognizer that is given beside the embedded one: what the embedded one takes, 52 MiB once loaded
/// and the working memory of its largest input. An estimate, not part of the budget.
pub(crate) const GIVEN_RECOGNIZER: u64 = 192 << 20;
/// Working memory in bytes per pixel of the detector's input: 173 measured.
const DETECTOR_PIXEL: u64 = 180;
/// Working memory in bytes per column (48 pixels high) of the recognizer's input: 30,100 measured.
const RECOGNIZER_COLUMN: u64 = 31_000;
/// Bytes per pixel of the page: its pixels, a rotated and a straightened copy of 3 bytes each, and maps.
pub const PAGE_PIXEL: u64 = 10;
/// Limit of the detector's input pixels, whatever the budget: 736x5888, the largest that rapidocr's rule
/// gives for an aspect ratio of eight, and larger than for any page.
const MOST_PIXELS: u64 = 4_400_000;
/// Minimum of that limit: 1024x1024.
const LEAST_PIXELS: u64 = 1 << 20;
/// Limit of the recognizer's input columns, over all lines of a call. A larger one is no faster: two lines of
/// 2048 columns take 0.9 s, one 0.45 s.
const MOST_COLUMNS: u64 = 4096;
/// Minimum of that limit: a line across a page has fewer columns.
const LEAST_COLUMNS: u64 = 2048;

/// Budget with which every ordinary page is read in one piece.
pub const DEFAULT_BUDGET: u64 =
    SESSIONS + MOST_PIXELS * DETECTOR_PIXEL + MOST_COLUMNS * RECOGNIZER_COLUMN;
/// Minimum budget; a lower one counts as this.
pub const LEAST_BUDGET: u64 =
    SESSIONS + LEAST_PIXELS * DETECTOR_PIXEL + LEAST_COLUMNS * RECOGNIZER_COLUMN;

/// Columns of the recognizer's input within a budget, all lines of a call together: a sixth of what the
/// sessions leave.
pub(super) fn most_columns(budget: u64) -> usize {
    let work = budget.max(LEAST_BUDGET).saturating_sub(SESSIONS);
    (work / 6 / RECOGNIZER_COLUMN).clamp(LEAST_COLUMNS, MOST_COLUMNS) as usize
}

/// Pixels of the detector's input within a budget: what sessions and recognizer leave.
pub fn most_pixels(budget: u64) -> usize {
    let recognizer = most_columns(budget) as u64 * RECOGNIZER_COLUMN;
    let work = budget
        .max(LEAST_BUDGET)
        .saturating_sub(SESSIONS + recognizer);
    (work / DETECTOR_PIXEL).clamp(LEAST_PIXELS, MOST_PIXELS) as usize
}

#[cfg(test)]
mod tests {
    use super::super::options::LineOptions;
    use super::super::tiles::{Shown, shown};
    use super::*;

    /// Peak memory in bytes for reading a picture of `width` x `height` pixels, sessions included: for the
    /// networks at most the budget of `options`, plus 10 bytes for each pixel of the page.
    ///
    /// It does not include the 25 MiB or so that this process takes anyway, nor PDF workers, which are other
    /// processes.
    fn picture_memory(width: usize, height: usize, options: &LineOptions) -> u64 {
        let largest = match shown(
            width,
            height,
            &options.detect,
            None,
            most_pixels(options.memory),
        ) {
            Shown::Nothing => 0,
            Shown::Whole(width, height) => width * height,
            Shown::Tiles(tiles) => tiles
                .iter()
                .map(|tile| tile.input.0 * tile.input.1)
                .max()
                .unwrap_or(0),
        };
        let recognizer = most_columns(options.memory) as u64 * RECOGNIZER_COLUMN;
        let networks = SESSIONS + largest as u64 * DETECTOR_PIXEL + recognizer;
        networks.saturating_add(
            (width as u64)
                .saturating_mul(height as u64)
                .saturating_mul(PAGE_PIXEL),
        )
    }

    fn with(memory: u64) -> LineOptions {
        LineOptions {
            memory,
            ..LineOptions::default()
        }
    }

    #[test]
    fn the_default_reads_ordinary_pages_whole_and_less_in_tiles() {
        let detect = LineOptions::default().detect;
        for (width, height) in [
            (1191, 1684),
            (2480, 3508),
            (4000, 3000),
            (2000, 2000),
            (736, 250),
        ] {
            let whole = shown(width, height, &detect, None, most_pixels(DEFAULT_BUDGET));
            assert!(matches!(whole, Shown::Whole(..)), "{width}x{height}");
        }
        assert_eq!(
            (most_pixels(DEFAULT_BUDGET), most_columns(DEFAULT_BUDGET)),
            (4_400_000, 4096)
        );
        assert_eq!(most_pixels(0), 1 << 20);
        assert_eq!(most_columns(0), 2048);
        assert!(matches!(
            shown(1191, 1684, &detect, None, most_pixels(LEAST_BUDGET)),
            Shown::Tiles(_)
        ));
    }

    #[test]
    fn networks_never_take_more_than_the_budget() {
        for budget in [LEAST_BUDGET, 500 << 20, 800 << 20, DEFAULT_BUDGET] {
            for (width, height) in [
                (1, 1),
                (500, 8000),
                (16_000, 700),
                (13_000, 13_000),
                (40, 3000),
            ] {
                let rasters = (width * height) as u64 * PAGE_PIXEL;
                let networks = picture_memory(width, height, &with(budget)) - rasters;
                assert!(
                    networks <= budget,
                    "{width}x{height} in {budget}: {networks}"
                );
            }
        }
    }
}
