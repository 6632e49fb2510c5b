//! Pictures inside tables and their placeholder tokens (docs/reference.md, "Images inside tables").

use super::PagePicture;
use crate::geometry::Rect;
use rand_mt::Mt;

/// A picture inside a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableFigure {
    /// Token painted over it, such as `[F2]`.
    pub token: String,
    /// Path of the picture file.
    pub path: String,
    /// Position on the page.
    pub bbox: Rect,
    /// `true` if it is large enough to be painted over; smaller ones are only left out of the result.
    pub painted: bool,
}

/// Smallest side in pixels of a picture that is painted over.
const MIN_SIDE: f32 = 25.0;
/// Seed of the shuffle of tokens (reference).
const SEED: u32 = 1024;

/// The pictures of the page that lie completely inside a table.
pub(super) fn inside(table: &Rect, pictures: &[PagePicture]) -> Vec<TableFigure> {
    let is_inside =
        |b: &Rect| table.x1 <= b.x1 && table.y1 <= b.y1 && b.x2 <= table.x2 && b.y2 <= table.y2;
    if !pictures.iter().any(|p| is_inside(&p.bbox)) {
        return Vec::new();
    }
    let numbered = pictures.iter().zip(figure_tokens(pictures.len()));
    numbered
        .filter(|(picture, _)| is_inside(&picture.bbox))
        .map(|(picture, token)| TableFigure {
            token,
            path: picture.picture.path.clone(),
            bbox: picture.bbox,
            painted: picture.bbox.width() >= MIN_SIDE && picture.bbox.height() >= MIN_SIDE,
        })
        .collect()
}

/// Tokens for `count` pictures of a page: the first numbers without the digits 0, 1 and 9, which are easily
/// misread, shuffled like Python's `random.Random(1024).shuffle`.
pub(crate) fn figure_tokens(count: usize) -> Vec<String> {
    let misread = |n: u32| n.to_string().contains(['0', '1', '9']);
    let mut numbers: Vec<u32> = (0..).filter(|n| !misread(*n)).take(count).collect();
    let mut random = PythonRandom::new(SEED);
    for i in (1..count).rev() {
        numbers.swap(i, random.below(i as u32 + 1) as usize);
    }
    numbers.into_iter().map(|n| format!("[F{n}]")).collect()
}

/// Mersenne Twister that draws the numbers of Python's `random.Random(seed)`.
pub(crate) struct PythonRandom(Mt);

impl PythonRandom {
    /// Python seeds the generator with the number's 32-bit words.
    pub(crate) fn new(seed: u32) -> Self {
        PythonRandom(Mt::new_with_key([seed]))
    }

    /// A number below `limit`: draws as many bits as the limit has until the value is below it.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        let bits = 32 - limit.leading_zeros();
        loop {
            let number = self.0.next_u32() >> (32 - bits);
            if number < limit {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_of_spotted_texts_are_drawn_as_python_does() {
        let mut random = PythonRandom::new(0);
        let drawn: Vec<u32> = (0..6).map(|_| random.below(256)).collect();
        assert_eq!(drawn, [197, 215, 20, 132, 248, 207]);
    }

    #[test]
    fn tokens_are_shuffled_as_python_does() {
        assert_eq!(figure_tokens(1), ["[F2]"]);
        assert_eq!(figure_tokens(3), ["[F4]", "[F3]", "[F2]"]);
        assert_eq!(
            figure_tokens(8),
            [
                "[F7]", "[F6]", "[F3]", "[F22]", "[F4]", "[F8]", "[F5]", "[F2]"
            ]
        );
    }
}
