//! Pictures whose alpha carries what is on them, laid on a plain ground.
//!
//! Alpha is dropped, as the reference does. That hides what only alpha shows: dark letters on a ground that is
//! transparent and, under that, dark as well. Such pictures are laid on white, or on black if what is opaque is light.
//!
//! The rule: neighbours of clearly different alpha are the outlines that alpha draws. At these, the contrast of the
//! picture on its ground is compared with that of its colours alone; the ground is taken if it doubles the contrast.
//! Black is taken only if colours draw fewer edges than alpha does.

use crate::raster::{Pixels, gray_level};

/// Difference in alpha between neighbours at an outline, and in lightness at an edge: a quarter of the range, so that
/// soft outlines of letters count and gradients over a page do not.
const OUTLINE: u8 = 64;
/// How many times the contrast must be for the ground to be taken. Close to 1, pictures that are readable both ways
/// would change; much larger ones would leave grey letters on black.
const GAIN: u64 = 2;

/// The level of grey to lay a picture on; `None` if its colours show what is on it.
///
/// `width`: in pixels. `pixel`: lightness and alpha of each of the `count` pixels. `is_multiplied`: the colours are
/// multiplied by alpha already.
pub(super) fn ground(
    (width, count): (usize, usize),
    pixel: impl Fn(usize) -> (u8, u8),
    is_multiplied: bool,
) -> Option<u8> {
    // As most pictures are.
    if (0..count).all(|at| pixel(at).1 == 255) {
        return None;
    }
    let (mut light, mut outlines) = (0u64, 0u64);
    each_outline((width, count), &pixel, |opaque, _| {
        light += u64::from(opaque.0);
        outlines += 1;
    });
    if outlines == 0 {
        return None;
    }
    let ground = if light / outlines < 128 { 255 } else { 0 };
    let (mut alone, mut laid) = (0u64, 0u64);
    each_outline((width, count), &pixel, |a, b| {
        let lay = |(light, alpha)| on_ground(light, alpha, ground, is_multiplied);
        alone += u64::from(a.0.abs_diff(b.0));
        laid += u64::from(lay(a).abs_diff(lay(b)));
    });
    let is_needed =
        laid > alone * GAIN && (ground == 255 || !shows_more((width, count), &pixel, outlines));
    is_needed.then_some(ground)
}

/// `true` if colours draw more edges within what is opaque than alpha draws: a light page with a border of nothing
/// must not get a black frame.
fn shows_more(
    (width, count): (usize, usize),
    pixel: &impl Fn(usize) -> (u8, u8),
    outlines: u64,
) -> bool {
    let is_edge =
        |a: (u8, u8), b: (u8, u8)| a.1.min(b.1) > 255 - OUTLINE && a.0.abs_diff(b.0) >= OUTLINE;
    let edges = (0..count).filter(|at| {
        (at + 1) % width != 0 && is_edge(pixel(*at), pixel(at + 1))
            || at + width < count && is_edge(pixel(*at), pixel(at + width))
    });
    edges.count() as u64 > outlines
}

/// Lays pixels on a ground if their alpha carries what is on them; else leaves them as they are.
///
/// `alpha`: one byte for each pixel, 255 opaque.
pub(super) fn lay_on_ground(pixels: &mut Pixels, alpha: &[u8], is_multiplied: bool) {
    let pixel = |at: usize| {
        let color = &pixels.data[at * 3..at * 3 + 3];
        (
            gray_level([color[0], color[1], color[2]].map(u32::from)),
            alpha[at],
        )
    };
    let size = (pixels.width, alpha.len());
    let Some(ground) = ground(size, pixel, is_multiplied) else {
        return;
    };
    for (pixel, alpha) in pixels.data.chunks_exact_mut(3).zip(alpha) {
        for value in pixel {
            *value = on_ground(*value, *alpha, ground, is_multiplied);
        }
    }
}

