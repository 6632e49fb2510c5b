//! Pictures that are damaged or cut off: the rows that are there.
//!
//! Decoders write into the memory that they are given and stop where they fail, without saying where that is. So a
//! picture is decoded twice, over zeros and over ones: what differs was not written.

use super::are_too_few;
use image::{ColorType, DynamicImage, ImageDecoder, ImageResult};

/// Decodes what is there of a picture whose decoder failed; also returns how many rows are missing. These are white,
/// or those above again where rows come interlaced.
/// `None` if too few are there, or if the picture can be decoded.
///
/// `open`: gives the decoder anew. Takes three times the memory of the decoded picture.
pub(super) fn decode<D: ImageDecoder>(
    open: impl Fn() -> Option<D>,
) -> Option<(DynamicImage, usize)> {
    let over = |level: u8| {
        let decoder = open()?;
        let mut data = vec![level; usize::try_from(decoder.total_bytes()).ok()?];
        let (size, color) = (decoder.dimensions(), decoder.color_type());
        decoder
            .read_image(&mut data)
            .is_err()
            .then_some((data, size, color))
    };
    let (mut data, size, color) = over(0)?;
    let (mut other, ..) = over(255)?;
    let pixel = usize::from(color.bytes_per_pixel());
    let row = size.0 as usize * pixel;
    if row == 0 || data.len() != other.len() {
        return None;
    }
    let written = mark(&mut data, &mut other, (row, pixel));
    let missing = written.iter().filter(|written| !**written).count();
    if are_too_few(written.len() - missing, written.len()) {
        return None;
    }
    let first = written.iter().position(|written| *written)?;
    let last = written.iter().rposition(|written| *written)?;
    for y in 0..written.len() {
        if written[y] {
            continue;
        }
        // Passes of interlaced pictures leave gaps, which look like the row above; the rest is missing.
        match (first..last).contains(&y) {
            true => data.copy_within((y - 1) * row..y * row, y * row),
            false => data[y * row..(y + 1) * row].fill(255),
        }
    }
    drop(other);
    let picture = DynamicImage::from_decoder(Filled { data, size, color }).ok()?;
    Some((picture, missing))
}

/// Finds the rows in which some pixel was written, and fills those that were not, in such a row, with the one to
/// their left or the first that was. `row` and `pixel`: bytes of each.
fn mark(data: &mut [u8], other: &mut [u8], (row, pixel): (usize, usize)) -> Vec<bool> {
    let is_written = |a: &[u8], b: &[u8]| a.iter().zip(b).any(|(a, b)| (*a, *b) != (0, 255));
    let rows = data.chunks_exact_mut(row).zip(other.chunks_exact_mut(row));
    rows.map(|(data, other)| {
        if data.iter().all(|level| *level == 0) && other.iter().all(|level| *level == 255) {
            return false;
        }
        let pixels = data.len() / pixel;
        let at = |i: usize| i * pixel..(i + 1) * pixel;
        let Some(first) = (0..pixels).find(|i| is_written(&data[at(*i)], &other[at(*i)])) else {
            return false;
        };
        let mut from = first;
        for i in 0..pixels {
            if is_written(&data[at(i)], &other[at(i)]) {
                from = i;
            } else {
                data.copy_within(at(from), i * pixel);
            }
        }
        true
    })
    .collect()
}

/// A decoded picture as a decoder.
struct Filled {
    data: Vec<u8>,
    size: (u32, u32),
    color: ColorType,
}

impl ImageDecoder for Filled {
    fn dimensions(&self) -> (u32, u32) {
        self.size
    }

    fn color_type(&self) -> ColorType {
        self.color
    }

    fn read_image(self, buffer: &mut [u8]) -> ImageResult<()> {
        buffer.copy_from_slice(&self.data);
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, buffer: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_that_were_not_written_are_filled_from_the_left() {
        let mut data = [0, 9, 0, 7, 0, 0, 0, 0];
        let mut other = [255, 9, 255, 7, 255, 255, 255, 255];
        assert_eq!(mark(&mut data, &mut other, (4, 1)), [true, false]);
        assert_eq!(data[..4], [9, 9, 9, 7]);
    }

    #[test]
    fn zeros_that_were_written_are_written() {
        let (mut data, mut other) = ([0, 0], [0, 0]);
        assert_eq!(mark(&mut data, &mut other, (1, 1)), [true, true]);
    }
}
