//! What the objects of a page lie on, in the order in which they are drawn.
//!
//! The page is divided into cells, and each knows the last object that covers it by its bounding box. That is
//! coarse, and enough to suspect: what is under suspicion is looked at in pictures of the page ([`super::hidden`]).

use super::content::TextObject;
use super::library::OpenPage;
use super::objects::{MAX_FORM_DEPTH, Object};
use super::transform::{IDENTITY, Transform, apply_box, concat};
use std::collections::HashMap;
use std::ffi::c_void;

/// Side of a cell in points.
const CELL: f32 = 2.0;
/// Most cells along a side; those of larger pages are larger.
const MOST_CELLS: usize = 512;
/// Most cells that all objects of a page cover together: a page may draw any number of boxes of its own size.
const MOST_COVERED: usize = 40_000_000;
/// Most objects of a page that are looked at. Pages with more are maps.
const MOST_OBJECTS: usize = 200_000;
/// Boxes thinner than this (points) are rulings and cover no text.
const THIN: f32 = 2.5;
/// Segments of a path up to which its box is what it fills.
const BOX_SEGMENTS: i32 = 6;
/// Opacity from which on a colour covers what is below it, of 255.
const OPAQUE: u32 = 250;

/// What lies below a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Under {
    /// The paper.
    Paper,
    /// An area of one colour, RGB.
    Fill([u8; 3]),
    /// A picture, or a shape whose colour in this place is not known.
    Other,
}

#[derive(Clone, Copy)]
struct Cell {
    order: u32,
    under: Under,
}

/// A text object's place among the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Its number in the order of drawing.
    pub order: u32,
    /// It, or a form that it is part of, belongs to optional content.
    pub is_optional: bool,
}

/// The objects of a page by their place.
pub(super) struct Ground {
    cells: Vec<Cell>,
    columns: usize,
    rows: usize,
    /// Cells per page pixel.
    per_pixel: f32,
    covered: usize,
    count: usize,
    /// Not all objects were looked at.
    pub is_partial: bool,
    /// Places of the text objects.
    pub places: HashMap<TextObject, Place>,
    /// Text objects of which no character came into the text layer.
    pub silent: Vec<TextObject>,
}

impl Ground {
    /// Reads the objects of a page in pixels of `scale` per point. `visit` is called for the text objects that
    /// are known (`is_known`), in the order of drawing, with the ground as it is before the object is drawn.
    pub(super) fn read(
        page: &OpenPage<'_>,
        scale: f64,
        is_known: &dyn Fn(TextObject) -> bool,
        visit: &mut dyn FnMut(TextObject, &Ground),
    ) -> Ground {
        let (width, height) = page.size();
        let longest = width.max(height).max(1.0);
        let per_point = (1.0 / CELL).min(MOST_CELLS as f32 / longest);
        let side = |points: f32| ((points * per_point).ceil() as usize).clamp(1, MOST_CELLS);
        let (columns, rows) = (side(width), side(height));
        let blank = Cell {
            order: 0,
            under: Under::Paper,
        };
        let mut ground = Ground {
            cells: vec![blank; columns * rows],
            columns,
            rows,
            per_pixel: per_point / scale as f32,
            covered: 0,
            count: 0,
            is_partial: false,
            places: HashMap::new(),
            silent: Vec::new(),
        };
        let to_page = page.user_to_pixels(scale);
        // SAFETY: the page is loaded; an index below the count is valid.
        let count = unsafe { page.api().FPDFPage_CountObjects(page.handle.cast()) };
        for index in 0..count.max(0) {
            // SAFETY: as above.
            let object = unsafe { page.api().FPDFPage_GetObject(page.handle.cast(), index) };
            let mut walk = Walk {
                page,
                thin: THIN * scale as f32,
                is_known,
                visit,
                ground: &mut ground,
            };
            walk.object(object.cast(), &to_page, (0, false));
        }
        ground
    }

    /// What was drawn last in a place in page pixels, and its number in the order of drawing.
    pub(super) fn at(&self, x: f32, y: f32) -> (Under, u32) {
        let index = |v: f32, n: usize| ((v * self.per_pixel).max(0.0) as usize).min(n - 1);
        let cell = self.cells[index(y, self.rows) * self.columns + index(x, self.columns)];
        (cell.under, cell.order)
    }

    fn cover(&mut self, [x1, y1, x2, y2]: [f32; 4], order: u32, under: Under) {
        let low = |v: f32, n: usize| ((v * self.per_pixel).floor().max(0.0) as usize).min(n);
        let high = |v: f32, n: usize| ((v * self.per_pixel).ceil().max(0.0) as usize).min(n);
        let (left, right) = (low(x1, self.columns), high(x2, self.columns));
        let (top, bottom) = (low(y1, self.rows), high(y2, self.rows));
        let area = right.saturating_sub(left) * bottom.saturating_sub(top);
        self.covered += area;
        if self.covered > MOST_COVERED {
            self.is_partial = true;
            return;
        }
        for y in top..bottom {
            if left < right {
                let row = y * self.columns;
                self.cells[row + left..row + right].fill(Cell { order, under });
            }
        }
    }
}

