//! What the general decoder of JPEGs leaves open: rows of files that are cut off, and inks.

use super::profile::{Inks, plain_inks};
use image::DynamicImage;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The level that the decoder gives to what is not there.
const FILLER: u8 = 128;
/// Bytes that the decoder takes for each sample of inks: the answer, coefficients and rows.
const INK_BYTES: u64 = 5;

/// What the markers of a file say.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Marks {
    /// Components of a pixel.
    components: u8,
    /// Rows of pixels that are coded together; 0 if nothing says it.
    unit_rows: usize,
    /// It has Adobe's segment: inks are stored the other way round.
    is_adobe: bool,
    /// The end of the picture is marked.
    is_ended: bool,
}

impl Marks {
    pub(super) fn read(path: &Path) -> io::Result<Marks> {
        let mut marks = Marks::default();
        match marks.walk(&mut BufReader::with_capacity(64 << 10, File::open(path)?)) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(marks),
        }
    }

    /// Goes from marker to marker; fails at the end of a file that does not mark its end.
    fn walk(&mut self, file: &mut impl BufRead) -> io::Result<()> {
        loop {
            if skip_to(file, 0xff)? == 0 {
                return Ok(());
            }
            let mut marker = byte(file)?;
            while marker == 0xff {
                marker = byte(file)?;
            }
            match marker {
                // Within the codes of a scan: an escaped byte, or a restart.
                0x00 | 0x01 | 0xd0..=0xd8 => continue,
                0xd9 => {
                    self.is_ended = true;
                    return Ok(());
                }
                _ => {}
            }
            let length = u16::from_be_bytes([byte(file)?, byte(file)?]).saturating_sub(2);
            let mut segment = Vec::new();
            file.take(length.into()).read_to_end(&mut segment)?;
            match marker {
                // Frames; the other codes of that row are tables.
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    self.components = segment.get(5).copied().unwrap_or(0);
                    let parts = segment.get(6..).unwrap_or_default().chunks_exact(3);
                    let most = parts.map(|part| part[1] & 15).max().unwrap_or(0);
                    let is_alone = self.components == 1;
                    self.unit_rows = 8 * usize::from(if is_alone { 1 } else { most });
                }
                0xee if segment.starts_with(b"Adobe") => self.is_adobe = true,
                _ => {}
            }
        }
    }

    /// Rows at the bottom that are not in a file without an end, or not in whole: in the last rows that are coded
    /// together, the decoder leaves pixels of those above. With `clears` they are made white.
    pub(super) fn missing_rows(&self, picture: &mut DynamicImage, clears: bool) -> usize {
        let row = picture.width() as usize * usize::from(picture.color().bytes_per_pixel());
        let data: &mut [u8] = match picture {
            DynamicImage::ImageRgb8(p) => p,
            DynamicImage::ImageLuma8(p) => p,
            _ => return 0,
        };
        // A file cut before its first pixel gives a picture of nothing but filler: that is for the reader to see.
        let there = data.iter().rposition(|level| *level != FILLER);
        let (Some(there), false) = (there, self.is_ended) else {
            return 0;
        };
        let last = there / row;
        // Nothing but the mark of the end is missing, or details of a progressive file.
        if last + 1 == data.len() / row {
            return 0;
        }
        let missing = &mut data[(last - last % self.unit_rows.max(1)) * row..];
        if clears {
            missing.fill(255);
        }
        missing.len() / row
    }
}

/// Skips bytes up to and with `wanted`; 0 if there is no more.
fn skip_to(file: &mut impl BufRead, wanted: u8) -> io::Result<usize> {
    let mut skipped = 0;
    loop {
        let buffer = file.fill_buf()?;
        if buffer.is_empty() {
            return Ok(0);
        }
        let found = buffer.iter().position(|byte| *byte == wanted);
        let used = found.map_or(buffer.len(), |at| at + 1);
        file.consume(used);
        skipped += used;
        if found.is_some() {
            return Ok(skipped);
        }
    }
}

