//! The reference's service (docs/reference.md, "HTTP service"): `/layout-parsing` and `/restructure-pages`,
//! and `/ocr` of its OCR pipeline. Its clients get the same fields, defaults and messages; what was a bare internal error has words here.

mod addresses;
mod answers;
mod fields;
mod layout;
mod ocr;
mod parsing;
mod restructure;

pub(crate) use ocr::ocr;
pub(crate) use parsing::layout_parsing;
pub(crate) use restructure::restructure_pages;
