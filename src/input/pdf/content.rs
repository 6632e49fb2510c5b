//! Extraction of a page's characters, drawn lines and object boxes from pdfium.
//!
//! Everything is converted from PDF user space to page pixels here, so no other code deals with page
//! rotation, crop boxes or the upward y axis.

use super::clip::{NO_CLIP, clipped, intersection};
use super::flat::Texts;
use super::library::OpenPage;
use super::mend;
use super::objects::{MAX_FORM_DEPTH, Object};
use super::page::{PdfChar, PdfPage, PdfRun, SmallShape};
use super::shapes::{self, Subpath, WHITE};
use super::thin::shows_ink;
use super::transform::{IDENTITY, Transform, apply, apply_box, concat};
use crate::document::HiddenReason;
use std::collections::{BTreeMap, HashMap};
use std::ffi::c_void;

/// A filled or stroked box no thicker than this (points) is a ruling.
const RULING_THICKNESS: f32 = 2.2;
/// Rulings shorter than this (points) are dots, ticks or parts of letters.
const RULING_LENGTH: f32 = 5.0;
/// Most segments of a path with rulings; paths with more are drawings. No table with that many lines in one
/// path has been seen.
const MAX_RULING_SEGMENTS: i32 = 20_000;
/// Most areas, the last ones drawn, that are compared with a white line.
const MAX_GROUNDS: usize = 512;
/// Sides of a small shape in points: from bullets of small print to check boxes of large print.
const SMALL_SIDES: std::ops::Range<f32> = 1.2..18.0;
/// Most small shapes of a page that are passed on; pages with more are drawings or text as outlines.
const MAX_SMALL_SHAPES: usize = 4000;
/// Most thin pictures of a page that are looked at; those of a page in strips are no rulings.
const MAX_THIN_PICTURES: usize = 4000;

/// `true` for the figures 0 to 9.
fn is_digit(code: u32) -> bool {
    char::from_u32(code).is_some_and(|c| c.is_ascii_digit())
}