struct Walk<'a, 'p> {
    page: &'a OpenPage<'p>,
    thin: f32,
    is_known: &'a dyn Fn(TextObject) -> bool,
    visit: &'a mut dyn FnMut(TextObject, &Ground),
    ground: &'a mut Ground,
}

impl Walk<'_, '_> {
    fn object(
        &mut self,
        object: *mut c_void,
        to_page: &Transform,
        (depth, in_optional): (usize, bool),
    ) {
        self.ground.count += 1;
        if object.is_null() || depth > MAX_FORM_DEPTH || self.ground.count > MOST_OBJECTS {
            self.ground.is_partial = true;
            return;
        }
        let order = self.ground.count as u32;
        let api = self.page.api();
        match Object::of(self.page, object) {
            Object::Text => {
                let text = object as TextObject;
                let is_optional = in_optional || is_optional(self.page, object);
                self.ground
                    .places
                    .insert(text, Place { order, is_optional });
                match (self.is_known)(text) {
                    true => (self.visit)(text, self.ground),
                    false => self.ground.silent.push(text),
                }
            }
            Object::Path => self.path(object, to_page, order),
            Object::Picture | Object::Shading => {
                let bounds = bounds(self.page, object, to_page);
                self.ground.cover(bounds, order, Under::Other);
            }
            Object::Form => {
                let mut matrix = IDENTITY;
                // SAFETY: FS_MATRIX is six floats.
                let count = unsafe {
                    api.FPDFPageObj_GetMatrix(object.cast(), matrix.as_mut_ptr().cast());
                    api.FPDFFormObj_CountObjects(object.cast())
                };
                let inner = concat(&matrix, to_page);
                let in_optional = in_optional || is_optional(self.page, object);
                for index in 0..count.max(0) {
                    if self.ground.count > MOST_OBJECTS {
                        break;
                    }
                    // SAFETY: the index is below the count.
                    let child = unsafe {
                        let api = self.page.api();
                        api.FPDFFormObj_GetObject(object.cast(), index as _)
                    };
                    self.object(child.cast(), &inner, (depth + 1, in_optional));
                }
            }
            Object::Other => {}
        }
    }

    fn path(&mut self, object: *mut c_void, to_page: &Transform, order: u32) {
        let api = self.page.api();
        let (mut fill, mut stroke) = (0i32, 0i32);
        let (mut r, mut g, mut b, mut a) = (0, 0, 0, 255);
        // SAFETY: the object is a valid path; the targets are locals.
        let segments = unsafe {
            api.FPDFPath_GetDrawMode(object.cast(), &mut fill, &mut stroke);
            api.FPDFPageObj_GetFillColor(object.cast(), &mut r, &mut g, &mut b, &mut a);
            api.FPDFPath_CountSegments(object.cast())
        };
        if fill == 0 || a == 0 {
            return;
        }
        let bounds = bounds(self.page, object, to_page);
        let [x1, y1, x2, y2] = bounds;
        if (x2 - x1).min(y2 - y1) < self.thin {
            return;
        }
        let is_box = segments <= BOX_SEGMENTS && a >= OPAQUE;
        let under = match is_box {
            true => Under::Fill([r, g, b].map(|v| v.min(255) as u8)),
            false => Under::Other,
        };
        self.ground.cover(bounds, order, under);
    }
}

fn bounds(page: &OpenPage<'_>, object: *mut c_void, to_page: &Transform) -> [f32; 4] {
    let (mut left, mut bottom, mut right, mut top) = (0f32, 0f32, 0f32, 0f32);
    // SAFETY: the object is valid, the targets are locals.
    unsafe {
        page.api().FPDFPageObj_GetBounds(
            object.cast(),
            &mut left,
            &mut bottom,
            &mut right,
            &mut top,
        )
    };
    apply_box(to_page, [left, bottom, right, top])
}

/// `true` if an object is marked as optional content, whether that is switched on or not.
fn is_optional(page: &OpenPage<'_>, object: *mut c_void) -> bool {
    /// Marks of an object that are looked at; they nest, and nobody nests many.
    const MOST_MARKS: i32 = 16;
    let api = page.api();
    // SAFETY: the object is valid; the buffer is 8 bytes, and the length a local.
    unsafe {
        let count = api.FPDFPageObj_CountMarks(object.cast());
        (0..count.clamp(0, MOST_MARKS)).any(|index| {
            let mark = api.FPDFPageObj_GetMark(object.cast(), index as _);
            let (mut name, mut bytes) = ([0u16; 4], 0);
            !mark.is_null()
                && api.FPDFPageObjMark_GetName(mark, name.as_mut_ptr().cast(), 8, &mut bytes) != 0
                && bytes == 6
                && name[..2] == [u16::from(b'O'), u16::from(b'C')]
        })
    }
}
