//! Letters on a page picture, found without a network: the size at which the line detector should see the page follows from
//! their height, and where it should look again from their places.
//!
//! The page is divided into squares; in each, the pixels on the rarer side of the middle between light and dark are ink.
//! Connected areas of ink with the size and shape of letters count, large ones more: of a page in two sizes, the larger one
//! has fewer letters on as much paper.

use crate::raster::Pixels;

/// Side of the squares that are divided into ink and ground, in pixels: shadows and gradients are even within one.
const SQUARE: usize = 64;
/// One in so many pixels of a square may be darker than its dark level, or lighter than its light level: noise. A lone `i` is
/// more.
const OUTLIERS: usize = 400;
/// Least distance of the two levels; below it a square is empty.
const CONTRAST: usize = 40;
/// Letters below this height in pixels cannot be told from noise.
const LEAST_HEIGHT: usize = 4;
/// Areas above this height in pixels are pictures, or letters that can be found at any size.
const MOST_HEIGHT: usize = 200;
/// Most widths per height: letters that touch are one area.
const MOST_WIDTH: usize = 8;
/// Most heights per width: an upright stroke.
const MOST_TALLNESS: usize = 10;
/// Part of its box that an area of ink fills at least.
const LEAST_FILLED: usize = 10;
/// Fewer letters say nothing about the page.
const LEAST_LETTERS: u32 = 10;

/// Height of most letters in pixels of the page (for Latin letters, between that of `x` and that of `X`), 4 to 200; `None`
/// if there are too few.
pub(super) fn letter_height(page: &Pixels) -> Option<f32> {
    let mut counts = [0u32; MOST_HEIGHT + 1];
    letters(&ink(page), page.width, |letter| {
        counts[letter.bottom - letter.top] += 1;
    });
    if counts.iter().sum::<u32>() < LEAST_LETTERS {
        return None;
    }
    let weight = |(height, count): (usize, &u32)| height as u64 * u64::from(*count);
    let all: u64 = counts.iter().enumerate().map(weight).sum();
    let mut passed = 0;
    counts.iter().enumerate().find_map(|(height, count)| {
        passed += weight((height, count));
        (passed * 2 >= all).then_some(height as f32)
    })
}

/// Box around all letters of a page, however few, with as much around as they are high; `None` if there are none.
pub(super) fn letter_bounds(page: &Pixels) -> Option<Letter> {
    let mut all: Option<Letter> = None;
    let mut highest = 0;
    letters(&ink(page), page.width, |letter| {
        highest = highest.max(letter.bottom - letter.top);
        all = Some(all.map_or(letter, |all| Letter {
            left: all.left.min(letter.left),
            top: all.top.min(letter.top),
            right: all.right.max(letter.right),
            bottom: all.bottom.max(letter.bottom),
        }));
    });
    all.map(|all| Letter {
        left: all.left.saturating_sub(highest),
        top: all.top.saturating_sub(highest),
        right: (all.right + highest).min(page.width),
        bottom: (all.bottom + highest).min(page.height),
    })
}

/// Box of a letter, or of several: first and last pixel, the last ones exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Letter {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

/// For every pixel, whether it is ink.
fn ink(page: &Pixels) -> Vec<bool> {
    let levels: Vec<u8> = page.gray_levels().collect();
    let mut ink = vec![false; levels.len()];
    for top in (0..page.height).step_by(SQUARE) {
        for left in (0..page.width).step_by(SQUARE) {
            let columns = left..(left + SQUARE).min(page.width);
            let rows = top..(top + SQUARE).min(page.height);
            let row = |y: usize| y * page.width + columns.start..y * page.width + columns.end;
            let mut histogram = [0usize; 256];
            rows.clone()
                .flat_map(|y| &levels[row(y)])
                .for_each(|level| histogram[usize::from(*level)] += 1);
            let count = columns.len() * rows.len();
            let Some((middle, is_dark)) = division(&histogram, count) else {
                continue;
            };
            for y in rows {
                for (ink, level) in ink[row(y)].iter_mut().zip(&levels[row(y)]) {
                    *ink = (usize::from(*level) < middle) == is_dark;
                }
            }
        }
    }
    ink
}

