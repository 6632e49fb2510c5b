//! The table of parameters, in parts: [`documents`] (reading and writing, text, lines), [`networks`] (the PaddleOCR-VL pipelines),
//! [`running`] (what a run may take, and flags without effect).

mod documents;
mod networks;
mod running;

use super::{About, Destination, Heading, Parameter, ValueKind};

/// All parameters, in the order of the help text.
pub(crate) const PARAMETERS: &[Parameter] = &joined::<
    { documents::PART.len() + networks::PART.len() + running::PART.len() },
>([documents::PART, networks::PART, running::PART]);

/// Parts as one.
const fn joined<const N: usize>(parts: [&[Parameter]; 3]) -> [Parameter; N] {
    let mut all = [BASE; N];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let mut entry = 0;
        while entry < parts[part].len() {
            all[at] = parts[part][entry];
            at += 1;
            entry += 1;
        }
        part += 1;
    }
    all
}

/// Defaults of an entry; the constants of the parts change what entries of a kind have in common.
const BASE: Parameter = Parameter {
    name: "",
    alias: None,
    place: Destination::Run,
    kind: ValueKind::Float,
    about: About::Documents,
    neutral: &[],
    heading: Heading::LineRecognition,
    value_name: "N",
    help: "",
};
