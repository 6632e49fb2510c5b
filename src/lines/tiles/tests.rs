//! Tests of tiling: inputs stay within their bound, tiles cover the page, lines of several tiles are merged.

use super::*;
use crate::lines::memory::{DEFAULT_BUDGET, LEAST_BUDGET, most_pixels};
use proptest::prelude::*;

const DEFAULTS: DetectOptions = DetectOptions {
    limit_side_len: 736,
    limit_type: LimitType::Min,
    thresh: 0.3,
    box_thresh: 0.5,
    unclip_ratio: 1.6,
};

fn tiles(width: usize, height: usize) -> Vec<Tile> {
    match shown(width, height, &DEFAULTS, None, most_pixels(DEFAULT_BUDGET)) {
        Shown::Tiles(tiles) => tiles,
        other => panic!("{width}x{height} is shown as {other:?}"),
    }
}

#[test]
fn sides_become_multiples_of_32_within_the_limit() {
    assert_eq!(network_size(1191, 1684, &DEFAULTS, None), (1184, 1696));
    assert_eq!(network_size(368, 500, &DEFAULTS, None), (736, 992));
    let max = DetectOptions {
        limit_type: LimitType::Max,
        limit_side_len: 960,
        ..DEFAULTS
    };
    assert_eq!(network_size(1920, 1080, &max, None), (960, 544));
}

#[test]
fn pages_are_shown_whole_by_rapidocrs_rule() {
    let most = most_pixels(DEFAULT_BUDGET);
    let check = |width, height, input: (usize, usize)| {
        assert_eq!(
            shown(width, height, &DEFAULTS, None, most),
            Shown::Whole(input.0, input.1)
        );
    };
    check(1191, 1684, (1184, 1696));
    check(4960, 7016, (1408, 1984));
    check(2000, 100, (2944, 736));
    check(250, 2000, (736, 5888));
}

#[test]
fn pages_are_as_small_as_their_letters_allow() {
    let by_letters = DetectOptions {
        limit_type: LimitType::Letters,
        ..DEFAULTS
    };
    let check = |(width, height), letters, input: (usize, usize)| {
        assert_eq!(
            network_size(width, height, &by_letters, letters),
            input,
            "{width}x{height} with letters of {letters:?}"
        );
    };
    // A page at 300 dpi, shrunk to 2000 pixels: letters of 20 are more than enough.
    check((1408, 1984), Some(20.0), (992, 1376));
    // Not below a million pixels.
    check((1408, 1984), Some(40.0), (832, 1184));
    check((600, 240), Some(40.0), (608, 256));
    check((1408, 1984), Some(14.0), (1408, 1984));
    // Small letters never make a page larger than by rapidocr's rule, nor do unknown ones.
    check((1408, 1984), Some(4.0), (1408, 1984));
    check((1408, 1984), None, (1408, 1984));
    check((400, 320), None, (928, 736));
    // A small picture is enlarged no further than its letters need, and has some pixels in any case.
    check((400, 320), Some(14.0), (384, 320));
    check((400, 100), Some(60.0), (768, 192));
    // Only where it is asked for.
    assert_eq!(
        network_size(1408, 1984, &DEFAULTS, Some(28.0)),
        (1408, 1984)
    );
}

#[test]
fn strips_are_shown_in_tiles_at_the_scale_of_a_page() {
    let screenshot = tiles(800, 30_000);
    assert!(
        screenshot
            .iter()
            .all(|t| t.x == 0 && t.width == 800 && t.input.0 == 800)
    );
    let scale = screenshot[0].input.1 as f64 / screenshot[0].height as f64;
    assert!((0.95..1.05).contains(&scale), "{scale}");
    let panorama = tiles(16_000, 700);
    assert!(
        panorama
            .iter()
            .all(|t| t.y == 0 && t.height == 700 && t.input.1 == 736)
    );
    // A receipt is upscaled like a page of its width.
    let receipt = tiles(500, 8000);
    assert!(
        receipt
            .iter()
            .all(|t| t.input.0 == 736 && t.input.0 * t.input.1 <= TILE_PIXELS)
    );
    // A thin strip is not upscaled to the width of a page.
    assert!(tiles(40, 3000).iter().all(|t| t.input.0 == 64));
}

#[test]
fn what_nobody_can_read_is_not_shown() {
    for (width, height) in [(1, 20_000), (100_000, 1), (20_000_000, 2), (0, 0), (4, 4)] {
        assert_eq!(
            shown(width, height, &DEFAULTS, None, 1 << 20),
            Shown::Nothing
        );
    }
}

fn line(tile: usize, x1: f32, y1: f32, x2: f32, y2: f32) -> TileLine {
    let p = |x: f32, y: f32| Point { x, y };
    TileLine {
        quad: Quad([p(x1, y1), p(x2, y1), p(x2, y2), p(x1, y2)]),
        score: 0.9,
        tile: Some(tile),
    }
}

fn boxes(lines: Vec<(Quad, f32)>) -> Vec<[f32; 4]> {
    let rounded = |q: &Quad| {
        let b = q.bounds();
        [b.x1, b.y1, b.x2, b.y2].map(f32::round)
    };
    lines.iter().map(|(q, _)| rounded(q)).collect()
}

#[test]
fn a_line_that_a_seam_cuts_is_joined() {
    // Three tiles contain parts of one line; another line lies below.
    let found = vec![
        line(0, 100.0, 50.0, 1000.0, 80.0),
        line(1, 900.0, 51.0, 1900.0, 80.0),
        line(2, 1800.0, 50.0, 2200.0, 81.0),
        line(1, 900.0, 90.0, 1500.0, 120.0),
    ];
    let lines = merged(found, true);
    assert_eq!(
        boxes(lines),
        [[900.0, 90.0, 1500.0, 120.0], [100.0, 50.0, 2200.0, 81.0]]
    );
}

