//! Pages for measurements, made by the program itself, so that everybody measures the same ones and no file is needed: a
//! heading, paragraphs in two columns and a table. Every second page is a picture, like a scan; the others have their text
//! in the file. The words are English in form and mean nothing; all pages differ.

use super::drawings::Lettering;
use super::pdf::PdfFile;
use crate::raster::Pixels;
use pdf_writer::{Content, Name, Str};
use std::io::{self, Write};

/// A4 in points.
const SIZE: (f32, f32) = (595.0, 842.0);
/// Pixels of a point on pages that are pictures: 200 dpi, as scanners have it.
const SCALE: f32 = 200.0 / 72.0;
/// Quality of their JPEGs.
const QUALITY: u8 = 85;
/// Margin in points.
const MARGIN: f32 = 56.0;
/// Distance of lines in points.
const LINE: f32 = 13.0;
/// Size of text in points, and of headings.
const TEXT: f32 = 9.5;
const HEADING: f32 = 16.0;
/// Words of a line in a column.
const WORDS: usize = 7;
/// Rows and columns of the table.
const ROWS: usize = 6;
const COLUMNS: usize = 4;

const SYLLABLES: [&str; 16] = [
    "ta", "ren", "mo", "lis", "ver", "con", "da", "por", "ni", "sel", "u", "mer", "ka", "tion",
    "bel", "or",
];

/// A piece of text on a page: left edge, base line from the top, size, words; in points.
struct Piece {
    x: f32,
    y: f32,
    size: f32,
    text: String,
}

/// Numbers that look random and are always the same.
struct Numbers(u32);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) as usize % limit
    }

    fn words(&mut self, count: usize) -> String {
        let word = |numbers: &mut Numbers| -> String {
            let length = 1 + numbers.below(3);
            (0..length)
                .map(|_| SYLLABLES[numbers.below(SYLLABLES.len())])
                .collect()
        };
        let words: Vec<String> = (0..count).map(|_| word(self)).collect();
        words.join(" ")
    }
}

/// Writes a PDF of so many pages.
pub(crate) fn write(out: impl Write, pages: usize) -> io::Result<()> {
    let mut file = PdfFile::new(out, &[])?;
    for number in 0..pages {
        let (pieces, rules) = page(number);
        if number % 2 == 0 {
            file.add_page(SIZE, None, &text_content(&pieces, &rules))?;
        } else {
            let picture = drawn(&pieces, &rules);
            let jpeg = picture.to_jpeg(QUALITY).map_err(io::Error::other)?;
            let placed = file.add_picture(&jpeg, picture.width, picture.height)?;
            let mut content = Content::new();
            content.transform([SIZE.0, 0.0, 0.0, SIZE.1, 0.0, 0.0]);
            content.x_object(Name(b"P"));
            file.add_page(SIZE, Some(placed), &content.finish())?;
        }
    }
    file.finish()?;
    Ok(())
}

/// Text and ruling lines (`[left, top, width, height]` in points, from the top) of a page.
fn page(number: usize) -> (Vec<Piece>, Vec<[f32; 4]>) {
    let mut numbers = Numbers(number as u32 + 1);
    let mut pieces = Vec::new();
    let mut add = |x: f32, y: f32, size: f32, text: String| pieces.push(Piece { x, y, size, text });
    let heading = format!("{} {}", number + 1, numbers.words(4));
    add(MARGIN, MARGIN + HEADING, HEADING, heading);
    let width = (SIZE.0 - 2.0 * MARGIN - 20.0) / 2.0;
    let top = MARGIN + 48.0;
    for column in 0..2 {
        let x = MARGIN + column as f32 * (width + 20.0);
        let mut y = top;
        for _ in 0..3 {
            for _ in 0..10 {
                add(x, y, TEXT, numbers.words(WORDS).chars().take(42).collect());
                y += LINE;
            }
            y += LINE;
        }
    }
    let mut rules = Vec::new();
    let (top, height) = (560.0, 20.0);
    let cell = (SIZE.0 - 2.0 * MARGIN) / COLUMNS as f32;
    for row in 0..=ROWS {
        let y = top + row as f32 * height;
        rules.push([MARGIN, y, cell * COLUMNS as f32, 0.8]);
    }
    for column in 0..=COLUMNS {
        let x = MARGIN + column as f32 * cell;
        rules.push([x, top, 0.8, height * ROWS as f32]);
    }
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            let text = match (row, column) {
                (0, _) | (_, 0) => numbers.words(1),
                _ => format!("{}.{}", numbers.below(900), numbers.below(10)),
            };
            let x = MARGIN + column as f32 * cell + 5.0;
            add(x, top + row as f32 * height + 14.0, TEXT, text);
        }
    }
    (pieces, rules)
}

fn text_content(pieces: &[Piece], rules: &[[f32; 4]]) -> Vec<u8> {
    let mut content = Content::new();
    for [x, y, width, height] in rules {
        content.rect(*x, SIZE.1 - y - height, *width, *height);
    }
    content.fill_nonzero();
    content.begin_text();
    for piece in pieces {
        content.set_font(Name(b"F"), piece.size);
        content.set_text_matrix([1.0, 0.0, 0.0, 1.0, piece.x, SIZE.1 - piece.y]);
        content.show(Str(piece.text.as_bytes()));
    }
    content.end_text();
    content.finish().into_vec()
}

fn drawn(pieces: &[Piece], rules: &[[f32; 4]]) -> Pixels {
    let pixels = |points: f32| (points * SCALE).round() as i64;
    let mut picture = Pixels::white(pixels(SIZE.0) as usize, pixels(SIZE.1) as usize);
    for [x, y, width, height] in rules {
        let (left, top) = (pixels(*x), pixels(*y));
        let (right, bottom) = (left + pixels(*width).max(2), top + pixels(*height).max(2));
        picture.fill_rect([left, top, right, bottom], [0; 3]);
    }
    for size in [HEADING, TEXT] {
        let lettering = Lettering::new(size * SCALE);
        for piece in pieces.iter().filter(|piece| piece.size == size) {
            let top = pixels(piece.y - piece.size);
            lettering.write(&mut picture, &piece.text, pixels(piece.x), top, [0; 3]);
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_differ_and_are_always_the_same() {
        let made = |pages| {
            let mut out = Vec::new();
            write(&mut out, pages).unwrap();
            out
        };
        let three = made(3);
        assert_eq!(three, made(3));
        assert!(three.starts_with(b"%PDF-"));
        let texts: Vec<String> = (0..3).map(|at| page(at).0[0].text.clone()).collect();
        assert!(texts[0] != texts[1] && texts[1] != texts[2], "{texts:?}");
        let ink = drawn(&page(1).0, &page(1).1);
        let dark = ink.data.iter().filter(|value| **value < 100).count();
        assert!(dark > 10_000, "{dark} dark samples");
    }
}
