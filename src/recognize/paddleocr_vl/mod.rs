//! PaddleOCR-VL in process: a crop and a task in, text out (docs/reference.md, "PaddleOCR-VL recognizer").

pub mod backend;
pub mod config;
pub mod decoder;
pub mod image;
pub mod model;
pub mod positions;
mod prefill;
pub mod prompt;
pub mod slot_decoder;
mod slot_graph;
mod slot_plan;
pub mod vision;

/// A tensor's name in released files, from either naming scheme.
pub fn released_name(name: &str) -> String {
    for (native, released) in [
        ("model.projector.", "mlp_AR."),
        ("model.visual.", "visual."),
        ("model.language_model.", "model."),
    ] {
        if let Some(rest) = name.strip_prefix(native) {
            return format!("{released}{rest}");
        }
    }
    name.to_string()
}

/// `true` for tensors of released files that the network does not use.
pub fn is_known_unused(name: &str) -> bool {
    name.contains("packing_position_embedding") || name.contains("vision_model.head.")
}