/// The level that divides ink and ground in a square of `count` pixels, and whether the ink is the dark side; `None` if the
/// square is empty.
fn division(histogram: &[usize; 256], count: usize) -> Option<(usize, bool)> {
    let dark = first_level(histogram, count, 0..256)?;
    let light = first_level(histogram, count, (0..256).rev())?;
    if light < dark + CONTRAST {
        return None;
    }
    let middle = (dark + light).div_ceil(2);
    let darker: usize = histogram[..middle].iter().sum();
    Some((middle, darker * 2 <= count))
}

/// The first of some levels that is not one of a few outliers among `count` pixels.
fn first_level(
    histogram: &[usize; 256],
    count: usize,
    mut levels: impl Iterator<Item = usize>,
) -> Option<usize> {
    let mut passed = 0;
    levels.find(|level| {
        passed += histogram[*level];
        passed > count / OUTLIERS
    })
}

/// A connected area of ink that reaches the current row.
#[derive(Clone, Copy)]
struct Area {
    left: usize,
    right: usize,
    top: usize,
    pixels: usize,
    /// Index of the area that it turned out to be a part of; its own if none.
    whole: usize,
}

/// Passes the letters in a picture of `width` pixels per row to `found`, from top to bottom.
///
/// Only areas that reach the current row are kept: memory grows with the width, whatever is in the picture.
fn letters(ink: &[bool], width: usize, mut found: impl FnMut(Letter)) {
    let mut areas: Vec<Area> = Vec::new();
    // Runs of the row before: start, end, index of the area.
    let mut above: Vec<(usize, usize, usize)> = Vec::new();
    let rows = ink.chunks_exact(width.max(1));
    let bottom = rows.len();
    for (top, row) in rows.enumerate() {
        let mut runs = Vec::new();
        let mut first = 0;
        for (start, end) in runs_of(row) {
            // Areas that touch at a corner are one.
            first += above[first..].partition_point(|(_, end, _)| *end < start);
            let mut own = None;
            for (_, _, area) in above[first..]
                .iter()
                .take_while(|(left, _, _)| *left <= end)
            {
                let area = whole(&areas, *area);
                match own {
                    None => own = Some(area),
                    Some(own) => join(&mut areas, own, area),
                }
            }
            let own = own.unwrap_or_else(|| {
                areas.push(Area {
                    left: start,
                    right: end,
                    top,
                    pixels: 0,
                    whole: areas.len(),
                });
                areas.len() - 1
            });
            let area = &mut areas[own];
            (area.left, area.right) = (area.left.min(start), area.right.max(end));
            area.pixels += end - start;
            runs.push((start, end, own));
        }
        above = runs;
        close(&mut areas, &mut above, top, &mut found);
    }
    above.clear();
    close(&mut areas, &mut above, bottom, &mut found);
}

/// Starts and ends of ink in a row.
fn runs_of(row: &[bool]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + row[at..].iter().position(|ink| *ink)?;
        at = row[start..]
            .iter()
            .position(|ink| !*ink)
            .map_or(row.len(), |length| start + length);
        Some((start, at))
    })
}

/// The area that one is a part of.
fn whole(areas: &[Area], mut area: usize) -> usize {
    while areas[area].whole != area {
        area = areas[area].whole;
    }
    area
}

/// Makes an area a part of another one.
fn join(areas: &mut [Area], into: usize, part: usize) {
    if into == part {
        return;
    }
    let other = areas[part];
    areas[part].whole = into;
    let area = &mut areas[into];
    area.left = area.left.min(other.left);
    area.right = area.right.max(other.right);
    area.top = area.top.min(other.top);
    area.pixels += other.pixels;
}

