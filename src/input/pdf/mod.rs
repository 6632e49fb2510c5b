//! PDFs: pdfium, the content of pages, and the scale at which they are rendered.
//!
//! `library`, `content`, `mend` and `rescue` run in worker processes only: pdfium is neither thread-safe nor safe against
//! hostile files.

mod annotations;
mod appearance;
mod clip;
pub(super) mod content;
mod flat;
mod ground;
pub(super) mod hidden;
pub(super) mod info;
pub(super) mod library;
mod links;
mod mend;
mod objects;
mod packets;
pub(crate) mod page;
pub(super) mod pictures;
mod raised;
pub(super) mod repeats;
mod rescue;
mod shapes;
mod strings;
mod structure;
mod thin;
mod transform;
mod xfa;

/// Scale in pixels per point at which the reference renders pages (144 dpi; docs/reference.md,
/// "Rendering PDF pages").
pub(crate) const RENDER_SCALE: f64 = 2.0;
/// Scale in pixels per point below which the reference gives up (docs/reference.md, "Rendering PDF
/// pages").
pub(crate) const MIN_RENDER_SCALE: f64 = 0.1;

/// The scale, in pixels per point, at which a page of `width` x `height` points is rendered.
///
/// `requested`, lowered by 32 bisection steps until the page fits `max_pixels`. `None` if a side is not
/// positive or even `min_scale` does not fit. Source: docs/reference.md, "Rendering PDF pages", vectors `pdf_scale`.
pub(crate) fn render_scale(
    width: f64,
    height: f64,
    requested: f64,
    min_scale: f64,
    max_pixels: u64,
) -> Option<f64> {
    if width <= 0.0 || height <= 0.0 {
        return None;
    }
    let fits = |scale: f64| (width * scale).ceil() * (height * scale).ceil() <= max_pixels as f64;
    if fits(requested) {
        return Some(requested);
    }
    if !fits(min_scale) {
        return None;
    }
    let mut low = min_scale;
    let mut high = requested.min((max_pixels as f64 / (width * height)).sqrt());
    for _ in 0..32 {
        let middle = (low + high) / 2.0;
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}