#[test]
fn what_two_tiles_show_is_there_once() {
    let found = vec![
        line(0, 10.0, 900.0, 400.0, 930.0),
        line(0, 10.0, 940.0, 400.0, 970.0),
        line(0, 10.0, 980.0, 400.0, 1000.0),
        line(1, 11.0, 901.0, 401.0, 930.0),
        line(1, 10.0, 940.0, 400.0, 970.0),
        line(1, 10.0, 980.0, 400.0, 1012.0),
        line(1, 10.0, 1020.0, 400.0, 1050.0),
    ];
    let lines = merged(found, false);
    assert_eq!(
        boxes(lines),
        [
            [10.0, 900.0, 401.0, 930.0],
            [10.0, 940.0, 400.0, 970.0],
            [10.0, 980.0, 400.0, 1012.0],
            [10.0, 1020.0, 400.0, 1050.0]
        ]
    );
}

#[test]
fn tiles_may_split_a_line_otherwise() {
    // One tile has two words as one line, the other as two, in either order.
    let whole = |tile| line(tile, 100.0, 0.0, 300.0, 20.0);
    let parts = |tile| {
        [
            line(tile, 100.0, 0.0, 190.0, 20.0),
            line(tile, 200.0, 0.0, 300.0, 20.0),
        ]
    };
    for (a, b) in [(0, 1), (1, 0)] {
        let found = [&[whole(a)][..], &parts(b)].concat();
        assert_eq!(boxes(merged(found, true)), [[100.0, 0.0, 300.0, 20.0]]);
    }
}

#[test]
fn neighbours_stay_apart() {
    let touching = vec![
        line(0, 0.0, 0.0, 52.0, 20.0),
        line(1, 50.0, 0.0, 90.0, 20.0),
    ];
    assert_eq!(merged(touching, true).len(), 2);
    let found = vec![
        line(0, 0.0, 0.0, 50.0, 20.0),
        line(0, 40.0, 0.0, 90.0, 20.0),
    ];
    assert_eq!(merged(found, true).len(), 2);
}

#[test]
fn tilted_and_upright_lines_are_joined_along_themselves() {
    let tilted = |tile: usize, from: f32, to: f32| {
        let p = |x: f32, dy: f32| Point { x, y: x * 0.1 + dy };
        let quad = Quad([p(from, 0.0), p(to, 0.0), p(to, 30.0), p(from, 30.0)]);
        TileLine {
            quad,
            score: 0.9,
            tile: Some(tile),
        }
    };
    let lines = merged(
        vec![
            tilted(0, 0.0, 1000.0),
            tilted(1, 900.0, 2000.0),
            tilted(1, 2100.0, 2300.0),
        ],
        true,
    );
    assert_eq!(lines.len(), 2);
    let quad = lines
        .iter()
        .map(|(q, _)| q)
        .max_by(|a, b| a.width().total_cmp(&b.width()))
        .unwrap();
    assert!(quad.width() > 1990.0 && quad.height() < 40.0, "{quad:?}");
    let down = merged(
        vec![
            line(0, 10.0, 0.0, 40.0, 900.0),
            line(1, 11.0, 800.0, 40.0, 1500.0),
        ],
        false,
    );
    assert_eq!(boxes(down), [[10.0, 0.0, 40.0, 1500.0]]);
}

proptest! {
    #[test]
    fn inputs_stay_within_the_bound_and_tiles_cover_the_page(
        wide in 0.0f64..24.0,
        area in 0.0f64..27.4,
        limit_side_len in 32u32..10_000,
        is_max in any::<bool>(),
        budget in 0u64..DEFAULT_BUDGET + LEAST_BUDGET,
    ) {
        let width = wide.min(area).exp2() as usize;
        let height = (area - wide).max(0.0).exp2() as usize;
        let limit_type = if is_max { LimitType::Max } else { LimitType::Min };
        let options = DetectOptions { limit_side_len, limit_type, ..DEFAULTS };
        let most = most_pixels(budget);
        match shown(width, height, &options, None, most) {
            Shown::Nothing => prop_assert!(width.min(height) < LEAST_SIDE),
            Shown::Whole(w, h) => prop_assert!(w * h <= most && w >= 32 && h >= 32),
            Shown::Tiles(tiles) => {
                let all: usize = tiles.iter().map(|t| t.input.0 * t.input.1).sum();
                prop_assert!(tiles.iter().all(|t| t.input.0 * t.input.1 <= most), "{tiles:?}");
                prop_assert!(all < 3_000_000_000);
                for t in &tiles {
                    prop_assert!(t.width > 0 && t.x + t.width <= width && t.y + t.height <= height, "{t:?}");
                    prop_assert!(t.input.0 % 32 == 0 && t.input.1 % 32 == 0);
                }
                prop_assert!(covers(tiles.iter().map(|t| (t.x, t.width)).collect(), width));
                prop_assert!(covers(tiles.iter().map(|t| (t.y, t.height)).collect(), height));
            }
        }
    }
}

/// `true` if parts follow each other without gaps, and overlap.
fn covers(mut parts: Vec<(usize, usize)>, length: usize) -> bool {
    parts.sort();
    parts.dedup();
    let overlap = |pair: &[(usize, usize)]| pair[0].0 + pair[0].1 >= pair[1].0;
    parts[0].0 == 0
        && parts.windows(2).all(overlap)
        && parts.last().is_some_and(|p| p.0 + p.1 == length)
}