/// Drops the areas that do not reach the row `bottom`, whose runs are given; those that may be letters are passed on.
fn close(
    areas: &mut Vec<Area>,
    runs: &mut [(usize, usize, usize)],
    bottom: usize,
    found: &mut impl FnMut(Letter),
) {
    let mut kept: Vec<Area> = Vec::with_capacity(runs.len());
    let mut places = vec![usize::MAX; areas.len()];
    for (_, _, area) in runs {
        let root = whole(areas, *area);
        if places[root] == usize::MAX {
            places[root] = kept.len();
            kept.push(Area {
                whole: kept.len(),
                ..areas[root]
            });
        }
        *area = places[root];
    }
    for (index, area) in areas.iter().enumerate() {
        if area.whole == index && places[index] == usize::MAX {
            let (width, height) = (area.right - area.left, bottom - area.top);
            let is_letter = (LEAST_HEIGHT..=MOST_HEIGHT).contains(&height)
                && width <= height * MOST_WIDTH
                && height <= width * MOST_TALLNESS
                && area.pixels * LEAST_FILLED >= width * height;
            if is_letter {
                found(Letter {
                    left: area.left,
                    top: area.top,
                    right: area.right,
                    bottom,
                });
            }
        }
    }
    *areas = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of rings, which are one area each however they are met: `size` pixels high and wide.
    fn rings(size: usize, [ground, ink]: [u8; 2]) -> Pixels {
        let mut page = Pixels::white(400, 300);
        page.data.fill(ground);
        for top in (10..280 - size).step_by(size + 10) {
            for left in (10..380 - size).step_by(size + 6) {
                for (x, y) in (0..size * size).map(|i| (i % size, i / size)) {
                    let is_inside = (2..size - 2).contains(&x) && (2..size - 2).contains(&y);
                    if !is_inside {
                        page.data[((top + y) * 400 + left + x) * 3..][..3].fill(ink);
                    }
                }
            }
        }
        page
    }

    #[test]
    fn the_height_of_letters_is_measured_on_any_ground() {
        for size in [6, 14, 40] {
            for colours in [[255, 0], [20, 200], [180, 90]] {
                assert_eq!(
                    letter_height(&rings(size, colours)),
                    Some(size as f32),
                    "{size} {colours:?}"
                );
            }
        }
    }

    #[test]
    fn small_print_among_large_letters_is_not_overlooked() {
        // As much paper with letters of 8 as with letters of 30 pixels.
        let (small, large) = (rings(8, [255, 0]), rings(30, [255, 0]));
        let mut page = Pixels::white(400, 600);
        page.paste(&small, 0, 0);
        page.paste(&large, 0, 300);
        assert_eq!(letter_height(&page), Some(8.0));
    }

    #[test]
    fn empty_pages_rulings_and_noise_have_no_letters() {
        assert_eq!(letter_height(&Pixels::white(400, 300)), None);
        assert_eq!(letter_height(&rings(14, [255, 240])), None);
        let mut ruled = Pixels::white(400, 300);
        for y in (10..300).step_by(20) {
            ruled.data[y * 1200..(y + 5) * 1200].fill(0);
        }
        assert_eq!(letter_height(&ruled), None);
        let mut noise = Pixels::white(400, 300);
        (0..400 * 300)
            .step_by(7)
            .for_each(|i| noise.data[i * 3..][..3].fill(0));
        assert_eq!(letter_height(&noise), None);
    }

    #[test]
    fn a_box_is_around_all_letters() {
        let mut page = Pixels::white(900, 700);
        let word = rings(14, [255, 0]).part(9, 9, 40, 16);
        page.paste(&word.unwrap(), 300, 500);
        let bounds = letter_bounds(&page).unwrap();
        assert_eq!(
            (bounds.left, bounds.top, bounds.bottom),
            (301 - 14, 501 - 14, 515 + 14)
        );
        assert_eq!(letter_height(&page), None);
        assert_eq!(letter_bounds(&Pixels::white(90, 70)), None);
    }

    #[test]
    fn arms_that_meet_below_are_one_letter() {
        // A `V`, and a picture that ends within it.
        let mut ink = vec![false; 40 * 20];
        for y in 0..15 {
            ink[y * 40 + 5 + y..y * 40 + 8 + y].fill(true);
            ink[y * 40 + 33 - y..y * 40 + 36 - y].fill(true);
        }
        let sizes = |ink: &[bool]| {
            let mut sizes = Vec::new();
            letters(ink, 40, |l| {
                sizes.push((l.right - l.left, l.bottom - l.top))
            });
            sizes
        };
        assert_eq!(sizes(&ink), [(31, 15)]);
        assert_eq!(sizes(&ink[..40 * 10]), [(12, 10), (12, 10)]);
    }
}