impl OpenPage<'_> {
    /// Characters, rulings, boxes and structure of the page in pixels of `scale` per point, and the text objects
    /// of its runs.
    pub(crate) fn content(&self, scale: f64) -> (PdfPage, Vec<TextObject>) {
        let to_page = self.user_to_pixels(scale);
        let mut page = PdfPage {
            size_points: self.size(),
            ..PdfPage::default()
        };
        let (objects, fonts) = self.read_chars(&to_page, &mut page);
        self.mend(&fonts, &mut page);
        mend::cyrillic::decode(&mut page);
        let mut walk = ObjectWalk {
            page: self,
            scale: scale as f32,
            clip: NO_CLIP,
            thin: Vec::new(),
            out: &mut page,
        };
        walk.page_objects(&to_page);
        let thin = std::mem::take(&mut walk.thin);
        for line in shapes::rules_among(&thin, &mut walk.out.images) {
            walk.ruling(line);
        }
        page.structure = self.structure();
        self.add_annotations(&to_page, &mut page);
        self.add_links(&to_page, &mut page);
        self.add_form_values(&mut page);
        (page, objects)
    }

    /// The transform from PDF user space to page pixels, determined from the images of three points.
    pub(super) fn user_to_pixels(&self, scale: f64) -> Transform {
        // Device coordinates are integers: query a fine grid, then divide.
        const GRID: f64 = 64.0;
        const SPAN: f64 = 1000.0;
        let (width, height) = self.size();
        let size = (
            (width as f64 * GRID).round() as i32,
            (height as f64 * GRID).round() as i32,
        );
        let at = |x: f64, y: f64| {
            let (mut dx, mut dy) = (0i32, 0i32);
            // SAFETY: the page is loaded and both targets are valid.
            unsafe {
                self.api().FPDF_PageToDevice(
                    self.handle.cast(),
                    0,
                    0,
                    size.0,
                    size.1,
                    0,
                    x,
                    y,
                    &mut dx,
                    &mut dy,
                )
            };
            (dx as f64, dy as f64)
        };
        let (origin, right, up) = (at(0.0, 0.0), at(SPAN, 0.0), at(0.0, SPAN));
        let unit = scale / GRID;
        let per = unit / SPAN;
        [
            ((right.0 - origin.0) * per) as f32,
            ((right.1 - origin.1) * per) as f32,
            ((up.0 - origin.0) * per) as f32,
            ((up.1 - origin.1) * per) as f32,
            (origin.0 * unit) as f32,
            (origin.1 * unit) as f32,
        ]
    }

    /// Adds the characters and runs of the text layer; returns the object of each run, and where the fonts with
    /// these handles are in the page's list.
    pub(super) fn read_chars(
        &self,
        to_page: &Transform,
        out: &mut PdfPage,
    ) -> (Vec<TextObject>, BTreeMap<usize, u16>) {
        let mut objects = Vec::new();
        let mut fonts: BTreeMap<usize, u16> = BTreeMap::new();
        let api = self.api();
        let texts = Texts::of(self);
        // SAFETY: the text page is used and closed within this function; every out-parameter below is a valid
        // local of the documented layout (FS_RECTF: left, top, right, bottom).
        unsafe {
            let text = texts.load(self);
            if text.is_null() {
                out.unread_texts = texts.unread(|_| false);
                return (objects, fonts);
            }
            let text = text.cast();
            let count = api.FPDFText_CountChars(text).max(0);
            let mut run_of_object: HashMap<usize, u32> = HashMap::new();
            let mut raised_runs: HashMap<u32, u32> = HashMap::new();
            let mut last_object = (0usize, u32::MAX);
            out.chars.reserve(count as usize);
            let mut high_surrogate = None;
            for index in 0..count {
                let mut code = api.FPDFText_GetUnicode(text, index);
                // Characters beyond the basic plane come as two UTF-16 surrogates at the same position.
                match code {
                    0xD800..=0xDBFF => {
                        high_surrogate = Some(code);
                        continue;
                    }
                    0xDC00..=0xDFFF => {
                        if let Some(high) = high_surrogate {
                            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00);
                        }
                    }
                    _ => {}
                }
                high_surrogate = None;
                let object = api.FPDFText_GetTextObject(text, index);
                if api.FPDFText_IsGenerated(text, index) == 1 || object.is_null() {
                    out.chars.push(PdfChar {
                        code,
                        bbox: [0.0; 4],
                        run: u32::MAX,
                        unmapped: false,
                    });
                    continue;
                }
                if last_object.0 != object as usize {
                    let run = *run_of_object.entry(object as usize).or_insert_with(|| {
                        let mut matrix = IDENTITY;
                        api.FPDFText_GetMatrix(text, index, matrix.as_mut_ptr().cast());
                        let size = api.FPDFText_GetFontSize(text, index) as f32;
                        let weight = api.FPDFText_GetFontWeight(text, index);
                        let run = self.read_run(
                            object.cast(),
                            &concat(&matrix, to_page),
                            size,
                            weight,
                            &mut fonts,
                            out,
                        );
                        out.runs.push(run);
                        objects.push(object as TextObject);
                        out.runs.len() as u32 - 1
                    });
                    last_object = (object as usize, run);
                }
                let mut rect = [0f32; 4];
                api.FPDFText_GetLooseCharBox(text, index, rect.as_mut_ptr().cast());
                let [left, top, right, bottom] = rect;
                let bbox = apply_box(to_page, [left, bottom, right, top]);
                let raised = out
                    .runs
                    .get(last_object.1 as usize)
                    .filter(|_| is_digit(code))
                    .and_then(|run| {
                        let raised = self.raised_box(text.cast(), index, to_page, &bbox, run)?;
                        Some((raised, run.as_raised()))
                    });
                if let Some((bbox, small)) = raised {
                    let run = *raised_runs.entry(last_object.1).or_insert_with(|| {
                        out.runs.push(small);
                        objects.push(object as TextObject);
                        out.runs.len() as u32 - 1
                    });
                    out.chars.push(PdfChar {
                        code,
                        bbox,
                        run,
                        unmapped: false,
                    });
                    continue;
                }
                let unmapped = api.FPDFText_HasUnicodeMapError(text, index) == 1;
                out.chars.push(PdfChar {
                    code,
                    bbox,
                    run: last_object.1,
                    unmapped,
                });
            }
            self.add_web_links(text.cast(), to_page, out);
            api.FPDFText_ClosePage(text);
            // pdfium drops overprinted copies, so unread texts mean something only on a page without characters.
            out.unread_texts = match texts.unread(|o| run_of_object.contains_key(&o)) {
                count if run_of_object.is_empty() => count,
                _ => 0,
            };
        }
        (objects, fonts)
    }

    /// Properties of a text object. `matrix` maps its text space to page pixels.
    fn read_run(
        &self,
        object: *mut c_void,
        matrix: &Transform,
        font_size: f32,
        weight: i32,
        fonts: &mut BTreeMap<usize, u16>,
        out: &mut PdfPage,
    ) -> PdfRun {
        let api = self.api();
        // SAFETY: the object belongs to the loaded page; out-parameters are valid locals.
        unsafe {
            let font = api.FPDFTextObj_GetFont(object.cast());
            let index = *fonts.entry(font as usize).or_insert_with(|| {
                let mut name = vec![0u8; 256];
                let length =
                    api.FPDFFont_GetBaseFontName(font, name.as_mut_ptr().cast(), name.len() as _)
                        as usize;
                name.truncate(length.saturating_sub(1).min(255));
                out.fonts.push(String::from_utf8_lossy(&name).into_owned());
                out.embedded.push(api.FPDFFont_GetIsEmbedded(font) == 1);
                (out.fonts.len() - 1).min(u16::MAX as usize) as u16
            });
            let flags = api.FPDFFont_GetFlags(font);
            let (mut r, mut g, mut b, mut a) = (0, 0, 0, 255);
            api.FPDFPageObj_GetFillColor(object.cast(), &mut r, &mut g, &mut b, &mut a);
            let mode = api.FPDFTextObj_GetTextRenderMode(object.cast());
            PdfRun {
                font: index,
                size: font_size.abs() * matrix[2].hypot(matrix[3]),
                weight: weight.clamp(0, 1000) as u16,
                italic: flags & (1 << 6) != 0,
                fixed_pitch: flags & 1 != 0,
                color: [r, g, b].map(|v| v.min(255) as u8),
                visible: mode != 3 && mode != 7 && a > 0,
                // Until it is looked up in the picture of the page.
                hidden: match mode {
                    3 | 7 => Some(HiddenReason::Invisible),
                    _ => (a == 0).then_some(HiddenReason::Transparent),
                },
                angle: matrix[1].atan2(matrix[0]).to_degrees(),
                mcid: api.FPDFPageObj_GetMarkedContentID(object.cast()),
            }
        }
    }
}

