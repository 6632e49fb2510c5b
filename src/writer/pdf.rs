//! PDFs of drawings: a file whose objects are written as pages come, and text on a page.
//!
//! A long document is never held in memory, and the JPEG of a page is embedded as it was encoded. Text is the built-in
//! Helvetica: crisp at any size and selectable.

use crate::geometry::Rect;
use pdf_writer::{Chunk, Content, Filter, Finish, Name, Rect as PdfRect, Ref, Str};
use std::io::{self, Write};

/// Fixed object numbers: catalog, page tree, font; levels of opacity follow.
const CATALOG: i32 = 1;
const TREE: i32 = 2;
const FONT: i32 = 3;
const FIRST_OPACITY: i32 = 4;
/// Maximum side length of a PDF page in units.
const MAX_SIDE: f32 = 14_400.0;
/// Minimum side length of a page.
const MIN_SIDE: f32 = 3.0;
/// Average character width of Helvetica in ems, slightly generous, so that labels need no width table.
const CHAR_WIDTH: f32 = 0.52;

/// Name of the page's picture in its resources.
const PICTURE: Name = Name(b"P");
/// Name of the font.
const FONT_NAME: Name = Name(b"F");

/// A name in the resources of all pages for filling with an opacity of 0 to 1.
pub(super) type Opacity = (Name<'static>, f32);

/// A picture that was written to a file: its object, width and height in pixels.
pub(super) type PlacedPicture = (Ref, usize, usize);

/// A box of pixels on a page that is `height` points high, with y upward: left, bottom, width, height. `scale` is the
/// number of points of a pixel.
pub(super) fn to_points(bbox: &Rect, scale: (f32, f32), height: f32) -> [f32; 4] {
    [
        bbox.x1 * scale.0,
        height - bbox.y2 * scale.1,
        bbox.width() * scale.0,
        bbox.height() * scale.1,
    ]
}

/// A PDF being written.
pub(super) struct PdfFile<W> {
    out: W,
    position: usize,
    /// Byte offset of every object, from object 1.
    offsets: Vec<usize>,
    opacities: &'static [Opacity],
    pages: Vec<Ref>,
}

impl<W: Write> PdfFile<W> {
    /// Starts a file that is written to `out`.
    pub(super) fn new(out: W, opacities: &'static [Opacity]) -> io::Result<Self> {
        let fixed = FIRST_OPACITY as usize - 1 + opacities.len();
        let mut file = Self {
            out,
            position: 0,
            offsets: vec![0; fixed],
            opacities,
            pages: Vec::new(),
        };
        // The comment with high bytes marks the file as binary.
        file.write(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")?;
        Ok(file)
    }

    /// Writes a JPEG, gray or of three colours; `width` and `height` in pixels.
    pub(super) fn add_picture(
        &mut self,
        jpeg: &[u8],
        width: usize,
        height: usize,
    ) -> io::Result<PlacedPicture> {
        let id = self.next_id();
        let mut chunk = Chunk::new();
        let mut image = chunk.image_xobject(id, jpeg);
        image.filter(Filter::DctDecode);
        image
            .width(width as i32)
            .height(height as i32)
            .bits_per_component(8);
        match is_gray(jpeg) {
            true => image.color_space().device_gray(),
            false => image.color_space().device_rgb(),
        }
        image.finish();
        self.object(id, &chunk)?;
        Ok((id, width, height))
    }

    /// Writes a page of `size` (see [`page_size`]) with its content.
    pub(super) fn add_page(
        &mut self,
        size: (f32, f32),
        picture: Option<PlacedPicture>,
        content: &[u8],
    ) -> io::Result<()> {
        let content_id = self.next_id();
        let mut chunk = Chunk::new();
        chunk.stream(content_id, content);
        self.object(content_id, &chunk)?;
        let id = self.next_id();
        let mut chunk = Chunk::new();
        let mut object = chunk.page(id);
        object
            .parent(Ref::new(TREE))
            .contents(content_id)
            .media_box(PdfRect::new(0.0, 0.0, size.0, size.1));
        let mut resources = object.resources();
        resources.fonts().pair(FONT_NAME, Ref::new(FONT));
        let mut states = resources.ext_g_states();
        for (number, (name, _)) in (FIRST_OPACITY..).zip(self.opacities) {
            states.pair(*name, Ref::new(number));
        }
        states.finish();
        if let Some((picture, ..)) = picture {
            resources.x_objects().pair(PICTURE, picture);
        }
        resources.finish();
        object.finish();
        self.object(id, &chunk)?;
        self.pages.push(id);
        Ok(())
    }

    /// Completes the file; returns the writer.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.write_fixed()?;
        let start = self.position;
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", self.offsets.len() + 1);
        for offset in &self.offsets {
            table.push_str(&format!("{offset:010} 00000 n \n"));
        }
        let size = self.offsets.len() + 1;
        table.push_str(&format!(
            "trailer\n<< /Size {size} /Root {CATALOG} 0 R >>\nstartxref\n{start}\n%%EOF\n"
        ));
        self.write(table.as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len();
        self.out.write_all(bytes)
    }

    fn next_id(&mut self) -> Ref {
        self.offsets.push(0);
        Ref::new(self.offsets.len() as i32)
    }

    /// Writes a chunk that contains exactly the object `id`.
    fn object(&mut self, id: Ref, chunk: &Chunk) -> io::Result<()> {
        self.offsets[id.get() as usize - 1] = self.position;
        self.write(chunk.as_bytes())
    }

    fn write_fixed(&mut self) -> io::Result<()> {
        let mut chunk = Chunk::new();
        chunk
            .indirect(Ref::new(CATALOG))
            .dict()
            .pair(Name(b"Type"), Name(b"Catalog"))
            .pair(Name(b"Pages"), Ref::new(TREE));
        self.object(Ref::new(CATALOG), &chunk)?;
        let mut chunk = Chunk::new();
        chunk
            .pages(Ref::new(TREE))
            .kids(self.pages.iter().copied())
            .count(self.pages.len() as i32);
        self.object(Ref::new(TREE), &chunk)?;
        let mut chunk = Chunk::new();
        chunk
            .type1_font(Ref::new(FONT))
            .base_font(Name(b"Helvetica-Bold"))
            .encoding_predefined(Name(b"WinAnsiEncoding"));
        self.object(Ref::new(FONT), &chunk)?;
        for (number, (_, opacity)) in (FIRST_OPACITY..).zip(self.opacities) {
            let mut chunk = Chunk::new();
            chunk
                .ext_graphics(Ref::new(number))
                .non_stroking_alpha(*opacity);
            self.object(Ref::new(number), &chunk)?;
        }
        Ok(())
    }
}

/// A size in points within the limits of PDF.
pub(super) fn page_size((width, height): (f32, f32)) -> (f32, f32) {
    (
        width.clamp(MIN_SIDE, MAX_SIDE),
        height.clamp(MIN_SIDE, MAX_SIDE),
    )
}

/// Draws the page's picture into a box: left, bottom, width, height in points.
pub(super) fn draw_picture(content: &mut Content, [x, y, width, height]: [f32; 4]) {
    content
        .save_state()
        .transform([width, 0.0, 0.0, height, x, y]);
    content.x_object(PICTURE).restore_state();
}

/// Fills a box: left, bottom, width, height in points.
pub(super) fn fill(content: &mut Content, [x, y, width, height]: [f32; 4], [r, g, b]: [f32; 3]) {
    content
        .save_state()
        .set_fill_rgb(r, g, b)
        .rect(x, y, width, height)
        .fill_nonzero()
        .restore_state();
}

/// Width in points of a text.
pub(super) fn text_width(text: &str, font: f32) -> f32 {
    text.len() as f32 * CHAR_WIDTH * font
}

/// Writes a line of text; `(x, y)`: where its baseline begins, `font`: its size, all in points.
pub(super) fn write_text(
    content: &mut Content,
    (x, y): (f32, f32),
    font: f32,
    text: &str,
    [r, g, b]: [f32; 3],
) {
    // The built-in font covers Latin-1; labels need nothing else.
    let bytes: Vec<u8> = text
        .chars()
        .map(|c| {
            if (' '..='~').contains(&c) {
                c as u8
            } else {
                b'?'
            }
        })
        .collect();
    content
        .save_state()
        .set_fill_rgb(r, g, b)
        .begin_text()
        .set_font(FONT_NAME, font);
    content
        .next_line(x, y)
        .show(Str(&bytes))
        .end_text()
        .restore_state();
}
/// `true` if a JPEG has one channel, by the header of its frame.
fn is_gray(jpeg: &[u8]) -> bool {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    while let [0xFF, marker, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if matches!(marker, 0xC0..=0xC3) {
            // Behind the length: precision, height, width, and the number of channels.
            return rest.get(9) == Some(&1);
        }
        rest = rest.get(2 + length..).unwrap_or_default();
    }
    false
}