/// Calls `each` with lightness and alpha of both pixels at every outline, the more opaque one first.
fn each_outline(
    (width, count): (usize, usize),
    pixel: &impl Fn(usize) -> (u8, u8),
    mut each: impl FnMut((u8, u8), (u8, u8)),
) {
    let mut pair = |a: (u8, u8), b: (u8, u8)| {
        if a.1.abs_diff(b.1) >= OUTLINE {
            let (opaque, other) = if a.1 > b.1 { (a, b) } else { (b, a) };
            each(opaque, other);
        }
    };
    for at in 0..count {
        let here = pixel(at);
        if (at + 1) % width != 0 {
            pair(here, pixel(at + 1));
        }
        if at + width < count {
            pair(here, pixel(at + width));
        }
    }
}

/// A level seen through `alpha` on a ground.
pub(super) fn on_ground(value: u8, alpha: u8, ground: u8, is_multiplied: bool) -> u8 {
    let (value, alpha, ground) = (u32::from(value), u32::from(alpha), u32::from(ground));
    let own = if is_multiplied {
        value * 255
    } else {
        value * alpha
    };
    ((own + ground * (255 - alpha) + 127) / 255).min(255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stroke two pixels wide on a ground: colours and alpha of both.
    #[track_caller]
    fn check(stroke: (u8, u8), under: (u8, u8), expected: Option<u8>) {
        let (width, height) = (8, 4);
        let is_stroke = |i: usize| (3..5).contains(&(i % width));
        let pick = |i| if is_stroke(i) { stroke } else { under };
        let mut pixels = Pixels::white(width, height);
        let before: Vec<u8> = (0..width * height).flat_map(|i| [pick(i).0; 3]).collect();
        pixels.data.clone_from(&before);
        let alpha: Vec<u8> = (0..width * height).map(|i| pick(i).1).collect();
        lay_on_ground(&mut pixels, &alpha, false);
        match expected {
            None => assert!(pixels.data == before, "it was changed"),
            Some(ground) => {
                assert_eq!(pixels.data[0], ground);
                assert_eq!(pixels.data[3 * 3], stroke.0);
            }
        }
    }

    #[test]
    fn dark_letters_on_nothing_come_on_white() {
        check((0, 255), (0, 0), Some(255));
        check((60, 255), (0, 0), Some(255));
        check((0, 255), (40, 0), Some(255));
    }

    #[test]
    fn light_letters_on_light_nothing_come_on_black() {
        check((250, 255), (255, 0), Some(0));
    }

    #[test]
    fn a_light_page_gets_no_black_frame() {
        let (width, height) = (20, 10);
        let is_border = |i: usize| i % width < 2;
        let mut pixels = Pixels::white(width, height);
        // Stripes on the page.
        (0..width * height)
            .filter(|i| !is_border(*i) && i % 3 == 0)
            .for_each(|i| pixels.data[i * 3..i * 3 + 3].fill(0));
        // The border touches light pixels, so that only black could show it.
        (0..height).for_each(|y| pixels.data[(y * width + 2) * 3..][..3].fill(255));
        let before = pixels.data.clone();
        let alpha: Vec<u8> = (0..width * height)
            .map(|i| if is_border(i) { 0 } else { 255 })
            .collect();
        lay_on_ground(&mut pixels, &alpha, false);
        assert!(pixels.data == before);
    }

    #[test]
    fn colours_that_show_what_is_there_stay() {
        check((0, 255), (255, 0), None);
        check((255, 255), (0, 0), None);
        check((120, 255), (0, 0), None);
    }

    #[test]
    fn alpha_that_says_nothing_changes_nothing() {
        check((0, 255), (255, 255), None);
        check((0, 0), (255, 0), None);
        check((20, 128), (200, 128), None);
    }

    #[test]
    fn multiplied_colours_are_not_multiplied_again() {
        assert_eq!(on_ground(100, 128, 0, true), 100);
        assert_eq!(on_ground(100, 128, 0, false), 50);
        assert_eq!(on_ground(200, 0, 255, true), 255);
    }
}
