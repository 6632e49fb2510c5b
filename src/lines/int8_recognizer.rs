//! The line recognizer with weights of eight bits: when it can take the place of the model file's own
//! session, and the session that runs it.

use super::options::RecognizerPrecision;
use crate::kernels::int8;
use crate::kernels::line_recognizer::LineRecognizer as Kernel;
use crate::onnx::graph::{Dim, Element, Graph};
use crate::onnx::model_file::ModelFile;
use crate::onnx::{OnnxError, Runtime, TensorModel};
use sha2::{Digest, Sha256};
use std::path::Path;

/// SHA-256 of the file whose structure the kernel has: `PP-OCRv6_rec_small.onnx` of rapidocr 3.10.0. Other
/// files run in their own precision.
const KNOWN: [u8; 32] = [
    0x6f, 0x32, 0x72, 0x46, 0xb5, 0x03, 0x88, 0xf3, 0xc1, 0x76, 0xae, 0x30, 0x4b, 0xd9, 0x57, 0x67,
    0xea, 0x6d, 0xc0, 0xc9, 0xae, 0x92, 0x15, 0x3e, 0xf8, 0xcb, 0xe2, 0x10, 0xb3, 0xc1, 0x48, 0x84,
];
/// Bytes of that file.
const KNOWN_LENGTH: u64 = 21_234_383;

/// A recognizer whose outputs are classes and probabilities, `[lines, steps, 2]`.
pub(super) struct Int8Recognizer {
    /// The network.
    pub model: TensorModel,
    /// The file's alphabet, one entry per line.
    pub characters: String,
}

/// Loads a recognizer with weights of eight bits; `None` if `precision`, the machine or the file is against
/// it.
pub(super) fn load(
    path: &Path,
    runtime: &Runtime,
    precision: RecognizerPrecision,
) -> Result<Option<Int8Recognizer>, OnnxError> {
    let wanted = match precision {
        RecognizerPrecision::F32 => false,
        RecognizerPrecision::Auto => int8::is_fast(),
        RecognizerPrecision::Int8 => true,
    };
    if !wanted || !runtime.takes_own_kernels() {
        return Ok(None);
    }
    // A file that cannot be read is the session's matter, which says so; one of another length is not read at all.
    if std::fs::metadata(path).map(|file| file.len()).ok() != Some(KNOWN_LENGTH) {
        return Ok(None);
    }
    let Ok(file) = std::fs::read(path) else {
        return Ok(None);
    };
    if Sha256::digest(&file)[..] != KNOWN {
        return Ok(None);
    }
    let Some(parts) = ModelFile::read(&file) else {
        return Ok(None);
    };
    let weights = |name: &str, count: usize| parts.floats(name, count);
    let (Ok(kernel), Some(characters)) = (Kernel::new(&weights), parts.metadata("character"))
    else {
        return Ok(None);
    };
    let mut graph = Graph::new("line recognizer");
    let dims = [
        Dim::Named("lines"),
        Dim::Fixed(3),
        Dim::Fixed(48),
        Dim::Named("width"),
    ];
    let x = graph.input("x", Element::F32, &dims);
    let y = graph.line_recognizer("read", &x, kernel);
    let dims = [Dim::Named("lines"), Dim::Named("steps"), Dim::Fixed(2)];
    graph.output("choices", &y, Element::F32, &dims);
    let network = graph.build(&runtime.on_cpu())?;
    Ok(Some(Int8Recognizer {
        model: TensorModel::of(network, "x", "choices"),
        characters: characters.to_string(),
    }))
}
