//! Kinds of pictures that are recognized and not read, with the programs that convert them.

use super::DecodeError;

/// Brands of files in boxes (ISO/IEC 14496-12, 23008-12), and what the files are.
const BRANDS: &[(&[u8; 4], &str)] = &[
    (b"avif", "AVIF"),
    (b"avis", "AVIF"),
    (b"heic", "HEIC"),
    (b"heix", "HEIC"),
    (b"heim", "HEIC"),
    (b"heis", "HEIC"),
    (b"hevc", "HEIC"),
    (b"hevx", "HEIC"),
    (b"mif1", "HEIF"),
    (b"msf1", "HEIF"),
];

/// What to do with a picture in boxes that is not read.
pub(super) const CONVERT_BOXED: &str =
    "convert it with `heif-convert IN OUT.png` (libheif) or ImageMagick first";

/// `true` for pictures in boxes that are HEIC, or may be.
pub(super) fn is_heic(head: &[u8]) -> bool {
    boxed(head).is_some_and(|kind| kind != "AVIF")
}

/// The error for a file of a kind that is known and not read. `head`: its first bytes.
pub(super) fn recognize(head: &[u8]) -> Option<DecodeError> {
    let (format, advice) = kind(head)?;
    Some(DecodeError::Unread {
        format,
        reason: "there is no decoder for this kind".into(),
        advice,
    })
}

fn kind(head: &[u8]) -> Option<(&'static str, &'static str)> {
    if let Some(format) = boxed(head) {
        return Some((format, CONVERT_BOXED));
    }
    let is_jpeg_xl = head.starts_with(&[0xff, 0x0a]) || head.starts_with(b"\0\0\0\x0cJXL ");
    if is_jpeg_xl {
        let advice = "convert it with `djxl IN OUT.png` (libjxl) or ImageMagick first";
        return Some(("JPEG XL", advice));
    }
    let other = [
        (&b"8BPS"[..], "Photoshop"),
        (b"v/1\x01", "OpenEXR"),
        (b"AT&TFORM", "DjVu"),
        (b"\0\0\x01\0", "ICO"),
        (b"qoif", "QOI"),
        (b"DDS ", "DDS"),
    ];
    let found = other.iter().find(|(magic, _)| head.starts_with(magic))?;
    let advice = match found.1 {
        "DjVu" => "convert it with `ddjvu -format=tiff IN OUT.tif` (DjVuLibre) first",
        _ => "convert it with ImageMagick first",
    };
    Some((found.1, advice))
}

/// The kind of a picture in boxes: by its own brand, or else by the first that is known of those that it goes with.
fn boxed(head: &[u8]) -> Option<&'static str> {
    let length = u32::from_be_bytes(head.get(..4)?.try_into().ok()?) as usize;
    if head.get(4..8)? != b"ftyp" {
        return None;
    }
    let brands = head.get(8..length.clamp(8, head.len()))?.chunks_exact(4);
    // A general brand says less than the ones behind it.
    let known = brands.filter_map(|brand| BRANDS.iter().find(|known| known.0 == brand));
    let found: Vec<&'static str> = known.map(|known| known.1).collect();
    let special = found.iter().find(|kind| **kind != "HEIF");
    special.or(found.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &[u8], expected: Option<&str>) {
        assert_eq!(kind(head).map(|kind| kind.0), expected);
    }

    #[test]
    fn kinds_are_told_by_their_marks() {
        check(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", Some("AVIF"));
        check(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Some("HEIC"));
        check(b"\0\0\0\x14ftypmif1\0\0\0\0mif1heic", Some("HEIF"));
        check(b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None);
        check(b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a", Some("JPEG XL"));
        check(b"AT&TFORM\0\0", Some("DjVu"));
        check(b"\xff\xff\xff\xffftyp", None);
        check(b"\0\0", None);
    }

    #[test]
    fn heic_is_read_and_avif_is_not() {
        assert!(is_heic(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"));
        assert!(is_heic(b"\0\0\0\x14ftypmif1\0\0\0\0mif1"));
        assert!(!is_heic(b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf"));
    }
}
