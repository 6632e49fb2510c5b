//! Estimated memory for decoding the pictures of a page. pdfium silently leaves out a picture for which it
//! gets no memory, so the memory is checked before the page is rendered.

use super::library::OpenPage;
use super::objects::{MAX_FORM_DEPTH, Object};
use std::ffi::c_void;

/// Pictures with fewer pixels and less data than this take little memory in any encoding. The data counts
/// too, since a PDF may claim any size for a picture.
const LEAST_PIXELS: u64 = 4_000_000;
const LEAST_DATA: u64 = 100_000;
/// Bytes read of a filter's name.
const FILTER_NAME: usize = 32;
/// Most large pictures examined per page: each is copied for that, and a page may show one any number of
/// times.
const MOST_PICTURES: usize = 32;

/// Memory in bytes for decoding the pictures of a page: for each format, that of the most expensive one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PictureMemory {
    /// JPEGs with several scans; others are decoded row by row.
    pub jpeg: u64,
    /// JPEG 2000 at the resolution needed for the rendered page; a picture that is drawn smaller takes less.
    pub jpeg_2000: u64,
}

/// Memory for the pictures of a page that is rendered at `drawn` (width, height) pixels.
pub(crate) fn memory(page: &OpenPage<'_>, drawn: (usize, usize)) -> PictureMemory {
    let api = page.api();
    // SAFETY: the page is loaded; an index below the count is valid.
    let count = unsafe { api.FPDFPage_CountObjects(page.handle.cast()) };
    let object = |index| unsafe { api.FPDFPage_GetObject(page.handle.cast(), index) };
    let mut large = Vec::new();
    for index in 0..count.max(0) {
        find_large(page, object(index).cast(), 0, &mut large);
    }
    let mut memory = PictureMemory::default();
    for (picture, kind) in large {
        let data = encoded(page, picture);
        match (kind, data) {
            (PictureKind::Jpeg, None) => memory.jpeg = u64::MAX,
            (PictureKind::Jpeg, Some(data)) => {
                memory.jpeg = memory.jpeg.max(jpeg_memory(&data).unwrap_or(0))
            }
            (PictureKind::Jpeg2000, None) => memory.jpeg_2000 = u64::MAX,
            (PictureKind::Jpeg2000, Some(data)) => {
                memory.jpeg_2000 = memory.jpeg_2000.max(jpx_memory(&data, drawn).unwrap_or(0));
            }
        }
    }
    memory
}

/// Picture formats that are not decoded row by row.
#[derive(Clone, Copy)]
enum PictureKind {
    Jpeg,
    Jpeg2000,
}

/// Collects the large pictures of an object, which may be a form.
fn find_large(
    page: &OpenPage<'_>,
    object: *mut c_void,
    depth: usize,
    large: &mut Vec<(*mut c_void, PictureKind)>,
) {
    if object.is_null() || depth > MAX_FORM_DEPTH || large.len() >= MOST_PICTURES {
        return;
    }
    match Object::of(page, object) {
        Object::Picture => {
            let kind = match last_filter(page, object).as_slice() {
                b"DCTDecode" | b"DCT" => PictureKind::Jpeg,
                b"JPXDecode" => PictureKind::Jpeg2000,
                _ => return,
            };
            if is_large(page, object) {
                large.push((object, kind));
            }
        }
        Object::Form => {
            let api = page.api();
            // SAFETY: the object is a form of the loaded page; an index below the count is valid.
            let count = unsafe { api.FPDFFormObj_CountObjects(object.cast()) };
            let child = |index| unsafe { api.FPDFFormObj_GetObject(object.cast(), index as _) };
            for index in 0..count.max(0) {
                find_large(page, child(index).cast(), depth + 1, large);
            }
        }
        _ => {}
    }
}

fn is_large(page: &OpenPage<'_>, object: *mut c_void) -> bool {
    let api = page.api();
    let (mut width, mut height) = (0, 0);
    // SAFETY: the object is a picture of the loaded page; the targets are locals. Without a buffer the length
    // is returned.
    let (is_known, length) = unsafe {
        (
            api.FPDFImageObj_GetImagePixelSize(object.cast(), &mut width, &mut height),
            api.FPDFImageObj_GetImageDataRaw(object.cast(), std::ptr::null_mut(), 0),
        )
    };
    length >= LEAST_DATA || (is_known != 0 && u64::from(width) * u64::from(height) >= LEAST_PIXELS)
}

