//! The reference's service (docs/reference.md, "HTTP service"): `/layout-parsing` and `/restructure-pages`. Its
//! clients get the same fields, defaults and messages; what was a bare internal error has words here.

mod addresses;
mod answers;
mod fields;
mod parsing;
mod restructure;

pub(crate) use parsing::layout_parsing;
pub(crate) use restructure::restructure_pages;
