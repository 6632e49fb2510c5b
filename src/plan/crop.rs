//! Cuts the recognizer's crops and the kept pictures out of the page (docs/reference.md, "Crops", "Merging
//! neighbouring text blocks", "Images inside tables" and "Preparing crops").

use super::merge::Align;
use super::{CropArea, CropPlan, PlannedBlock, Preparation, TableFigure};
use crate::geometry::Rect;
use crate::raster::draw::filled_polygon;
use crate::raster::{Filter, Pixels};

/// The crop that the recognizer sees; `None` if the block has no request or lies entirely off the page.
pub(crate) fn recognizer_crop(page: &Pixels, block: &PlannedBlock) -> Option<Pixels> {
    let (request, plan) = block.request.as_ref().zip(block.crop.as_ref())?;
    let mut crop = cut(page, plan)?;
    let origin = plan
        .areas
        .first()
        .map_or((0.0, 0.0), |a| (a.bbox.x1, a.bbox.y1));
    paint_figures(&mut crop, origin, &request.figures);
    let mut crop = match request.preparation {
        Preparation::None => crop,
        Preparation::TrimMargin => trimmed(crop),
        Preparation::Double => doubled(crop),
    };
    if request.swap_channels {
        crop.data
            .chunks_exact_mut(3)
            .for_each(|pixel| pixel.swap(0, 2));
    }
    Some(crop)
}

/// The areas of a crop, stacked; `None` if all of them lie off the page.
pub(crate) fn cut(page: &Pixels, plan: &CropPlan) -> Option<Pixels> {
    let parts: Vec<Pixels> = plan
        .areas
        .iter()
        .filter_map(|area| cut_area(page, area))
        .collect();
    stack(parts, &plan.aligns)
}

/// One area of the page; pixels outside its polygon become white.
///
/// The polygon's corners are truncated to integers, and its border belongs to it.
pub(crate) fn cut_area(page: &Pixels, area: &CropArea) -> Option<Pixels> {
    let mut crop = page.crop(&area.bbox)?;
    let Some(polygon) = &area.polygon else {
        return Some(crop);
    };
    let (left, top) = (area.bbox.x1 as i64, area.bbox.y1 as i64);
    let corners: Vec<[i64; 2]> = polygon
        .iter()
        .map(|p| [p.x as i64 - left, p.y as i64 - top])
        .collect();
    let inside = filled_polygon(crop.width, crop.height, &corners);
    for (pixel, inside) in crop.data.chunks_exact_mut(3).zip(inside.cells) {
        if !inside {
            pixel.fill(255);
        }
    }
    Some(crop)
}

/// Most pixels of a stack, as a multiple of its parts' pixels: flat and tall pictures together can make a
/// large square that is almost empty.
const MOST_STACKED: usize = 8;
/// Number of pixels up to which a stack is always made.
const SMALL_STACK: usize = 16_000_000;

/// Stacks pictures vertically on white, each aligned with the stack so far. `None` for no pictures, or if the
/// stack would be large and almost entirely white.
pub(crate) fn stack(parts: Vec<Pixels>, aligns: &[Align]) -> Option<Pixels> {
    let width = parts.iter().map(|part| part.width).max()?;
    let pixels = width * parts.iter().map(|part| part.height).sum::<usize>();
    let own: usize = parts.iter().map(|part| part.width * part.height).sum();
    if pixels > (own * MOST_STACKED).max(SMALL_STACK) {
        return None;
    }
    let mut parts = parts.into_iter();
    let mut whole = parts.next()?;
    for (i, part) in parts.enumerate() {
        let align = aligns.get(i).copied().unwrap_or(Align::Center);
        let width = whole.width.max(part.width);
        let mut joined = Pixels::white(width, whole.height + part.height);
        let left = |own: usize| match align {
            Align::Left => 0,
            Align::Right => width - own,
            Align::Center => (width - own) / 2,
        };
        for (picture, y) in [(&whole, 0), (&part, whole.height)] {
            joined.paste(picture, left(picture.width), y);
        }
        whole = joined;
    }
    Some(whole)
}

/// Highest brightness of ink, after contrast stretching to the full range.
const INK: u8 = 200;
/// Smallest width and height of a trimmed picture, exclusive; below it the margin stays.
const MIN_TRIMMED: usize = 2;

