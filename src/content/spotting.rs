//! Text spotting: texts and their locations (docs/reference.md, "Text spotting").

use crate::document::{Spotting, strip};

/// Locations are given in thousandths of the picture's sides.
const THOUSANDTHS: f64 = 1000.0;
/// Numbers of a location: x and y of four corners.
const NUMBERS: usize = 8;
/// Clamp for locations beyond a thousand times the picture's side: they are mistakes or attacks.
const FARTHEST: f64 = 1e6;

/// The texts of an answer, separated by blank lines, and their quadrilaterals in a picture of the given size.
pub(crate) fn spotting_content(answer: &str, width: f64, height: f64) -> (String, Spotting) {
    let texts = between(answer, "<|TEXT_START|>", "<|TEXT_END|>");
    let places = between(answer, "<|LOC_BEGIN|>", "<|LOC_END|>");
    let mut found: Vec<(String, [[f64; 2]; 4])> = Vec::new();
    for (text, place) in texts.iter().zip(places) {
        let numbers: Vec<f64> = locations(place).into_iter().map(|l| l.value).collect();
        if let Some(numbers) = numbers.first_chunk::<NUMBERS>() {
            found.push((strip(text).to_string(), corners(numbers, width, height)));
        }
    }
    if found.is_empty() {
        found = unframed(answer, width, height);
    }
    let content = found
        .iter()
        .map(|(text, _)| text.as_str())
        .collect::<Vec<_>>()
        .join("\n\n");
    let (rec_texts, rec_polys) = found.into_iter().unzip();
    (
        content,
        Spotting {
            rec_polys,
            rec_texts,
        },
    )
}

/// Groups of eight location tokens, each with the text before it.
fn unframed(answer: &str, width: f64, height: f64) -> Vec<(String, [[f64; 2]; 4])> {
    let mut end = 0;
    let mut found = Vec::new();
    for group in locations(answer).chunks_exact(NUMBERS) {
        let numbers: [f64; NUMBERS] = std::array::from_fn(|i| group[i].value);
        let text = strip(&answer[end..group[0].start]).to_string();
        found.push((text, corners(&numbers, width, height)));
        end = group[NUMBERS - 1].end;
    }
    found
}

fn corners(numbers: &[f64; NUMBERS], width: f64, height: f64) -> [[f64; 2]; 4] {
    let x = |i: usize| numbers[2 * i] / THOUSANDTHS * width;
    let y = |i: usize| numbers[2 * i + 1] / THOUSANDTHS * height;
    std::array::from_fn(|i| [x(i), y(i)])
}

/// The texts between pairs of markers.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(open).map(|at| at + open.len()) {
        let Some(length) = rest[start..].find(close) else {
            break;
        };
        found.push(&rest[start..start + length]);
        rest = &rest[start + length + close.len()..];
    }
    found
}

/// A `<|LOC_n|>` token and its byte range in the text.
struct Location {
    value: f64,
    start: usize,
    end: usize,
}

fn locations(text: &str) -> Vec<Location> {
    const OPEN: &str = "<|LOC_";
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find(OPEN).map(|at| at + from) {
        let digits = start + OPEN.len();
        let length = text[digits..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        let close = digits + length;
        from = digits;
        if length > 0 && text[close..].starts_with("|>") {
            let value = text[digits..close]
                .parse::<f64>()
                .unwrap_or(0.0)
                .min(FARTHEST);
            from = close + 2;
            found.push(Location {
                value,
                start,
                end: from,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loc(numbers: &[u32]) -> String {
        numbers.iter().map(|n| format!("<|LOC_{n}|>")).collect()
    }

    #[test]
    fn texts_and_places_are_paired() {
        let place = loc(&[100, 100, 200, 100, 200, 200, 100, 200]);
        let answer = format!("<|TEXT_START|> EXIT <|TEXT_END|><|LOC_BEGIN|>{place}<|LOC_END|>");
        let (content, found) = spotting_content(&answer, 50.0, 20.0);
        assert_eq!(content, "EXIT");
        assert_eq!(
            found.rec_polys[0],
            [[5.0, 2.0], [10.0, 2.0], [10.0, 4.0], [5.0, 4.0]]
        );
    }

    #[test]
    fn places_are_finite() {
        let answer = format!("a<|LOC_{}|>", "9".repeat(400)).repeat(NUMBERS);
        let (_, found) = spotting_content(&answer, 1000.0, 1000.0);
        assert_eq!(found.rec_polys[0][0], [FARTHEST, FARTHEST]);
    }

    #[test]
    fn unframed_numbers_take_the_text_before_them() {
        let answer = format!("a {}b{}c{}", loc(&[1; 8]), loc(&[2; 8]), loc(&[3; 5]));
        let (content, found) = spotting_content(&answer, 1000.0, 1000.0);
        assert_eq!(content, "a\n\nb");
        assert_eq!(found.rec_polys[1][0], [2.0, 2.0]);
    }
}
