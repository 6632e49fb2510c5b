//! Reads lines whose letters lie on their side a second time, with the grain of a photo over them.
//!
//! Text from top to bottom is read on a page turned by a quarter. On clean paper the recognizer then passes over
//! punctuation, small kana and long vowel marks, with a confidence near 1: of 45 such characters of a page it reads none,
//! with less contrast and grain all but a few. (Probably it learned such lines from photos.) That reading errs in other
//! letters, so that only what it has between letters that both readings share is taken over.

use super::line_text::LineText;
use super::page_text::is_cjk;
use super::read::LineRecognizer;
use crate::onnx::OnnxError;
use crate::raster::Pixels;

/// Contrast that is left, in 256ths, and the level that it is kept around. From 0.3 to 0.5 the results are alike; with 0.75 twice as
/// many marks are missed.
const CONTRAST: i32 = 102;
const MIDDLE: i32 = 160;
/// Standard deviation of the grain in levels, of each channel by itself. With none most marks are missed, with 22 twice as
/// many as with 12 to 18.
const GRAIN: i32 = 15;
/// Least share of the first reading's characters that the second has, too, in the same order.
const LEAST_SHARED: f32 = 0.7;
/// Most characters of a line that are compared; longer ones keep their first reading.
const MOST_CHARS: usize = 400;

/// Adds to the lines read from crops what a second reading finds between their characters, if their letters `lie` on their
/// side and most are Chinese or Japanese.
pub(super) fn completed(
    recognizer: &mut LineRecognizer,
    crops: &[Pixels],
    lie: &[bool],
    lines: &mut [LineText],
) -> Result<(), OnnxError> {
    let chosen: Vec<usize> = (0..crops.len())
        .filter(|i| lie[*i] && is_mostly_cjk(&lines[*i].text))
        .collect();
    let grained: Vec<Pixels> = chosen.iter().map(|i| grained(&crops[*i])).collect();
    for (i, second) in chosen.into_iter().zip(recognizer.read(&grained)?) {
        if let Some(line) = united(&lines[i], &second) {
            lines[i] = line;
        }
    }
    Ok(())
}

fn is_mostly_cjk(text: &str) -> bool {
    let count = text.chars().filter(|c| is_cjk(*c)).count();
    count * 2 > text.chars().count()
}

/// A picture with less contrast and grain, the same for the same picture.
fn grained(picture: &Pixels) -> Pixels {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let grain = |value: &u8| {
        // xorshift; the sum of eight bytes is nearly normal: mean 1020, standard deviation 209.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let sum: i32 = state.to_le_bytes().into_iter().map(i32::from).sum();
        let level = MIDDLE + (i32::from(*value) - MIDDLE) * CONTRAST / 256;
        (level + (sum - 1020) * GRAIN / 209).clamp(0, 255) as u8
    };
    Pixels {
        width: picture.width,
        height: picture.height,
        data: picture.data.iter().map(grain).collect(),
    }
}

/// The first reading with what the second has between characters that both share; `None` if they are not of one line.
fn united(first: &LineText, second: &LineText) -> Option<LineText> {
    let (a, b): (Vec<char>, Vec<char>) =
        (first.text.chars().collect(), second.text.chars().collect());
    if a.len().max(b.len()) > MOST_CHARS
        || first.positions.len() != a.len()
        || second.positions.len() != b.len()
    {
        return None;
    }
    let shared = shared(&a, &b);
    if (shared.len() as f32) < LEAST_SHARED * a.len() as f32 {
        return None;
    }
    let mut line = LineText {
        text: String::new(),
        positions: Vec::new(),
        ..*first
    };
    let (mut i, mut j) = (0, 0);
    for (next_i, next_j) in shared.into_iter().chain([(a.len(), b.len())]) {
        // Where both differ, the first counts.
        let (from, chars, places) = match i == next_i {
            true => (j..next_j, &b, &second.positions),
            false => (i..next_i, &a, &first.positions),
        };
        line.text.extend(&chars[from.clone()]);
        line.positions.extend_from_slice(&places[from]);
        if next_i < a.len() {
            line.text.push(a[next_i]);
            line.positions.push(first.positions[next_i]);
        }
        (i, j) = (next_i + 1, next_j + 1);
    }
    Some(line)
}

/// Indices of a longest common subsequence, in order.
fn shared(a: &[char], b: &[char]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut lengths = vec![0u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            lengths[i * width + j] = match a[i] == b[j] {
                true => lengths[(i + 1) * width + j + 1] + 1,
                false => lengths[(i + 1) * width + j].max(lengths[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> LineText {
        let count = text.chars().count();
        LineText {
            text: text.into(),
            confidence: 0.9,
            positions: (0..count).map(|i| i as f32 / count as f32).collect(),
            is_too_long: false,
        }
    }

    #[test]
    fn marks_between_shared_letters_are_taken_over() {
        for (first, second, expected) in [
            (
                "季節によて変わた",
                "季節によって、変わった。",
                Some("季節によって、変わった。"),
            ),
            (
                "は18パセントで",
                "は１８パーセントで",
                Some("は18パーセントで"),
            ),
            (
                "長い間待ちました",
                "「長い間待ちました」",
                Some("「長い間待ちました」"),
            ),
            // What only the first has stays, and so does what both see differently.
            ("古い水車小屋", "古い水小屋", Some("古い水車小屋")),
            ("水車小屋の冬", "水軍小屋の冬", Some("水車小屋の冬")),
            ("水車小屋", "聖聯王郵", None),
            ("", "", Some("")),
        ] {
            let united = united(&line(first), &line(second));
            if let Some(line) = &united {
                assert_eq!(line.positions.len(), line.text.chars().count(), "{first}");
                assert_eq!(line.confidence, 0.9);
            }
            assert_eq!(united.map(|line| line.text).as_deref(), expected, "{first}");
        }
    }

    #[test]
    fn grain_keeps_the_mean_and_lowers_the_contrast() {
        let mut picture = Pixels::white(200, 40);
        picture.data[..12000].fill(0);
        let grained = grained(&picture);
        let mean = |data: &[u8]| data.iter().map(|v| f32::from(*v)).sum::<f32>() / 12000.0;
        let (dark, light) = (mean(&grained.data[..12000]), mean(&grained.data[12000..]));
        assert!((dark - 96.25).abs() < 2.0, "{dark}");
        assert!((light - 197.85).abs() < 2.0, "{light}");
        assert_eq!(grained, super::grained(&picture));
    }

    #[test]
    fn latin_lines_are_not_read_again() {
        assert!(is_mostly_cjk("二回計量した") && !is_mostly_cjk("Figure 3") && !is_mostly_cjk(""));
    }
}