/// The picture without its empty margin; unchanged if all pixels are alike.
pub(crate) fn trim_margin(picture: &Pixels) -> Option<Pixels> {
    let gray = picture.to_gray();
    let (min, max) = (*gray.iter().min()?, *gray.iter().max()?);
    if min == max {
        return Some(picture.clone());
    }
    let is_ink = |v: u8| ((v - min) as f64 / (max - min) as f64 * 255.0) as u8 <= INK;
    let (mut x1, mut y1, mut x2, mut y2) = (usize::MAX, usize::MAX, 0, 0);
    for (y, row) in gray.chunks_exact(picture.width).enumerate() {
        for (x, _) in row.iter().enumerate().filter(|(_, v)| is_ink(**v)) {
            (x1, y1, x2, y2) = (x1.min(x), y1.min(y), x2.max(x + 1), y2.max(y + 1));
        }
    }
    picture.crop(&Rect::new(x1 as f32, y1 as f32, x2 as f32, y2 as f32))
}

/// The picture without its margin, unless almost nothing would be left.
fn trimmed(picture: Pixels) -> Pixels {
    let large = |p: &Pixels| p.width > MIN_TRIMMED && p.height > MIN_TRIMMED;
    trim_margin(&picture).filter(large).unwrap_or(picture)
}

/// Width and height below which a picture is doubled before spotting.
const SMALL: usize = 1500;

fn doubled(picture: Pixels) -> Pixels {
    if picture.width < SMALL && picture.height < SMALL {
        picture.resize_pillow(picture.width * 2, picture.height * 2, Filter::Lanczos)
    } else {
        picture
    }
}

/// Paints pictures inside a table white and writes their tokens there; `origin`: the crop's top left corner.
fn paint_figures(crop: &mut Pixels, origin: (f32, f32), figures: &[TableFigure]) {
    for figure in figures.iter().filter(|f| f.painted) {
        let b = figure.bbox;
        let (x, y) = ((b.x1 - origin.0) as i64, (b.y1 - origin.1) as i64);
        let (width, height) = (b.width() as i64, b.height() as i64);
        // Both corners belong to the rectangle (OpenCV, `rectangle`).
        crop.fill_rect([x, y, x + width, y + height], [255; 3]);
        write_token(
            crop,
            &figure.token,
            (x as f64, y as f64),
            (width as f64, height as f64),
        );
    }
}

/// Range and resolution of the search for a token's scale.
const MIN_SCALE: f64 = 0.2;
const MAX_SCALE: f64 = 10.0;
const SCALE_STEP: f64 = 0.01;
/// Share of the shorter side that the token may take.
const TOKEN_SHARE: f64 = 0.9;
/// Extra width of strokes in pixels, which OpenCV's antialiasing adds.
const STROKE_GROWTH: f64 = 1.5;
/// Heights of capitals and of descenders at scale 1 (OpenCV, Hershey Simplex).
const CAP_LINE: f64 = 12.0;
const BASE_LINE: f64 = 9.0;

/// Writes a token into the middle of a box, as large as it fits.
fn write_token(crop: &mut Pixels, token: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
    let unscaled: f64 = token.chars().map(|c| glyph(c).0).sum();
    let size = |scale: f64| {
        (
            (unscaled * scale + 1.0).round(),
            ((CAP_LINE + BASE_LINE) * scale + 1.0).round(),
        )
    };
    let limit = TOKEN_SHARE * width.min(height);
    let (mut low, mut high) = (MIN_SCALE, MAX_SCALE);
    let mut measured = size(low);
    while high - low > SCALE_STEP {
        let middle = (low + high) / 2.0;
        measured = size(middle);
        if measured.0 < limit && measured.1 < limit {
            low = middle
        } else {
            high = middle
        }
    }
    let scale = low;
    // OpenCV's antialiased strokes are wider than their nominal thickness.
    let thickness = (4.0 * scale).floor().max(1.0) + STROKE_GROWTH;
    // The baseline is at the lower end of the text's full height, descenders included.
    let mut pen = x + ((width - measured.0) / 2.0).floor();
    let base = y + ((height + measured.1) / 2.0).floor();
    for c in token.chars() {
        let (advance, strokes) = glyph(c);
        for stroke in strokes.split(' ') {
            let points: Vec<[f64; 2]> = stroke
                .as_bytes()
                .chunks_exact(2)
                .map(|p| {
                    let left = advance / 2.0;
                    [
                        pen + (p[0] as f64 - b'R' as f64 + left) * scale,
                        base + (p[1] as f64 - b'R' as f64 - BASE_LINE) * scale,
                    ]
                })
                .collect();
            for pair in points.windows(2) {
                crop.stroke(pair[0], pair[1], thickness, [0; 3]);
            }
        }
        pen += advance * scale;
    }
}

