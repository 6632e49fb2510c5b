//! Pictures of text, drawn for tests: no files of such sizes are kept.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use docparse::internals::raster::Pixels;

/// Writes a line of black text; `x`, `y`: the upper left corner of its first letter's box, `size`: its height.
pub fn write(page: &mut Pixels, (x, y): (usize, usize), size: f32, text: &str) {
    let font =
        std::fs::read(super::support::root().join("assets/fonts/DejaVuSans-subset.ttf")).unwrap();
    let font = FontRef::try_from_slice(&font).unwrap();
    let scaled = font.as_scaled(PxScale::from(size));
    let mut pen = x as f32;
    for c in text.chars() {
        let id = font.glyph_id(c);
        let glyph =
            id.with_scale_and_position(size, ab_glyph::point(pen, y as f32 + scaled.ascent()));
        pen += scaled.h_advance(id);
        let Some(outline) = font.outline_glyph(glyph) else {
            continue;
        };
        let corner = outline.px_bounds().min;
        outline.draw(|dx, dy, share| {
            let (x, y) = (
                corner.x as usize + dx as usize,
                corner.y as usize + dy as usize,
            );
            if x < page.width && y < page.height {
                let level = (255.0 * (1.0 - share.min(1.0))) as u8;
                let at = (y * page.width + x) * 3;
                let level = level.min(page.data[at]);
                page.data[at..at + 3].fill(level);
            }
        });
    }
}

/// The page as a PNG.
pub fn png(page: &Pixels) -> Vec<u8> {
    page.to_png().unwrap()
}

/// A till's receipt, 500 pixels wide: items with their prices.
pub fn receipt(height: usize) -> (Pixels, Vec<String>) {
    let mut page = Pixels::white(500, height);
    let mut items = Vec::new();
    for (i, y) in (40..height - 60).step_by(48).enumerate() {
        let item = format!("Item {:03} roasted coffee", i + 1);
        write(&mut page, (20, y), 22.0, &item);
        write(
            &mut page,
            (400, y),
            22.0,
            &format!("{}.{:02}", i % 90 + 3, i * 7 % 100),
        );
        items.push(item);
    }
    (page, items)
}

/// A screenshot, 800 pixels wide: numbered lines of a chat or a log.
pub fn screenshot(height: usize) -> (Pixels, Vec<String>) {
    let mut page = Pixels::white(800, height);
    let mut lines = Vec::new();
    for (i, y) in (60..height - 60).step_by(80).enumerate() {
        let line = format!("Line {:04} of the log says that all is well", i + 1);
        write(&mut page, (30 + i % 5 * 20, y), 20.0, &line);
        lines.push(line);
    }
    (page, lines)
}

/// A panorama, 700 pixels high: signs in rows, and one line from end to end.
pub fn panorama(width: usize) -> (Pixels, Vec<String>) {
    let mut page = Pixels::white(width, 700);
    let mut signs = Vec::new();
    for (i, x) in (40..width - 500).step_by(520).enumerate() {
        for (row, y) in [40, 160, 280].into_iter().enumerate() {
            let sign = format!("Sign {:03} at gate", i * 3 + row + 1);
            write(&mut page, (x + row * 60, y), 34.0, &sign);
            signs.push(sign);
        }
    }
    // A word and its space take 164 pixels.
    let long: String = (1..width / 170).map(|i| format!("word{i:03} ")).collect();
    write(&mut page, (30, 560), 34.0, long.trim());
    signs.push(long.trim().to_string());
    (page, signs)
}