/// The data of a picture as input of its image filter; `None` if there is no memory for it.
fn encoded(page: &OpenPage<'_>, object: *mut c_void) -> Option<Vec<u8>> {
    let api = page.api();
    // SAFETY: the object is a picture of the loaded page; without a buffer the length is returned.
    let length =
        unsafe { api.FPDFImageObj_GetImageDataDecoded(object.cast(), std::ptr::null_mut(), 0) };
    let mut data = Vec::new();
    data.try_reserve_exact(length as usize).ok()?;
    data.resize(length as usize, 0u8);
    // SAFETY: the buffer has the length that is passed.
    unsafe {
        api.FPDFImageObj_GetImageDataDecoded(object.cast(), data.as_mut_ptr().cast(), length)
    };
    Some(data)
}

/// The name of the filter that is decoded last: the image format.
fn last_filter(page: &OpenPage<'_>, object: *mut c_void) -> Vec<u8> {
    let mut name = vec![0u8; FILTER_NAME];
    // SAFETY: the object is a picture of the loaded page; the buffer has the length that is passed.
    let length = unsafe {
        let api = page.api();
        let last = api.FPDFImageObj_GetImageFilterCount(object.cast()) - 1;
        api.FPDFImageObj_GetImageFilter(
            object.cast(),
            last,
            name.as_mut_ptr().cast(),
            FILTER_NAME as _,
        )
    };
    // The length includes the terminating zero.
    name.truncate((length as usize).saturating_sub(1).min(FILTER_NAME));
    name
}

fn be16(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u16::from_be_bytes(
        data.get(at..at + 2)?.try_into().ok()?,
    )))
}

fn be32(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u32::from_be_bytes(
        data.get(at..at + 4)?.try_into().ok()?,
    )))
}

/// Bytes for decoding a JPEG: with several scans, the coefficients of the whole picture, two bytes each
/// (libjpeg); else 0, for a few rows.
fn jpeg_memory(data: &[u8]) -> Option<u64> {
    // Data before the picture is skipped.
    let mut at = data.windows(2).position(|bytes| bytes == [0xff, 0xd8])? + 2;
    // Progressive flag, number of components, and bytes of all coefficients.
    let mut frame = None;
    loop {
        let marker = *data.get(at + 1)?;
        if *data.get(at)? != 0xff || marker == 0xff {
            at += 1; // filling
            continue;
        }
        // Markers without a length.
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            at += 2;
            continue;
        }
        match marker {
            0xc0..=0xc2 => {
                let (height, width) = (be16(data, at + 5)?, be16(data, at + 7)?);
                let count = usize::from(*data.get(at + 9)?);
                let sampling = (0..count).map(|i| data.get(at + 11 + 3 * i).copied());
                let sampling: Vec<(u64, u64)> = sampling
                    .map(|s| s.map(|s| ((s >> 4).into(), (s & 15).into())))
                    .collect::<Option<_>>()?;
                let most = sampling
                    .iter()
                    .fold((1, 1), |most, s| (s.0.max(most.0), s.1.max(most.1)));
                let side =
                    |length: u64, factor: u64, most: u64| (length * factor).div_ceil(most * 8) * 8;
                let all: u64 = sampling
                    .iter()
                    .map(|s| side(width, s.0, most.0) * side(height, s.1, most.1) * 2)
                    .sum();
                frame = Some((marker == 0xc2, count, all));
            }
            0xda => {
                let (is_progressive, count, all) = frame?;
                let has_parts = is_progressive || usize::from(*data.get(at + 4)?) < count;
                return Some(if has_parts { all } else { 0 });
            }
            0xd9 => return None,
            _ => {}
        }
        at += 2 + be16(data, at + 2)? as usize;
    }
}