/// The address of a text object of a loaded page.
pub(crate) type TextObject = usize;

/// Walks page objects and sorts them into rulings, fills, drawings and images.
struct ObjectWalk<'a, 'p> {
    page: &'a OpenPage<'p>,
    scale: f32,
    /// What the clips of the forms around an object leave.
    clip: [f32; 4],
    /// Pictures as thin as a ruling that can be seen.
    thin: Vec<[f32; 4]>,
    out: &'a mut PdfPage,
}

impl ObjectWalk<'_, '_> {
    fn page_objects(&mut self, to_page: &Transform) {
        let api = self.page.api();
        // SAFETY: the page is loaded; an index below the count is valid.
        let count = unsafe { api.FPDFPage_CountObjects(self.page.handle.cast()) };
        for index in 0..count.max(0) {
            // SAFETY: as above.
            let object = unsafe {
                self.page
                    .api()
                    .FPDFPage_GetObject(self.page.handle.cast(), index)
            };
            self.object(object.cast(), to_page, 0);
        }
    }

    fn object(&mut self, object: *mut c_void, to_page: &Transform, depth: usize) {
        if object.is_null() || depth > MAX_FORM_DEPTH {
            return;
        }
        let api = self.page.api();
        match Object::of(self.page, object) {
            Object::Path => self.path(object, to_page),
            Object::Picture => {
                let bounds = self.bounds(object, to_page);
                let [x1, y1, x2, y2] = bounds;
                let is_thin = (x2 - x1).min(y2 - y1) <= RULING_THICKNESS * self.scale;
                if is_thin && self.thin.len() < MAX_THIN_PICTURES && shows_ink(self.page, object) {
                    self.thin.push(bounds);
                }
                self.out.images.push(bounds);
            }
            Object::Shading => {
                let bounds = self.bounds(object, to_page);
                self.out.drawings.push(bounds);
            }
            Object::Form => {
                let mut matrix = IDENTITY;
                // SAFETY: FS_MATRIX is six floats.
                let count = unsafe {
                    api.FPDFPageObj_GetMatrix(object.cast(), matrix.as_mut_ptr().cast());
                    api.FPDFFormObj_CountObjects(object.cast())
                };
                let inner = concat(&matrix, to_page);
                let outer = self.clip;
                let Some(clip) = clipped(api, object, to_page, outer) else {
                    return;
                };
                self.clip = clip;
                for index in 0..count.max(0) {
                    // SAFETY: the index is below the count.
                    let child = unsafe {
                        self.page
                            .api()
                            .FPDFFormObj_GetObject(object.cast(), index as _)
                    };
                    self.object(child.cast(), &inner, depth + 1);
                }
                self.clip = outer;
            }
            Object::Text | Object::Other => {}
        }
    }