/// Width and strokes of a character: pairs of letters are coordinates relative to `R`, blanks lift the pen.
///
/// A. V. Hershey, "Calligraphy for Computers" (1967), the simplex Roman letters; only those of tokens.
fn glyph(c: char) -> (f64, &'static str) {
    match c {
        '2' => (20.0, "LKLJMHNGPFTFVGWHXJXLWNUQK[Y["),
        '3' => (20.0, "MFXFRNUNWOXPYSYUXXVZS[P[MZLYKW"),
        '4' => (20.0, "UFKTZT UFU["),
        '5' => (20.0, "WFMFLOMNPMSMVNXPYSYUXXVZS[P[MZLYKW"),
        '6' => (20.0, "XIWGTFRFOGMJLOLTMXOZR[S[VZXXYUYTXQVOSNRNOOMQLT"),
        '7' => (20.0, "YFO[ KFYF"),
        '8' => (
            20.0,
            "PFMGLILKMMONSOVPXRYTYWXYWZT[P[MZLYKWKTLRNPQOUNWMXKXIWGTFPF",
        ),
        'F' => (18.0, "NFN[ NFZF NPVP"),
        '[' => (14.0, "PBPb PBVB PbVb"),
        ']' => (14.0, "TBTb NBTB NbTb"),
        _ => (0.0, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Point;

    fn dark(width: usize, height: usize) -> Pixels {
        Pixels {
            width,
            height,
            data: vec![0; width * height * 3],
        }
    }

    #[test]
    fn what_lies_outside_a_polygon_is_white() {
        let polygon = [(2.0, 2.0), (6.9, 2.0), (2.0, 6.9)]
            .map(|(x, y)| Point { x, y })
            .to_vec();
        let area = CropArea {
            bbox: Rect::new(1.0, 1.0, 8.0, 8.0),
            polygon: Some(polygon),
        };
        let crop = cut_area(&dark(10, 10), &area).unwrap();
        assert_eq!((crop.width, crop.height), (7, 7));
        assert_eq!(crop.clamped_pixel(1, 1), [0; 3]);
        assert_eq!(crop.clamped_pixel(0, 0), [255; 3]);
        assert_eq!(crop.clamped_pixel(6, 6), [255; 3]);
    }

    #[test]
    fn stacks_are_aligned() {
        let whole = stack(vec![dark(4, 1), dark(2, 1)], &[Align::Right]).unwrap();
        assert_eq!((whole.width, whole.height), (4, 2));
        assert_eq!(whole.clamped_pixel(0, 1), [255; 3]);
        assert_eq!(whole.clamped_pixel(3, 1), [0; 3]);
        assert!(stack(Vec::new(), &[]).is_none());
        assert!(stack(vec![dark(20_000, 2), dark(2, 20_000)], &[Align::Left]).is_none());
    }

    #[test]
    fn margins_go_unless_nothing_would_be_left() {
        let mut picture = Pixels::white(20, 20);
        picture.fill_rect([5, 6, 10, 9], [0; 3]);
        let small = trimmed(picture.clone());
        assert_eq!((small.width, small.height), (6, 4));
        let mut speck = Pixels::white(20, 20);
        speck.fill_rect([5, 5, 6, 6], [0; 3]);
        assert_eq!(
            (trim_margin(&speck).unwrap().width, trimmed(speck).width),
            (2, 20)
        );
        assert_eq!(trimmed(Pixels::white(3, 3)).width, 3);
    }

    #[test]
    fn tokens_are_written_into_white_boxes() {
        let mut crop = dark(100, 100);
        let bbox = Rect::new(110.0, 10.0, 190.0, 90.0);
        let figure = TableFigure {
            token: "[F2]".into(),
            path: String::new(),
            bbox,
            painted: true,
        };
        paint_figures(&mut crop, (100.0, 0.0), &[figure]);
        assert_eq!(crop.clamped_pixel(9, 50), [0; 3]);
        assert_eq!(crop.clamped_pixel(11, 11), [255; 3]);
        let ink = crop.crop(&Rect::new(10.0, 10.0, 90.0, 90.0)).unwrap();
        let dark = ink.to_gray().iter().filter(|v| **v < 128).count();
        assert!((50..2000).contains(&dark), "{dark}");
    }
}