fn byte(file: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// Paints a picture of four inks anew where the general decoder's plain way does not fit: with a profile of inks, or
/// with inks that are stored as they are. Left as it is if that fails.
pub(super) fn repaint_inks(
    path: &Path,
    marks: &Marks,
    profile: Option<&[u8]>,
    picture: &mut DynamicImage,
    memory: u64,
) {
    let inks = profile.and_then(Inks::new);
    if marks.components != 4 || (marks.is_adobe && inks.is_none()) {
        return;
    }
    let DynamicImage::ImageRgb8(rgb) = picture else {
        return;
    };
    let samples = u64::from(rgb.width()) * u64::from(rgb.height()) * 4;
    let file = std::fs::metadata(path).map_or(u64::MAX, |file| file.len());
    let taken = (rgb.len() as u64).saturating_add(samples.saturating_mul(INK_BYTES));
    if taken.saturating_add(file) > memory {
        return;
    }
    let Some(mut data) = read_inks(path).filter(|data| data.len() as u64 == samples) else {
        return;
    };
    if marks.is_adobe {
        data.iter_mut().for_each(|level| *level = 255 - *level);
    }
    let width = rgb.width() as usize;
    let rows = rgb
        .chunks_exact_mut(width * 3)
        .zip(data.chunks_exact(width * 4));
    for (rgb, row) in rows {
        if inks.as_ref().is_some_and(|inks| inks.to_srgb(row, rgb)) {
            continue;
        }
        for (pixel, ink) in rgb.chunks_exact_mut(3).zip(row.chunks_exact(4)) {
            pixel.copy_from_slice(&plain_inks(ink));
        }
    }
}

/// The inks as they are stored, four bytes for each pixel.
fn read_inks(path: &Path) -> Option<Vec<u8>> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::CMYK);
    let data = std::fs::read(path).ok()?;
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    decoder.decode().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: (u8, bool, bool)) {
        let mut marks = Marks::default();
        let _ = marks.walk(&mut &bytes[..]);
        let found = (marks.components, marks.is_adobe, marks.is_ended);
        assert_eq!(found, expected);
    }

    #[test]
    fn the_end_is_that_of_the_picture() {
        let frame = b"\xff\xd8\xff\xc0\0\x08\x08\0\x01\0\x01\x03";
        let adobe = b"\xff\xee\0\x07Adobe";
        // A small picture in a segment has an end of its own.
        let thumbnail = b"\xff\xe1\0\x06\xff\xd8\xff\xd9";
        let scan = b"\xff\xda\0\x02codes\xff\0codes\xff\xd0codes";
        check(&[&frame[..], thumbnail, scan].concat(), (3, false, false));
        check(
            &[&frame[..], adobe, scan, b"\xff\xd9"].concat(),
            (3, true, true),
        );
        check(b"\xff\xd8\xff", (0, false, false));
    }

    #[test]
    fn rows_of_filler_at_the_bottom_are_missing() {
        let missing = |is_ended: bool, unit_rows: usize| {
            let levels = [9, 9, 128, 128, 9, 128, 128, 128, 128, 128];
            let picture = image::GrayImage::from_raw(2, 5, levels.to_vec()).unwrap();
            let mut picture = DynamicImage::ImageLuma8(picture);
            let marks = Marks {
                is_ended,
                unit_rows,
                ..Marks::default()
            };
            let missing = marks.missing_rows(&mut picture, true);
            (missing, picture.as_bytes().to_vec())
        };
        let (count, levels) = missing(false, 2);
        assert_eq!(count, 3);
        assert_eq!(levels, [9, 9, 128, 128, 255, 255, 255, 255, 255, 255]);
        let (count, levels) = missing(true, 2);
        assert_eq!(count, 0);
        assert_eq!(levels[4..], [9, 128, 128, 128, 128, 128]);
    }

    #[test]
    fn a_picture_that_only_lacks_its_end_is_whole() {
        let picture = image::GrayImage::from_raw(1, 3, vec![9, 9, 9]).unwrap();
        let mut picture = DynamicImage::ImageLuma8(picture);
        let marks = Marks {
            unit_rows: 2,
            ..Marks::default()
        };
        assert_eq!(marks.missing_rows(&mut picture, true), 0);
        assert_eq!(picture.as_bytes(), [9; 3]);
    }

    #[test]
    fn rows_coded_together_follow_from_the_frame() {
        let frame = |parts: &[u8]| {
            let count = (parts.len() / 3) as u8;
            let length = 8 + parts.len() as u8;
            let head = [0xff, 0xc0, 0, length, 8, 0, 1, 0, 1, count];
            let mut marks = Marks::default();
            let _ = marks.walk(&mut &[&head[..], parts].concat()[..]);
            marks.unit_rows
        };
        assert_eq!(frame(&[1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]), 16);
        assert_eq!(frame(&[1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1]), 8);
        assert_eq!(frame(&[1, 0x22, 0]), 8);
    }
}