    fn bounds(&self, object: *mut c_void, to_page: &Transform) -> [f32; 4] {
        let (mut left, mut bottom, mut right, mut top) = (0f32, 0f32, 0f32, 0f32);
        // SAFETY: the object is valid, the targets are locals.
        unsafe {
            self.page.api().FPDFPageObj_GetBounds(
                object.cast(),
                &mut left,
                &mut bottom,
                &mut right,
                &mut top,
            )
        };
        apply_box(to_page, [left, bottom, right, top])
    }

    fn path(&mut self, object: *mut c_void, to_page: &Transform) {
        let api = self.page.api();
        let (mut fill, mut stroke, mut matrix) = (0i32, 0i32, IDENTITY);
        let (mut r, mut g, mut b, mut a) = (0, 0, 0, 255);
        let mut stroke_color = [0u32, 0, 0, 255];
        let mut width = 0f32;
        // SAFETY: the object is a valid path; the targets are locals.
        let segments = unsafe {
            api.FPDFPath_GetDrawMode(object.cast(), &mut fill, &mut stroke);
            api.FPDFPageObj_GetMatrix(object.cast(), matrix.as_mut_ptr().cast());
            api.FPDFPageObj_GetFillColor(object.cast(), &mut r, &mut g, &mut b, &mut a);
            let [sr, sg, sb, sa] = &mut stroke_color;
            api.FPDFPageObj_GetStrokeColor(object.cast(), sr, sg, sb, sa);
            api.FPDFPageObj_GetStrokeWidth(object.cast(), &mut width);
            api.FPDFPath_CountSegments(object.cast())
        };
        let (filled, stroked) = (fill != 0 && a > 0, stroke != 0 && stroke_color[3] > 0);
        if !filled && !stroked {
            return;
        }
        let color = [r, g, b].map(|v| v.min(255) as u8);
        let matrix = concat(&matrix, to_page);
        let bounds = self.bounds(object, to_page);
        self.small_shape(bounds, segments, filled.then_some(color));
        let Some(subpaths) = self.straight_lines(object, segments, &matrix) else {
            self.out.drawings.push(bounds);
            return;
        };
        let is_white = |color: [u8; 3]| color.iter().all(|v| *v > WHITE);
        if filled && !stroked {
            let shapes = shapes::filled(&subpaths, RULING_THICKNESS * self.scale);
            for line in shapes.rulings {
                match is_white(color) {
                    true => self.white_ruling(line),
                    false => self.ruling(line),
                }
            }
            let own = clipped(self.page.api(), object, to_page, self.clip);
            let seen = |area: [f32; 4]| own.and_then(|clip| intersection(&area, &clip));
            for area in shapes.fills.into_iter().filter_map(seen) {
                let [x1, y1, x2, y2] = area;
                match (x2 - x1).min(y2 - y1) <= RULING_THICKNESS * self.scale {
                    true if is_white(color) => self.white_ruling(area),
                    true => self.ruling(area),
                    false => self.out.fills.push((area, color)),
                }
            }
            if shapes.is_drawing {
                self.out.drawings.push(bounds);
            }
            return;
        }
        let stroke_color = [0, 1, 2].map(|i| stroke_color[i].min(255) as u8);
        if filled && color != [255, 255, 255] {
            self.out.fills.push((bounds, color));
        }
        for line in subpaths.into_iter().flatten() {
            match is_white(stroke_color) {
                true => self.white_ruling(line),
                false => self.ruling(line),
            }
        }
    }

