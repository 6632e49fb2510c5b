//! Pictures of a page that take much memory to decode. pdfium leaves out, without a word, a picture for which it gets none, so
//! it is counted before the page is drawn.

use super::content::{MAX_FORM_DEPTH, Object};
use super::library::OpenPage;
use std::ffi::c_void;

/// Pictures of fewer pixels take little memory, however they are encoded.
const LEAST_PIXELS: u64 = 4_000_000;
/// Bytes of the name of a filter that are read.
const FILTER_NAME: usize = 32;

/// Bytes that decoding the picture takes that needs most of those on the page; 0 where all are decoded row by row.
pub(super) fn memory(page: &OpenPage<'_>) -> u64 {
    let api = page.api();
    // SAFETY: the page is loaded; an index below the count is valid.
    let count = unsafe { api.FPDFPage_CountObjects(page.handle.cast()) };
    let object = |index| unsafe { api.FPDFPage_GetObject(page.handle.cast(), index) };
    (0..count.max(0)).map(|index| of_object(page, object(index).cast(), 0)).max().unwrap_or(0)
}

fn of_object(page: &OpenPage<'_>, object: *mut c_void, depth: usize) -> u64 {
    if object.is_null() || depth > MAX_FORM_DEPTH {
        return 0;
    }
    match Object::of(page, object) {
        Object::Picture => of_picture(page, object),
        Object::Form => {
            let api = page.api();
            // SAFETY: the object is a form of the loaded page; an index below the count is valid.
            let count = unsafe { api.FPDFFormObj_CountObjects(object.cast()) };
            let child = |index| unsafe { api.FPDFFormObj_GetObject(object.cast(), index as _) };
            (0..count.max(0)).map(|index| of_object(page, child(index).cast(), depth + 1)).max().unwrap_or(0)
        }
        _ => 0,
    }
}

fn of_picture(page: &OpenPage<'_>, object: *mut c_void) -> u64 {
    let api = page.api();
    let (mut width, mut height) = (0, 0);
    // SAFETY: the object is a picture of the loaded page; the targets are locals.
    let is_known = unsafe { api.FPDFImageObj_GetImagePixelSize(object.cast(), &mut width, &mut height) };
    if is_known == 0 || u64::from(width) * u64::from(height) < LEAST_PIXELS {
        return 0;
    }
    let needs: fn(&[u8]) -> Option<u64> = match last_filter(page, object).as_slice() {
        b"DCTDecode" | b"DCT" => jpeg_memory,
        b"JPXDecode" => jpx_memory,
        _ => return 0,
    };
    // SAFETY: as above; without a buffer the length is returned.
    let length = unsafe { api.FPDFImageObj_GetImageDataDecoded(object.cast(), std::ptr::null_mut(), 0) };
    let mut data = Vec::new();
    if data.try_reserve_exact(length as usize).is_err() {
        return u64::MAX;
    }
    data.resize(length as usize, 0u8);
    // SAFETY: the buffer has the length that is told.
    unsafe { api.FPDFImageObj_GetImageDataDecoded(object.cast(), data.as_mut_ptr().cast(), length) };
    needs(&data).unwrap_or(0)
}

/// The name of the filter that is undone last: the picture's own.
fn last_filter(page: &OpenPage<'_>, object: *mut c_void) -> Vec<u8> {
    let mut name = vec![0u8; FILTER_NAME];
    // SAFETY: the object is a picture of the loaded page; the buffer has the length that is told.
    let length = unsafe {
        let api = page.api();
        let last = api.FPDFImageObj_GetImageFilterCount(object.cast()) - 1;
        api.FPDFImageObj_GetImageFilter(object.cast(), last, name.as_mut_ptr().cast(), FILTER_NAME as _)
    };
    // The length counts the zero at the end.
    name.truncate((length as usize).saturating_sub(1).min(FILTER_NAME));
    name
}

fn be16(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?)))
}

fn be32(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?)))
}

/// Bytes that decoding a JPEG takes: where not all is in one scan, the coefficients of the whole picture, two bytes each
/// (libjpeg); else a few rows.
fn jpeg_memory(data: &[u8]) -> Option<u64> {
    let mut at = 2;
    // Progressive or not, the components, and the bytes of all coefficients.
    let mut frame = None;
    loop {
        let marker = *data.get(at + 1)?;
        if *data.get(at)? != 0xff || marker == 0xff {
            at += 1; // filling
            continue;
        }
        match marker {
            0xc0..=0xc2 => {
                let (height, width) = (be16(data, at + 5)?, be16(data, at + 7)?);
                let count = usize::from(*data.get(at + 9)?);
                let sampling = (0..count).map(|i| data.get(at + 11 + 3 * i).copied());
                let sampling: Vec<(u64, u64)> =
                    sampling.map(|s| s.map(|s| ((s >> 4).into(), (s & 15).into()))).collect::<Option<_>>()?;
                let most = sampling.iter().fold((1, 1), |most, s| (s.0.max(most.0), s.1.max(most.1)));
                let side = |length: u64, factor: u64, most: u64| (length * factor).div_ceil(most * 8) * 8;
                let all: u64 =
                    sampling.iter().map(|s| side(width, s.0, most.0) * side(height, s.1, most.1) * 2).sum();
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

/// Bytes that decoding a JPEG 2000 picture takes: all samples, four bytes each (OpenJPEG), and the picture made of them.
fn jpx_memory(data: &[u8]) -> Option<u64> {
    // The codestream begins with these markers, in whatever boxes it lies.
    let at = data.windows(4).position(|bytes| bytes == [0xff, 0x4f, 0xff, 0x51])? + 4;
    let (right, bottom) = (be32(data, at + 4)?, be32(data, at + 8)?);
    let (left, top) = (be32(data, at + 12)?, be32(data, at + 16)?);
    let components = be16(data, at + 36)?;
    let pixels = right.saturating_sub(left).saturating_mul(bottom.saturating_sub(top));
    Some(pixels.saturating_mul(components * 4 + components.min(4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a JPEG of 100x50 pixels: three components, the first of twice the resolution, then the first scan.
    fn jpeg(frame: u8, in_scan: u8) -> Vec<u8> {
        let mut data = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0];
        data.extend([0xff, frame, 0, 17, 8, 0, 50, 0, 100, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]);
        data.extend([0xff, 0xff, 0xda, 0, 12, in_scan]);
        data
    }

    #[test]
    fn coefficients_are_counted_where_a_jpeg_has_several_scans() {
        let all = (104 * 56 + 2 * 56 * 32) * 2;
        assert_eq!(jpeg_memory(&jpeg(0xc2, 3)), Some(all));
        assert_eq!(jpeg_memory(&jpeg(0xc0, 1)), Some(all));
        assert_eq!(jpeg_memory(&jpeg(0xc0, 3)), Some(0));
        let whole = jpeg(0xc2, 3);
        // Up to the marker of the scan.
        (0..whole.len() - 3).for_each(|end| assert_eq!(jpeg_memory(&whole[..end]), None));
    }

    #[test]
    fn samples_of_jpeg_2000_are_counted() {
        let mut data = b"boxes".to_vec();
        data.extend([0xff, 0x4f, 0xff, 0x51, 0, 47, 0, 0]);
        [110u32, 60, 10, 10, 110, 60, 0, 0].iter().for_each(|n| data.extend(n.to_be_bytes()));
        data.extend([0, 3]);
        assert_eq!(jpx_memory(&data), Some(100 * 50 * 15));
        assert_eq!(jpx_memory(&data[..data.len() - 1]), None);
    }
}