/// Bytes for decoding a JPEG 2000 picture: all samples, four bytes each (OpenJPEG), and the resulting
/// picture. It is decoded at the lowest resolution that is not smaller than the drawn size; the COD marker
/// gives the number of levels.
fn jpx_memory(data: &[u8], drawn: (usize, usize)) -> Option<u64> {
    // The codestream starts with these markers, in whatever boxes it lies.
    let at = data
        .windows(4)
        .position(|bytes| bytes == [0xff, 0x4f, 0xff, 0x51])?
        + 4;
    let (right, bottom) = (be32(data, at + 4)?, be32(data, at + 8)?);
    let (left, top) = (be32(data, at + 12)?, be32(data, at + 16)?);
    let components = be16(data, at + 36)?;
    let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
    let mut levels = 0;
    let mut marker = at + be16(data, at)? as usize;
    // COD is one of the first markers after it.
    while let (Some(0xff), Some(code)) = (data.get(marker), data.get(marker + 1)) {
        match code {
            0x52 => {
                levels = u32::from(*data.get(marker + 9)?);
                break;
            }
            0x90 => break,
            _ => marker += 2 + be16(data, marker + 2)? as usize,
        }
    }
    let is_enough = |levels: u32| {
        let side =
            |length: u64, drawn: usize| length.checked_shr(levels).unwrap_or(0) >= drawn as u64;
        side(width, drawn.0) && side(height, drawn.1)
    };
    let skipped = (0..=levels)
        .rev()
        .find(|levels| is_enough(*levels))
        .unwrap_or(0);
    let pixels = (width >> skipped).saturating_mul(height >> skipped);
    Some(pixels.saturating_mul(components * 4 + components.min(4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a 100x50 pixel JPEG: three components, the first with twice the resolution, then the
    /// first scan.
    fn jpeg(frame: u8, in_scan: u8) -> Vec<u8> {
        let mut data = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0];
        data.extend([
            0xff, frame, 0, 17, 8, 0, 50, 0, 100, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0,
        ]);
        data.extend([0xff, 0xff, 0xda, 0, 12, in_scan]);
        data
    }

    #[test]
    fn coefficients_are_counted_where_a_jpeg_has_several_scans() {
        let all = (104 * 56 + 2 * 56 * 32) * 2;
        assert_eq!(jpeg_memory(&jpeg(0xc2, 3)), Some(all));
        assert_eq!(jpeg_memory(&jpeg(0xc0, 1)), Some(all));
        assert_eq!(jpeg_memory(&jpeg(0xc0, 3)), Some(0));
        // Data before it, and a marker without a length.
        assert_eq!(
            jpeg_memory(&[&[7, 0xff, 0xd8, 0xff, 0x01][..], &jpeg(0xc2, 3)[2..]].concat()),
            Some(all)
        );
        let whole = jpeg(0xc2, 3);
        // Truncated before the scan marker.
        (0..whole.len() - 3).for_each(|end| assert_eq!(jpeg_memory(&whole[..end]), None));
    }

    #[test]
    fn samples_of_jpeg_2000_are_counted() {
        let mut data = b"boxes".to_vec();
        data.extend([0xff, 0x4f, 0xff, 0x51, 0, 47, 0, 0]);
        [110u32, 60, 10, 10, 110, 60, 0, 0]
            .iter()
            .for_each(|n| data.extend(n.to_be_bytes()));
        data.extend([0, 3]);
        data.extend([7, 1, 1, 7, 1, 1, 7, 1, 1]);
        assert_eq!(jpx_memory(&data, (30, 20)), Some(100 * 50 * 15));
        // Three resolution levels: half size is enough, a quarter is not.
        data.extend([0xff, 0x52, 0, 12, 0, 0, 0, 1, 1, 3, 4, 4, 0, 0]);
        assert_eq!(jpx_memory(&data, (30, 20)), Some(50 * 25 * 15));
        assert_eq!(jpx_memory(&data, (1, 1)), Some(12 * 6 * 15));
        assert_eq!(jpx_memory(&data, (101, 1)), Some(100 * 50 * 15));
        assert_eq!(jpx_memory(&data[..40], (30, 20)), None);
    }
}