    fn small_shape(&mut self, bbox: [f32; 4], segments: i32, fill: Option<[u8; 3]>) {
        let [x1, y1, x2, y2] = bbox;
        let is_small = |side: f32| SMALL_SIDES.contains(&(side / self.scale));
        if is_small(x2 - x1) && is_small(y2 - y1) && self.out.small_shapes.len() < MAX_SMALL_SHAPES
        {
            let segments = segments.max(0) as u32;
            self.out.small_shapes.push(SmallShape {
                bbox,
                segments,
                fill,
            });
        }
    }

    fn ruling(&mut self, line: [f32; 4]) {
        let [x1, y1, x2, y2] = line;
        if (x2 - x1).max(y2 - y1) >= RULING_LENGTH * self.scale {
            self.out.rulings.push(line);
        }
    }

    /// Takes a white line if it divides an area of another colour: on white paper it cannot be seen.
    fn white_ruling(&mut self, line: [f32; 4]) {
        let [x, y] = [(line[0] + line[2]) / 2.0, (line[1] + line[3]) / 2.0];
        let reach = RULING_THICKNESS * self.scale;
        let fills = self.out.fills.iter().rev().take(MAX_GROUNDS);
        let mut under = fills.filter(|(area, _)| {
            area[0] - reach < x && x < area[2] + reach && area[1] - reach < y && y < area[3] + reach
        });
        if under.any(|(_, color)| color.iter().any(|v| *v <= WHITE)) {
            self.ruling(line);
        }
    }

    /// The lines of each part of the path as boxes, if all are horizontal or vertical.
    fn straight_lines(
        &self,
        object: *mut c_void,
        segments: i32,
        matrix: &Transform,
    ) -> Option<Vec<Subpath>> {
        if segments > MAX_RULING_SEGMENTS {
            return None;
        }
        let api = self.page.api();
        let slack = 0.7 * self.scale;
        let (mut start, mut at) = ((0.0, 0.0), (0.0, 0.0));
        let (mut done, mut lines) = (Vec::new(), Subpath::new());
        for index in 0..segments.max(0) {
            let (mut x, mut y) = (0f32, 0f32);
            // SAFETY: the index is below the count, the targets are locals.
            let (kind, closes) = unsafe {
                let segment = api.FPDFPath_GetPathSegment(object.cast(), index);
                api.FPDFPathSegment_GetPoint(segment, &mut x, &mut y);
                (
                    api.FPDFPathSegment_GetType(segment),
                    api.FPDFPathSegment_GetClose(segment) != 0,
                )
            };
            let to = apply(matrix, x, y);
            let add = |from: (f32, f32), to: (f32, f32), lines: &mut Subpath| {
                let (dx, dy) = ((from.0 - to.0).abs(), (from.1 - to.1).abs());
                if dx > slack && dy > slack {
                    return false;
                }
                lines.push([
                    from.0.min(to.0),
                    from.1.min(to.1),
                    from.0.max(to.0),
                    from.1.max(to.1),
                ]);
                true
            };
            match kind {
                0 if !add(at, to, &mut lines) => return None,
                0 => {}
                2 => {
                    done.push(std::mem::take(&mut lines));
                    start = to;
                }
                _ => return None,
            }
            at = to;
            if closes {
                if !add(at, start, &mut lines) {
                    return None;
                }
                at = start;
            }
        }
        done.push(lines);
        Some(done)
    }
}
